"""What goes wrong at a provider, and how each client's SDK hears of it."""

import json
import threading

import anthropic
import httpx
import openai
from anthropic._exceptions import OverloadedError
from google.genai.errors import ClientError, ServerError

import fake_anthropic
import fake_bedrock
import fake_cohere
from harness.bench import until
from harness.gateway import KEY
from suites.matrix.question import say
from suites.matrix.scenery import each, is_own, server_of

USER = [{"role": "user", "content": "hello"}]
MESSAGE = "The request is wrong: too much of it."
BUSY = "server busy, please try again"
OVERLOADED = {"overloaded", "server_is_overloaded", "service_unavailable"}
# What a provider says, what becomes of it, and its SDKs' classes.
STATUSES = {400: 400, 401: 502, 403: 502, 404: 404, 413: 413, 429: 429, 500: 502, 503: 503, 529: 503}
OPENAIS = {
    400: openai.BadRequestError, 404: openai.NotFoundError, 413: openai.APIStatusError, 429: openai.RateLimitError,
    502: openai.InternalServerError, 503: openai.InternalServerError,
}  # fmt: skip
ANTHROPICS = {
    400: (anthropic.BadRequestError, "invalid_request_error"), 404: (anthropic.NotFoundError, "not_found_error"),
    413: (anthropic.RequestTooLargeError, "request_too_large"), 429: (anthropic.RateLimitError, "rate_limit_error"),
    502: (anthropic.InternalServerError, "api_error"), 529: (OverloadedError, "overloaded_error"),
}  # fmt: skip
GOOGLES = {
    400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 502: "INTERNAL",
    503: "UNAVAILABLE",
}  # fmt: skip
GOOGLE = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
          500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
CLAUDE = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
          413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}  # fmt: skip
AWS = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException", 429: "ThrottlingException",
       500: "InternalServerException", 503: "ServiceUnavailableException"}  # fmt: skip


def body_of(server: str, status: int) -> dict:
    if server in ("claude", "vertex_claude"):
        return {"type": "error", "error": {"type": CLAUDE.get(status, "api_error"), "message": MESSAGE}, "request_id": "req_up"}
    if server in ("google", "vertex"):
        return {"error": {"code": status, "message": MESSAGE, "status": GOOGLE.get(status, "UNKNOWN")}}
    if server in ("aws", "cohere"):
        return {"message": MESSAGE}
    if server == "ollama":
        return {"error": MESSAGE}
    return {"error": {"message": MESSAGE, "type": "invalid_request_error", "param": None, "code": None}}


def script(w, target, status: int) -> None:
    headers = {"retry-after": "7"} if status in (429, 503, 529) else {}
    if target.server == "aws":
        headers["x-amzn-errortype"] = AWS.get(status, "ServiceException")
    body = json.dumps(body_of(target.server, status)).encode()
    server_of(w, target).next(status=status, headers=headers, body=body)


def error_of(client, function):
    try:
        answer = function()
    except client.error as error:
        return error
    raise AssertionError(f"no error: {answer}")


@each()
def a_refusal_keeps_its_kind(w, client, target, is_streamed):
    for status, wanted in STATUSES.items():
        script(w, target, status)
        try:
            error = error_of(client, lambda: client.ask(target.name, say(), is_streamed))
        finally:
            server_of(w, target).script.clear()
        got = getattr(error, "status_code", None) or error.code
        if client.name == "messages" and wanted == 503:
            wanted = 529
        assert got in (wanted, status), (status, got, error)
        if client.name in ("chat", "responses"):
            assert isinstance(error, OPENAIS.get(got, openai.APIStatusError)), (status, error)
            assert error.type and isinstance(error.body, dict) and "message" in error.body, (status, error.body)
        elif client.name == "messages":
            kind, word = ANTHROPICS[got]
            assert isinstance(error, kind) and error.body["error"]["type"] == word, (status, error.body)
            assert error.body["type"] == "error", error.body
        else:
            assert isinstance(error, ClientError if got < 500 else ServerError), error
            # Whom the provider itself answers in its dialect, it answers word for word.
            statuses = (GOOGLES.get(got, "UNAVAILABLE"), "UNKNOWN" if target.server in ("google", "vertex") else None)
            assert error.status in statuses and error.details["error"]["code"] == got, (status, error)
        if status == 400:
            assert MESSAGE in str(error), error
        response = error.response
        if status == 429:
            assert 1 <= float(response.headers["retry-after"]) <= 7, response.headers
        heard = str(response.headers) + str(error)
        for secret in ("upstream", "req_up", "amzn", "sk-", "openai-organization", "set-cookie"):
            assert secret not in heard.replace("upstream_", "").replace("The upstream", ""), (secret, heard)


