"""Upstreams that break, lie or answer something else."""

import asyncio
import gzip
import json

import brotli
import zstandard
from harness.bench import case
from harness.raw import ask, chat, once
from harness.upstream import USAGE, answer, piece, usage_piece, well
from suites.fire.world import drill

HELLO = answer()
JSON = ("content-type: application/json",)


async def bytes_of(exchange, data: bytes, resets: bool = False):
    await exchange.write(data)
    if resets:
        await asyncio.sleep(0.02)
        exchange.reset()
    else:
        exchange.writer.close()


def head(*fields: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{version} {status}", *fields]).encode() + b"\r\n\r\n"


def raw(data: bytes, resets: bool = False):
    return lambda exchange: bytes_of(exchange, data, resets)


LENGTH = f"content-length: {len(HELLO)}"
CHUNKED = "transfer-encoding: chunked"
# Plain answers that are none: 502 or 504, and a healthy target is asked instead.
BROKEN = {
    "closed": raw(b""),
    "reset": raw(b"", True),
    "half a head": raw(b"HTTP/1.1 200 OK\r\ncontent-"),
    "half a head, reset": raw(b"HTTP/1.1 200 OK\r\ncontent-", True),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "HTTP/0.9": raw(HELLO),
    "half a body": raw(head(*JSON, LENGTH) + HELLO[:40]),
    "half a body, reset": raw(head(*JSON, LENGTH) + HELLO[:40], True),
    "half a chunk": raw(head(*JSON, CHUNKED) + b"ff\r\n" + HELLO[:40]),
    "no last chunk": raw(head(*JSON, CHUNKED) + b"%x\r\n%b\r\n" % (len(HELLO), HELLO)),
    "chunk garbage": raw(head(*JSON, CHUNKED) + b"zz\r\n" + HELLO),
    "two lengths": raw(head(*JSON, LENGTH, "content-length: 3") + HELLO),
    "half JSON": lambda e: e.plain(HELLO[:40]),
    "HTML with 200": lambda e: e.plain(b"<html>hello</html>", fields=("content-type: text/html",)),
    "an empty body": lambda e: e.plain(b""),
    "HTML with 500": lambda e: e.plain(b"<html>oops</html>", "500 Oops", ("content-type: text/html",)),
    "HTML with 404": lambda e: e.plain(b"<html>oops</html>", "404 No", ("content-type: text/html",)),
    "302": lambda e: e.plain(b"", "302 Found", ("location: http://127.0.0.1:1/secret",)),
    "307 to itself": lambda e: e.plain(b"", "307 There", ("location: /v1/chat/completions",)),
    "308": lambda e: e.plain(HELLO, "308 There", ("location: http://169.254.169.254/",)),
    "300 with an answer": lambda e: e.plain(HELLO, "300 Choose"),
    "101": raw(head("connection: upgrade", "upgrade: x", status="101 Switching Protocols") + HELLO),
    "gzip": lambda e: e.plain(gzip.compress(HELLO), fields=(*JSON, "content-encoding: gzip")),
    "br": lambda e: e.plain(brotli.compress(HELLO), fields=(*JSON, "content-encoding: br")),
    "zstd": lambda e: e.plain(zstandard.compress(HELLO), fields=(*JSON, "content-encoding: zstd")),
    "a stream unasked": lambda e: streamed(e, "[DONE]"),
    "500 with an error": lambda e: e.plain(b'{"error":{"message":"x","type":"server_error"}}', "500 Oops"),
    "529": lambda e: e.plain(b'{"error":{"message":"x","type":"overloaded_error"}}', "529 Busy"),
    "an error with 200": lambda e: e.plain(b'{"error":{"message":"x","type":"server_error"}}'),
    "hints without end": raw(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 5000),
    "headers without end": raw(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 100_000),
}
# Odd, but answers all the same.
WHOLE = {
    "100-continue": raw(b"HTTP/1.1 100 Continue\r\n\r\n" + head(*JSON, LENGTH) + HELLO),
    "103 early hints": raw(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + head(*JSON, LENGTH) + HELLO),
    "HTTP/1.0": raw(head(*JSON, version="HTTP/1.0") + HELLO),
    "until the end": raw(head(*JSON, "connection: close") + HELLO),
    "trailers": raw(head(*JSON, CHUNKED, "trailer: x-a") + b"%x\r\n%b\r\n0\r\nx-a: b\r\n\r\n" % (len(HELLO), HELLO)),
    "bytes behind the answer": raw(head(*JSON, LENGTH) + HELLO + b"HTTP/1.1 200 OK\r\n\r\n"),
    "no content type": lambda e: e.plain(HELLO, fields=()),
    "cookies": lambda e: e.plain(HELLO, fields=(*JSON, "set-cookie: a=b")),
}


async def streamed(exchange, *events, fields: tuple = (), ends: bool = True):
    await exchange.stream(fields)
    for event in events:
        await exchange.event(event)
    if ends:
        await exchange.end()
    else:
        exchange.writer.close()


ONE, TWO, STOP = piece("one "), piece("two"), piece(finish="stop")
SAID = [ONE, TWO]


async def reset_behind(exchange, *events):
    await exchange.stream()
    for event in events:
        await exchange.event(event)
    await asyncio.sleep(0.05)
    exchange.reset()


async def squeezed(exchange):
    whole = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in (ONE, STOP)) + b"data: [DONE]\n\n"
    await exchange.stream(("content-encoding: gzip",))
    await exchange.chunk(gzip.compress(whole))
    await exchange.end()


