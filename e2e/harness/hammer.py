"""Clients that never stop asking, and what became of each of their requests.

Raw sockets: an HTTP library would send again by itself what was lost.
"""

import json
import socket
import threading
import time

from harness.gateway import KEY, hello


class Lost(Exception):
    """A request that was sent has no whole answer."""


class Client:
    """One client; keeps its connection as long as the gateway does."""

    def __init__(self, port: int, keep: bool = True, tls=None):
        self.port = port
        self.keep = keep
        # What a listener with a certificate is spoken to by.
        self.tls = tls
        self.socket = None
        self.reused = False

    def close(self) -> None:
        if self.socket:
            self.socket.close()
        self.socket = None

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            self.socket = self.tls.wrap_socket(self.socket, server_hostname="localhost")
        self.reused = False

    def ask(self, body: dict, key: str = KEY) -> tuple[int, dict, bytes]:
        """Status, headers, body. An idle connection that has ended cleanly is
        replaced; an answer that breaks off is lost."""
        payload = json.dumps(body).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
            f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(payload)}\r\n\r\n"
        )
        for _ in range(2):
            if self.socket is None:
                self.connect()
            was_used = self.reused
            try:
                self.socket.sendall(head.encode() + payload)
                first = self.socket.recv(65536)
            except OSError as error:
                self.close()
                raise Lost(f"{'kept' if was_used else 'new'} connection: {error!r}") from error
            if first:
                return self.answer(first)
            self.close()
            if not was_used:
                raise Lost("a new connection ended without an answer")
        raise Lost("no answer")

    def answer(self, data: bytes) -> tuple[int, dict, bytes]:
        try:
            while b"\r\n\r\n" not in data:
                data += self.more()
            head, _, rest = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            status = int(lines[0].split()[1])
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            if "content-length" in headers:
                while len(rest) < int(headers["content-length"]):
                    rest += self.more()
            else:
                while not rest.endswith(b"0\r\n\r\n"):
                    rest += self.more()
        except OSError as error:
            self.close()
            raise Lost(f"an answer broke off: {error!r}") from error
        self.reused = True
        if headers.get("connection") == "close" or not self.keep:
            self.close()
        return status, headers, rest

    def more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise OSError("an answer broke off")
        return data


class Hammer:
    """Clients on threads of their own. `refused` is when a connection was
    first refused: nobody is asked any more then."""

    def __init__(self, port: int, clients: int, body=None, tls=None):
        self.port = port
        self.tls = tls
        self.body = body or hello()
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.answered, self.statuses, self.lost, self.late = [], {}, [], []
        self.refused = None
        self.threads = [threading.Thread(target=self.run, args=(i % 4 != 0,)) for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, keep: bool) -> None:
        client = Client(self.port, keep, self.tls)
        while not self.ended.is_set():
            begun = time.monotonic()
            try:
                status, headers, _ = client.ask(self.body)
            except Lost as lost:
                with self.lock:
                    self.lost.append(str(lost))
                continue
            except ConnectionRefusedError:
                with self.lock:
                    self.refused = self.refused or begun
                break
            except OSError as error:
                with self.lock:
                    self.lost.append(f"cannot connect: {error!r}")
                continue
            took = time.monotonic() - begun
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
                self.late.append(took)
                if status == 200:
                    self.answered.append(headers["x-request-id"])
        client.close()
