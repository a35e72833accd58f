"""Upstreams of every dialect that break, in front of clients of every dialect."""

import asyncio
import json

from harness.bench import case, until
from harness.raw import once
from suites.fire.tongues import KINDS, SPEAKERS, TONGUES, WORDS, Babel, ends_well, is_error, is_error_event, kind_told
from suites.fire.world import drill, sized

LINE = 9 << 20


class Scene:
    """A gateway in front of one upstream of all dialects."""

    def __init__(self, w):
        self.w = w
        self.upstream = w.run(Babel().start())
        more = "retry: {retries: 0, allowed_fails: 1000000}\n"
        text = f"providers:\n{self.upstream.providers()}\nkeys:\n  - {{name: e2e, key: env:E2E_KEY}}\n{more}"
        self.gateway = w.bench.gateway(text)

    @classmethod
    def of(cls, w):
        if not hasattr(w, "dialects"):
            w.dialects = cls(w)
        return w.dialects

    def rows(self, ids) -> dict:
        """Their rows in the ledger, once all are there."""

        def found():
            rows = {"req_" + row["ticket"].hex(): row for row in self.gateway.rows()}
            return rows if set(ids) <= set(rows) else None

        return until(found, 10, "all are in the ledger")

    def since(self, micros: float, count: int) -> list:
        """The rows of requests that came after this, once there are so many."""
        return until(lambda: (rows := self.gateway.rows("opened_at >= ?", micros)) and len(rows) == count and rows, 5)

    async def ask(self, tongue: str, speaker: str, does, stream: bool):
        self.upstream.on[tongue] = does
        return await once(self.gateway, SPEAKERS[speaker].asks(tongue, stream), 20)


