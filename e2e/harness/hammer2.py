"""Clients of HTTP/2 that never stop asking, and what became of their requests."""

import struct

from harness.frames import ACK, DATA, END_STREAM, GOAWAY, HEADERS, PING, Connection, frame
from harness.raw import chat

# What GOAWAY says before it is known which stream is the last.
LAST = (1 << 31) - 1


class Client:
    """A client that never stops asking; what became of its requests."""

    def __init__(self, gateway, model: str):
        self.gateway, self.model, self.is_over = gateway, model, False
        self.answered, self.unheard, self.lost, self.goaways = [], 0, [], []

    async def run(self) -> None:
        while not self.is_over:
            try:
                connection = await Connection.open(self.gateway)
            except ConnectionRefusedError:
                return
            except ConnectionError as error:
                self.lost.append(f"a new connection: {error!r}")
                continue
            stream, last = 1, LAST
            while last == LAST and not self.is_over:
                await connection.ask(stream, body=chat(self.model))
                last = await self.answer(connection, stream)
                stream += 2
            connection.close()

    async def answer(self, connection, stream: int) -> int:
        """The last stream that the gateway works on; 0 once it has ended."""
        last, id, is_told = LAST, None, False
        while True:
            got = await connection.frame(20)
            if got is None:
                if stream <= last:
                    self.lost.append(f"stream {stream} ended, told to go: {is_told}")
                return 0
            kind, flags, of, payload = got
            if kind == PING and not flags & ACK:
                await connection.send(frame(PING, ACK, 0, payload))
            if kind == GOAWAY:
                last, why = struct.unpack(">II", payload[:8])
                self.goaways.append((last, why))
                is_told = True
                if stream > last:
                    self.unheard += 1
                    return last
            if kind == HEADERS and of == stream:
                told = dict(connection.decoder.decode(payload))
                id = told["x-request-id"]
                if told[":status"] != "200":
                    self.lost.append(f"status {told[':status']}")
            if kind in (DATA, HEADERS) and of == stream and flags & END_STREAM:
                self.answered.append(id)
                return 0 if is_told else last