def pieces_of(w, client, target) -> list:
    """What the provider would stream, piece by piece, to this very question."""
    server = server_of(w, target)
    kept = []
    handler = server.server.RequestHandlerClass
    send = handler.send_scripted

    def spy(self, answer):
        kept.append(answer)
        return send(self, answer)

    handler.send_scripted = spy
    try:
        client.ask(target.name, say(), True)
    finally:
        del handler.send_scripted
    return kept[-1]


@each(ways=("streamed",))
def a_stream_that_is_cut_is_an_error(w, client, target, is_streamed):
    whole = pieces_of(w, client, target)
    for breaks in (True, False):
        for count in {1, 3, len(whole.pieces) // 2, len(whole.pieces) - 2}:
            if not 0 < count < len(whole.pieces) - 1:
                continue
            server_of(w, target).next(pieces=whole.pieces[:count], headers=whole.headers, breaks=breaks)
            error = error_of(client, lambda: client.ask(target.name, say(), True))
            assert (getattr(error, "status_code", None) or getattr(error, "code", None) or 500) not in (400, 429), error


@each(ways=("streamed",))
def a_stream_with_nonsense_in_it_is_an_error(w, client, target, is_streamed):
    if is_own(client, target):
        return
    whole = pieces_of(w, client, target)
    pieces = list(whole.pieces)
    middle = len(pieces) // 2
    pieces[middle] = pieces[middle][: len(pieces[middle]) // 2] + b"\n\n"
    server_of(w, target).next(pieces=pieces, headers=whole.headers)
    error_of(client, lambda: client.ask(target.name, say(), True))


def messages_of(pieces: list) -> list:
    """Whole binary messages; each begins with its length."""
    rest, messages = b"".join(pieces), []
    while rest:
        length = int.from_bytes(rest[:4], "big")
        messages.append(rest[:length])
        rest = rest[length:]
    return messages


def overload_of(target) -> bytes:
    """How its provider says in a stream that it is overloaded; Cohere can say only
    that it failed."""
    if target.server == "aws":
        return fake_bedrock.exception("serviceUnavailableException", BUSY)
    if target.server == "cohere":
        return fake_cohere.event({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": BUSY}})
    if target.server == "ollama":
        return json.dumps({"error": BUSY}).encode() + b"\n"
    if target.server in ("claude", "vertex_claude"):
        return fake_anthropic.event({"type": "error", "error": {"type": "overloaded_error", "message": BUSY}})
    error = {"message": BUSY, "type": "server_error", "code": "service_unavailable"}
    if target.server in ("google", "vertex"):
        error = {"message": BUSY, "code": 503, "status": "UNAVAILABLE"}
    return b"data: " + json.dumps({"error": error}).encode() + b"\n\n"


@each(ways=("streamed",))
def an_error_in_a_stream_keeps_its_kind(w, client, target, is_streamed):
    whole = pieces_of(w, client, target)
    said = messages_of(whole.pieces) if target.server == "aws" else whole.pieces
    pieces = [*said[: len(said) // 2], overload_of(target)]
    server_of(w, target).next(pieces=pieces, headers=whole.headers)
    error = error_of(client, lambda: client.ask(target.name, say(), True))
    is_known = target.server != "cohere"
    assert BUSY in str(error), error
    if client.name == "messages":
        wanted = "overloaded_error" if is_known else "api_error"
        assert error.body["error"]["type"] == wanted, error.body
    elif client.name == "gemini":
        assert error.status == ("UNAVAILABLE" if is_known else "INTERNAL"), error
    else:
        # A provider's own word stays where both sides speak the same.
        wanted = OVERLOADED if is_known else {None, "server_error"}
        assert error.code in wanted, error.body


@each(ways=("streamed",))
def a_client_that_leaves_takes_the_provider_along(w, client, target, is_streamed):
    whole = pieces_of(w, client, target)
    server = server_of(w, target)
    before = server.hung_up
    server.next(pieces=[b"".join(whole.pieces[:-2]), whole.pieces[-1]], headers=whole.headers, gate=threading.Event())
    urls = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages",
            "gemini": f"/v1beta/models/{target.name}:streamGenerateContent?alt=sse"}  # fmt: skip
    bodies = {
        "chat": {"messages": USER, "stream": True}, "responses": {"input": "hello", "stream": True},
        "messages": {"messages": USER, "max_tokens": 100, "stream": True},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    }  # fmt: skip
    is_google = client.name == "gemini"
    body = bodies[client.name] | ({} if is_google else {"model": target.name})
    headers = {"x-goog-api-key": KEY} if is_google else {"authorization": f"Bearer {KEY}"}
    with httpx.stream("POST", w.gateway.origin + urls[client.name], json=body, headers=headers) as answer:
        assert next(answer.iter_raw())
    until(lambda: server.hung_up > before, 3, f"{target.name} is left, too")
