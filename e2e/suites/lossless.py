"""What no policy touched is the same byte on the other side, both ways."""

import json
import socket
import threading

import httpx

from harness.bench import case
from harness.gateway import KEY, hello
from suites.common import fake_and_gateway

# Formatting that a parser would lose: order, escapes, spaces, numbers that no
# float holds, fields that nobody knows.
REQUEST = (
    b'{ "zeta":1e400,\r\n\t"model" : "m","temperature":0.70000000000000000001 ,'
    b'"messages":[ {"role":"user" , "content":"\\u00e9\\/\\ud83d\\ude00 \xc3\xa9 \\n", "x_unknown": [1.0,1.00,-0] } ],'
    b'"big":123456789012345678901234567890 ,"empty":{ },"nested":{"b":2,"a":1}\n}\n'
)
ANSWER = (
    b'{ "id":"x" ,\n "object":"chat.completion","created":1,"model":"m", "timings":{"ms":1e-400},'
    b'"choices":[{"message":{"content":"\\u00fc\\/\xc3\xbc","role":"assistant","odd":[1.00]},"finish_reason":"stop","index":0}],'
    b'"usage":{"completion_tokens":2,"prompt_tokens":1,"total_tokens":3,"unknown":12345678901234567890123}}\n '
)


def scene(bench):
    return fake_and_gateway(bench)


def send(w, body: bytes) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    return httpx.post(w.gateway.base_url + "/chat/completions", content=body, headers=headers, timeout=20)


def streamed(with_usage: bool) -> bytes:
    options = b'"stream_options" :{"include_usage": true},' if with_usage else b""
    return REQUEST.replace(b'{ "zeta"', b'{ "stream":true , ' + options + b' "zeta"')


def chunk(delta: bytes, more: bytes = b"") -> bytes:
    return (
        b'{"id":"c" ,"object":"chat.completion.chunk","created":1,"model":"m","x":1e999,'
        b'"choices":[ {"index":0,"delta":' + delta + b',"finish_reason":null} ]' + more + b"}"
    )


# Framing that the standard allows and a rewriter would lose.
STREAM = [
    b": a comment\n\n",
    b"data: " + chunk(b'{"role":"assistant","content":""}') + b"\n\n",
    b"data:" + chunk(b'{"content":"\\u00e9\\/ "}') + b"\n\n",
    b"event: message\r\nid: 7\r\ndata: " + chunk(b'{"content" : "CRLF"}') + b"\r\n\r\n",
    b"data: " + chunk(b'{ }').replace(b'"finish_reason":null', b'"finish_reason":"stop"') + b"\n\n",
]
USAGE = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
)
DONE = b"data: [DONE]\n\n"


@case
def a_plain_request_reaches_the_upstream_byte_for_byte(w):
    w.fake.next(body=ANSWER)
    assert send(w, REQUEST).status_code == 200
    assert w.fake.last.body == REQUEST, w.fake.last.body


@case
def a_plain_answer_reaches_the_client_byte_for_byte(w):
    w.fake.next(body=ANSWER)
    answer = send(w, REQUEST)
    assert answer.content == ANSWER, answer.content
    assert answer.headers["content-type"] == "application/json"


@case
def a_streamed_request_that_asks_for_usage_stays_as_it_is(w):
    w.fake.next(pieces=[*STREAM, USAGE, DONE])
    answer = send(w, streamed(with_usage=True))
    assert w.fake.last.body == streamed(with_usage=True), w.fake.last.body
    assert answer.content == b"".join([*STREAM, USAGE, DONE]), answer.content


@case
def a_streamed_request_gets_nothing_but_the_wish_for_usage(w):
    w.fake.next(pieces=[*STREAM, USAGE, DONE])
    answer = send(w, streamed(with_usage=False))
    sent = w.fake.last.body
    assert b'"include_usage":true' in sent.replace(b" ", b""), sent
    for part in (b'"zeta":1e400', b"0.70000000000000000001 ", b"\\u00e9\\/\\ud83d\\ude00 \xc3\xa9", b"[1.0,1.00,-0]"):
        assert part in sent, part
    assert answer.content == b"".join([*STREAM, DONE]), answer.content


@case
def the_answer_does_not_depend_on_how_it_was_cut(w):
    whole = b"".join([*STREAM, USAGE, DONE])
    for size in (1, 7, 64):
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        w.fake.next(pieces=pieces)
        answer = send(w, streamed(with_usage=False))
        assert answer.content == b"".join([*STREAM, DONE]), (size, answer.content)


@case
def an_alias_changes_nothing_but_the_name(w):
    renamed = REQUEST.replace(b'"model" : "m"', b'"model" : "fake/m"')
    w.fake.next(body=ANSWER)
    assert send(w, renamed).content == ANSWER
    assert w.fake.last.body == REQUEST, w.fake.last.body


@case
def an_error_of_the_upstream_keeps_its_bytes(w):
    body = b'{ "error" : {"message":"no \\u00e9","type":"invalid_request_error","param":null,"code":"odd","extra":1e400} }'
    w.fake.next(status=422, body=body)
    answer = send(w, REQUEST)
    assert (answer.status_code, answer.content) == (422, body), answer.content


@case
def a_duplicate_key_is_refused(w):
    asked = len(w.fake.requests)
    answer = send(w, b'{"model":"m","messages":[],"model":"fake-large"}')
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "duplicate_key", answer.text
    assert len(w.fake.requests) == asked


@case
def deep_or_broken_json_is_refused(w):
    deep = b'{"model":"m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"
    assert send(w, deep).json()["error"]["code"] == "json_too_deep"
    for broken in (b'{"model":"m"', b'{"model":"m",}', b"nothing", b"", b'{"model":"\xff"}'):
        answer = send(w, broken)
        assert answer.status_code == 400, (broken, answer.text)
        assert answer.json()["error"]["code"] == "invalid_json", (broken, answer.text)


@case
def pieces_travel_as_they_come(w):
    """The first content is here while the upstream still holds the second."""
    gate = threading.Event()
    w.fake.next(pieces=[b"".join(STREAM[:3]), *STREAM[3:], DONE], gate=gate)
    body = json.dumps(hello(stream=True)).encode()
    with socket.create_connection(("127.0.0.1", w.gateway.port), timeout=10) as client:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        head += f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        seen = b""
        while b"\\u00e9" not in seen:
            seen += client.recv(65536)
        assert not gate.is_set() and b"CRLF" not in seen
        gate.set()
        while piece := client.recv(65536):
            seen += piece
    assert b"CRLF" in seen and b"[DONE]" in seen, seen
