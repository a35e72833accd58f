"""What Bedrock refuses of a request for Converse: unknown fields, roles in a
wrong order, calls without their results, tools that nobody declared.

The names follow the service model of `bedrock-runtime`; the sentences are
AWS', as far as they are known.
"""

import base64
import re

from fake_openai import Refused

SIGNATURE = "c2lnbmVkLWJ5LXRoZS1mYWtl"
REQUEST = {
    "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields",
    "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier",
    "outputConfig",
}  # fmt: skip
INFERENCE = {"maxTokens", "temperature", "topP", "stopSequences"}
# What Claude itself takes beside Converse's own fields.
CLAUDES = {"thinking", "top_k", "anthropic_beta", "output_config", "tool_choice"}
BLOCKS = {
    "user": {"text", "image", "document", "toolResult", "cachePoint", "guardContent"},
    "assistant": {"text", "toolUse", "reasoningContent", "cachePoint", "citationsContent"},
}
IMAGES = {"png", "jpeg", "gif", "webp"}
DOCUMENTS = {"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}


def refused(message: str, status: int = 400) -> Refused:
    no = Refused(status, message)
    no.body = {"message": message}
    return no


def need(is_well, message: str) -> None:
    if not is_well:
        raise refused(message)


def known(value, names: set, at: str) -> None:
    need(isinstance(value, dict), f"{at} is not an object")
    need(set(value) <= names, f"{at}: extraneous key {sorted(set(value) - names)} is not permitted")


def only(value, names: set, at: str) -> str:
    """The one member of a union."""
    known(value, names, at)
    need(len(value) == 1, f"{at}: exactly one of {sorted(names)} must be set")
    return next(iter(value))


def blob(source: dict, at: str) -> bytes:
    need(only(source, {"bytes", "s3Location", "text"}, at) == "bytes", f"{at}: bytes are expected here")
    try:
        data = base64.b64decode(source["bytes"], validate=True)
    except ValueError:
        raise refused(f"{at}.bytes: not valid base64") from None
    need(data, f"{at}.bytes: must not be empty")
    return data


def check(asked: dict, model: str) -> None:
    known(asked, REQUEST, "request")
    for number, block in enumerate(asked.get("system", [])):
        at = f"system.{number}"
        kind = only(block, {"text", "cachePoint", "guardContent"}, at)
        need(kind != "text" or block["text"].strip(), f"The text field in the SystemContentBlock at {at} is blank.")
        check_cache(block, at)
    config = asked.get("inferenceConfig", {})
    known(config, INFERENCE, "inferenceConfig")
    need(config.get("maxTokens", 1) >= 1, "maxTokens: must be at least 1")
    for name in ("temperature", "topP"):
        need(0 <= config.get(name, 1) <= 1, f"{name}: between 0 and 1")
    need(all(stop for stop in config.get("stopSequences", [])), "stopSequences: must not be empty")
    check_tools(asked.get("toolConfig"))
    check_conversation(asked)
    check_claude(asked, model)
    count = repr(asked).count("'cachePoint'")
    need(count <= 4, f"Found {count} cache points, at most 4 are allowed")


def check_cache(block: dict, at: str) -> None:
    if "cachePoint" in block:
        point = block["cachePoint"]
        known(point, {"type", "ttl"}, at)
        need(point.get("type") == "default", f"{at}: type must be default")
        need(point.get("ttl", "5m") in {"5m", "1h"}, f"{at}: unknown ttl")


# Tools


def check_tools(config) -> None:
    if config is None:
        return
    known(config, {"tools", "toolChoice"}, "toolConfig")
    need(config.get("tools"), "toolConfig.tools: at least one tool is required")
    names = [check_tool(tool, f"toolConfig.tools.{number}") for number, tool in enumerate(config["tools"])]
    names = [name for name in names if name]
    need(len(set(names)) == len(names), "The tool names must be unique.")
    if "toolChoice" in config:
        choice = config["toolChoice"]
        kind = only(choice, {"auto", "any", "tool"}, "toolConfig.toolChoice")
        known(choice[kind], {"name"} if kind == "tool" else set(), f"toolChoice.{kind}")
        need(kind != "tool" or choice["tool"].get("name") in names, "toolChoice: no such tool in toolConfig")


def check_tool(tool: dict, at: str):
    if only(tool, {"toolSpec", "cachePoint"}, at) == "cachePoint":
        return check_cache(tool, at)
    spec = tool["toolSpec"]
    known(spec, {"name", "description", "inputSchema", "strict"}, at)
    need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", spec.get("name", "")), f"{at}.name: must match [a-zA-Z0-9_-]+")
    need(spec.get("description", "x").strip(), f"{at}.description: length less than 1")
    known(spec.get("inputSchema"), {"json"}, f"{at}.inputSchema")
    need(spec["inputSchema"]["json"].get("type") == "object", f"{at}: inputSchema.json.type must be one of: object")
    return spec["name"]


# The conversation


def check_conversation(asked: dict) -> None:
    messages = asked.get("messages")
    need(messages, "messages: at least one message is required")
    need(messages[0].get("role") == "user", "A conversation must start with a user message.")
    before, calls, names = None, [], []
    uses = False
    for number, message in enumerate(messages):
        at = f"messages.{number}"
        known(message, {"role", "content"}, at)
        role = message.get("role")
        need(role in BLOCKS, f"{at}.role: unknown role {role}")
        need(role != before, f"{at}: roles must alternate between user and assistant")
        before = role
        need(message.get("content"), f"The content field in the Message object at {at} is empty.")
        for place, block in enumerate(message["content"]):
            names += check_block(block, role, f"{at}.content.{place}")
        calls = check_pairs(message["content"], calls, at)
        uses = uses or any({"toolUse", "toolResult"} & set(block) for block in message["content"])
    need(not calls, f"Expected toolResult blocks for the following Ids: {calls}")
    need(before == "user", "The model does not support assistant message prefill: end with a user message.")
    need(len(set(names)) == len(names), "Document names must be unique.")
    no_tools = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    need(not uses or asked.get("toolConfig"), no_tools)


def check_pairs(content: list, open_calls: list, at: str) -> list:
    """The ids of this message's calls; the one before's must be answered in it."""
    results = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
    missing = [call for call in open_calls if call not in results]
    need(not missing, f"Expected toolResult blocks at {at}.content for the following Ids: {', '.join(missing)}")
    need(
        sorted(results) == sorted(open_calls),
        f"The number of toolResult blocks at {at}.content exceeds the number of toolUse blocks of previous turn.",
    )
    calls = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
    need(len(set(calls)) == len(calls), f"{at}.content contains duplicate toolUse Ids")
    if any("document" in block for block in content):
        need(any("text" in block for block in content), f"{at}: a text block is required beside documents")
    return calls


def check_block(block: dict, role: str, at: str) -> list:
    """Refuses what cannot stand here; the names of its documents."""
    kind = only(block, BLOCKS["user"] | BLOCKS["assistant"], at)
    need(kind in BLOCKS[role], f"The {kind} block at {at} is not allowed in a message of {role}")
    inner = block[kind]
    if kind == "text":
        need(inner.strip(), f"The text field in the ContentBlock object at {at} is blank.")
    elif kind == "image":
        known(inner, {"format", "source"}, at)
        need(inner.get("format") in IMAGES, f"{at}: unknown image format")
        blob(inner["source"], at)
    elif kind == "document":
        return check_document(inner, at)
    elif kind == "toolUse":
        known(inner, {"toolUseId", "name", "input"}, at)
        need(re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", inner["toolUseId"]), f"{at}.toolUseId: bad pattern")
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", inner["name"]), f"{at}.name: bad pattern")
        need(isinstance(inner["input"], dict), f"The format of the value at {at}.toolUse.input is invalid.")
    elif kind == "toolResult":
        return check_result(inner, at)
    elif kind == "reasoningContent":
        check_thought(inner, at)
    check_cache(block, at)
    return []


def check_document(document: dict, at: str) -> list:
    known(document, {"format", "name", "source", "context", "citations"}, at)
    need(document.get("format") in DOCUMENTS, f"{at}: unknown document format")
    need(re.fullmatch(r"(?!.*\s\s)[\w\s()\[\]-]{1,200}", document.get("name", "")), f"{at}.name: bad letters")
    blob(document["source"], at)
    return [document["name"]]


def check_result(result: dict, at: str) -> list:
    known(result, {"toolUseId", "content", "status"}, at)
    need(result.get("status", "success") in {"success", "error"}, f"{at}: unknown status")
    need(result.get("content"), f"{at}.toolResult.content: must not be empty")
    names = []
    for number, block in enumerate(result["content"]):
        inner = f"{at}.toolResult.content.{number}"
        kind = only(block, {"text", "json", "image", "document"}, inner)
        if kind != "json":
            names += check_block(block, "user", inner)
    return names


def check_thought(thought: dict, at: str) -> None:
    if only(thought, {"reasoningText", "redactedContent"}, at) == "reasoningText":
        said = thought["reasoningText"]
        known(said, {"text", "signature"}, at)
        need(said.get("signature") == SIGNATURE, f"{at}: Invalid `signature` in `thinking` block")


# Claude


def check_claude(asked: dict, model: str) -> None:
    more = asked.get("additionalModelRequestFields", {})
    if "nova" in model:
        known(more, {"inferenceConfig"}, "additionalModelRequestFields")
        return known(more.get("inferenceConfig", {}), {"topK"}, "additionalModelRequestFields.inferenceConfig")
    if "claude" not in model:
        need(not more, f"additionalModelRequestFields: {sorted(more)}: Extra inputs are not permitted")
        return
    known(more, CLAUDES, "additionalModelRequestFields")
    thinking = more.get("thinking", {"type": "disabled"})
    if thinking["type"] != "enabled":
        return
    config = asked.get("inferenceConfig", {})
    need(thinking["budget_tokens"] >= 1024, "thinking.budget_tokens: at least 1024")
    need(thinking["budget_tokens"] < config.get("maxTokens", 1 << 30), "max_tokens must exceed budget_tokens")
    need(config.get("temperature", 1) == 1, "temperature may only be 1 when thinking is enabled")
    need("top_k" not in more, "top_k must be unset when thinking is enabled")
    choice = asked.get("toolConfig", {}).get("toolChoice", {"auto": {}})
    need("auto" in choice, "Thinking may not be enabled when tool_choice forces tool use.")
    # Within a turn of tools the thought must come back in front of its calls.
    last = asked["messages"][-2:]
    if len(last) == 2 and any("toolResult" in block for block in last[1]["content"]):
        need("reasoningContent" in last[0]["content"][0], "Expected `thinking` or `redacted_thinking`, but found `tool_use`")