# Streams that break before their first content: another target is asked.
EARLY = {
    "closed": raw(b""),
    "reset before content": lambda e: reset_behind(e),
    "reset behind the preamble": lambda e: reset_behind(e, piece("", role="assistant")),
    "ended before content": lambda e: streamed(e),
    "[DONE] before content": lambda e: streamed(e, "[DONE]"),
    "an error before content": lambda e: streamed(e, {"error": {"message": "x", "type": "server_error"}}),
    "malformed before content": lambda e: streamed(e, "{half", ONE, STOP, "[DONE]"),
    "gzip": squeezed,
    "500": BROKEN["500 with an error"],
    "HTML": BROKEN["HTML with 200"],
    "302": BROKEN["302"],
}
# Streams that break behind their first content: an error event, never a clean end.
LATE = {
    "reset": lambda e: reset_behind(e, *SAID),
    "closed within a chunk": lambda e: cut_in_chunk(e),
    "closed without the last chunk": lambda e: streamed(e, *SAID, ends=False),
    "ended without finish": lambda e: streamed(e, *SAID),
    "[DONE] without finish": lambda e: streamed(e, *SAID, "[DONE]"),
    "finish without [DONE]": lambda e: streamed(e, *SAID, STOP),
    "finish and usage without [DONE]": lambda e: streamed(e, *SAID, STOP, usage_piece()),
    "half an event": lambda e: streamed(e, *SAID, '{"choices": [{"ind', "[DONE]"),
    "no object": lambda e: streamed(e, *SAID, "[1, 2]", STOP, "[DONE]"),
    "an error event": lambda e: streamed(e, *SAID, {"error": {"message": "x", "type": "overloaded_error"}}, "[DONE]"),
    "chunk garbage": lambda e: garbage(e),
}


async def cut_in_chunk(exchange):
    await ends_with(exchange, b"ff\r\ndata: {")


async def garbage(exchange):
    await ends_with(exchange, b"zz\r\nxx")


async def ends_with(exchange, last: bytes):
    await exchange.stream()
    for event in SAID:
        await exchange.event(event)
    await exchange.write(last)
    exchange.writer.close()


def request(model: str, **more) -> bytes:
    return ask(chat(model, **more))


