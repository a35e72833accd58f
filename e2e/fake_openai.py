"""A strict OpenAI-compatible upstream for the suites, in plain Python.

It answers as the request asks (tools, n, logprobs, structured output, images,
embeddings in floats and base64, streams with usage only if asked), refuses
what a provider would refuse, and remembers every byte that it saw. A suite may
script the next answers: `fake.next(...)`.
"""

import base64
import collections
import contextlib
import dataclasses
import http.server
import json
import socket
import struct
import sys
import threading

from fake_remote import Remote

MODELS = ["m", "fake-large"]
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
CREATED = 1_700_000_000
# Which member of a call comes in pieces.
SAID = {"custom": "input", "function": "arguments"}


@dataclasses.dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclasses.dataclass
class Scripted:
    """One answer, byte for byte. Pieces are flushed one by one."""

    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    pieces: list | None = None
    # Waited for before each piece but the first.
    gate: threading.Event | None = None
    # Closes with RST instead of ending the chunked body.
    breaks: bool = False


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *which):
        # A gateway may reset what it gives up.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*which)


class FakeOpenAI:
    """Starts with `with FakeOpenAI(key) as fake:`; all in threads of this process."""

    # The version in its base URL.
    version = "v1"

    def __init__(self, key: str):
        self.key = key
        self.requests: list[Seen] = []
        self.violations: list[str] = []
        self.hung_up = 0
        self.script: collections.deque = collections.deque()
        fake = self

        class Handler(self.handler()):
            owner = fake

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/{self.version}"

    def handler(self) -> type:
        """What answers; a server of another dialect has its own."""
        return Handler

    def __enter__(self):
        # The poll interval bounds how long `shutdown` takes.
        serve = lambda: self.server.serve_forever(poll_interval=0.02)  # noqa: E731
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next(self, **scripted) -> Scripted:
        """Scripts an answer for the next request that has none yet."""
        answer = Scripted(**scripted)
        self.script.append(answer)
        return answer

    @property
    def last(self) -> Seen:
        return self.requests[-1]


class Refused(Exception):
    def __init__(self, status: int, message: str, param: str | None = None, kind="invalid_request_error"):
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": None}}


