"""HTTP/2 connections that go away, on either side: what was certainly not heard
is sent again, what may have been worked on is not, and nothing ends unclean
that could end well."""

import asyncio
import contextlib
import signal
import struct
import time

from harness.bench import case
from harness.frames import ACK, DATA, END_STREAM, GOAWAY, PING, Connection, frame
from harness.hammer2 import LAST, Client
from harness.http2 import CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED, Exchange, Http2Upstream
from harness.raw import ask, chat, once
from harness.upstream import piece
from suites.fire.world import drill, sized

CROWD = 12
CLIENTS = sized(16, 64)


class Scene:
    """A gateway of one loop, so that all go by the same connection."""

    def __init__(self, w):
        self.upstream = w.run(Http2Upstream().start())
        text = f"""
providers:
  two:
    base_url: {self.upstream.base_url}
    api_key: env:UPSTREAM_KEY
    http: "2"
    models: [m]
keys: [{{name: e2e, key: env:E2E_KEY}}]
retry: {{retries: 0, allowed_fails: 1000000}}
"""
        self.gateway = w.bench.gateway(text, environment={"PORTCULLIS_WORKERS": "1"})

    @classmethod
    def of(cls, w):
        if not hasattr(w, "goaway"):
            w.goaway = cls(w)
        w.goaway.upstream.seen.clear()
        w.goaway.upstream.does = Exchange.plain
        return w.goaway

    async def ask(self, text: str, **more):
        return await once(self.gateway, ask(chat("m", text, **more)))

    async def crowd(self) -> list:
        # One connection for all.
        await self.ask("first")
        self.upstream.seen.clear()
        return await asyncio.gather(*(self.ask(f"{at}") for at in range(CROWD)))


def says(got, text: str) -> bool:
    return got is not None and got.status == 200 and got.json["choices"][0]["message"]["content"] == text


@case
def an_upstream_that_goes_away_between_two_requests_is_asked_anew(w):
    scene = Scene.of(w)

    async def does(exchange):
        await exchange.plain()
        await exchange.goaway(exchange.stream)
        exchange.connection.close()

    scene.upstream.does = does
    for at in range(20):
        assert says(w.run(scene.ask(f"{at}")), f"{at}"), at
    assert scene.upstream.seen == [f"{at}" for at in range(20)]


@case
def what_an_upstream_that_goes_away_has_not_heard_is_sent_again_and_nothing_else(w):
    scene = Scene.of(w)
    first = []

    async def does(exchange):
        if exchange.text == "first":
            return await exchange.plain()
        if first and exchange.connection is not first[0].connection:
            return await exchange.plain()
        first.append(exchange)
        if len(first) == CROWD:
            # The first few are worked on, all others are as if never sent.
            await exchange.goaway(first[3].stream)
        if len(first) <= 4:
            await asyncio.sleep(0.3)
            await exchange.plain()

    scene.upstream.does = does
    answers = w.run(scene.crowd())
    wrong = [at for at, got in enumerate(answers) if not says(got, f"{at}")]
    assert not wrong, [answers[at] for at in wrong]
    worked_on = [exchange.text for exchange in first[:4]]
    twice = {text for text in scene.upstream.seen if scene.upstream.seen.count(text) == 2}
    assert twice == {f"{at}" for at in range(CROWD)} - set(worked_on), scene.upstream.seen
    drill("an upstream's GOAWAY", f"{CROWD} requests, {len(twice)} sent again, 0 lost, 0 worked on twice", "0, 0")


@case
def nor_has_it_heard_what_still_waited_for_a_stream(w):
    scene, first = Scene.of(w), []

    async def does(exchange):
        if exchange.text == "first":
            await exchange.plain()
            await exchange.goaway(exchange.stream)
            return exchange.connection.close()
        if exchange.text != "second" and len(first) < 2:
            first.append(exchange)
            await asyncio.sleep(0.2)
            await exchange.goaway(max(one.stream for one in first))
            await asyncio.sleep(0.1)
        await exchange.plain()

    scene.upstream.does = does

    async def all_at_once():
        await scene.ask("first")
        scene.upstream.streams = 2
        # The connection that all the others share.
        await scene.ask("second")
        return await asyncio.gather(*(scene.ask(f"{at}") for at in range(CROWD)))

    answers = w.run(all_at_once())
    scene.upstream.streams = 100
    wrong = [at for at, got in enumerate(answers) if not says(got, f"{at}")]
    assert not wrong, [answers[at] for at in wrong]
    assert len(scene.upstream.seen) == len(set(scene.upstream.seen)) == CROWD + 2, scene.upstream.seen
    assert first[0].connection is first[1].connection


@case
def a_refused_stream_is_sent_again(w):
    scene = Scene.of(w)

    async def does(exchange):
        if scene.upstream.seen.count("x") == 1:
            return await exchange.reset(REFUSED)
        await exchange.plain()

    scene.upstream.does = does
    assert says(w.run(scene.ask("x")), "x")
    assert scene.upstream.seen == ["x", "x"]


