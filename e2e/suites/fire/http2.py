"""HTTP/2: floods that cost little to send, and the rules of the protocol."""

import asyncio
import struct
import time

from harness.bench import case
from harness.frames import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY
from harness.frames import PUSH, RST, SETTINGS, WINDOW, Connection, fields, frame, setting
from harness.raw import chat, latencies, percentile
from suites.fire.world import IS_LONG, Peak, drill

BODY = chat()
CONNECTIONS = 3


async def rapid_reset(c):
    sent = 0
    for at in range(0, 10_000, 50):
        data = b""
        for stream in range(at * 2 + 1, at * 2 + 101, 2):
            data += frame(HEADERS, END_HEADERS, stream, c.block(fields())) + frame(RST, 0, stream, struct.pack(">I", 8))
        if not await c.send(data, 5):
            break
        sent += 50
    return sent


async def rapid_reset_of_whole_requests(c):
    for at in range(0, 5_000, 20):
        data = b""
        for stream in range(at * 2 + 1, at * 2 + 41, 2):
            data += frame(HEADERS, END_HEADERS, stream, c.block(fields())) + frame(DATA, END_STREAM, stream, BODY)
            data += frame(RST, 0, stream, struct.pack(">I", 8))
        if not await c.send(data, 5):
            break


async def continuation_flood(c):
    await c.send(frame(HEADERS, 0, 1, c.block(fields())))
    piece = b"\x00\x01a" + b"\x7f\x81\x7d" + b"b" * 16_000
    for _ in range(4_000):
        if not await c.send(frame(CONTINUATION, 0, 1, piece[:16_384])):
            break


async def empty_continuations(c):
    await c.send(frame(HEADERS, 0, 1, c.block(fields())))
    for _ in range(1_000):
        if not await c.send(frame(CONTINUATION, 0, 1) * 1_000):
            break


async def table_bomb(c):
    """One field of 4 kB in the table, named 16,000 times in 16 kB."""
    entry = b"\x40\x01a" + b"\x7f\xa1\x1e" + b"b" * 4_000
    for stream in range(1, 400, 2):
        block = c.block(fields()) + entry + b"\xbe" * 12_000
        if not await c.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block[:16_384])):
            break


async def cookie_crumbs(c):
    """Sixteen thousand crumbs of one byte each."""
    crumb = b"\x40\x06cookie\x01a"
    for stream in range(1, 400, 2):
        block = c.block(fields()) + crumb + b"\xbe" * 15_000
        if not await c.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block[:16_384])):
            break


async def settings_flood(c):
    for _ in range(1_000):
        if not await c.send(frame(SETTINGS, payload=setting(4, 65_535)) * 500, 3):
            break


async def ping_flood(c):
    for _ in range(1_000):
        if not await c.send(frame(PING, payload=b"12345678") * 500, 3):
            break


async def empty_data_flood(c):
    await c.send(frame(HEADERS, END_HEADERS, 1, c.block(fields())))
    for _ in range(1_000):
        if not await c.send(frame(DATA, 0, 1) * 1_000, 3):
            break


async def priority_flood(c):
    for at in range(1_000):
        data = b"".join(frame(PRIORITY, 0, s * 2 + 1, b"\0\0\0\0\x10") for s in range(at * 500, at * 500 + 500))
        if not await c.send(data, 3):
            break


async def window_flood(c):
    for _ in range(1_000):
        if not await c.send(frame(WINDOW, 0, 0, struct.pack(">I", 1)) * 500, 3):
            break


async def unknown_flood(c):
    for _ in range(500):
        if not await c.send(frame(0x55, 0, 0, b"x" * 16_000) * 4, 3):
            break


# Those that must end their connection; the others may be borne.
FATAL = [rapid_reset, rapid_reset_of_whole_requests, continuation_flood]
BORNE = [empty_continuations, table_bomb, cookie_crumbs, settings_flood, ping_flood, empty_data_flood]
BORNE += [priority_flood, window_flood, unknown_flood]


@case
def floods_are_bounded_and_disturb_nobody(w):
    wrong, figure = w.run(floods(w))
    drill("HTTP/2 floods", figure, "≤ 16 MB, connection ends")
    assert not wrong, "\n".join(wrong)


async def floods(w):
    wrong, grown, slow = [], {}, {}
    calm = percentile(await latencies(w.gateway, 100), 0.95)
    for flood in FATAL + BORNE:
        name = flood.__name__.replace("_", " ")
        before = len(w.upstream.seen)
        async with Peak(w.gateway) as peak:
            c = await Connection.open(w.gateway)
            others = asyncio.create_task(latencies(w.gateway, 40))
            await asyncio.wait_for(flood(c), 60)
            if flood in FATAL and not await c.gone():
                wrong.append(f"{name}: the connection stays")
            slow[name] = percentile(await others, 0.95)
            c.close()
        grown[name] = peak.grown
        if peak.grown > 16:
            wrong.append(f"{name}: {peak.grown:.0f} MB")
        asked = len(w.upstream.seen) - before - 40
        if flood is rapid_reset_of_whole_requests and asked > 200:
            wrong.append(f"{name}: the upstream was asked {asked} times")
    worst, slowest = max(grown, key=grown.get), max(slow, key=slow.get)
    figure = f"{len(grown)} floods, most memory {grown[worst]:.1f} MB ({worst}), p95 of others"
    return wrong, f"{figure} {calm * 1000:.1f} → {slow[slowest] * 1000:.1f} ms ({slowest}, one shared core with the flooder)"


