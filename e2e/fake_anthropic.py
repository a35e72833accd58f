"""A strict upstream of Anthropic's Messages: it refuses what Anthropic refuses.

Unknown fields, a missing version or `max_tokens`, calls without their results,
empty texts, thoughts that did not come back. Answers are whole or as events.
"""

import json
import re

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted, filled

# The second is one of which the catalogue knows that it thinks, the last one
# that takes neither sampling settings, nor budgets, nor its own words last.
NEWEST = "claude-opus-4-8"
MODELS = ["c", "claude-haiku-4-5", NEWEST]
# A tool that Anthropic runs itself; what it takes is not looked at.
SEARCH = "web_search_20250305"
# The beta that lets a server clear what is old in a conversation:
# https://platform.claude.com/docs/en/build-with-claude/context-editing
EDITS = "context-management-2025-06-27"
# What the gateway asks by itself, and what the SDK sends.
VERSIONS = {"2023-06-01", "2026-10-21"}
THREADS = "message-threads-2026-08-12"
USAGE = {
    "input_tokens": 11,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 5,
    "output_tokens": 7,
}
SIGNATURE = "c2lnbmVkLWJ5LXRoZS1mYWtl"
FIELDS = {
    "model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences",
    "tools", "tool_choice", "thinking", "metadata", "service_tier", "output_config", "cache_control",
}  # fmt: skip
# Of any prompt.
COUNT = 42
COUNTED = {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
BLOCKS = {
    "system": {"text"},
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "tool_use", "thinking", "redacted_thinking"},
}
# Words that ask for what a model does rarely.
REASONS = {"You said: LONG": "max_tokens", "You said: REFUSE": "refusal"}
KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


class FakeAnthropic(FakeOpenAI):
    def __init__(self, key: str):
        super().__init__(key)
        # Tools and whole conversations by the id of their last answer.
        self.threads: dict[str, list] = {}

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    unwanted = (fake_openai.Handler.unwanted - {"x-api-key"}) | {"authorization"}

    def authorise(self, headers: dict) -> None:
        if headers.get("x-api-key") != self.owner.key:
            raise refused("invalid x-api-key", 401)
        if headers.get("anthropic-version") not in VERSIONS:
            raise refused("anthropic-version: a known version is required")

    def answer(self, seen) -> None:
        if (seen.method, seen.path) not in {("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens")}:
            raise refused("Not Found", 404)
        if seen.headers.get("content-type") != "application/json":
            raise refused("content-type must be application/json")
        asked = json.loads(seen.body)
        is_counted = seen.path.endswith("count_tokens")
        thread = self.thread(asked, seen.headers)
        betas = seen.headers.get("anthropic-beta", "").split(",")
        edits = {"context_management"} if EDITS in betas else set()
        check(asked, (COUNTED if is_counted else FIELDS) | edits)
        if is_counted:
            return self.send_json({"input_tokens": COUNT})
        answer = message_for(asked) | {"id": f"msg_{len(self.owner.requests)}"}
        if thread:
            said = {"role": "assistant", "content": answer["content"]}
            self.owner.threads[answer["id"]] = [asked.get("tools", []), *asked["messages"], said]
        if asked.get("stream"):
            pieces = [event(data) for data in events_of(answer)]
            return self.send_scripted(Scripted(pieces=pieces))
        self.send_json(answer)

    def thread(self, asked: dict, headers: dict):
        """Puts what the server keeps before the new messages."""
        if "thread" not in asked or THREADS not in headers.get("anthropic-beta", ""):
            return None
        thread = asked.pop("thread")
        if thread["type"] == "continue":
            before = self.owner.threads.get(thread["previous_message_id"])
            if before is None:
                no = refused("Thread not found", 404)
                no.body["error"]["details"] = {"error_code": "thread_not_found"}
                raise no
            need(not {"system", "tools"} & set(asked), "system and tools are those of the thread")
            tools, before = before[0], before[1:]
            asked |= {"messages": before + asked["messages"], "tools": tools}
        return thread


def refused(message: str, status: int = 400) -> Refused:
    no = Refused(status, message)
    no.body = {"type": "error", "error": {"type": KINDS[status], "message": message}, "request_id": "req_up"}
    return no


def need(is_well, message: str) -> None:
    if not is_well:
        raise refused(message)


# What is refused


