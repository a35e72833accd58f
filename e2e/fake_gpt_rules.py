"""What OpenAI refuses in a request for chat completions: unknown members, calls
without results, ids and names that are too long, schemas that say too little,
settings that a reasoning model does not take. The sentences are OpenAI's, as
far as they are known.
"""

import json
import re

from fake_openai import Refused

THINKERS = {"gpt-5.1"}
REQUEST = {
    "model", "messages", "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
    "metadata", "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
    "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier",
    "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p",
    "user", "verbosity", "web_search_options",
}  # fmt: skip
MESSAGES = {
    "developer": {"role", "content", "name"},
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "audio", "tool_calls", "function_call", "annotations"},
    "tool": {"role", "content", "tool_call_id"},
}
PARTS = {
    "developer": {"text"},
    "system": {"text"},
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
    "tool": {"text"},
}
IMAGES = ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,", "data:image/webp;base64,")


def need(is_so, message: str, param: str | None = None) -> None:
    if not is_so:
        raise Refused(400, message, param)


def known(value: dict, names: set, at: str) -> None:
    for name in value:
        need(name in names, f"Unknown parameter: '{at}{name}'.", at + name)


def check(asked: dict) -> None:
    known(asked, REQUEST, "")
    check_settings(asked)
    check_tools(asked)
    check_format(asked)
    need(isinstance(asked.get("messages"), list) and asked["messages"], "[] is too short - 'messages'", "messages")
    waiting: list = []
    for number, message in enumerate(asked["messages"]):
        waiting = check_message(message, waiting, f"messages[{number}]")
    need(not waiting, no_answer(waiting), "messages")


def no_answer(waiting: list) -> str:
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
    )


def check_settings(asked: dict) -> None:
    if asked["model"] in THINKERS:
        more = "Use 'max_completion_tokens' instead."
        need("max_tokens" not in asked, f"Unsupported parameter: 'max_tokens' is not supported with this model. {more}")
        for name in ("stop", "logprobs", "top_logprobs", "logit_bias"):
            need(name not in asked, f"Unsupported parameter: '{name}' is not supported with this model.", name)
        for name, only in {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}.items():
            need(asked.get(name, only) == only, f"Unsupported value: '{name}' does not support {asked.get(name)}.", name)
    else:
        need("reasoning_effort" not in asked, "Unrecognized request argument supplied: reasoning_effort")
    need(not {"max_tokens", "max_completion_tokens"} <= set(asked), "max_tokens and max_completion_tokens: only one")
    bounds = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
    for name, (least, most) in (bounds | {"n": (1, 128), "top_logprobs": (0, 20)}).items():
        need(least <= asked.get(name, least) <= most, f"Invalid '{name}': out of range.", name)
    stops = asked.get("stop") or []
    need(isinstance(stops, str) or len(stops) <= 4, "Invalid 'stop': array too long. Expected at most 4.", "stop")
    need("top_logprobs" not in asked or asked.get("logprobs"), "top_logprobs needs logprobs", "top_logprobs")
    need("metadata" not in asked or asked.get("store"), "The 'metadata' parameter is only allowed when 'store' is enabled.")


# Tools and schemas


def check_name(name, at: str) -> None:
    need(isinstance(name, str) and re.fullmatch(r"[a-zA-Z0-9_-]+", name), f"Invalid '{at}': string does not match pattern.", at)
    need(len(name) <= 64, f"Invalid '{at}': string too long. Expected a string with maximum length 64.", at)


def check_tools(asked: dict) -> None:
    tools = asked.get("tools")
    need(tools is None or tools, "[] is too short - 'tools'", "tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        need(name not in asked or tools, f"'{name}' is only allowed when 'tools' are specified.", name)
    names = []
    for number, tool in enumerate(tools or []):
        at = f"tools[{number}]."
        if tool.get("type") == "custom":
            known(tool, {"type", "custom"}, at)
            known(tool["custom"], {"name", "description", "format"}, at + "custom.")
            check_name(tool["custom"].get("name"), at + "custom.name")
            check_text_format(tool["custom"].get("format", {"type": "text"}), at + "custom.format")
            names.append(tool["custom"]["name"])
            continue
        need(tool.get("type") == "function", f"Invalid value: '{tool.get('type')}'.", at + "type")
        known(tool, {"type", "function"}, at)
        function = tool["function"]
        known(function, {"name", "description", "parameters", "strict"}, at + "function.")
        check_name(function.get("name"), at + "function.name")
        names.append(function["name"])
        if function.get("parameters"):
            check_schema(function["parameters"], f"Invalid schema for function '{function['name']}'", function.get("strict"))
    choice = asked.get("tool_choice", "auto")
    if isinstance(choice, dict):
        known(choice, {"type", "function"}, "tool_choice.")
        need(choice.get("type") == "function", "Invalid value for tool_choice.type", "tool_choice")
        need(choice["function"]["name"] in names, "Tool choice 'function' not found in 'tools' parameter.", "tool_choice")
    else:
        need(choice in ("auto", "none", "required"), f"Invalid value: '{choice}'.", "tool_choice")


def check_text_format(form: dict, at: str) -> None:
    need(form.get("type") in ("text", "grammar"), f"Invalid value: '{form.get('type')}'.", at + ".type")
    if form["type"] == "text":
        return known(form, {"type"}, at + ".")
    known(form, {"type", "grammar"}, at + ".")
    need("grammar" in form, f"Missing required parameter: '{at}.grammar'.", at + ".grammar")
    known(form["grammar"], {"syntax", "definition"}, at + ".grammar.")
    need(form["grammar"].get("syntax") in ("lark", "regex"), "Invalid value.", at + ".grammar.syntax")
    need(isinstance(form["grammar"].get("definition"), str), "Missing required parameter.", at + ".grammar.definition")


def check_schema(schema: dict, said: str, is_strict) -> None:
    need(schema.get("type") == "object", f"{said}: schema must be a JSON Schema of 'type: \"object\"'.")
    check_inner(schema, said, is_strict)


def check_inner(schema, said: str, is_strict) -> None:
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "object":
        need("properties" in schema, f"{said}: In context=(), object schema missing properties.")
        if is_strict:
            need(schema.get("additionalProperties") is False, f"{said}: 'additionalProperties' must be false.")
            need(set(schema["properties"]) <= set(schema.get("required", [])), f"{said}: 'required' must name every key.")
    need(kind != "array" or "items" in schema, f"{said}: In context=(), array schema missing items.")
    below = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("anyOf", [])]
    for inner in [*below, *schema.get("$defs", {}).values()]:
        check_inner(inner, said, is_strict)


