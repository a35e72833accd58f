"""A strict upstream of AWS Bedrock: Converse for every model, InvokeModel for
Claude in Anthropic's own dialect and for embeddings in their makers' forms.

It refuses what AWS refuses, and streams binary messages with their checksums,
cut anywhere.
"""

import base64
import json
import re
import struct
import urllib.parse
import zlib

import fake_anthropic
import fake_bedrock_embeddings as embeddings
import fake_bedrock_rules as rules
import fake_openai
from fake_bedrock_rules import SIGNATURE, refused
from fake_openai import FakeOpenAI, Scripted, filled

CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-lite-v1:0"
PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123claude"
MODELS = {CLAUDE, SONNET, NOVA, PROFILE, *embeddings.FORMS}
USAGE = {
    "inputTokens": 11,
    "outputTokens": 7,
    "totalTokens": 26,
    "cacheReadInputTokens": 5,
    "cacheWriteInputTokens": 3,
}
# Of any prompt of Claude's.
COUNT = 46
BINARY = "application/vnd.amazon.eventstream"
WORDS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    415: "UnsupportedMediaTypeException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
# Of Anthropic's betas those that AWS knows for every model, and for larger ones.
BETAS = {fake_anthropic.EDITS}
LARGER = BETAS | {"context-1m-2025-08-07", "interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19"}
INVOKED = (fake_anthropic.FIELDS - {"model", "stream", "service_tier"}) | {"anthropic_version", "anthropic_beta"}
# A message is cut into pieces of so many bytes.
PIECE = 61


class FakeBedrock(FakeOpenAI):
    def __init__(self, key: str):
        super().__init__(key)
        self.base_url = f"http://127.0.0.1:{self.port}"

    def handler(self) -> type:
        return _Handler

    def refuses(self, status: int, message: str) -> None:
        """Refuses the next request in AWS' words."""
        headers = {"x-amzn-errortype": WORDS[status]}
        self.next(status=status, body=json.dumps({"message": message}).encode(), headers=headers)

    def breaks_after(self, text: str, last: bytes = b"", **more) -> None:
        """Streams this text by Converse, then these bytes, and no end."""
        messages = [event("messageStart", {"role": "assistant"}), delta(0, {"text": text})]
        self.next(pieces=[*messages, *([last] if last else [])], headers={"content-type": BINARY}, **more)

    def breaks_invoked_after(self, text: str, last: bytes = b"", **more) -> None:
        """The same by InvokeModel."""
        answer = fake_anthropic.message_for({"model": CLAUDE, "messages": [{"role": "user", "content": text}]})
        chunks = [chunk(data) for data in list(fake_anthropic.events_of(answer))[:4]]
        self.next(pieces=[*chunks, *([last] if last else [])], headers={"content-type": BINARY}, **more)


class _Handler(fake_openai.Handler):
    # What Anthropic's clients say there stands in the body here.
    unwanted = fake_openai.Handler.unwanted | {"anthropic-version", "anthropic-beta"}

    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise refused("Authentication failed: Please make sure your API Key is valid.", 403)

    def send_json(self, answer: dict, status: int = 200) -> None:
        headers = {"x-amzn-errortype": WORDS[status]} if status in WORDS else {}
        self.send_scripted(Scripted(status=status, body=json.dumps(answer).encode(), headers=headers))

    def answer(self, seen) -> None:
        found = re.fullmatch(r"/model/([^/]+)/([a-z-]+)", seen.path)
        operations = {
            "converse": self.converse,
            "converse-stream": self.converse_stream,
            "count-tokens": self.count,
            "invoke": self.invoke,
            "invoke-with-response-stream": self.invoke_stream,
        }
        if seen.method != "POST" or not found or found[2] not in operations:
            raise refused(f"Unknown operation: {seen.method} {seen.path}", 404)
        model = urllib.parse.unquote(found[1])
        rules.need(model in MODELS, "The provided model identifier is invalid.")
        if seen.headers.get("content-type") != "application/json":
            raise refused("The content type is not supported.", 415)
        is_stream = found[2].endswith("-stream")
        accepted = {"*/*", BINARY} if is_stream else {"*/*", "application/json"}
        rules.need(seen.headers.get("accept") in accepted, "The requested Accept type is not supported")
        operations[found[2]](json.loads(seen.body), model)

    def converse(self, asked: dict, model: str) -> None:
        rules.check(asked, model)
        self.send_json(answer_for(asked))

    def count(self, asked: dict, model: str) -> None:
        rules.need(model == CLAUDE, "The provided model doesn't support counting tokens.")
        rules.known(asked, {"input"}, "")
        rules.known(asked["input"], {"converse"}, "input")
        counted = {"messages", "system", "toolConfig", "additionalModelRequestFields"}
        rules.known(asked["input"]["converse"], counted, "input.converse")
        rules.check(asked["input"]["converse"], model)
        self.send_json({"inputTokens": COUNT})

    def converse_stream(self, asked: dict, model: str) -> None:
        rules.check(asked, model)
        self.send_messages(events_of(answer_for(asked)))

    def invoke(self, asked: dict, model: str) -> None:
        if model not in embeddings.FORMS:
            return self.send_json(invoked(asked, model))
        answer, tokens = embeddings.FORMS[model](asked)
        headers = {"x-amzn-bedrock-input-token-count": str(tokens)}
        self.send_scripted(Scripted(body=json.dumps(answer).encode(), headers=headers))

    def invoke_stream(self, asked: dict, model: str) -> None:
        answer = invoked(asked, model)
        events = list(fake_anthropic.events_of(answer))
        counted = {"inputTokenCount": 11, "outputTokenCount": 7, "invocationLatency": 99, "firstByteLatency": 50}
        events[-1]["amazon-bedrock-invocationMetrics"] = counted
        self.send_messages(chunk(data) for data in events)

    def send_messages(self, messages) -> None:
        data = b"".join(messages)
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        self.send_scripted(Scripted(pieces=pieces, headers={"content-type": BINARY}))