@case
def what_may_have_been_worked_on_is_not_sent_again(w):
    async def broken(exchange):
        await exchange.reset(INTERNAL_ERROR)

    async def cancelled(exchange):
        await exchange.reset(CANCEL)

    async def away(exchange):
        await exchange.goaway(exchange.stream, INTERNAL_ERROR)
        exchange.connection.close()

    async def away_well(exchange):
        await exchange.goaway(exchange.stream)
        exchange.connection.close()

    async def gone(exchange):
        exchange.connection.close()

    scene = Scene.of(w)
    for does in (broken, cancelled, away, away_well, gone):
        scene.upstream.seen.clear()
        scene.upstream.does = does
        got = w.run(scene.ask(does.__name__))
        assert got is not None and got.status == 502 and "error" in got.json, (does, got)
        assert scene.upstream.seen == [does.__name__], does


@case
def a_stream_goes_on_to_its_end_though_its_connection_goes_away(w):
    scene = Scene.of(w)

    async def does(exchange):
        await exchange.head("text/event-stream")
        await exchange.event(piece("one "))
        await exchange.goaway(LAST)
        await exchange.goaway(exchange.stream)
        await asyncio.sleep(0.1)
        await exchange.event(piece(finish="stop"))
        await exchange.event("[DONE]", end=True)
        exchange.connection.close()

    scene.upstream.does = does
    got = w.run(scene.ask("x", stream=True))
    assert got.status == 200 and got.events[-1] == "[DONE]", got


@case
def a_stream_that_is_reset_behind_its_content_never_ends_well(w):
    scene = Scene.of(w)
    for why in (NO_ERROR, INTERNAL_ERROR, CANCEL, REFUSED):
        async def does(exchange, why=why):
            await exchange.head("text/event-stream")
            await exchange.event(piece("one "))
            await asyncio.sleep(0.05)
            await exchange.reset(why)

        scene.upstream.does = does
        scene.upstream.seen.clear()
        got = w.run(scene.ask("x", stream=True))
        assert got.status == 200 and "error" in got.events[-1] and "[DONE]" not in got.events, (why, got)
        assert scene.upstream.seen == ["x"], why


# The gateway itself goes away


async def open_stream(gateway, model: str):
    connection = await Connection.open(gateway)
    await connection.ask(1, body=chat(model, stream=True))
    seen = await connection.until(lambda f: f[0] == DATA, 10)
    assert seen[-1][0] == DATA, seen
    return connection


async def to_its_end(connection) -> tuple:
    """What came: the frames, and what GOAWAY said."""
    goaways, data, is_over = [], b"", False
    while (got := await connection.frame(20)) is not None:
        kind, flags, of, payload = got
        if kind == PING and not flags & ACK:
            await connection.send(frame(PING, ACK, 0, payload))
        if kind == GOAWAY:
            goaways.append(struct.unpack(">II", payload[:8]))
        if kind == DATA:
            data += payload
            is_over |= bool(flags & END_STREAM)
    return goaways, data, is_over


@case
def clients_of_http_2_are_told_to_go_and_lose_nothing(w):
    gateway = w.another("drain_delay: 1s\ndrain_timeout: 10s\nretry: {retries: 0}\n")
    clients, streams = w.run(drained(w, gateway))
    assert gateway.process.wait(5) == 0
    lost = [what for client in clients for what in client.lost]
    answered = [id for client in clients for id in client.answered]
    assert not lost and len(answered) > CLIENTS, (len(answered), lost[:5])
    for goaways, data, is_over in streams:
        # First that there is an end, then what is the last that is answered.
        assert goaways == [(LAST, 0), (1, 0)], goaways
        assert is_over and b"[DONE]" in data, data
    rows = {"req_" + row["ticket"].hex(): row["outcome"] for row in gateway.rows()}
    assert len(set(answered)) == len(answered) and {rows.get(id) for id in answered} == {"complete"}
    assert list(rows.values()).count("complete") == len(answered) + len(streams)
    unheard = sum(client.unheard for client in clients)
    drill("SIGTERM under HTTP/2", f"{len(answered)} answers, {len(streams)} streams, {unheard} told before, 0 lost", "0")


async def drained(w, gateway) -> tuple:
    let_go = asyncio.Event()

    async def slow(exchange):
        await exchange.stream()
        await exchange.event(piece("one "))
        await let_go.wait()
        await exchange.event(piece(finish="stop"))
        await exchange.event("[DONE]")
        await exchange.end()

    w.upstream.on["stream"] = slow
    streams = [await open_stream(gateway, "stream") for _ in range(8)]
    clients = [Client(gateway, "m") for _ in range(CLIENTS)]
    running = [asyncio.create_task(client.run()) for client in clients]
    ending = [asyncio.create_task(to_its_end(connection)) for connection in streams]
    while sum(len(client.answered) for client in clients) < 5 * CLIENTS:
        await asyncio.sleep(0.01)
    told = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*running)
    assert time.monotonic() - told >= 0.9, "the door was closed too soon"
    assert gateway.process.poll() is None, "it ended before its streams"
    let_go.set()
    ended = await asyncio.gather(*ending)
    w.upstream.on.clear()
    with contextlib.suppress(ConnectionError):
        for connection in streams:
            connection.close()
    return clients, ended
