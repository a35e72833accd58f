"""Clients and upstreams that take their time: they cost others nothing."""

import asyncio
import contextlib
import time

from harness.bench import case
from harness.raw import Client, ask, chat, head, once
from harness.upstream import piece
from suites.fire.overload import Load, behind
from suites.fire.world import IS_LONG, drill, sized

CROWD = sized(600, 2000)


async def p95(w, gateway, request: bytes | None = None) -> float:
    """As a program of its own sees it: this loop is busy with the crowd."""
    load = await asyncio.to_thread(Load, w, gateway, 200, sized(1.5, 10), 32, request or ask())
    said = await asyncio.to_thread(load.said)
    assert said["broken"] == 0 and said["good"] == said["offered"], said
    return said["good_p95_ms"] / 1000


def compared(calm: float, busy: float) -> str:
    return f"p95 of others {calm * 1000:.2f} → {busy * 1000:.2f} ms (× {busy / calm:.2f})"


def is_fine(calm: float, busy: float) -> bool:
    # Loose: drill, gateway and upstream share two cores, perhaps with a build.
    return busy < calm * 2 + 0.010


class Crowd:
    """Many clients who all do the same slow thing until they are cut."""

    def __init__(self, gateway, act, count: int):
        self.gateway, self.act, self.count = gateway, act, count
        self.cut: list = []

    async def _one(self, at: int):
        client = await Client.open(self.gateway, limit=1 << 12, room=1 << 12)
        begun = time.monotonic()
        try:
            with contextlib.suppress(ConnectionError):
                await self.act(client, at)
            self.cut.append(time.monotonic() - begun)
        finally:
            # Also one that was not cut: it must not be there for the next case.
            client.reset()

    async def __aenter__(self):
        self.tasks = []
        for at in range(self.count):
            self.tasks.append(asyncio.create_task(self._one(at)))
            if at % 100 == 0:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        return self

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def until_cut(client, drip: bytes, pause: float):
    """Sends a byte now and then, until the other side has had enough."""
    at = 0
    while True:
        try:
            async with asyncio.timeout(pause):
                await client.reader.read(1)
            return
        except TimeoutError:
            client.writer.write(drip[at % len(drip) : at % len(drip) + 1])
            at += 1


async def slow_head(client, at: int):
    await client.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n")
    await until_cut(client, b"x-a: b\r\n", 1.5)


async def no_head(client, at: int):
    await client.reader.read(1)


async def slow_body(client, at: int):
    await client.send(head(["content-length: 100000"]) + b'{"model"')
    await until_cut(client, b" ", 1.5)


async def slow_chunks(client, at: int):
    await client.send(head(["transfer-encoding: chunked"]))
    await until_cut(client, b"1\r\n \r\n", 0.7)


async def slow_reader(client, at: int):
    """Takes 300 bytes a second of an answer that never ends."""
    await client.send(ask(chat("stream", stream=True)))
    while await client.reader.read(300):
        await asyncio.sleep(1)


async def no_reader(client, at: int):
    client.writer.transport.pause_reading()
    await client.send(ask(chat("stream", stream=True)))
    while not client.writer.transport.is_closing():
        await asyncio.sleep(1)
        # Writing is the only way to notice, without reading.
        client.writer.write(b"\r\n")


async def endless(exchange):
    await exchange.stream()
    text = piece("x" * 60_000)
    with contextlib.suppress(ConnectionError):
        while True:
            await exchange.event(text)
            await asyncio.sleep(0.05)


# How long each may take to be cut.
KINDS = {
    "slow heads": (slow_head, 13),
    "no heads": (no_head, 13),
    "slow bodies": (slow_body, 40),
    "slow chunks": (slow_chunks, 40),
    # Who reads a third of the least rate lives on its credit for longer.
    "slow readers": (slow_reader, 120),
    "no readers": (no_reader, 60),
}