async def begin(exchange, t, frames: list) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {t.kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    await exchange.write(head.encode())
    for frame in frames:
        await exchange.chunk(frame)


async def stream(exchange, t, frames: list, ends: str) -> None:
    await begin(exchange, t, frames)
    if ends == "well":
        return await exchange.end()
    await asyncio.sleep(0.02)
    if ends == "reset":
        return exchange.reset()
    if ends == "in a chunk":
        await exchange.write(b"ff\r\n" + t.frames[-1][:3])
    exchange.writer.close()


def half(frame: bytes) -> bytes:
    return frame[: len(frame) // 2]


def broken(t, frames: list, *, is_begun: bool) -> dict:
    """Ways for a stream to break behind these frames."""
    ways = {
        "reset": lambda e: stream(e, t, frames, "reset"),
        "closed": lambda e: stream(e, t, frames, "closed"),
        "closed in a chunk": lambda e: stream(e, t, frames, "in a chunk"),
        "ended": lambda e: stream(e, t, frames, "well"),
        "ended in an event": lambda e: stream(e, t, [*frames, half(t.frames[t.said - 1])], "well"),
        "malformed": lambda e: stream(e, t, [*frames, t.malformed, *t.frames[t.said :]], "well"),
        "an error": lambda e: stream(e, t, [*frames, t.error], "well"),
        "endless": lambda e: stream(e, t, [*frames, t.endless + b"x" * LINE], "well"),
    }
    if not is_begun:
        html = ("content-type: text/html",)
        ways |= {
            "HTML": lambda e: e.plain(b"<html>hello</html>", fields=html),
            "HTML with 500": lambda e: e.plain(b"<html>oops</html>", "500 Oops", html),
        }
    return ways


def unfinished(t) -> dict:
    """The finish reason has come, and what has to follow has not. What is whole
    without it may end well."""
    if t.finish == len(t.frames):
        return {}
    ways = ["reset"] if t.is_whole else ["reset", "well"]
    return {f"finish, {way}": lambda e, way=way: stream(e, t, t.frames[: t.finish], way) for way in ways}


def plain(t) -> dict:
    whole, html = t.plain, ("content-type: text/html",)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(whole)

    async def cut(exchange, resets: bool):
        await exchange.write(head + half(whole))
        await asyncio.sleep(0.02)
        exchange.reset() if resets else exchange.writer.close()

    return {
        "reset": lambda e: cut(e, True),
        "closed": lambda e: cut(e, False),
        "half JSON": lambda e: e.plain(half(whole)),
        "no object": lambda e: e.plain(b"[1, 2]"),
        "an empty object": lambda e: e.plain(b"{}"),
        "an error with 200": lambda e: e.plain(t.plain_error),
        "HTML": lambda e: e.plain(b"<html>hello</html>", fields=html),
        "HTML with 200 as JSON": lambda e: e.plain(b"<html>hello</html>"),
        "429": lambda e: e.plain(t.plain_error, "429 Too Many Requests"),
        "401": lambda e: e.plain(t.plain_error, "401 Unauthorized"),
        "500": lambda e: e.plain(t.plain_error, "500 Oops"),
        "529": lambda e: e.plain(t.plain_error, "529 Overloaded"),
        "HTML with 502": lambda e: e.plain(b"<html>oops</html>", "502 Bad Gateway", html),
    }


async def all_of(scene, table: dict, check) -> list:
    """Each way by which a dialect's upstream breaks, before clients of each."""
    wrong, answered = [], {}
    for (tongue, speaker, name), (does, is_streamed) in table.items():
        where = f"{tongue} → {speaker}, {name}"
        try:
            got = await scene.ask(tongue, speaker, does, is_streamed)
        except TimeoutError:
            got = None
        if got is None:
            wrong.append(f"{where}: no answer")
            continue
        answered[got.request_id] = where, name.startswith("finish") and not TONGUES[tongue].is_whole
        wrong.extend(f"{where}: {what} ({got.status} {got.body[-400:]!r})" for what in check(speaker, got))
    booked = await asyncio.to_thread(scene.rows, answered)
    for id, (where, is_counted) in answered.items():
        if not is_booked(booked[id], is_begun=check is is_cut, is_counted=is_counted):
            wrong.append(f"{where}: {booked[id]}")
    return wrong


def is_refused(speaker: str, got):
    if got.status not in (502, 529 if speaker == "messages" else 503, 504, 429):
        yield f"status {got.status}"
    elif not is_error(speaker, got):
        yield "no error in the dialect"


def is_cut(speaker: str, got):
    events = got.events
    if got.status != 200 or not any(word in got.body.decode() for word in WORDS):
        yield "the content is missing"
    elif ends_well(speaker, events):
        yield "a clean end"
    elif not is_error_event(speaker, json.loads(events[-1])):
        yield "no error event"
    elif not got.is_whole:
        yield "the framing is broken too"


def is_booked(row: dict, is_begun: bool, is_counted: bool) -> bool:
    """`is_counted`: the provider has said what it took."""
    if not is_begun:
        return row["outcome"] == "upstream_failed"
    if is_counted and row["usage_source"] != "provider":
        return False
    return row["outcome"] == "upstream_broke" and row["input"] > 0 and row["output"] > 0


def speakers(turn: int) -> list:
    """All clients, or for the short form each in its turn."""
    names = list(SPEAKERS)
    return sized([names[turn % len(names)]], names)


def drilled(w, name: str, ways_of, is_streamed: bool, check) -> None:
    table = {
        (tongue, speaker, way): (does, is_streamed)
        for at, (tongue, t) in enumerate(TONGUES.items())
        for turn, (way, does) in enumerate(ways_of(t).items())
        for speaker in speakers(at + turn)
    }
    wrong = w.run(all_of(Scene.of(w), table, check))
    drill(name, f"{len(table)} ways, {len(wrong)} wrong", "0")
    assert not wrong, f"{len(wrong)} wrong\n" + "\n".join(wrong)


@case
def every_dialect_is_understood_while_all_is_well(w):
    scene = Scene.of(w)
    for tongue, t in TONGUES.items():
        for speaker in SPEAKERS:
            got = w.run(scene.ask(tongue, speaker, lambda e, t=t: stream(e, t, t.frames, "well"), True))
            assert got.status == 200 and ends_well(speaker, got.events), (tongue, speaker, got)
            got = w.run(scene.ask(tongue, speaker, lambda e, t=t: e.plain(t.plain), False))
            assert got.status == 200, (tongue, speaker, got)


@case
def a_plain_answer_that_breaks_is_an_error_in_the_clients_dialect(w):
    drilled(w, "broken plain answers of every dialect", plain, False, is_refused)


@case
def a_stream_that_breaks_before_its_content_is_too(w):
    drilled(w, "streams of every dialect, broken before content",
            lambda t: broken(t, t.frames[: t.preamble], is_begun=False), True, is_refused)  # fmt: skip


@case
def a_stream_that_breaks_behind_its_content_ends_with_an_error_event(w):
    drilled(w, "streams of every dialect, broken behind content",
            lambda t: broken(t, t.frames[: t.said], is_begun=True) | unfinished(t), True, is_cut)  # fmt: skip


@case
def an_error_behind_the_content_keeps_its_kind(w):
    scene = Scene.of(w)
    for tongue, t in TONGUES.items():
        frames = [*t.frames[: t.said], t.error]
        for speaker in SPEAKERS:
            got = w.run(scene.ask(tongue, speaker, lambda e, t=t, frames=frames: stream(e, t, frames, "well"), True))
            told = kind_told(speaker, json.loads(got.events[-1]))
            assert told == KINDS[t.kind_of_error][speaker], (tongue, speaker, told, got.body)
