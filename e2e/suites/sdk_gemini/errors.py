"""What goes wrong: the SDK's own classes, with Google's words in them."""

import json
import threading
import time

import httpx
from google.genai import errors

from harness.bench import case
from harness.gateway import KEY
from harness.wait import until
from suites.sdk_gemini import MODELS, SECOND, THIRD, ask, client_of, stream

LIMITS = {
    "m": b'{"error": {"message": "slow down", "type": "requests"}}',
    "c": b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}',
}
BUSY = {
    "m": (503, b'{"error": {"message": "busy", "type": "server_error"}}'),
    "c": (529, b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'),
    SECOND: (503, b'{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}'),
}


def error_of(kind, code: int, status: str, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except errors.APIError as error:
        assert (type(error), error.code, error.status) == (kind, code, status), error
        assert error.message and isinstance(error.details, dict), error
        assert error.response.headers["x-request-id"].startswith("req_"), error
        return error
    raise AssertionError(f"no {kind.__name__}")


def detail(error, name: str) -> dict:
    found = [one for one in error.details["error"]["details"] if one["@type"].endswith(name)]
    assert found, error.details
    return found[0]


def server_of(w, model: str):
    return {"m": w.fake, "c": w.claude}.get(model, w.google)


@case
def a_bad_request_is_a_client_error(w):
    for model in MODELS:
        for function in (ask, stream):
            error = error_of(errors.ClientError, 400, "INVALID_ARGUMENT", function, w, model, temperature=3)
            assert "temperature" in error.message, error


@case
def a_body_that_is_none_is_told_with_its_field(w):
    url = f"{w.gateway.origin}/v1beta/models/m:generateContent"
    answer = httpx.post(url, json={"contents": "hello"}, headers={"x-goog-api-key": KEY})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT"), error
    assert "contents" in error["message"], error


@case
def a_wrong_key_is_unauthenticated(w):
    stranger = client_of(w, "sk-wrong")
    calls = [
        lambda: stranger.models.generate_content(model="m", contents="hello"),
        lambda: list(stranger.models.generate_content_stream(model="m", contents="hello")),
        lambda: list(stranger.models.list()),
        lambda: stranger.models.count_tokens(model="m", contents="hello"),
        lambda: stranger.models.embed_content(model="m", contents="hello"),
    ]
    for call in calls:
        error_of(errors.ClientError, 401, "UNAUTHENTICATED", call)


@case
def an_unknown_model_is_not_found(w):
    calls = [
        lambda: ask(w, "nope"),
        lambda: stream(w, "nope"),
        lambda: w.client.models.get(model="nope"),
        lambda: w.client.models.count_tokens(model="nope", contents="hello"),
        lambda: w.client.models.embed_content(model="nope", contents="hello"),
    ]
    for call in calls:
        error_of(errors.ClientError, 404, "NOT_FOUND", call)


@case
def what_there_is_not_is_told_in_googles_form(w):
    for path in ("/v1beta/models/m:predict", "/v1beta/cachedContents", "/v1beta/files"):
        answer = httpx.post(w.gateway.origin + path, json={}, headers={"x-goog-api-key": KEY})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (404, 404, "NOT_FOUND"), (path, answer.text)
        assert ":generateContent" in error["message"], error


@case
def a_limit_says_when_to_come_again(w):
    for model in ("m", "c", SECOND):
        server = server_of(w, model)
        for _ in range(3):
            if model == SECOND:
                server.slow_down(33)
            else:
                server.next(status=429, headers={"retry-after": "33"}, body=LIMITS[model])
        try:
            error = error_of(errors.ClientError, 429, "RESOURCE_EXHAUSTED", ask, w, model)
        finally:
            server.script.clear()
        assert 1 <= int(error.response.headers["retry-after"]) <= 33, error.response.headers
        delay = detail(error, "RetryInfo")["retryDelay"]
        assert 1 <= float(delay.removesuffix("s")) <= 33, delay


@case
def the_sdks_own_retries_get_through(w):
    retrying = client_of(w, retry_options={"attempts": 3, "initial_delay": 0.1, "max_delay": 0.2})
    for model in (THIRD,):
        for _ in range(3):
            server_of(w, model).next(status=503, body=BUSY[SECOND][1])
        answer = retrying.models.generate_content(model=model, contents="hello")
        assert answer.text == "You said: hello", answer
        server_of(w, model).script.clear()


@case
def an_overloaded_server_is_unavailable(w):
    for model, (status, body) in BUSY.items():
        server = server_of(w, model)
        for _ in range(12):
            server.next(status=status, body=body)
        try:
            for function in (ask, stream):
                error_of(errors.ServerError, 503, "UNAVAILABLE", function, w, model)
        finally:
            server.script.clear()


@case
def a_server_that_fails_is_an_error_of_the_server(w):
    for model in ("m", "c", SECOND):
        server = server_of(w, model)
        for _ in range(12):
            server.next(status=500, body=b"<html>oops</html>")
        try:
            error = error_of(errors.ServerError, 502, "INTERNAL", ask, w, model)
        finally:
            server.script.clear()
        assert error.details["error"]["code"] == 502, error.details


def chunk_of(text: str) -> bytes:
    delta = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def read(w, model: str) -> tuple:
    """What came of a stream, and how it ended."""
    said = ""
    try:
        for chunk in w.client.models.generate_content_stream(model=model, contents="hello"):
            said += chunk.text or ""
    except (errors.APIError, httpx.HTTPError) as error:
        return said, error
    raise AssertionError(f"a silent end after {said!r}")


@case
def an_error_in_the_middle_of_a_stream_raises(w):
    for model in (SECOND, THIRD):
        w.google.breaks_after("one ")
        said, error = read(w, model)
        assert said == "one " and isinstance(error, errors.ServerError), (said, error)
        assert (error.code, error.status) == (503, "UNAVAILABLE"), error
    failed = b'data: {"error": {"message": "it broke", "type": "server_error"}}\n\n'
    w.fake.next(pieces=[chunk_of("one "), failed])
    said, error = read(w, "m")
    assert said == "one " and isinstance(error, errors.ServerError), (said, error)
    assert error.status == "INTERNAL" and "it broke" in error.message, error


@case
def a_stream_that_is_cut_raises(w):
    w.fake.next(pieces=[chunk_of("one ")], breaks=True)
    said, error = read(w, "m")
    assert said == "one " and isinstance(error, errors.ServerError), (said, error)
    # Without a reason to end nothing is whole.
    first = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}, "index": 0}]}
    w.google.next(pieces=[f"data: {json.dumps(first)}\r\n\r\n".encode()])
    said, error = read(w, SECOND)
    assert said == "one " and isinstance(error, errors.ServerError), (said, error)


