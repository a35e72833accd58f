"""The gateway as a process: ports and a data folder of its own."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import sqlite3
import ssl
import subprocess

import httpx

from harness.wait import Hopeless, until

# A key that configurations declare by `env:E2E_KEY`.
KEY = "sk-e2e-0123456789abcdefghijklmnopqrstuvwxyz"
# What providers are asked with, by `env:UPSTREAM_KEY`.
UPSTREAM_KEY = "sk-upstream-secret-0123456789"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment() -> dict:
    """Without variables that would change the gateway, such as providers' keys."""
    unwanted = re.compile(r".*_API_KEY$|^PORTCULLIS_|^(PORT|HOST|RUST_LOG)$|^OPENAI_")
    environment = {k: v for k, v in os.environ.items() if not unwanted.match(k)}
    return environment | {"E2E_KEY": KEY, "UPSTREAM_KEY": UPSTREAM_KEY}


class Gateway:
    def __init__(self, binary, folder: pathlib.Path, config: str | None, environment=None, ca=None):
        self.binary = binary
        self.folder = folder
        folder.mkdir(parents=True)
        self.data = folder / "data"
        self.config = None
        if config is not None:
            self.config = folder / "portcullis.yaml"
            self.config.write_text(config)
        # The authority behind the listener's certificate, where it has one.
        self.ca = ca
        self.environment = clean_environment() | (environment or {})
        self.log = folder / "gateway.log"
        self.process = None
        # A command that starts it in its place, and sockets left open for that.
        self.launcher, self.kept_open = [], ()

    def start(self) -> None:
        self.port, self.admin_port = free_port(), free_port()
        self.spawn()
        until(self.is_ready, 20, "the gateway answers /readyz")

    def take_over(self, *more, binary=None):
        """Starts a second process that takes over; returns the first one."""
        elder, seen = self.process, self.log.stat().st_size
        self.spawn("--takeover", *more, binary=binary)
        until(lambda: "took over from" in self.said_since(seen), 20, "the new process has taken over")
        return elder

    def said_since(self, seen: int) -> str:
        if self.process.poll() is not None:
            raise Hopeless(f"the gateway ended with {self.process.returncode}\n{self.tail()}")
        return self.log.read_bytes()[seen:].decode(errors="replace")

    def spawn(self, *more, binary=None) -> None:
        command = [
            binary or self.binary, "serve",
            "--listen", f"127.0.0.1:{self.port}",
            "--admin-listen", f"127.0.0.1:{self.admin_port}",
            "--data-dir", self.data,
        ]  # fmt: skip
        if self.config:
            command += ["--config", self.config]
        command += more
        command = self.launcher + command
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                pass_fds=self.kept_open,
                # No ./portcullis.yaml of someone else.
                cwd=self.folder,
            )

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise Hopeless(f"the gateway ended with {self.process.returncode}\n{self.tail()}")
        data = httpx.get(f"{self.origin}/readyz", timeout=2, verify=self.verify)
        admin = httpx.get(f"{self.admin_url}/readyz", timeout=2)
        return data.status_code == admin.status_code == 200

    # Where it is

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}" if self.ca else f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def verify(self):
        return ssl.create_default_context(cafile=self.ca) if self.ca else True

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    # How it ends

    def stop(self, within: float = 5) -> int:
        """Asks it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    # What it left

    def tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        last = "\n".join("    " + line for line in text.splitlines()[-lines:])
        return f"  log {self.log}:\n{last}"

    def run(self, *arguments, check=True, **more) -> subprocess.CompletedProcess:
        """Another command of the same binary, in the same folder."""
        done = subprocess.run(
            [str(self.binary), *map(str, arguments)],
            capture_output=True, text=True, timeout=20,
            env=self.environment, cwd=self.folder, **more,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def rows(self, where: str = "1", *values) -> list:
        """Rows of the ledger, newest first."""
        path = f"file:{self.data / 'portcullis.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(path, uri=True)) as database:
            database.row_factory = sqlite3.Row
            query = f"SELECT * FROM requests WHERE {where} ORDER BY opened_at DESC, ticket DESC"
            return [dict(row) for row in database.execute(query, values)]

    def row(self, request_id: str, within: float = 5) -> dict:
        """The ledger's row of this request, waited for until it is carried."""
        ticket = bytes.fromhex(request_id.removeprefix("req_"))
        [row] = until(lambda: self.rows("ticket = ?", ticket), within, f"row of {request_id}")
        return row

    # How it is asked

    def chat(self, body: dict, key: str = KEY, headers=None) -> httpx.Response:
        return self.post("/chat/completions", body, key, headers)

    def post(self, path: str, body: dict, key: str = KEY, headers=None) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} | (headers or {})
        return httpx.post(self.base_url + path, json=body, headers=headers, timeout=20, verify=self.verify)

    def get(self, path: str, key: str = KEY) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.get(self.base_url + path, headers=headers, timeout=20, verify=self.verify)


def hello(model: str = "m", text: str = "hello", **more) -> dict:
    """The body of a small chat request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def events(stream: str) -> list:
    """The data of each event of a stream, as text."""
    blocks = stream.replace("\r\n", "\n").split("\n\n")
    datas = ["\n".join(l[5:].lstrip(" ") for l in b.split("\n") if l.startswith("data:")) for b in blocks]
    return [data for data in datas if data]