@case
def a_shut_window_holds_little_and_not_for_ever(w):
    wrong, figure = w.run(shut_windows(w))
    drill("HTTP/2 shut windows", figure, "≤ 16 MB, dropped")
    assert not wrong, wrong


async def shut_windows(w):
    """Connections with as many streams as may be, of which none takes a byte."""

    async def large(exchange):
        await exchange.plain(b'{"choices": [], "a": "' + b"x" * 20_000 + b'"}')

    w.upstream.on["plain"] = large
    connections = []
    async with Peak(w.gateway) as peak:
        for _ in range(CONNECTIONS):
            c = await Connection.open(w.gateway, setting(4, 0))
            connections.append(c)
            for stream in range(1, 201, 2):
                await c.ask(stream, body=chat("plain"))
        await asyncio.sleep(1.5)
    # What waits are the answers themselves.
    need = CONNECTIONS * 100 * 20_000 / (1 << 20)
    wrong = [f"{peak.grown:.0f} MB"] if peak.grown > need + 16 else []
    figure = f"{CONNECTIONS} × 100 streams: {peak.grown:.1f} MB for {need:.1f} MB of answers"
    if IS_LONG:
        ended = sum(await asyncio.gather(*(stays(c, 45) for c in connections)))
        figure += f", {ended} of them dropped within 45 s though pings are acknowledged"
        wrong += [] if ended == CONNECTIONS else [f"{ended} dropped"]
    for c in connections:
        c.close()
    w.upstream.on.clear()
    return wrong, figure


async def stays(c, seconds: float) -> bool:
    """Acknowledges pings for so long; whether the connection ended."""
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        seen = await c.until(lambda f: f[0] in (PING, GOAWAY), max(0.1, due - time.monotonic()))
        if seen and (seen[-1] is None or seen[-1][0] == GOAWAY):
            return True
        if seen and seen[-1][0] == PING:
            await c.send(frame(PING, ACK, 0, seen[-1][3]))
    return False


def bad(*frames: bytes):
    async def act(c):
        await c.send(b"".join(frames))
        return await c.gone(3)

    return act


def asked(pairs: list, wanted, body: bytes = BODY):
    """A request with these fields is refused, by whatever means."""

    async def act(c):
        await c.ask(1, pairs, body)
        return await c.status(1) in wanted

    return act


BAD = (400, "reset", "goaway", "end")
USUAL = fields()
PSEUDO, REST = USUAL[:4], USUAL[4:]


async def pings_are_answered(c):
    await c.send(frame(PING, payload=b"87654321"))
    seen = await c.until(lambda f: f[0] == PING)
    return bool(seen) and seen[-1] is not None and seen[-1][1] & ACK and seen[-1][3] == b"87654321"


async def settings_are_acknowledged(c):
    await c.send(frame(SETTINGS, payload=setting(3, 10)))
    seen = await c.until(lambda f: f[0] == SETTINGS and f[1] & ACK)
    return bool(seen) and seen[-1] is not None


async def unknown_frames_are_passed_over(c):
    await c.send(frame(0x77, 0xFF, 0, b"x") + frame(SETTINGS, payload=setting(0x99, 1)))
    await c.ask(1, body=BODY)
    return await c.status(1) == 200


async def padding_is_taken_off(c):
    block = c.block(USUAL)
    await c.send(frame(HEADERS, END_HEADERS | 8, 1, b"\x05" + block + b"\0" * 5))
    await c.send(frame(DATA, END_STREAM | 8, 1, b"\x03" + BODY + b"\0" * 3))
    return await c.status(1) == 200


async def many_streams_at_once_are_bounded(c):
    """The 101st is refused, those before it are not."""
    for stream in range(1, 203, 2):
        await c.send(frame(HEADERS, END_HEADERS, stream, c.block(USUAL)))
    return await c.status(201) in ("reset", "goaway")


async def an_answer_waits_for_its_window(c):
    await c.send(frame(SETTINGS, payload=setting(4, 10)))
    await c.ask(1, body=BODY)
    seen = await c.until(lambda f: f[0] == DATA, 3)
    first = seen[-1]
    await c.send(frame(WINDOW, 0, 1, struct.pack(">I", 100_000)))
    rest = await c.until(lambda f: f[0] == DATA and f[1] & END_STREAM, 3)
    return first is not None and len(first[3]) <= 10 and rest[-1] is not None


