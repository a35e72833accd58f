"""What upstreams of each dialect say in a healthy answer, frame by frame, and
how each of them says that something went wrong.

Clients of four dialects ask them.
"""

import dataclasses
import json

import fake_anthropic
import fake_bedrock
import fake_cohere
import fake_gemini
import fake_ollama
import fake_responses
from harness.raw import Answer, head
from harness.upstream import Exchange, Upstream, answer, piece, usage_piece

SSE = "text/event-stream"
WORDS = ("You", "said", "Items")


@dataclasses.dataclass
class Tongue:
    """A dialect as its upstreams speak it."""

    kind: str
    frames: list
    # How many frames stand in front of the content, and go with some of it.
    preamble: int
    said: int
    # How many there are up to the finish reason.
    finish: int
    plain: bytes
    # What stands in a stream, and in a plain answer of status 200.
    error: bytes
    plain_error: bytes
    malformed: bytes
    # A line that never ends.
    endless: bytes = b"data: "
    # Whether only usage stands behind the finish reason.
    is_whole: bool = False
    # Whether there is an end mark beside the end itself.
    is_marked: bool = True
    # What kind of error that in a stream is.
    kind_of_error: str = "failed"


def sse(data) -> bytes:
    return b"data: " + (data if isinstance(data, str) else json.dumps(data)).encode() + b"\n\n"


def openai() -> Tongue:
    pieces = [piece("", role="assistant"), piece("You "), piece("said"), piece(finish="stop"), usage_piece()]
    error = {"error": {"message": "x", "type": "server_error"}}
    return Tongue(SSE, [*map(sse, pieces), sse("[DONE]")], 1, 3, 5, answer("You said"), sse(error),
                  json.dumps(error).encode(), sse('{"choices": [{"ind'))  # fmt: skip


def anthropic() -> Tongue:
    whole = fake_anthropic.message_for({"model": "a", "messages": [{"role": "user", "content": "hello"}]})
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}
    frames = [fake_anthropic.event(data) for data in fake_anthropic.events_of(whole)]
    return Tongue(SSE, frames, 3, 5, 8, json.dumps(whole).encode(), fake_anthropic.event(error),
                  json.dumps(error).encode(), b'event: content_block_delta\ndata: {"type": "content_bl\n\n', kind_of_error="overloaded")  # fmt: skip


