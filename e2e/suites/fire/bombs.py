"""Bombs from either side: small to send, large or slow to take."""

import asyncio
import gzip
import json
import time
import zlib

import brotli
import zstandard
from harness.bench import case
from harness.raw import Client, ask, chat, head, once
from harness.upstream import answer, piece
from suites.fire.world import Peak, drill, resident, sized

MB = 1 << 20
# While a million keys are compared, a set of them is held; an event of 8 MB is
# parsed beside the crowd in front of it: reported as they are.
KNOWN = {"a million keys": 48, "an event with a crowd in front": 8}
MESSAGES = b'"messages": [{"role": "user", "content": "hello"}]'


def with_field(field: bytes) -> bytes:
    return b'{"model": "plain", %b, %b}' % (MESSAGES, field)


def coded(body: bytes, coding: str) -> bytes:
    return ask(body, [f"content-encoding: {coding}"])


def zeros(megabytes: int) -> bytes:
    return with_field(b'"user": "' + b"0" * (megabytes * MB) + b'"')


def from_clients() -> dict:
    """The bytes, and what they may be answered with."""
    large = zeros(sized(64, 400))
    deep = b"[" * 500_000 + b"]" * 500_000
    many = b",".join(b'"k%d": 1' % at for at in range(1_000_000))
    return {
        "deep arrays": (ask(with_field(b'"metadata": ' + deep)), [400]),
        "deep arrays without end": (ask(with_field(b'"metadata": ' + b"[" * 1_000_000)), [400]),
        "deep objects": (ask(with_field(b'"metadata": ' + b'{"a":' * 300_000)), [400]),
        "a million keys": (ask(with_field(b'"metadata": {%b}' % many)), [200, 400]),
        "a million equal keys": (ask(with_field(b'"metadata": {%b}' % (b'"a": 1,' * 1_000_000)[:-1])), [400]),
        "a million digits": (ask(with_field(b'"seed": ' + b"1" * 1_000_000)), [200, 400]),
        "a million digits in a bound": (ask(with_field(b'"max_tokens": ' + b"1" * 1_000_000)), [400]),
        "an exponent": (ask(with_field(b'"temperature": 1e999999999')), [200, 400]),
        # Whether these are messages is the provider's to say.
        "a million messages": (ask(b'{"model": "plain", "messages": [%b]}' % (b"{}," * 1_000_000)[:-1]), [200, 400]),
        "a million escapes": (ask(with_field(b'"user": "' + b"\\u0000" * 1_000_000 + b'"')), [200, 400]),
        "no UTF-8": (ask(with_field(b'"user": "\xff\xfe"')), [400]),
        "a byte order mark": (ask(b"\xef\xbb\xbf" + chat("plain")), [200, 400]),
        "NULs": (ask(b"\0" * MB), [400]),
        "n of a billion": (ask(chat("plain", n=10**9)), [200, 400]),
        "gzip bomb": (coded(gzip.compress(large), "gzip"), [400, 413]),
        "gzip in gzip": (coded(gzip.compress(gzip.compress(large)), "gzip, gzip"), [400, 413, 415]),
        "many codings": (coded(chat("plain"), ", ".join(["gzip"] * 500)), [400, 413, 415]),
        "deflate bomb": (coded(zlib.compress(large), "deflate"), [400, 413, 415]),
        "br bomb": (coded(brotli.compress(large, quality=5), "br"), [400, 413]),
        "zstd bomb": (coded(zstandard.compress(large), "zstd"), [400, 413]),
        "zstd with a huge window": (coded(wide(large), "zstd"), [400, 413]),
        "zstd that says 1 TB": (coded(b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\1\0\0", "zstd"), [400, 413]),
        "gzip cut": (coded(gzip.compress(chat("plain"))[:-9], "gzip"), [400]),
        "gzip and more": (coded(gzip.compress(chat("plain")) + b"more", "gzip"), [400]),
        "no gzip": (coded(chat("plain"), "gzip"), [400]),
        "64 MB announced": (head([f"content-length: {64 * MB}"]) + b"{" * MB, [413]),
        "64 MB in chunks": (head(["transfer-encoding: chunked"]) + (b"100000\r\n%b\r\n" % (b" " * MB)) * 64, [413]),
    }  # fmt: skip


def needed(data: bytes) -> float:
    """What a body needs: its bytes, and what is known of each of its values."""
    values = sum(data.count(mark) for mark in (b",", b":", b"[", b"{"))
    return (len(data) + 48 * values) / MB


def wide(data: bytes) -> bytes:
    """The largest window that zstd knows without being asked for more."""
    options = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    return zstandard.ZstdCompressor(compression_params=options).compress(data)


@case
def a_clients_bomb_is_a_4xx_and_costs_little(w):
    worst, wrong = w.run(each_client_bomb(w))
    drill("bombs of clients", f"{len(wrong)} wrong, most memory over the body: {worst}", "≤ 32 MB")
    assert not wrong, "\n".join(wrong)


async def each_client_bomb(w):
    wrong, grown, slowest = [], {}, {}
    bombs = await asyncio.to_thread(from_clients)
    w.upstream.keeps = False
    await once(w.gateway, bombs["a million digits"][0])
    for name, (data, wanted) in bombs.items():
        begun = time.monotonic()
        async with Peak(w.gateway) as peak:
            got = await once(w.gateway, data, 30)
        slowest[name] = time.monotonic() - begun
        grown[name] = peak.grown - needed(data)
        if got is None or got.status not in wanted:
            wrong.append(f"{name}: {got and got.status} {got and got.body[:200]!r}")
        elif got.status != 200 and "message" not in got.json.get("error", {}):
            wrong.append(f"{name}: no error in the dialect: {got.body[:200]!r}")
        if grown[name] > 32 + KNOWN.get(name, 0):
            wrong.append(f"{name}: {grown[name]:.0f} MB over its {needed(data):.0f} MB")
    w.upstream.keeps = True
    worst = max(grown, key=grown.get)
    slow = max(slowest, key=slowest.get)
    return f"{max(0, grown[worst]):.0f} MB ({worst}); slowest {slowest[slow]:.2f} s ({slow})", wrong


async def json_of(exchange, part: bytes, count: int, begin: bytes = b""):
    """A plain answer in chunks, without end if nobody stops it."""
    await exchange.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    await exchange.chunk(begin + part)
    for _ in range(count):
        await exchange.chunk(part)
    await exchange.end()


async def sse_of(exchange, part: bytes, count: int, behind: bool):
    await exchange.stream()
    if behind:
        await exchange.event(piece("one "))
    for _ in range(count):
        await exchange.chunk(part)


def whole(part: bytes):
    return lambda exchange: exchange.plain(part)


def crowd(count: int) -> bytes:
    choices = [{"index": at, "delta": {"content": "x"}, "finish_reason": None} for at in range(count)]
    return b"data: " + json.dumps(piece() | {"choices": choices}).encode() + b"\n\n"


WIDE = b'{"choices": [], "a": "'
DEEP = b'{"choices": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"
KEYS = b"{%b}" % b",".join(b'"k%d": 1' % at for at in range(1_000_000))
# Plain answers: 502, or the answer itself where it is one.
PLAIN = {
    "deep": (whole(DEEP), [502]),
    "a million keys": (whole(KEYS), [200, 502]),
    "a million digits": (whole(b'{"choices": [], "created": ' + b"1" * 1_000_000 + b"}"), [200, 502]),
    "endless JSON": (lambda e: json_of(e, b"x" * MB, 4096, WIDE), [502]),
    "endless white space": (lambda e: json_of(e, b" " * MB, 4096), [502]),
    "a gzip bomb": (lambda e: e.plain(gzip.compress(zeros(64)), fields=("content-encoding: gzip",)), [502]),
    "an error without end": (
        lambda e: e.write(b"HTTP/1.1 500 Oops\r\n\r\n" + b"x" * (64 * MB)),
        [502],
    ),
    "1 TB announced": (
        lambda e: e.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n" + b"x" * (80 * MB)),
        [502],
    ),
    "endless headers": (lambda e: e.write(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 10_000_000), [502]),
    "an endless header": (lambda e: e.write(b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * (64 * MB)), [502]),
    "endless hints": (lambda e: e.write(b"HTTP/1.1 103 Hints\r\nx-a: b\r\n\r\n" * 1_000_000), [502]),
}
# Streams: 502 before their content, an error event behind it.
STREAMS = {
    "an endless event": lambda e, behind: sse_of(e, b"data: " + b"x" * MB, 256, behind),
    "an endless line": lambda e, behind: sse_of(e, b"x" * MB, 256, behind),
    "endless data lines": lambda e, behind: sse_of(e, b"data: x\n" * 100_000, 1000, behind),
    "a deep event": lambda e, behind: sse_of(e, b"data: " + DEEP + b"\n\n", 4, behind),
    "an event with a crowd": lambda e, behind: sse_of(e, crowd(100_000), 1, behind),
}
# They say nothing for long: 502 while nothing has come.
EARLY = {
    "endless comments": lambda e, behind: sse_of(e, b":\n\n" * 100_000, 1000, behind),
    "endless preambles": lambda e, behind: sse_of(e, b'data: {"choices":[]}\n\n' * 10_000, 1000, behind),
}


@case
def an_upstreams_bomb_is_a_502_and_costs_little(w):
    worst, wrong = w.run(each_upstream_bomb(w))
    drill("bombs of upstreams", f"{len(wrong)} wrong, most memory: {worst}", "≤ 32 MB")
    assert not wrong, "\n".join(wrong)


async def each_upstream_bomb(w):
    wrong, grown, pauses = [], {}, {}
    w.upstream.keeps = False

    async def one(name, behaviour, wanted, stream: bool, need: float = 0):
        w.upstream.on["stream"] = behaviour
        async with Peak(w.gateway) as peak, Pauses(w) as pauses_seen:
            got = await once(w.gateway, ask(chat("stream", stream=stream)), 40)
        grown[name], pauses[name] = peak.grown, pauses_seen.longest
        if got is None or got.status not in wanted:
            wrong.append(f"{name}: {got and got.status} {got and got.body[-200:]!r}")
        elif got.status != 200 and "message" not in got.json.get("error", {}):
            wrong.append(f"{name}: no error in the dialect: {got.body[:200]!r}")
        elif stream and got.status == 200 and "error" not in json.loads(got.events[-1]):
            wrong.append(f"{name}: no error event: {got.body[-200:]!r}")
        grown[name] -= need
        if grown[name] > 32 + KNOWN.get(name, 0):
            wrong.append(f"{name}: {grown[name]:.0f} MB")

    for name, (behaviour, wanted) in PLAIN.items():
        # Its tape: it is a whole answer, and not an endless one.
        need = needed(KEYS) if name == "a million keys" else 0
        await one(name, behaviour, wanted, stream=False, need=need)
    for name, behaviour in (STREAMS | EARLY).items():
        wanted = [502]
        await one(name + " in front", lambda e, does=behaviour: does(e, False), wanted, stream=True)
    for name, behaviour in STREAMS.items():
        await one(name + " behind", lambda e, does=behaviour: does(e, True), [200], stream=True)
    w.upstream.keeps = True
    w.upstream.on.clear()
    worst = max(grown, key=grown.get)
    slow = max(pauses, key=pauses.get)
    return f"{grown[worst]:.0f} MB ({worst}); longest pause of others {pauses[slow] * 1000:.0f} ms ({slow})", wrong


class Pauses:
    """How long somebody else waits for a cheap answer while the block runs."""

    def __init__(self, w):
        self.w = w
        self.longest = 0.0

    async def _ask(self):
        # Two, since one of them may share the loop that is busy.
        clients = [await Client.open(self.w.gateway) for _ in range(6)]

        async def one(client):
            while True:
                begun = time.monotonic()
                await client.send(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
                await client.answer(30)
                self.longest = max(self.longest, time.monotonic() - begun)
                await asyncio.sleep(0.01)

        await asyncio.gather(*map(one, clients))

    async def __aenter__(self):
        self.task = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()


@case
def fifty_large_bodies_at_once_need_their_own_size(w):
    grown, needed, statuses = w.run(large_bodies(w, 50, sized(4, 30)))
    figure = f"50 bodies of {needed // 50} MB: {grown:.0f} MB, answered {statuses}"
    drill("large bodies", figure, "≤ 32 MB over the bodies")
    # What threads and buffers take beside them: 2 MB a body at most. The
    # allocator gives a freed piece back after a second.
    assert grown < needed + 50 * 2 + 32, figure
    assert set(statuses) <= {200, 503}, statuses


async def large_bodies(w, count: int, megabytes: int):
    gateway = w.another()
    await once(gateway, ask())
    body = with_field(b'"user": "' + b"x" * (megabytes * MB) + b'"')
    w.upstream.keeps = False
    statuses: dict = {}
    async with Peak(gateway) as peak:

        async def one():
            got = await once(gateway, ask(body), 120)
            status = got.status if got else None
            statuses[status] = statuses.get(status, 0) + 1

        await asyncio.gather(*(one() for _ in range(count)))
    w.upstream.keeps = True
    gateway.kill()
    return peak.grown, count * megabytes, statuses


@case
def the_memory_is_given_back(w):
    async def later():
        await asyncio.sleep(1)
        return (await once(w.gateway, ask())).status, resident(w.gateway)

    status, megabytes = w.run(later())
    assert status == 200 and answer()
    drill("memory after all bombs", f"{megabytes:.0f} MB", "≤ 64 MB")