class Handler(Remote, http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write a piece: the suites look at how pieces travel.
    wbufsize = 0
    disable_nagle_algorithm = True
    owner: FakeOpenAI
    # Headers that a gateway must not let through.
    unwanted = frozenset({"cookie", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "baggage"})

    def log_message(self, *_):
        pass

    def handle(self):
        # A gateway that gives up closes as it likes.
        with contextlib.suppress(ConnectionResetError):
            super().handle()

    def do_GET(self):
        self.handle_any(b"")

    def do_POST(self):
        if "content-length" in self.headers:
            body = self.rfile.read(int(self.headers["content-length"]))
        else:
            body = self.read_chunked()
        self.handle_any(body)

    def read_chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def handle_any(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body)
        self.owner.requests.append(seen)
        self.look(seen)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            with contextlib.suppress(IndexError):
                return self.send_scripted(self.owner.script.popleft())
            try:
                self.authorise(headers)
                self.answer(seen)
            except Refused as no:
                self.send_json(no.body, no.status)

    def look(self, seen: Seen) -> None:
        """What a gateway must never send upstream."""
        for name in seen.headers:
            if name in self.unwanted:
                self.owner.violations.append(f"header {name} came through")
            # The gateway's own, which ends circles; it says nothing of the client.
            is_own = name == "x-portcullis-hops"
            if name.startswith(("x-portcullis-", "x-forwarded-")) and not is_own:
                self.owner.violations.append(f"header {name} came through")
        if "sk-e2e-" in repr(seen.headers):
            self.owner.violations.append("the client's key came through")

    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise Refused(401, "Incorrect API key provided.", kind="authentication_error")

    def answer(self, seen: Seen) -> None:
        if seen.method == "GET" and seen.path == "/v1/models":
            data = [{"id": m, "object": "model", "created": CREATED, "owned_by": "fake"} for m in MODELS]
            return self.send_json({"object": "list", "data": data})
        handlers = {
            "/v1/chat/completions": chat,
            "/v1/completions": completion,
            "/v1/embeddings": embeddings,
        }
        handler = handlers.get(seen.path)
        if seen.method != "POST" or handler is None:
            raise Refused(404, f"Invalid URL ({seen.method} {seen.path})")
        if not seen.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "content-type must be application/json")
        if "content-encoding" in seen.headers:
            raise Refused(415, "compressed bodies are not supported")
        try:
            asked = json.loads(seen.body)
        except ValueError:
            raise Refused(400, "We could not parse the JSON body of your request.") from None
        if asked.get("model") not in MODELS:
            raise Refused(404, f"The model `{asked.get('model')}` does not exist")
        if "stream_options" in asked and not asked.get("stream"):
            raise Refused(400, "stream_options is only allowed when stream is true", "stream_options")
        answer = handler(asked)
        if asked.get("stream"):
            return self.send_stream(asked, answer)
        self.send_json(answer)

    # How it is sent

    def send_json(self, answer: dict, status: int = 200) -> None:
        self.send_scripted(Scripted(status=status, body=json.dumps(answer).encode()))

    def send_stream(self, asked: dict, answer: dict) -> None:
        chunks = list(stream_of(asked, answer))
        datas = [json.dumps(chunk) for chunk in chunks] + ["[DONE]"]
        self.send_scripted(Scripted(pieces=[f"data: {data}\n\n".encode() for data in datas]))

    def send_scripted(self, answer: Scripted) -> None:
        kind = "application/json" if answer.pieces is None else "text/event-stream; charset=utf-8"
        # Names as an upstream would send them; none of the last two may pass.
        headers = {
            "content-type": kind,
            "x-request-id": "upstream-request-id",
            "openai-processing-ms": "5",
            "openai-organization": "org-upstream",
            "set-cookie": "upstream=1",
        } | answer.headers
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.pieces is None:
            body = answer.body or b""
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            self.send_pieces(answer)
        except OSError:
            self.owner.hung_up += 1
            self.close_connection = True

    def send_pieces(self, answer: Scripted) -> None:
        for number, piece in enumerate(answer.pieces):
            if number and answer.gate:
                while not answer.gate.wait(0.02):
                    self.check_client()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if answer.breaks:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(b"0\r\n\r\n")

    def check_client(self) -> None:
        """Fails if the other side has closed."""
        self.connection.setblocking(False)
        try:
            if self.connection.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass
        finally:
            self.connection.setblocking(True)


# What is answered


def text_of(messages: list) -> str:
    """The last user text, and how many images stand beside it."""
    content = next((m["content"] for m in reversed(messages) if m.get("role") == "user"), "")
    if isinstance(content, str):
        return f"You said: {content}"
    texts = " ".join(part["text"] for part in content if part["type"] == "text")
    images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return f"You said: {texts} ({len(images)} images, {sum(map(len, images))} characters)"


def filled(schema: dict) -> dict:
    """What fits a schema: a city where it has one, or none at all; else a person."""
    names = schema.get("properties") or {"city": {}}
    return {"city": "Zürich"} if "city" in names else {name: "Ada" if name == "name" else 36 for name in names}


def arguments_for(function: dict) -> str:
    return json.dumps(filled(function.get("parameters", {})), ensure_ascii=False)


def called(tool: dict, number: int) -> dict:
    if tool["type"] == "custom":
        return {"id": f"call_{number}", "type": "custom", "custom": {"name": tool["custom"]["name"], "input": "*** Zürich"}}
    function = {"name": tool["function"]["name"], "arguments": arguments_for(tool["function"])}
    return {"id": f"call_{number}", "type": "function", "function": function}


