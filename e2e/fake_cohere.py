"""A strict upstream of Cohere's version 2: it refuses what Cohere refuses.

Answers are whole or as events: texts, plans, calls, thoughts, JSON, usage in
its two forms; embeddings too. Words in the last text ask for what is rare:
LONG, BROKEN.
"""

import json
import re

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted

MODELS = {"command-a-03-2025", "command-a-reasoning-08-2025", "embed-v4.0"}
USAGE = {
    "billed_units": {"input_tokens": 4, "output_tokens": 6},
    "tokens": {"input_tokens": 16, "output_tokens": 7},
    "cached_tokens": 5,
}
MEMBERS = {
    "model", "stream", "messages", "tools", "strict_tools", "documents", "citation_options", "response_format",
    "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty",
    "k", "p", "logprobs", "tool_choice", "thinking", "priority",
}  # fmt: skip
BOUNDS = {
    "temperature": (0, 1),
    "frequency_penalty": (0, 1),
    "presence_penalty": (0, 1),
    "k": (0, 500),
    "p": (0.01, 0.99),
    "max_tokens": (1, 1 << 32),
    "seed": (0, 1 << 64),
    "priority": (0, 999),
}
TASKS = {"search_document", "search_query", "classification", "clustering", "image"}


class FakeCohere(FakeOpenAI):
    version = "v2"

    def handler(self) -> type:
        return _Handler


def refused(message: str, status: int = 400) -> Refused:
    no = Refused(status, message)
    no.body = {"id": "e2e", "message": message}
    return no


def need(is_so, message: str) -> None:
    if not is_so:
        raise refused(f"invalid request: {message}")


def known(value, members: set, where: str) -> None:
    need(isinstance(value, dict), f"{where} must be an object")
    unknown = set(value) - members
    if unknown:
        raise refused(f"invalid request: unknown field `{where}.{min(unknown)}`", 422)


class _Handler(fake_openai.Handler):
    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise refused("invalid api token", 401)

    def answer(self, seen) -> None:
        operations = {"/v2/chat": self.chat, "/v2/embed": self.embed}
        if seen.method != "POST" or seen.path not in operations:
            raise refused(f"page not found: {seen.method} {seen.path}", 404)
        need(seen.headers.get("content-type") == "application/json", "content-type must be application/json")
        asked = json.loads(seen.body)
        if asked.get("model") not in MODELS:
            raise refused(f"model '{asked.get('model')}' not found, make sure the correct model ID was used", 404)
        operations[seen.path](asked)

    def chat(self, asked: dict) -> None:
        check(asked)
        answer = answer_for(asked)
        if asked.get("stream"):
            return self.send_scripted(Scripted(pieces=[event(data) for data in events_of(answer)]))
        self.send_json(answer)

    def embed(self, asked: dict) -> None:
        members = {"model", "input_type", "texts", "embedding_types", "output_dimension", "truncate", "max_tokens"}
        known(asked, members | {"priority"}, "request")
        need(asked.get("input_type") in TASKS, "input_type must be one of its words")
        need(1 <= len(asked.get("texts", [])) <= 96, "texts must be 1 to 96")
        need(asked.get("output_dimension", 256) in (256, 512, 1024, 1536), "output_dimension")
        need(asked.get("truncate", "END") in ("NONE", "START", "END"), "truncate")
        need(asked.get("embedding_types") == ["float"], "this fake has floats only")
        vectors = [[0.5, -0.25, float(len(text))] for text in asked["texts"]]
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4}}
        self.send_json({"id": "e2e", "embeddings": {"float": vectors}, "texts": asked["texts"], "meta": meta})


# What is refused


def check(asked: dict) -> None:
    known(asked, MEMBERS, "request")
    for name, (least, most) in BOUNDS.items():
        need(least <= asked.get(name, least) <= most, f"{name} must be between {least} and {most}")
    need(len(asked.get("stop_sequences", [])) <= 5, "at most 5 stop sequences")
    check_tools(asked)
    check_format(asked)
    if "thinking" in asked:
        need("reasoning" in asked["model"], f"{asked['model']} does not support thinking")
        known(asked["thinking"], {"type", "token_budget"}, "thinking")
        need(asked["thinking"].get("type") in ("enabled", "disabled"), "thinking.type")
        need(asked["thinking"].get("token_budget", 1) > 0, "thinking.token_budget")
    need(asked.get("messages"), "messages must not be empty")
    waiting: list = []
    for number, message in enumerate(asked["messages"]):
        waiting = check_message(message, waiting, f"messages[{number}]")
    need(not waiting, f"tool calls without results: {waiting}")


