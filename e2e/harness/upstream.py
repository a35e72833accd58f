"""An upstream that does exactly what a drill tells it, byte for byte.

The model's name in a request's body chooses what happens: `upstream.on["m"]` is
a coroutine that gets the exchange. It runs on the drill's own event loop, so
that both sides of a gateway are seen by one clock.
"""

import asyncio
import contextlib
import dataclasses
import functools
import json
import time

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclasses.dataclass
class Exchange:
    """One request, and the connection it came by."""

    head: str
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone_at: float | None = None
    begun_at: float = 0.0

    @functools.cached_property
    def json(self) -> dict:
        # A bomb may hold a number of a million digits.
        return json.loads(self.body, parse_int=lambda digits: int(digits[:18]))

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def plain(self, body: bytes, status: str = "200 OK", fields: tuple = ("content-type: application/json",)):
        lines = [f"HTTP/1.1 {status}", *fields, f"content-length: {len(body)}"]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def stream(self, fields: tuple = ()) -> None:
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked", *fields]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def event(self, data) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        await self.chunk(b"data: " + text.encode() + b"\n\n")

    async def end(self) -> None:
        await self.write(b"0\r\n\r\n")

    def reset(self) -> None:
        self.writer.transport.abort()

    async def until_gone(self, within: float = 30) -> float:
        """When the other side closed."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(within):
                while await self.reader.read(1 << 16):
                    pass
        self.gone_at = time.monotonic()
        return self.gone_at


def answer(text: str = "hello", usage=USAGE, model: str = "m") -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return json.dumps(whole | ({"usage": usage} if usage else {})).encode()


def piece(text: str | None = None, finish: str | None = None, **more) -> dict:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return whole | more


def usage_piece(usage=USAGE) -> dict:
    return piece() | {"choices": [], "usage": usage}


async def well(exchange: Exchange) -> None:
    """What a healthy upstream does."""
    wants = exchange.json
    if not wants.get("stream"):
        return await exchange.plain(answer(model=wants["model"]))
    await exchange.stream()
    for text in ("one ", "two ", "three"):
        await exchange.event(piece(text))
    await exchange.event(piece(finish="stop"))
    if wants.get("stream_options", {}).get("include_usage"):
        await exchange.event(usage_piece())
    await exchange.event("[DONE]")
    await exchange.end()


class Upstream:
    """Listens on a port of its own: `await Upstream().start()`."""

    def __init__(self):
        self.on = {}
        self.seen: list[Exchange] = []
        self.connections = 0
        self.keeps = True
        self.now = 0
        self.most = 0

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 27, backlog=4096)
        self.port = self.server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def models(self) -> list:
        """What was asked for, in order."""
        return [exchange.json.get("model") for exchange in self.seen]

    def wanted(self, exchange: Exchange) -> str:
        """By which name of `on` an exchange is answered."""
        return exchange.json.get("model")

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                exchange = await self._next(reader, writer)
                if self.keeps:
                    self.seen.append(exchange)
                self.now += 1
                self.most = max(self.most, self.now)
                try:
                    await self.on.get(self.wanted(exchange), well)(exchange)
                finally:
                    self.now -= 1
                if writer.is_closing():
                    break
        with contextlib.suppress(Exception):
            writer.close()

    async def _next(self, reader, writer) -> Exchange:
        raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = [line.split(":", 1) for line in raw.split("\r\n")[1:] if ":" in line]
        length = [int(value) for name, value in fields if name.lower() == "content-length"]
        # A gateway that frames anything else is caught here.
        assert len(length) == 1, raw
        body = await reader.readexactly(length[0])
        return Exchange(raw, body, reader, writer, begun_at=time.monotonic())
