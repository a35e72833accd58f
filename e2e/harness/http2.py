"""An upstream that speaks HTTP/2 without TLS and goes away as a drill tells it."""

import asyncio
import contextlib
import json
import struct

import h2.config
import h2.connection
import h2.events
import h2.settings
from harness.frames import GOAWAY, RST, frame
from harness.upstream import answer

NO_ERROR, INTERNAL_ERROR, REFUSED, CANCEL = 0, 2, 7, 8


class Exchange:
    """One request, by its stream."""

    def __init__(self, connection, stream: int):
        self.connection, self.stream, self.body = connection, stream, b""

    @property
    def text(self) -> str:
        """What the client said."""
        return json.loads(self.body)["messages"][-1]["content"]

    async def head(self, kind: str = "application/json") -> None:
        await self.connection.does(lambda c: c.send_headers(self.stream, [(":status", "200"), ("content-type", kind)]))

    async def data(self, data: bytes, end: bool = False) -> None:
        await self.connection.does(lambda c: c.send_data(self.stream, data, end_stream=end))

    async def plain(self) -> None:
        await self.head()
        await self.data(answer(self.text), end=True)

    async def event(self, data, end: bool = False) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        await self.data(f"data: {text}\n\n".encode(), end)

    async def reset(self, why: int) -> None:
        await self.connection.write(frame(RST, 0, self.stream, struct.pack(">I", why)))

    async def goaway(self, last: int, why: int = NO_ERROR) -> None:
        # By hand: the library takes its own word for the end of everything.
        await self.connection.write(frame(GOAWAY, 0, 0, struct.pack(">II", last, why)))


class _Connection:
    def __init__(self, owner, reader, writer):
        self.owner, self.reader, self.writer = owner, reader, writer
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.open = {}

    async def does(self, what) -> None:
        what(self.state)
        await self.flush()

    async def flush(self) -> None:
        await self.write(self.state.data_to_send())

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    async def serve(self) -> None:
        self.state.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.owner.streams}
        )
        self.state.initiate_connection()
        await self.flush()
        while data := await self.reader.read(1 << 16):
            for event in self.state.receive_data(data):
                self.take(event)
            await self.flush()

    def take(self, event) -> None:
        match event:
            case h2.events.RequestReceived():
                self.open[event.stream_id] = Exchange(self, event.stream_id)
            case h2.events.DataReceived():
                self.open[event.stream_id].body += event.data
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                exchange = self.open[event.stream_id]
                self.owner.seen.append(exchange.text)
                task = asyncio.create_task(self.owner.does(exchange))
                self.owner.tasks.add(task)
                task.add_done_callback(self.owner.tasks.discard)


class Http2Upstream:
    """Listens on a port of its own; `does` answers each exchange."""

    def __init__(self):
        self.seen, self.tasks, self.connections = [], set(), 0
        self.does = Exchange.plain
        # How many a fresh connection may have open.
        self.streams = 100

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        connection = _Connection(self, reader, writer)
        with contextlib.suppress(ConnectionError):
            await connection.serve()
        writer.close()