def check_format(asked: dict) -> None:
    form = asked.get("response_format")
    if not form:
        return
    need(form.get("type") in ("text", "json_object", "json_schema"), "Invalid value.", "response_format.type")
    if form["type"] == "json_object":
        need("json" in json.dumps(asked["messages"]).lower(), "'messages' must contain the word 'json' in some form.")
    if form["type"] == "json_schema":
        known(form, {"type", "json_schema"}, "response_format.")
        inner = form["json_schema"]
        known(inner, {"name", "description", "schema", "strict"}, "response_format.json_schema.")
        check_name(inner.get("name"), "response_format.json_schema.name")
        check_schema(inner["schema"], f"Invalid schema for response_format '{inner['name']}'", inner.get("strict"))


# The conversation


def check_message(message: dict, waiting: list, at: str) -> list:
    """The ids of calls that are still to be answered behind this message."""
    role = message.get("role")
    need(role in MESSAGES, f"Invalid value: '{role}'.", f"{at}.role")
    known(message, MESSAGES[role], f"{at}.")
    content = message.get("content")
    calls = message.get("tool_calls")
    if content is None:
        is_empty = role == "assistant" and (calls or message.get("refusal") or message.get("audio"))
        need(is_empty, "Invalid value for 'content': expected a string, got null.", f"{at}.content")
    elif isinstance(content, list):
        need(content, f"Invalid '{at}.content': empty array.", f"{at}.content")
        for number, part in enumerate(content):
            check_part(part, role, f"{at}.content[{number}]")
    else:
        need(isinstance(content, str), f"Invalid type for '{at}.content'.", f"{at}.content")
    if role == "tool":
        said = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        need(message.get("tool_call_id") in waiting, f"Invalid parameter: {said}", f"{at}.role")
        return [one for one in waiting if one != message["tool_call_id"]]
    need(not waiting, no_answer(waiting), "messages")
    need(calls is None or calls, "[] is too short - 'tool_calls'", f"{at}.tool_calls")
    return [check_call(call, f"{at}.tool_calls[{number}]") for number, call in enumerate(calls or [])]


def check_call(call: dict, at: str) -> str:
    known(call, {"id", "type", "function", "custom", "index"}, f"{at}.")
    if call.get("type") == "custom":
        known(call["custom"], {"name", "input"}, f"{at}.custom.")
        return call["id"]
    known(call["function"], {"name", "arguments"}, f"{at}.function.")
    need(call.get("type") == "function", f"Missing required parameter: '{at}.type'.")
    need(call.get("id"), f"Missing required parameter: '{at}.id'.")
    need(len(call["id"]) <= 40, f"Invalid '{at}.id': string too long. Expected a string with maximum length 40.")
    check_name(call["function"].get("name"), f"{at}.function.name")
    need(isinstance(call["function"].get("arguments"), str), f"Invalid type for '{at}.function.arguments'.")
    return call["id"]


def check_part(part: dict, role: str, at: str) -> None:
    kind = part.get("type")
    said = f"{kind} is only allowed for messages with role 'user', but this message has role '{role}'."
    need(kind in PARTS[role], f"Invalid '{at}'. {said}", at)
    known(part, {"type", kind}, f"{at}.")
    if kind == "image_url":
        known(part["image_url"], {"url", "detail"}, f"{at}.image_url.")
        url = part["image_url"]["url"]
        need(url.startswith(("https://", "http://", *IMAGES)), "Invalid image URL.", at)
        need(part["image_url"].get("detail", "auto") in ("auto", "low", "high"), "Invalid value for detail", at)
    elif kind == "file":
        known(part["file"], {"file_data", "filename", "file_id"}, f"{at}.file.")
        if "file_id" not in part["file"]:
            need(part["file"].get("filename"), f"Missing required parameter: '{at}.file.filename'.")
            need(part["file"]["file_data"].startswith("data:application/pdf;base64,"), "Invalid file data.", at)
    elif kind == "input_audio":
        known(part["input_audio"], {"data", "format"}, f"{at}.input_audio.")
    elif kind == "text":
        need(isinstance(part.get("text"), str), f"Missing required parameter: '{at}.text'.")