def check(asked: dict, fields: set) -> None:
    for name in asked:
        need(name in fields, f"{name}: Extra inputs are not permitted")
    if asked.get("model") not in MODELS:
        raise refused(f"model: {asked.get('model')}", 404)
    if "max_tokens" in fields:
        need(isinstance(asked.get("max_tokens"), int), "max_tokens: Field required")
        need(asked["max_tokens"] >= 1, "max_tokens: must be at least 1")
    need(0 <= asked.get("temperature", 1) <= 1, "temperature: range: 0..1")
    check_tools(asked)
    check_thinking(asked)
    check_newest(asked) if asked["model"] == NEWEST else check_others(asked)
    check_system(asked.get("system", "none"))
    messages = asked.get("messages")
    need(messages, "messages: at least one message is required")
    need(messages[0].get("role") == "user", "messages: first message must use the \"user\" role")
    open_calls: list = []
    for number, message in enumerate(messages):
        open_calls = check_message(f"messages.{number}", message, open_calls)
    need(not open_calls, f"`tool_use` ids were found without `tool_result` blocks: {open_calls}")


def check_system(system) -> None:
    # A text alone may be empty: LlamaIndex sends such ones.
    for block in system if isinstance(system, list) else []:
        need(block["type"] == "text", "system: only text")
        need(block["text"].strip(), "system: text content blocks must be non-empty")
        need(set(block) <= {"type", "text", "cache_control", "citations"}, "system: Extra inputs are not permitted")


def check_tools(asked: dict) -> None:
    for number, tool in enumerate(asked.get("tools", [])):
        if tool.get("type") == SEARCH:
            continue
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool.get("name", "")), f"tools.{number}.name: bad pattern")
        need(tool.get("input_schema", {}).get("type") == "object", f"tools.{number}.input_schema: type object required")
        known = {"type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming"}
        need(set(tool) <= known, f"tools.{number}: Extra inputs are not permitted")
    choice = asked.get("tool_choice")
    if choice:
        need(asked.get("tools"), "tool_choice may only be specified while providing tools")
        need(choice.get("type") in {"auto", "any", "tool", "none"}, "tool_choice: unknown type")


def check_thinking(asked: dict) -> None:
    thinking = asked.get("thinking", {"type": "disabled"})
    if thinking["type"] != "enabled":
        return
    need(thinking["budget_tokens"] >= 1024, "thinking.budget_tokens: at least 1024")
    need(thinking["budget_tokens"] < asked.get("max_tokens", 1 << 30), "max_tokens must exceed budget_tokens")
    need(asked.get("temperature", 1) == 1, "temperature may only be 1 when thinking is enabled")
    need("top_k" not in asked, "top_k must be unset when thinking is enabled")
    # Within a turn of tools the thought must come back in front of its calls.
    last = asked["messages"][-2:]
    if len(last) == 2 and any(block["type"] == "tool_result" for block in blocks_of(last[1])):
        need(blocks_of(last[0])[0]["type"] == "thinking", "expected `thinking`, but found `tool_use`")


def check_newest(asked: dict) -> None:
    for name in ("temperature", "top_p", "top_k"):
        need(name not in asked, f"`{name}` is deprecated for this model.")
    need(asked.get("thinking", {}).get("type") != "enabled", "thinking.type.enabled is not supported for this model")
    need(asked["messages"][-1]["role"] != "assistant", "This model does not support assistant message prefill.")


def check_others(asked: dict) -> None:
    """The operator speaks in the middle to the newest models alone."""
    for number, message in enumerate(asked.get("messages") or []):
        need(message.get("role") != "system", f"messages.{number}.role: unexpected system")


def blocks_of(message: dict) -> list:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def check_message(at: str, message: dict, open_calls: list) -> list:
    """The ids of this message's calls; the one before's must be answered in it."""
    role = message.get("role")
    need(role in BLOCKS, f"{at}.role: unexpected {role}")
    need(set(message) == {"role", "content"}, f"{at}: Extra inputs are not permitted")
    blocks = blocks_of(message)
    need(blocks, f"{at}: content must be non-empty")
    for block in blocks:
        need(block["type"] in BLOCKS[role], f"{at}: a {block['type']} block from {role}")
        check_block(at, block)
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    need(sorted(results) == sorted(open_calls), f"{at}: tool_use {open_calls} and tool_result {results} do not pair")
    kinds = [block["type"] for block in blocks]
    need(kinds[: len(results)] == ["tool_result"] * len(results), f"{at}: tool_result blocks must come first")
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    need(len(set(calls)) == len(calls), f"{at}: tool_use ids must be unique")
    return calls