def check_tools(asked: dict) -> None:
    tools = asked.get("tools", [])
    need("tool_choice" not in asked or tools, "tool_choice needs tools")
    need(asked.get("tool_choice", "NONE") in ("REQUIRED", "NONE"), "tool_choice")
    for tool in tools:
        known(tool, {"type", "function"}, "tools")
        known(tool["function"], {"name", "description", "parameters"}, "tools.function")
        need(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", tool["function"].get("name", "")), "a tool's name")
        need(isinstance(tool["function"].get("parameters"), dict), "tools need parameters")
        if asked.get("strict_tools"):
            need(tool["function"]["parameters"].get("required"), "strict tools need a required parameter")


def check_format(asked: dict) -> None:
    if "response_format" in asked:
        known(asked["response_format"], {"type", "json_schema"}, "response_format")
        need(asked["response_format"].get("type") in ("text", "json_object"), "response_format.type")
        need(not asked.get("tools"), "response_format is not supported with tools")


def check_message(message: dict, waiting: list, where: str) -> list:
    """What is still waited for behind this message."""
    role = message.get("role")
    need(role == "tool" or not waiting, f"{where}: tool calls without results: {waiting}")
    if role in ("system", "user"):
        known(message, {"role", "content"}, where)
        check_content(message.get("content"), {"text"} | ({"image_url"} if role == "user" else set()), where)
        return []
    if role == "tool":
        known(message, {"role", "content", "tool_call_id"}, where)
        need(message.get("tool_call_id") in waiting, f"{where}: no call {message.get('tool_call_id')}")
        check_content(message.get("content"), {"text", "document"}, where)
        return [id for id in waiting if id != message["tool_call_id"]]
    need(role == "assistant", f"{where}: invalid role")
    known(message, {"role", "content", "tool_calls", "tool_plan", "citations"}, where)
    need(message.get("content") or message.get("tool_calls"), f"{where}: must have content or tool calls")
    if "content" in message:
        check_content(message["content"], {"text", "thinking"}, where)
    for call in message.get("tool_calls", []):
        known(call, {"id", "type", "function"}, where)
        known(call["function"], {"name", "arguments"}, where)
        need(isinstance(json.loads(call["function"]["arguments"]), dict), f"{where}: arguments must be an object")
    ids = [call["id"] for call in message.get("tool_calls", [])]
    need(len(set(ids)) == len(ids), f"{where}: ids twice")
    return ids


def check_content(content, kinds: set, where: str) -> None:
    if isinstance(content, str):
        return need(content, f"{where}: must have content")
    need(isinstance(content, list) and content, f"{where}: content must be a text or a list")
    for part in content:
        kind = part.get("type")
        need(kind in kinds, f"{where}: no content {kind}")
        known(part, {"type", kind}, where)


# What is answered


def said(asked: dict) -> str:
    content = next((m["content"] for m in reversed(asked["messages"]) if m["role"] == "user"), "")
    if isinstance(content, str):
        return content
    texts = " ".join(part["text"] for part in content if part["type"] == "text")
    images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return texts + (f" ({len(images)} images, {sum(map(len, images))} characters)" if images else "")


def answer_for(asked: dict) -> dict:
    text = said(asked)
    message = {"role": "assistant"}
    thinks = "reasoning" in asked["model"] and asked.get("thinking", {}).get("type") != "disabled"
    content = [{"type": "thinking", "thinking": "Let me think."}] if thinks else []
    results = [m for m in asked["messages"] if m["role"] == "tool"]
    reason = {"LONG": "MAX_TOKENS", "BROKEN": "ERROR"}.get(text, "COMPLETE")
    if asked.get("tools") and not results and asked.get("tool_choice") != "NONE":
        if not thinks:
            message["tool_plan"] = "I will call them."
        message["tool_calls"] = [
            {"id": f"{t['function']['name']}_{n}", "type": "function",
             "function": {"name": t["function"]["name"], "arguments": '{"city": "Zürich"}'}}
            for n, t in enumerate(asked["tools"])
        ]  # fmt: skip
        reason = "TOOL_CALL"
    elif results:
        content.append({"type": "text", "text": f"Results: {len(results)}"})
    elif schema := asked.get("response_format", {}).get("json_schema"):
        values = {name: "Ada" if name == "name" else 36 for name in schema["properties"]}
        content.append({"type": "text", "text": json.dumps(values)})
    else:
        content.append({"type": "text", "text": f"You said: {text}"})
    if content:
        message["content"] = content
    return {"id": "e2e-cohere", "finish_reason": reason, "message": message, "usage": USAGE}


# The same as a stream


def event(data: dict) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def delta(kind: str, message: dict, **more) -> dict:
    return {"type": kind, "delta": {"message": message}} | more


def events_of(answer: dict):
    yield delta("message-start", {"role": "assistant", "content": [], "tool_calls": []}, id=answer["id"])
    message = answer["message"]
    for word in words(message.get("tool_plan", "")):
        yield delta("tool-plan-delta", {"tool_plan": word})
    for number, part in enumerate(message.get("content", [])):
        kind = part["type"]
        yield delta("content-start", {"content": {"type": kind, kind: ""}}, index=number)
        for word in words(part[kind]):
            yield delta("content-delta", {"content": {kind: word}}, index=number)
        yield {"type": "content-end", "index": number}
    for number, call in enumerate(message.get("tool_calls", [])):
        empty = call | {"function": call["function"] | {"arguments": ""}}
        yield delta("tool-call-start", {"tool_calls": empty}, index=number)
        arguments = call["function"]["arguments"]
        for piece in (arguments[:5], arguments[5:]):
            yield delta("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index=number)
        yield {"type": "tool-call-end", "index": number}
    end = {"finish_reason": answer["finish_reason"], "usage": answer["usage"]}
    if answer["finish_reason"] == "ERROR":
        end["error"] = "the generation failed"
    yield {"type": "message-end", "id": answer["id"], "delta": end}


def words(text: str) -> list:
    return re.findall(r"\S+\s*", text)
