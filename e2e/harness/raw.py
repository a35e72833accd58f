"""HTTP by hand: what no client library would send, and what really came back."""

import asyncio
import contextlib
import dataclasses
import json
import socket
import time

from harness.gateway import KEY

PATH = "/v1/chat/completions"


@dataclasses.dataclass
class Answer:
    """One answer as it came."""

    status: int
    headers: dict
    body: bytes = b""
    # Its framing was kept to the end.
    is_whole: bool = False

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]

    @property
    def events(self) -> list:
        lines = self.body.decode("utf-8", "replace").split("\n")
        return [line[5:].strip() for line in lines if line.startswith("data:")]


def chat(model: str = "m", text: str = "hello", **more) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()


def head(fields: list | None = None, path: str = PATH, method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    """A request's head with a host and a credential in front of `fields`."""
    lines = [f"{method} {path} {version}", "host: gateway", f"authorization: Bearer {KEY}"]
    lines += ["content-type: application/json", *(fields or [])]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def ask(body: bytes | None = None, fields: list | None = None, **more) -> bytes:
    """A whole request."""
    body = chat() if body is None else body
    return head([f"content-length: {len(body)}", *(fields or [])], **more) + body


class Client:
    """One connection to the gateway: bytes out, answers in."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, gateway, limit: int = 1 << 26, room: int = 0):
        """`room`: how much the system keeps for who does not read."""
        side = socket.socket()
        side.setblocking(False)
        if room:
            side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        await asyncio.get_running_loop().sock_connect(side, ("127.0.0.1", gateway.port))
        return cls(*await asyncio.open_connection(sock=side, limit=limit))

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    def reset(self) -> float:
        """Leaves at once; when that was."""
        at = time.monotonic()
        self.writer.transport.abort()
        return at

    def close(self) -> float:
        at = time.monotonic()
        self.writer.close()
        return at

    async def answer(self, within: float = 15, look: bool = False) -> Answer | None:
        """The next answer, interim ones passed over; none if the connection ended."""
        async with asyncio.timeout(within):
            while True:
                got = await self._head()
                if got is None or got.status >= 200:
                    break
            if got is not None and not look:
                await self._body(got)
            return got

    async def _head(self) -> Answer | None:
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers = {}
        for line in filter(None, lines):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return Answer(int(first.split(" ")[1]), headers)

    async def _body(self, got: Answer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if got.headers.get("transfer-encoding") == "chunked":
                while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    got.body += await self.reader.readexactly(size)
                    await self.reader.readexactly(2)
                await self.reader.readexactly(2)
            elif "content-length" in got.headers:
                got.body = await self.reader.readexactly(int(got.headers["content-length"]))
            else:
                got.body = await self.reader.read()
            got.is_whole = True

    async def ended(self, within: float = 5) -> bool:
        """Whether the gateway closes the connection, sending nothing more."""
        try:
            async with asyncio.timeout(within):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


async def once(gateway, request: bytes, within: float = 30) -> Answer | None:
    """One request on a connection of its own."""
    client = await Client.open(gateway)
    try:
        await client.send(request)
        return await client.answer(within)
    finally:
        client.close()


async def latencies(gateway, count: int, request: bytes | None = None, lanes: int = 4, pause: float = 0.002) -> list:
    """How long each of `count` requests took, in seconds, sorted; all must succeed."""
    request = request or ask()
    took = []

    async def lane(share: int):
        client = await Client.open(gateway)
        for _ in range(share):
            begun = time.monotonic()
            await client.send(request)
            answer = await client.answer(30)
            took.append(time.monotonic() - begun)
            assert answer is not None and answer.status == 200, answer
            await asyncio.sleep(pause)
        client.close()

    await asyncio.gather(*(lane(count // lanes) for _ in range(lanes)))
    return sorted(took)


def percentile(values: list, part: float) -> float:
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]