def check_block(at: str, block: dict) -> None:
    kind = block["type"]
    if kind == "text":
        need(block["text"].strip(), f"{at}: text content blocks must be non-empty")
    elif kind == "image" and block["source"]["type"] == "base64":
        need(set(block["source"]) == {"type", "media_type", "data"}, f"{at}: image.source: fields")
        need(block["source"]["media_type"].startswith("image/"), f"{at}: image.source.media_type")
        need(not block["source"]["data"].startswith("data:"), f"{at}: image.source.data: no URL")
    elif kind == "document":
        known = {"type", "source", "title", "context", "citations", "cache_control"}
        need(set(block) <= known, f"{at}: document: Extra inputs are not permitted")
        need(block["source"]["type"] in {"base64", "text", "url", "content", "file"}, f"{at}: document.source.type")
    elif kind == "tool_use":
        need(isinstance(block["input"], dict), f"{at}: tool_use.input: must be an object")
        need(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), f"{at}: tool_use.id: bad pattern")
    elif kind == "thinking":
        need(block["signature"] == SIGNATURE, f"{at}: Invalid `signature` in `thinking` block")


# What is answered


def message_for(asked: dict) -> dict:
    # What the operator says in the middle stands behind the user's words.
    last = blocks_of([said for said in asked["messages"] if said["role"] != "system"][-1])
    content = []
    if asked.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        content.append({"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE})
    results = [block for block in last if block["type"] == "tool_result"]
    has_none = (asked.get("tool_choice") or {}).get("type") == "none"
    calls = [] if results or has_none else [tool for tool in asked.get("tools", []) if "input_schema" in tool]
    for number, tool in enumerate(calls):
        given = filled(tool["input_schema"])
        content.append({"type": "tool_use", "id": f"toolu_{number}", "name": tool["name"], "input": given})
    if not calls:
        content.append(said(asked, last, results))
    return {
        "id": "msg_e2e",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": "tool_use" if calls else REASONS.get(content[-1].get("text"), "end_turn"),
        "stop_sequence": None,
        "usage": USAGE,
    }


def said(asked: dict, last: list, results: list) -> dict:
    """The text: as its format wants it, with citations of a document if asked for."""
    if form := asked.get("output_config", {}).get("format"):
        return {"type": "text", "text": json.dumps(filled(form["schema"]))}
    block = {"type": "text", "text": text_of(last, results)}
    documents = [found for found in last if found["type"] == "document"]
    places = [
        {
            "type": "char_location", "cited_text": "The sky is blue.", "document_index": number,
            "document_title": found.get("title"), "start_char_index": 0, "end_char_index": 16, "file_id": None,
        }
        for number, found in enumerate(documents)
        if found.get("citations", {}).get("enabled")
    ]  # fmt: skip
    return block | ({"citations": places} if places else {})


def text_of(blocks: list, results: list) -> str:
    if results:
        return f"Results: {len(results)}"
    said = " ".join(block["text"] for block in blocks if block["type"] == "text")
    images = [block["source"] for block in blocks if block["type"] == "image"]
    size = sum(len(source.get("data", "")) for source in images)
    return f"You said: {said}" + (f" ({len(images)} images, {size} characters)" if images else "")


# The same as a stream


def event(data: dict) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def events_of(answer: dict):
    usage = {**answer["usage"], "output_tokens": 1}
    opening = {**answer, "content": [], "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": opening}
    yield {"type": "ping"}
    for index, block in enumerate(answer["content"]):
        empty, deltas = deltas_of(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": answer["usage"]}
    yield {"type": "message_stop"}


def deltas_of(block: dict) -> tuple:
    """How a block begins, and what is added to it."""
    if block["type"] == "tool_use":
        text = json.dumps(block["input"], ensure_ascii=False)
        parts = ["", text[:5], text[5:]]
        return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": word} for word in ("Let me", " think.")]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    words = re.findall(r"\S+\s*", block["text"])
    deltas = [{"type": "text_delta", "text": word} for word in words]
    places = block.get("citations", [])
    deltas += [{"type": "citations_delta", "citation": place} for place in places]
    return {"type": "text", "text": ""} | ({"citations": []} if places else {}), deltas
