"""A PostgreSQL server from its Debian package: on a port of its own, with TLS and
passwords, and stopped and started at will."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness.gateway import free_port

USER, PASSWORD = "gateway", "pa55w0rd-never-shown"


def programs() -> pathlib.Path:
    """Where the newest version's programs are."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parent.parent.name), default=None)
    assert newest, "PostgreSQL is missing; on Debian: apt-get install postgresql"
    return newest.parent


class Postgres(contextlib.AbstractContextManager):
    def __init__(self):
        self.programs = programs()
        # Not below the suite's folder: its owner may be somebody else.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="portcullis-postgres-"))
        self.port = free_port()
        # It refuses root.
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.run(
            self.programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
            "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        self.certify()
        self.start()
        self.psql(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'", "postgres")

    @property
    def data(self) -> pathlib.Path:
        return self.folder / "data"

    def run(self, *command) -> str:
        parts = [*self.prefix, *map(str, command)]
        # Not pipes: the server keeps its output open for as long as it lives.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(parts, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/")
            said.seek(0)
            text = said.read().decode(errors="replace")
        assert done.returncode == 0, f"{parts}: {done.returncode}\n{text}"
        return text

    def certify(self) -> None:
        """A certificate of its own, which clients may be told to trust."""
        self.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", self.data / "server.key", "-out", self.data / "server.crt",
        )  # fmt: skip
        self.certificate = self.folder.with_suffix(".crt")
        shutil.copy(self.data / "server.crt", self.certificate)

    def start(self) -> None:
        options = (
            f"-k {self.folder} -c listen_addresses=localhost -c port={self.port} -c ssl=on "
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        )
        self.run(self.programs / "pg_ctl", "-D", self.data, "-l", self.folder / "log", "-s", "-w", "start", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is as if it were killed, `fast` says goodbye to its clients."""
        self.run(self.programs / "pg_ctl", "-D", self.data, "-s", "-w", "-m", mode, "stop")

    def database(self, name: str) -> str:
        """A database of its own; its address, without a password."""
        self.psql(f"CREATE DATABASE {name} OWNER {USER}", "postgres")
        return f"postgres://{USER}@localhost:{self.port}/{name}"

    def psql(self, sql: str, database: str) -> str:
        return self.run(
            "psql", "-h", self.folder, "-p", self.port, "-U", "postgres", "-d", database,
            "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql,
        )  # fmt: skip

    def requests(self, database: str) -> list:
        """Rows of the ledger, tickets as bytes."""
        lines = self.psql("SELECT row_to_json(requests) FROM requests", database).splitlines()
        rows = [json.loads(line) for line in lines]
        return [row | {"ticket": bytes.fromhex(row["ticket"].removeprefix("\\x"))} for row in rows]

    def __exit__(self, *_):
        with contextlib.suppress(AssertionError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.certificate.unlink(missing_ok=True)
