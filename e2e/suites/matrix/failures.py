"""What goes wrong at a provider, and how each client's SDK hears of it."""

import json
import re
import threading

import anthropic
import httpx
import openai
from google.genai.errors import ClientError, ServerError

from harness.bench import until
from harness.gateway import KEY
from suites.matrix.question import say
from suites.matrix.scenery import TARGETS, each, is_own, server_of

USER = [{"role": "user", "content": "hello"}]
MESSAGE = "The request is wrong: too much of it."
# A choice says why it ended.
FINISHED = re.compile(rb'"finish_reason": ?"')
# What a provider says, what becomes of it, and its SDKs' classes.
STATUSES = {400: 400, 401: 502, 403: 502, 404: 404, 413: 413, 429: 429, 500: 502, 503: 503, 529: 503}
OPENAIS = {
    400: openai.BadRequestError, 404: openai.NotFoundError, 413: openai.APIStatusError, 429: openai.RateLimitError,
    502: openai.InternalServerError, 503: openai.InternalServerError,
}  # fmt: skip
ANTHROPICS = {
    400: (anthropic.BadRequestError, "invalid_request_error"), 404: (anthropic.NotFoundError, "not_found_error"),
    413: (anthropic.RequestTooLargeError, "request_too_large"), 429: (anthropic.RateLimitError, "rate_limit_error"),
    502: (anthropic.InternalServerError, "api_error"), 503: (anthropic.APIStatusError, "overloaded_error"),
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
        assert got in (wanted, status, 529 if wanted == 503 else wanted), (status, got, error)
        if client.name in ("chat", "responses"):
            assert isinstance(error, OPENAIS.get(got, openai.APIStatusError)), (status, error)
            assert error.type and isinstance(error.body, dict) and "message" in error.body, (status, error.body)
        elif client.name == "messages":
            kind, word = ANTHROPICS.get(got, (anthropic.APIStatusError, "overloaded_error"))
            assert isinstance(error, kind) and error.body["error"]["type"] == word, (status, error.body)
            assert error.body["type"] == "error", error.body
        else:
            assert isinstance(error, ClientError if got < 500 else ServerError), error
            assert error.status == GOOGLES.get(got, "UNAVAILABLE") and error.details["error"]["code"] == got, (status, error)
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
            if not breaks and any(FINISHED.search(piece) for piece in whole.pieces[:count]):
                continue  # a server that leaves the rest out; what it said is whole
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


def errors_in_streams(target) -> bytes:
    error = body_of(target.server, 500)
    if target.server in ("claude", "vertex_claude"):
        error |= {"error": {"type": "overloaded_error", "message": "Overloaded"}}
        return b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"
    if target.server == "ollama":
        return json.dumps(error).encode() + b"\n"
    return b"data: " + json.dumps(error).encode() + b"\n\n"


@each(targets=[t for t in TARGETS if t.server not in ("aws", "cohere")], ways=("streamed",))
def an_error_in_a_stream_is_an_error(w, client, target, is_streamed):
    whole = pieces_of(w, client, target)
    pieces = [*whole.pieces[: len(whole.pieces) // 2], errors_in_streams(target)]
    server_of(w, target).next(pieces=pieces, headers=whole.headers)
    error_of(client, lambda: client.ask(target.name, say(), True))


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
