"""HTTP/2 by frame: what no client library would send."""

import asyncio
import contextlib
import ssl
import struct

import hpack
from harness.gateway import KEY

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def setting(code: int, value: int) -> bytes:
    return struct.pack(">HI", code, value)


def fields(path: str = "/v1/chat/completions", method: str = "POST", more: list | None = None) -> list:
    usual = [(":method", method), (":scheme", "http"), (":authority", "gateway"), (":path", path)]
    return [*usual, ("authorization", f"Bearer {KEY}"), ("content-type", "application/json"), *(more or [])]


class Connection:
    """One connection, spoken to by frames."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()

    @classmethod
    async def open(cls, gateway, settings: bytes = b""):
        tls = None
        if gateway.ca:
            tls = ssl.create_default_context(cafile=gateway.ca)
            tls.set_alpn_protocols(["h2"])
        name = "localhost" if tls else None
        connection = cls(*await asyncio.open_connection("127.0.0.1", gateway.port, ssl=tls, server_hostname=name))
        await connection.send(PREFACE + frame(SETTINGS, payload=settings) + frame(SETTINGS, ACK))
        return connection

    async def send(self, data: bytes, within: float = 20) -> bool:
        """Whether the other side took it."""
        try:
            async with asyncio.timeout(within):
                self.writer.write(data)
                await self.writer.drain()
            return True
        except (ConnectionError, TimeoutError):
            return False

    def block(self, pairs: list) -> bytes:
        return self.encoder.encode(pairs)

    async def ask(self, stream: int, pairs: list | None = None, body: bytes = b"") -> bool:
        block = self.block(pairs if pairs is not None else fields())
        flags = END_HEADERS | (0 if body else END_STREAM)
        data = frame(HEADERS, flags, stream, block)
        return await self.send(data + (frame(DATA, END_STREAM, stream, body) if body else b""))

    async def frame(self, within: float = 5):
        """The next frame: kind, flags, stream, payload; none at the end."""
        try:
            async with asyncio.timeout(within):
                head = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, payload

    async def until(self, wanted, within: float = 5):
        """Frames up to the first that is wanted, or the end."""
        seen = []
        with contextlib.suppress(TimeoutError):
            while (got := await self.frame(within)) is not None:
                seen.append(got)
                if wanted(got):
                    break
            else:
                seen.append(None)
        return seen

    async def status(self, stream: int, within: float = 5):
        """The status on a stream; or what came instead."""
        seen = await self.until(lambda f: f[2] == stream and f[0] in (HEADERS, RST) or f[0] == GOAWAY, within)
        last = seen[-1] if seen else "nothing"
        if last is None or last == "nothing":
            return "end" if last is None else last
        if last[0] == HEADERS:
            return int(dict(self.decoder.decode(last[3]))[":status"])
        return "reset" if last[0] == RST else "goaway"

    async def gone(self, within: float = 5) -> bool:
        """Whether the connection is told to go, or ends."""
        seen = await self.until(lambda f: f[0] == GOAWAY, within)
        return bool(seen) and (seen[-1] is None or seen[-1][0] == GOAWAY)

    def close(self) -> None:
        self.writer.transport.abort()
