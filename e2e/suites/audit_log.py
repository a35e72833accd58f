"""What the suite `audit` reads of a log, and how it tampers with copies of one."""

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import sqlite3
import types

from harness.bench import until


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    notes: list = []

    def do_POST(self):
        self.notes.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def records(w, number=100_000) -> list:
    lines = w.gateway.run("audit", "tail", "--data-dir", w.gateway.data, "-n", number, "--json")
    return [json.loads(line) for line in lines.stdout.splitlines()]


def calls(w) -> list:
    return [record for record in records(w) if record["kind"] == "call"]


def the_call(w, answer) -> dict:
    ticket = answer.headers["x-request-id"]
    [found] = until(lambda: [it for it in calls(w) if it["ticket"] == ticket], 8, f"a record of {ticket}")
    return found


def sealed(w) -> None:
    """Waits until all records are sealed and exported."""

    def is_sealed():
        exported = w.gateway.folder / "exported"
        return exported.exists() and int(exported.read_text().split("\n")[1]) == len(records(w))

    until(is_sealed, 10, "all records are sealed")


def verify(w, *more, data=None, checkpoint=True):
    """The verdict, its exit status and what it found."""
    data = data or w.gateway.data
    arguments = ["audit", "verify", "--data-dir", data, "--config", w.gateway.config, "--json", *more]
    arguments += ["--key", w.public]
    if checkpoint:
        arguments += ["--checkpoint", w.gateway.folder / "exported"]
    done = w.gateway.run(*arguments, check=False)
    return types.SimpleNamespace(status=done.returncode, said=done.stderr, **json.loads(done.stdout))


def root_of(leaf: bytes, index: int, size: int, path: list) -> bytes:
    """RFC 9162, 2.1.3.2: the root that a proof leads to."""
    at, last, node = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for sibling in path:
        assert last > 0, "the proof is too long"
        if at % 2 == 1 or at == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while at % 2 == 0 and at > 0:
                at, last = at // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        at, last = at // 2, last // 2
    assert last == 0, "the proof is too short"
    return node


def entries(bundle: bytes) -> list:
    found = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return found


def in_files(change):
    def tamper(data):
        file = data / "audit" / "tile" / "entries" / "000"
        found = entries(file.read_bytes())
        assert len(found) == 256
        change(found)
        file.write_bytes(b"".join(len(it).to_bytes(2, "big") + it for it in found))

    return tamper


def in_database(*statements):
    def tamper(data):
        with contextlib.closing(sqlite3.connect(data / "portcullis.db")) as database:
            for statement in statements:
                assert database.execute(statement).rowcount > 0, statement
            database.commit()

    return tamper


def edit(at):
    def change(found):
        found[at] = found[at].replace(b'"status":200', b'"status":201')

    return change


def reorder(at):
    def change(found):
        found[at], found[at + 1] = found[at + 1], found[at]

    return change


def answered_at(w) -> int:
    """A record of the first bundle that is an answered call, and so is the next."""
    is_it = [record["kind"] == "call" and record["status"] == 200 for record in records(w)]
    return next(at for at in range(100, 250) if is_it[at] and is_it[at + 1])


def copied_folder(w, name):
    data = w.gateway.folder / name
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    # What a process wrote last may still lie beside the database.
    for part in ("audit", "audit.key", "portcullis.db", "portcullis.db-wal"):
        source = w.gateway.data / part
        if not source.exists():
            continue
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, data / part)
    os.chmod(data / "audit.key", 0o600)
    return data
