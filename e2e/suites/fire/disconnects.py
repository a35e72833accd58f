"""Clients that hang up, at any moment."""

import asyncio
import contextlib
import time

from harness.bench import case
from harness.raw import Client, ask, chat, percentile
from harness.upstream import USAGE, answer, piece, usage_piece
from suites.fire.world import drill, sized

COUNT = sized(40, 400)


class Scene:
    """One request after another whose client leaves at a chosen moment."""

    def __init__(self, w):
        self.w = w
        self.reached = asyncio.Event()
        self.gone = []

    async def leaves(self, behaviour, stream: bool, resets: bool, behind: bytes = b"") -> float:
        """Seconds until the upstream saw it."""
        self.reached.clear()
        self.gone.clear()

        async def does(exchange):
            await behaviour(exchange)
            self.reached.set()
            self.gone.append(await exchange.until_gone(10))

        self.w.upstream.on["stream"] = does
        client = await Client.open(self.w.gateway)
        await client.send(ask(chat("stream", stream=stream)) + behind)
        async with asyncio.timeout(10):
            await self.reached.wait()
        await asyncio.sleep(0.005)
        left = client.reset() if resets else client.close()
        async with asyncio.timeout(10):
            while not self.gone:
                await asyncio.sleep(0.001)
        return self.gone[0] - left


async def nothing(_):
    pass


async def head_only(exchange):
    await exchange.stream()


async def some(exchange):
    await exchange.stream()
    await exchange.event(piece("one "))
    await exchange.event(piece("two "))


async def half_plain(exchange):
    body = answer()
    await exchange.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
    await exchange.write(body[:20])


MOMENTS = {
    "before the first byte": (nothing, True, b""),
    "before the first content": (head_only, True, b""),
    "in the middle of a stream": (some, True, b""),
    "on a plain call": (nothing, False, b""),
    "in the middle of a plain answer": (half_plain, False, b""),
    "with a request behind": (some, True, ask(chat("m"))),
    "with many bytes behind": (some, True, ask(chat("m", "x" * 40_000))),
    "before the first byte, with a request behind": (nothing, True, ask(chat("m"))),
}


@case
def who_leaves_is_settled_once_and_the_upstream_stops(w):
    took = {}
    for name, moment in MOMENTS.items():
        before = {row["ticket"] for row in w.settle()}
        took[name] = w.run(many(w, *moment))
        rows = [row for row in w.settle() if row["ticket"] not in before]
        wrong = [row for row in rows if row["outcome"] != "client_left" or row["input"] == 0]
        assert len(rows) == COUNT and not wrong, (name, len(rows), wrong[:2])
        if moment[0] is some:
            assert all(row["output"] == 2 for row in rows), (name, rows[0])
    every = [one for times in took.values() for one in times]
    p99 = percentile(every, 0.99) * 1000
    worst = max(took, key=lambda name: percentile(took[name], 0.99))
    figure = f"{len(every)} of {len(every)} cancelled, p50 {percentile(every, 0.5) * 1000:.1f} ms, p99 {p99:.1f} ms"
    drill("disconnects", f"{figure}, slowest {worst}", "all, p99 < 10 ms")
    # Loose: builds may run beside the tests.
    assert p99 < sized(60, 10), f"p99 {p99:.1f} ms, worst {worst}"


async def many(w, behaviour, stream: bool, behind: bytes) -> list:
    scene = Scene(w)
    took = [await scene.leaves(behaviour, stream, at % 2 == 0, behind) for at in range(COUNT)]
    w.upstream.on.clear()
    return took


@case
def who_leaves_after_the_finish_reason_still_gets_the_providers_count(w):
    w.run(finished(w, usage_after=0.1))
    [row] = w.settle()[:1]
    assert (row["outcome"], row["usage_source"], row["output"]) == ("client_left", "provider", 7), row
    assert row["input"] == USAGE["prompt_tokens"], row


@case
def but_not_for_longer_than_half_a_second(w):
    waited = w.run(finished(w, usage_after=5))
    [row] = w.settle()[:1]
    assert (row["outcome"], row["usage_source"], row["output"]) == ("client_left", "estimated", 2), row
    drill("usage after goodbye", f"upstream held {waited * 1000:.0f} ms", "≤ 500 ms")
    assert 0.45 < waited < 0.7, waited


async def finished(w, usage_after: float) -> float:
    """How long the upstream was still listened to."""
    gone = asyncio.get_running_loop().create_future()

    async def does(exchange):
        await some(exchange)
        await exchange.event(piece(finish="stop"))
        watching = asyncio.create_task(exchange.until_gone(10))
        done, _ = await asyncio.wait([watching], timeout=usage_after)
        if not done:
            with contextlib.suppress(ConnectionError):
                await exchange.event(usage_piece())
                await exchange.event("[DONE]")
                await exchange.end()
        gone.set_result(await watching)

    w.upstream.on["stream"] = does
    client = await Client.open(w.gateway)
    await client.send(ask(chat("stream", stream=True)))
    await client.reader.readuntil(b'"finish_reason": "stop"')
    left = client.reset()
    at = await asyncio.wait_for(gone, 20)
    w.upstream.on.clear()
    return at - left


@case
def a_client_that_leaves_in_the_middle_of_its_body_asks_nobody(w):
    before = len(w.upstream.seen)
    w.run(half_a_body(w))
    time.sleep(0.2)
    assert len(w.upstream.seen) == before


async def half_a_body(w):
    for resets in (True, False):
        client = await Client.open(w.gateway)
        request = ask()
        await client.send(request[:-10])
        await asyncio.sleep(0.02)
        client.reset() if resets else client.close()


@case
def many_leave_at_once(w):
    """Every one of them is in the ledger once."""
    count = sized(300, 2000)
    before = len(w.settle())
    w.run(crowd(w, count))
    rows = w.settle(within=20)
    new = rows[: len(rows) - before]
    assert len(new) == count, (len(new), count)
    assert {row["outcome"] for row in new} <= {"client_left", "complete"}, new[0]
    assert all(row["input"] for row in new if row["attempts"]), "a prompt is not counted"


async def crowd(w, count: int):
    async def slow(exchange):
        await asyncio.sleep(0.2)
        await exchange.plain(answer())

    w.upstream.on["plain"] = slow

    async def one(at: int):
        client = await Client.open(w.gateway)
        await client.send(ask(chat("plain")))
        # All have been read, some are upstream, some are about to be answered.
        await asyncio.sleep(0.15 + at % 10 * 0.01)
        client.reset()

    await asyncio.gather(*(one(at) for at in range(count)))
    await asyncio.sleep(0.5)
    w.upstream.on.clear()