@case
def slow_clients_cost_others_nothing_and_are_cut(w):
    w.upstream.keeps = False
    w.upstream.on["stream"] = endless
    if IS_LONG:
        counts = {name: CROWD // 10 if "readers" in name else CROWD for name in KINDS}
        lines = []
        # The upstream is a program of its own, too, as quick as a quick model.
        with behind(w, 1000, 50) as steady:
            for name, (act, within) in KINDS.items():
                crowd = Crowd(steady, act, counts[name])
                lines.append(w.run(slow(w, name, crowd, within, counts[name])))
    else:
        # All kinds at once, and only those waited for that are cut soon.
        crowd = Crowd(w.gateway, any_kind, CROWD)
        lines = [w.run(slow(w, "of six kinds", crowd, 13, CROWD // 3))]
    w.upstream.on.clear()
    w.upstream.keeps = True
    wrong = [line for line, is_well in lines if not is_well]
    assert not wrong, "\n".join(wrong)


async def any_kind(client, at: int):
    kinds = [act for act, _ in KINDS.values()]
    # Few readers: each makes the upstream, in this very process, fill buffers.
    await kinds[at % 4 if at % 20 else 4 + at // 20 % 2](client, at)


async def slow(w, name: str, crowd: Crowd, within: float, soon: int):
    """`soon`: how many of them must be cut within this time."""
    calm = await p95(w, crowd.gateway)
    async with crowd:
        # Until no more of the endless answers fits anywhere.
        await asyncio.sleep(3)
        busy = await p95(w, crowd.gateway)
        due = time.monotonic() + within + 5
        while len(crowd.cut) < soon and time.monotonic() < due:
            await asyncio.sleep(0.1)
        longest = max(sorted(crowd.cut)[:soon], default=0)
        cut = len(crowd.cut)
    figure = f"{crowd.count} {name}: {compared(calm, busy)}, {cut} cut, {soon} of them within {longest:.0f} s"
    drill("slow clients", figure, f"p95 +10 %, cut within {within} s")
    await asyncio.sleep(sized(0.5, 3))
    return figure, is_fine(calm, busy) and cut >= soon and longest <= within


@case
def two_thousand_stuck_at_one_upstream_leave_another_alone(w):
    figure, is_well = w.run(stuck(w, w.gateway, sized(1000, 2000)))
    drill("stuck upstream", figure, "p95 +10 %")
    assert is_well, figure


async def stuck(w, gateway, count: int):
    async def hangs(exchange):
        await exchange.until_gone(600)

    w.upstream.on["stuck"] = hangs
    healthy = ask(chat("healthy"))
    calm = await p95(w, gateway, healthy)
    clients = []
    for _ in range(count):
        client = await Client.open(gateway)
        await client.send(ask(chat("stuck")))
        clients.append(client)
    await asyncio.sleep(1)
    there = w.upstream.now
    busy = await p95(w, gateway, healthy)
    for client in clients:
        client.reset()
    await asyncio.sleep(1)
    left = w.upstream.now
    w.upstream.on.clear()
    figure = f"{there} stuck: {compared(calm, busy)}, {left} left behind after their clients left"
    return figure, is_fine(calm, busy) and there == count and left == 0


@case
def a_full_provider_says_so_at_once_and_others_are_asked_instead(w):
    gateway = w.another(provider="    max_parallel: 50\n")
    figure = w.run(full(w, gateway))
    drill("bulkhead", figure, "503 with retry-after at once, else the next target")


async def full(w, gateway) -> str:
    async def hangs(exchange):
        await exchange.until_gone(600)

    w.upstream.on["stuck"] = w.upstream.on["one"] = hangs
    clients = []
    for _ in range(50):
        client = await Client.open(gateway)
        await client.send(ask(chat("stuck")))
        clients.append(client)
    async with asyncio.timeout(10):
        while w.upstream.now < 50:
            await asyncio.sleep(0.01)
    begun = time.monotonic()
    refused = [await once(gateway, ask(chat("stuck"))) for _ in range(20)]
    took = (time.monotonic() - begun) / 20
    assert {(got.status, got.headers.get("retry-after")) for got in refused} == {(503, "1")}, refused[0]
    elsewhere = await once(gateway, ask(chat("safe")))
    assert elsewhere.status == 200 and w.upstream.now == 50, elsewhere
    clients.pop().reset()
    async with asyncio.timeout(10):
        while w.upstream.now == 50:
            await asyncio.sleep(0.01)
    # Its place is free again, for one.
    again = await Client.open(gateway)
    await again.send(ask(chat("stuck")))
    async with asyncio.timeout(10):
        while w.upstream.now < 50:
            await asyncio.sleep(0.01)
    for client in [*clients, again]:
        client.reset()
    await asyncio.sleep(0.3)
    w.upstream.on.clear()
    gateway.kill()
    return f"the 51st of 50 is refused in {took * 1000:.1f} ms, falls back, and has room once one leaves"