@case
def an_array_that_breaks_ends_with_its_error(w):
    w.fake.next(pieces=[chunk_of("one ")], breaks=True)
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    url = f"{w.gateway.origin}/v1/models/m:streamGenerateContent"
    items = httpx.post(url, json=body, headers={"x-goog-api-key": KEY}).json()
    assert items[-1]["error"]["code"] >= 500 and items[-1]["error"]["status"], items
    w.google.breaks_after("one ")
    url = f"{w.gateway.origin}/v1/models/{SECOND}:streamGenerateContent"
    first, last = httpx.post(url, json=body, headers={"x-goog-api-key": KEY}).json()
    assert "error" not in first and last["error"]["status"] == "UNAVAILABLE", (first, last)


@case
def a_client_that_leaves_a_stream_ends_it_upstream(w):
    for model, server in (("m", w.fake), (SECOND, w.google)):
        before = server.hung_up
        first = {"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}]}, "index": 0}]}
        piece = chunk_of("one ") if model == "m" else f"data: {json.dumps(first)}\r\n\r\n".encode()
        server.next(pieces=[piece, piece], gate=threading.Event())
        client = client_of(w)
        events = client.models.generate_content_stream(model=model, contents="hello")
        assert next(iter(events)).text == "one "
        events.close()
        client.close()
        until(lambda: server.hung_up > before, 5, f"{model}: the upstream is left, too")


@case
def a_client_that_leaves_a_plain_call_ends_it_upstream(w):
    before = w.google.hung_up
    gate = threading.Event()
    w.google.next(pieces=[b"{", b"}"], gate=gate, headers={"content-type": "application/json"})
    impatient = client_of(w, timeout=500)
    begun = time.monotonic()
    try:
        impatient.models.generate_content(model=SECOND, contents="hello")
    except Exception as error:
        assert "Timeout" in type(error).__name__, error
    else:
        raise AssertionError("an answer")
    assert time.monotonic() - begun < 5
    until(lambda: w.google.hung_up > before, 5, "the upstream is left, too")