def message_for(asked: dict) -> tuple:
    """The assistant's message and its finish reason."""
    answered = asked["messages"][-1].get("role") == "tool"
    if asked.get("tools") and not answered and asked.get("tool_choice") != "none":
        calls = [called(tool, number) for number, tool in enumerate(asked["tools"])]
        return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"
    text = text_of(asked["messages"])
    if asked.get("response_format", {}).get("type") == "json_schema":
        text = json.dumps(filled(asked["response_format"]["json_schema"]["schema"]))
    return {"role": "assistant", "content": text, "refusal": None}, "length" if text == "You said: LONG" else "stop"


def chat(asked: dict) -> dict:
    if not asked.get("messages"):
        raise Refused(400, "Missing required parameter: 'messages'.", "messages")
    if asked.get("temperature", 1) > 2:
        raise Refused(400, "Invalid 'temperature': at most 2.", "temperature")
    message, finish = message_for(asked)
    logprobs = None
    if asked.get("logprobs"):
        entry = {"token": "You", "logprob": -0.25, "bytes": [89, 111, 117], "top_logprobs": []}
        logprobs = {"content": [entry], "refusal": None}
    choices = [
        {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}
        for index in range(asked.get("n", 1))
    ]
    return {
        "id": "chatcmpl-e2e",
        "object": "chat.completion",
        "created": CREATED,
        "model": asked["model"],
        "choices": choices,
        "usage": USAGE,
        "system_fingerprint": "fp_e2e",
    }


def completion(asked: dict) -> dict:
    choice = {"index": 0, "text": f"{asked['prompt']} and so on", "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "cmpl-e2e",
        "object": "text_completion",
        "created": CREATED,
        "model": asked["model"],
        "choices": [choice],
        "usage": USAGE,
    }


def embeddings(asked: dict) -> dict:
    inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [[0.5, -0.25, float(len(text))] for text in inputs]
    if asked.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<3f", *v)).decode() for v in vectors]
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return {"object": "list", "data": data, "model": asked["model"], "usage": usage}


# The same as a stream


def stream_of(asked: dict, answer: dict):
    base = {key: answer[key] for key in ("id", "created", "model")}
    if answer["object"] == "text_completion":
        base["object"] = "text_completion"
        for word in answer["choices"][0]["text"].split(" "):
            yield base | {"choices": [answer["choices"][0] | {"text": word + " ", "finish_reason": None}]}
        yield base | {"choices": [answer["choices"][0] | {"text": ""}]}
    else:
        base |= {"object": "chat.completion.chunk", "system_fingerprint": "fp_e2e"}
        for choice in answer["choices"]:
            is_strict = any(tool[tool["type"]].get("strict") for tool in asked.get("tools", []))
            for delta, finish in deltas_of(choice, asked["model"] == "m" and not is_strict):
                piece = {"index": choice["index"], "delta": delta, "finish_reason": finish}
                yield base | {"choices": [piece | {"logprobs": choice["logprobs"] if finish is None else None}]}
    if asked.get("stream_options", {}).get("include_usage"):
        yield base | {"choices": [], "usage": answer["usage"]}


def deltas_of(choice: dict, is_mixed: bool):
    message = choice["message"]
    yield {"role": "assistant", "content": None if message["content"] is None else ""}, None
    for word in (message["content"] or "").split(" "):
        if message["content"]:
            yield {"content": word + " "}, None
    calls = [(n, call, call["type"], SAID[call["type"]]) for n, call in enumerate(message.get("tool_calls", []))]
    # Of parallel calls some servers send the parts in turn; OpenAI does not, whose tools may be strict.
    for group in [calls] if is_mixed else [[call] for call in calls]:
        for index, call, kind, said in group:
            yield {"tool_calls": [call | {"index": index, kind: call[kind] | {said: ""}}]}, None
        for part in (slice(0, 8), slice(8, None)):
            for index, call, kind, said in group:
                yield {"tool_calls": [{"index": index, kind: {said: call[kind][said][part]}}]}, None
    yield {}, choice["finish_reason"]