RULES = {
    "PING is answered": pings_are_answered,
    "SETTINGS are acknowledged": settings_are_acknowledged,
    "unknown frames are passed over": unknown_frames_are_passed_over,
    "padding is taken off": padding_is_taken_off,
    "an answer waits for its window": an_answer_waits_for_its_window,
    "a 101st stream is refused": many_streams_at_once_are_bounded,
    "GET works": asked(fields("/v1/models", "GET"), (200,), b""),
    "DATA on an idle stream": bad(frame(DATA, END_STREAM, 1, b"x")),
    "HEADERS on stream 0": bad(frame(HEADERS, END_HEADERS, 0, b"\x82")),
    "HEADERS on an even stream": bad(frame(HEADERS, END_HEADERS, 2, b"\x82")),
    "PING on a stream": bad(frame(PING, 0, 1, b"12345678")),
    "PING of 7 bytes": bad(frame(PING, 0, 0, b"1234567")),
    "SETTINGS on a stream": bad(frame(SETTINGS, 0, 1)),
    "SETTINGS of 5 bytes": bad(frame(SETTINGS, 0, 0, b"12345")),
    "SETTINGS acknowledged with a payload": bad(frame(SETTINGS, ACK, 0, setting(4, 1))),
    "window of 2^31": bad(frame(SETTINGS, payload=setting(4, 1 << 31))),
    "frame size of 100": bad(frame(SETTINGS, payload=setting(5, 100))),
    "ENABLE_PUSH of 2": bad(frame(SETTINGS, payload=setting(2, 2))),
    "WINDOW_UPDATE of 0": bad(frame(WINDOW, 0, 0, b"\0\0\0\0")),
    "WINDOW_UPDATE beyond 2^31": bad(frame(WINDOW, 0, 0, struct.pack(">I", 0x7FFFFFFF)) * 2),
    "WINDOW_UPDATE on an idle stream": bad(frame(WINDOW, 0, 1, struct.pack(">I", 1))),
    "RST on an idle stream": bad(frame(RST, 0, 1, struct.pack(">I", 8))),
    "RST of 3 bytes": bad(frame(RST, 0, 1, b"abc")),
    "PUSH_PROMISE": bad(frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82")),
    "CONTINUATION alone": bad(frame(CONTINUATION, END_HEADERS, 1, b"\x82")),
    "another frame within HEADERS": bad(frame(HEADERS, 0, 1, b"\x82"), frame(PING, payload=b"12345678")),
    "a frame of 20,000 bytes": bad(frame(DATA, 0, 1, b"x" * 20_000)),
    "HPACK index 0": bad(frame(HEADERS, END_HEADERS, 1, b"\x80")),
    "HPACK index beyond the table": bad(frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\x0f")),
    "HPACK table of 1 MB": bad(frame(HEADERS, END_HEADERS, 1, b"\x3f\xe1\xff\x3f")),
    "capital letters in a name": asked([*USUAL, ("X-A", "b")], BAD),
    "Connection": asked([*USUAL, ("connection", "close")], BAD),
    "Transfer-Encoding": asked([*USUAL, ("transfer-encoding", "chunked")], BAD),
    "Upgrade": asked([*USUAL, ("upgrade", "h2c")], BAD),
    "TE but trailers": asked([*USUAL, ("te", "gzip")], BAD),
    "no :path": asked(USUAL[:3] + REST, BAD),
    "an empty :path": asked(fields(""), BAD),
    "no :method": asked(USUAL[1:], BAD),
    "no :scheme": asked([USUAL[0], *USUAL[2:]], BAD),
    "two :paths": asked([*PSEUDO, (":path", "/hidden"), *REST], BAD),
    "a pseudo field behind others": asked([*PSEUDO[:3], *REST, PSEUDO[3]], BAD),
    "an unknown pseudo field": asked([*PSEUDO, (":x", "y"), *REST], BAD),
    ":status in a request": asked([*PSEUDO, (":status", "200"), *REST], BAD),
    "CR LF in a value": asked([*USUAL, ("x-a", "b\r\nhost: c")], BAD),
    "NUL in a value": asked([*USUAL, ("x-a", "b\0")], BAD),
    "a blank in :path": asked(fields("/v1/chat/completions /hidden"), BAD),
    "a length that is too short": asked([*USUAL, ("content-length", "3")], BAD),
    "a length that is too long": asked([*USUAL, ("content-length", "100000")], BAD),
    "two lengths": asked([*USUAL, ("content-length", str(len(BODY))), ("content-length", "3")], BAD),
    "another Host": asked([*USUAL, ("host", "other")], (*BAD, 421)),
    "CONNECT": asked([(":method", "CONNECT"), (":authority", "a:80"), *REST], (*BAD, 404, 405, 501)),
}


@case
def the_rules_of_the_protocol_hold(w):
    wrong = w.run(rules(w))
    drill("HTTP/2 rules", f"{len(RULES)} checks, {len(wrong)} wrong", "0")
    assert not wrong, "\n".join(wrong)


async def rules(w):
    wrong = []

    async def one(name, act):
        c = await Connection.open(w.gateway)
        if not await act(c):
            wrong.append(name)
        c.close()

    names = list(RULES.items())
    for at in range(0, len(names), 8):
        await asyncio.gather(*(one(*rule) for rule in names[at : at + 8]))
    return wrong