async def all_of(w, table: dict, model: str, check, **more) -> list:
    """Each of these upstreams is asked once; what was wrong."""
    wrong = []
    for name, behaviour in table.items():
        w.upstream.on["one"] = w.upstream.on[model] = behaviour
        got = await once(w.gateway, request(model, **more), 20)
        if got is None:
            wrong.append(f"{name}: no answer")
        else:
            wrong.extend(f"{name}: {what} ({got.status} {got.body[-300:]!r})" for what in check(got))
    w.upstream.on.clear()
    return wrong


def is_error(got):
    if got.status not in (502, 503, 504):
        yield f"status {got.status}"
    elif "message" not in got.json.get("error", {}):
        yield "no error in the dialect"
    if "location" in got.headers:
        yield "a redirect is handed on"


def is_answer(got):
    if got.status != 200:
        yield f"status {got.status}"
    elif got.json["choices"][0]["message"]["content"] != "hello":
        yield "another answer"
    if "set-cookie" in got.headers:
        yield "a cookie came through"


def is_stream(got):
    if got.status != 200 or got.events[-1:] != ["[DONE]"]:
        yield "no whole stream"


def is_cut(got):
    datas = got.events
    if got.status != 200 or not any("one " in data for data in datas):
        yield "the content is missing"
    elif "[DONE]" in datas:
        yield "a clean end"
    elif "error" not in json.loads(datas[-1]):
        yield "no error event"


@case
def a_plain_answer_that_is_none_becomes_an_error(w):
    wrong = w.run(all_of(w, BROKEN, "plain", is_error))
    drill("broken plain answers", f"{len(BROKEN)} ways, {len(wrong)} wrong", "0")
    assert not wrong, "\n".join(wrong)


@case
def and_where_another_target_is_healthy_it_answers(w):
    wrong = w.run(all_of(w, BROKEN, "safe", is_answer))
    drill("fallback from broken plain answers", f"{len(BROKEN)} ways, {len(wrong)} wrong", "0")
    assert not wrong, "\n".join(wrong)


@case
def an_odd_answer_is_one(w):
    wrong = w.run(all_of(w, WHOLE, "plain", is_answer))
    assert not wrong, "\n".join(wrong)


@case
def a_stream_that_breaks_before_its_content_is_answered_by_another_target(w):
    wrong = w.run(all_of(w, EARLY, "safe", is_stream, stream=True))
    drill("fallback of streams", f"{len(EARLY)} ways, {len(wrong)} wrong", "0")
    assert not wrong, "\n".join(wrong)


@case
def and_without_another_target_it_is_an_error_with_its_own_status(w):
    wrong = w.run(all_of(w, EARLY, "stream", is_error, stream=True))
    assert not wrong, "\n".join(wrong)


@case
def a_stream_that_breaks_behind_its_content_never_ends_well(w):
    spare = len(w.spare.seen)
    wrong = w.run(all_of(w, LATE, "safe", is_cut, stream=True))
    drill("broken streams", f"{len(LATE)} ways, {len(wrong)} ended well", "0")
    assert not wrong, "\n".join(wrong)
    assert len(w.spare.seen) == spare, "a second target was asked after content had come"


@case
def a_cut_stream_is_booked_with_what_came(w):
    async def cut(wanted: dict):
        w.upstream.on["stream"] = wanted["does"]
        got = await once(w.gateway, request("stream", stream=True))
        w.upstream.on.clear()
        return got.request_id

    with_usage = w.run(cut({"does": LATE["finish and usage without [DONE]"]}))
    without = w.run(cut({"does": LATE["reset"]}))
    row = w.gateway.row(with_usage)
    assert (row["outcome"], row["usage_source"]) == ("upstream_broke", "provider"), row
    assert (row["input"], row["output"]) == (USAGE["prompt_tokens"], USAGE["completion_tokens"]), row
    row = w.gateway.row(without)
    assert (row["outcome"], row["usage_source"]) == ("upstream_broke", "estimated"), row
    assert row["input"] > 0 and row["output"] == 2, row


@case
def the_gateway_is_well_afterwards(w):
    assert w.upstream.on.get("m", well) is well
    got = w.run(once(w.gateway, request("m")))
    assert got.status == 200, got