def gemini() -> Tongue:
    asked = {"contents": [{"parts": [{"text": "hello"}]}]}
    whole = fake_gemini.answer_for(asked, "gemini-2.5-flash")
    error = {"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}
    frames = [fake_gemini.event(frame) for frame in fake_gemini.frames_of(whole)]
    return Tongue(SSE, frames, 0, 2, 3, json.dumps(whole).encode(), fake_gemini.event(error),
                  json.dumps(error).encode(), b'data: {"candidates": [{"cont\r\n\r\n', is_marked=False, kind_of_error="overloaded")  # fmt: skip


def converse() -> Tongue:
    whole = fake_bedrock.answer_for({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
    frames = list(fake_bedrock.events_of(whole))
    bad = bytearray(frames[1])
    bad[-1] ^= 1
    # The length of a message that never ends.
    endless = (1 << 30).to_bytes(4, "big")
    return Tongue(fake_bedrock.BINARY, frames, 1, 3, 6, json.dumps(whole).encode(),
                  fake_bedrock.exception("throttlingException", "x"), b'{"message": "x"}', bytes(bad), endless, True, kind_of_error="limited")  # fmt: skip


def invoked() -> Tongue:
    """Anthropic's own answers by Bedrock's InvokeModel."""
    own = anthropic()
    whole = json.loads(own.plain)
    frames = [fake_bedrock.chunk(data) for data in fake_anthropic.events_of(whole)]
    bad = bytearray(frames[4])
    bad[-1] ^= 1
    return Tongue(fake_bedrock.BINARY, frames, 3, 5, 8, own.plain, fake_bedrock.exception("throttlingException", "x"),
                  b'{"message": "x"}', bytes(bad), (1 << 30).to_bytes(4, "big"), kind_of_error="limited")  # fmt: skip


def cohere() -> Tongue:
    whole = fake_cohere.answer_for({"model": "c", "messages": [{"role": "user", "content": "hello"}]})
    failed = whole | {"finish_reason": "ERROR"}
    frames = [fake_cohere.event(data) for data in fake_cohere.events_of(whole)]
    error = fake_cohere.event(list(fake_cohere.events_of(failed))[-1])
    return Tongue(SSE, frames, 2, 4, 7, json.dumps(whole).encode(), error,
                  b'{"message": "x"}', b'event: content-delta\ndata: {"type": "content-del\n\n')  # fmt: skip


def ollama() -> Tongue:
    asked = {"model": "l", "messages": [{"role": "user", "content": "hello"}]}
    lines = list(fake_ollama.lines_of(asked, lambda: "2026-08-04T19:22:01.001Z"))
    frames = [json.dumps(line).encode() + b"\n" for line in lines]
    whole = json.dumps(fake_ollama.whole_of(lines)).encode()
    return Tongue("application/x-ndjson", frames, 0, 2, 4, whole, b'{"error": "x"}\n', b'{"error": "x"}',
                  b'{"model": "l", "mess\n', b'{"model": "')  # fmt: skip


def responses() -> Tongue:
    part = {"type": "output_text", "text": "You said", "annotations": [], "logprobs": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": None,
        "incomplete_details": None, "model": "r", "output": [item], "parallel_tool_calls": True, "tool_choice": "auto",
        "tools": [], "usage": fake_responses.USAGE,
    }  # fmt: skip
    frames = [fake_responses.event(at, data) for at, data in enumerate(fake_responses.events_of(whole))]
    failed = whole | {"status": "failed", "output": [], "error": {"code": "server_error", "message": "x"}}
    error = fake_responses.event(99, {"type": "response.failed", "response": failed})
    return Tongue(SSE, frames, 3, 4, 8, json.dumps(whole).encode(), error, json.dumps(failed).encode(),
                  b'event: response.output_text.delta\ndata: {"type": "respon\n\n')  # fmt: skip


TONGUES = {
    "o": openai(), "a": anthropic(), "g": gemini(), "b": converse(), "i": invoked(), "c": cohere(), "l": ollama(),
    "r": responses(),
}  # fmt: skip


class Babel(Upstream):
    """One upstream of all dialects: the first part of its path says which."""

    def wanted(self, exchange: Exchange) -> str:
        return exchange.head.split("/")[1]

    def providers(self) -> str:
        base = f"http://127.0.0.1:{self.port}"
        dialects = {"a": "anthropic", "r": "responses"}
        lines = [self.provider(base, name, f"dialect: {dialect}", "/v1") for name, dialect in dialects.items()]
        catalogue = {"g": "gemini", "c": "cohere", "l": "ollama"}
        paths = {"g": "/v1beta", "c": "/v2", "l": "/api"}
        lines += [self.provider(base, name, f"catalogue: {of}", paths[name]) for name, of in catalogue.items()]
        lines += [self.provider(base, "b", "catalogue: bedrock", ""), self.provider(base, "i", "catalogue: bedrock_claude", "")]
        return "".join(lines) + self.provider(base, "o", "dialect: openai", "/v1")

    def provider(self, base: str, name: str, kind: str, path: str) -> str:
        return f"""
  {name}:
    {kind}
    base_url: {base}/{name}{path}
    api_key: env:UPSTREAM_KEY
    losses: drop
    timeouts: {{connect: 2s, first_byte: 5s, between_chunks: 5s, total: 30s}}
    models: [{name}]
"""


# Clients


@dataclasses.dataclass
class Speaker:
    """A dialect as its clients speak it."""

    path: str
    body: dict
    streams: dict

    def asks(self, model: str, stream: bool) -> bytes:
        body = self.body if "generateContent" in self.path else self.body | {"model": model}
        path = self.path.replace("MODEL", model)
        if stream:
            body = body | self.streams
            path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
        data = json.dumps(body).encode()
        fields = [f"content-length: {len(data)}"]
        if "messages" in path:
            fields.append("anthropic-version: 2023-06-01")
        return head(fields, path=path) + data


USER = [{"role": "user", "content": "hello"}]
SPEAKERS = {
    "chat": Speaker("/v1/chat/completions", {"messages": USER}, {"stream": True}),
    "messages": Speaker("/v1/messages", {"messages": USER, "max_tokens": 100}, {"stream": True}),
    "gemini": Speaker("/v1beta/models/MODEL:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}, {}),
    "responses": Speaker("/v1/responses", {"input": "hello"}, {"stream": True}),
}  # fmt: skip


def is_error(speaker: str, got: Answer) -> bool:
    """Whether it is an error as clients of this dialect know it."""
    said = got.json
    error = said["error"]
    if speaker == "gemini":
        return {"code", "message", "status"} <= set(error) and error["code"] == got.status
    if speaker == "messages":
        return said["type"] == "error" and {"type", "message"} <= set(error)
    return {"message", "type", "code"} <= set(error)


def is_error_event(speaker: str, data: dict) -> bool:
    """Whether an event says that the answer broke off."""
    if speaker == "messages":
        return data.get("type") == "error" and {"type", "message"} <= set(data["error"])
    if speaker == "responses":
        return data.get("type") in ("error", "response.failed")
    return "message" in data.get("error", {})


# Kinds of errors, as clients of each dialect tell them apart in a stream.
KINDS = {
    "failed": {"chat": "server_error", "messages": "api_error", "gemini": "INTERNAL", "responses": "server_error"},
    "overloaded": {
        "chat": "overloaded", "messages": "overloaded_error", "gemini": "UNAVAILABLE", "responses": "server_is_overloaded",
    },
    "limited": {
        "chat": "upstream_rate_limit", "messages": "rate_limit_error", "gemini": "RESOURCE_EXHAUSTED",
        "responses": "rate_limit_exceeded",
    },
}  # fmt: skip


def kind_told(speaker: str, data: dict) -> str:
    """The kind that an error event tells."""
    error = data["response"]["error"] if speaker == "responses" else data["error"]
    if speaker == "gemini":
        return error["status"]
    return error["type"] if speaker == "messages" else error.get("code") or error["type"]


def ends_well(speaker: str, events: list) -> bool:
    """Whether a client of this dialect believes that it has the whole answer."""
    if speaker == "chat":
        return "[DONE]" in events
    text = " ".join(events)
    if speaker == "gemini":
        return "finishReason" in text
    return ("message_stop" if speaker == "messages" else "response.completed") in text