# Binary messages


def message(headers: dict, payload: dict) -> bytes:
    named = b"".join(
        struct.pack("B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    data = json.dumps(payload).encode()
    lengths = struct.pack(">II", 16 + len(named) + len(data), len(named))
    whole = lengths + struct.pack(">I", zlib.crc32(lengths)) + named + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind: str, payload: dict) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    # Every event is padded, so that its length tells nothing of its text.
    return message(headers, payload | {"p": "abcdefghijklm"})


def exception(kind: str, said: str) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, {"message": said})


def delta(index: int, more: dict) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": more})


def chunk(data: dict) -> bytes:
    return event("chunk", {"bytes": base64.b64encode(json.dumps(data).encode()).decode()})


# What is answered


def invoked(asked: dict, model: str) -> dict:
    """Claude's own answer to its own request."""
    rules.need("claude" in model, "This model does not take Anthropic's requests.")
    rules.need(asked.get("anthropic_version") == "bedrock-2023-05-31", "Invalid API version")
    betas = set(asked.get("anthropic_beta", []))
    rules.need(betas <= (LARGER if "sonnet" in model else BETAS), "invalid beta flag")
    edits = {"context_management"} if fake_anthropic.EDITS in betas else set()
    rules.need(all("input_schema" in tool for tool in asked.get("tools", [])), "tools: AWS runs none itself")
    try:
        fake_anthropic.check(asked | {"model": "c"}, INVOKED | edits | {"model"})
    except fake_openai.Refused as no:
        raise refused(no.body["error"]["message"], no.status) from None
    return fake_anthropic.message_for(asked | {"model": "claude-haiku-4-5-20251001"})


def answer_for(asked: dict) -> dict:
    """Words in the last text ask for what a model does rarely: LONG, GUARD."""
    content = []
    thinking = asked.get("additionalModelRequestFields", {}).get("thinking", {})
    if thinking.get("type") == "enabled":
        content.append({"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": SIGNATURE}}})
    last = asked["messages"][-1]["content"]
    results = [block["toolResult"] for block in last if "toolResult" in block]
    is_hushed = "Do not call any tool now." in json.dumps(asked.get("system", []))
    tools = [] if results or is_hushed else asked.get("toolConfig", {}).get("tools", [])
    specs = [tool["toolSpec"] for tool in tools if "toolSpec" in tool]
    for number, spec in enumerate(specs):
        given = filled(spec["inputSchema"]["json"]) if spec["inputSchema"]["json"].get("properties") else {}
        content.append({"toolUse": {"toolUseId": f"tooluse_{number}", "name": spec["name"], "input": given}})
    said = " ".join(block["text"] for block in last if "text" in block)
    if not specs:
        content.append({"text": formed(asked) or text_of(last, results, said)})
    reason = {"LONG": "max_tokens", "GUARD": "guardrail_intervened"}.get(said)
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason or ("tool_use" if specs else "end_turn"),
        "usage": USAGE,
        "metrics": {"latencyMs": 99},
    }


def formed(asked: dict) -> str | None:
    """What fits the schema of the answer, where it has one."""
    form = asked.get("outputConfig", {}).get("textFormat", {})
    return json.dumps(filled(json.loads(form["structure"]["jsonSchema"]["schema"]))) if form else None


def text_of(last: list, results: list, said: str) -> str:
    inner = [block for result in results for block in result["content"]]
    images = [block["image"]["source"]["bytes"] for block in [*last, *inner] if "image" in block]
    documents = [block["document"] for block in last if "document" in block]
    text = f"Results: {len(results)}" if results else f"You said: {said}"
    if images:
        text += f" ({len(images)} images, {sum(map(len, images))} characters)"
    return text + "".join(f" ({document['name']}.{document['format']})" for document in documents)


# The same as a stream


def events_of(answer: dict):
    yield event("messageStart", {"role": "assistant"})
    for index, block in enumerate(answer["output"]["message"]["content"]):
        if "toolUse" in block:
            call = block["toolUse"]
            start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
            yield event("contentBlockStart", {"contentBlockIndex": index, "start": start})
        for more in deltas_of(block):
            yield delta(index, more)
        yield event("contentBlockStop", {"contentBlockIndex": index})
    yield event("messageStop", {"stopReason": answer["stopReason"]})
    yield event("metadata", {"usage": answer["usage"], "metrics": answer["metrics"]})


def deltas_of(block: dict):
    if "toolUse" in block:
        text = json.dumps(block["toolUse"]["input"], ensure_ascii=False)
        # A call without arguments says nothing at all.
        parts = ["", text[:5], text[5:]] if text != "{}" else [""]
        return [{"toolUse": {"input": part}} for part in parts]
    if "reasoningContent" in block:
        signed = [{"text": "Let me"}, {"text": " think."}, {"signature": SIGNATURE}]
        return [{"reasoningContent": part} for part in signed]
    return [{"text": word} for word in re.findall(r"\S+\s*", block["text"])]
