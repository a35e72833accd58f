"""Every call and every change is a record, signed; whatever is changed later shows."""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import sqlite3
import threading
import time
import types

import httpx

from harness.bench import case, until
from harness.gateway import KEY, hello
from suites.common import fake_and_gateway
from suites.policies import stream

SAID = """
guards:
  secrets: {kind: deny, literals: [hunter2]}
policies:
  - {name: all, guards: [secrets], cache: {ttl: 1h}}
audit:
  export:
    files: [exported]
    webhook: http://127.0.0.1:PORT/checkpoints
    every: 1s
"""


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    notes: list = []

    def do_POST(self):
        self.notes.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def scene(bench):
    hook = bench.enter(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook))
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    world = fake_and_gateway(bench, SAID.replace("PORT", str(hook.server_port)))
    world.known = []
    return world


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


@case
def every_end_of_a_call_is_a_record(w):
    w.public = w.gateway.run("audit", "key", "--data-dir", w.gateway.data).stdout.strip()
    done = the_call(w, w.gateway.chat(hello()))
    assert (done["outcome"], done["status"], done["from"]) == ("complete", 200, "127.0.0.1"), done
    assert done["tokens"] == {"input": 11, "output": 7} and done["provider"] == "fake", done
    cached = the_call(w, w.gateway.chat(hello()))
    assert cached["cache_hit"] and cached["attempts"] == 0, cached
    refused = the_call(w, w.gateway.chat(hello("gpt-nope")))
    assert (refused["outcome"], refused["error"]) == ("refused", "model_not_found"), refused
    blocked = the_call(w, w.gateway.chat(hello(text="my password is hunter2")))
    [found] = blocked["decided"]["found"]
    assert found == {"guard": "secrets", "kind": "deny", "action": "block", "count": 1}, blocked
    assert "hunter2" not in json.dumps(blocked), "no text of anybody's"
    w.fake.next(status=400, body=b'{"error":{"message":"no"}}')
    failed = the_call(w, w.gateway.chat(hello(text="fail")))
    assert failed["outcome"] == "upstream_failed" and failed["attempts"] == 1, failed
    w.fake.next(pieces=stream("one", "two"), gate=threading.Event())
    with httpx.stream(
        "POST",
        w.gateway.base_url + "/chat/completions",
        json=hello(text="leave", stream=True),
        headers={"authorization": f"Bearer {KEY}"},
        timeout=10,
    ) as answer:
        for piece in answer.iter_bytes():
            if b"one" in piece:
                break
    assert the_call(w, answer)["outcome"] == "client_left"


@case
def strangers_are_counted_by_source_reason_and_minute(w):
    for _ in range(5):
        assert w.gateway.chat(hello(), "sk-stranger").status_code == 401
    assert httpx.post(w.gateway.base_url + "/chat/completions", json={}).status_code == 401
    assert w.gateway.stop(within=10) == 0
    told = [it for it in records(w) if it["kind"] == "strangers"]
    counts = {}
    for it in told:
        assert it["source"] == "127.0.0.0/24" and it["minute"] % 60_000_000 == 0, it
        counts[it["reason"]] = counts.get(it["reason"], 0) + it["count"]
    assert counts == {"invalid_api_key": 5, "missing_api_key": 1}, counts
    w.gateway.start()


@case
def a_key_from_a_wrong_network_is_a_record_of_its_own(w):
    made = w.gateway.run(
        "keys", "create", "--name", "far", "--networks", "10.0.0.0/8", "--data-dir", w.gateway.data, "--json"
    )
    key = json.loads(made.stdout)["key"]

    def is_far():
        answer = w.gateway.chat(hello(), key)
        return answer if answer.status_code == 403 else None

    call = the_call(w, until(is_far, 5, "the key is known"))
    assert (call["error"], call["from"]) == ("address_not_allowed", "127.0.0.1"), call


@case
def changes_by_people_are_records_with_before_and_after(w):
    w.gateway.run("keys", "edit", "far", "--expires", "30d", "--data-dir", w.gateway.data)
    seen = lambda: [it for it in records(w) if it["kind"] == "change" and it["action"] == "key.edit"]
    [change] = until(seen, 5, "the change is a record")
    assert json.loads(change["before"])["expires"] is None, change
    assert json.loads(change["after"])["expires"] is not None, change
    assert change["actor"].startswith("cli:"), change
    told = json.loads(w.gateway.run("audit", "changes", "--data-dir", w.gateway.data, "--json").stdout)
    assert told[0]["action"] == "key.edit" and told[0]["before"]["expires"] is None, told[0]


@case
def sudden_ends_neither_miss_nor_double_a_record(w):
    answered = []
    for round in range(5):
        stop = threading.Event()

        def ask():
            with httpx.Client(timeout=5) as client:
                while not stop.is_set():
                    with contextlib.suppress(httpx.HTTPError):
                        headers = {"authorization": f"Bearer {KEY}"}
                        url = w.gateway.base_url + "/chat/completions"
                        body = hello(text=f"{round}", temperature=len(answered) / 1e6)
                        answer = client.post(url, json=body, headers=headers)
                        if answer.status_code == 200:
                            answered.append(answer.headers["x-request-id"])

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        # Amid the carrier's rounds, each time elsewhere.
        time.sleep(0.5 + 0.13 * round)
        w.gateway.kill()
        stop.set()
        for thread in threads:
            thread.join()
        w.gateway.start()
    assert len(answered) > 100, len(answered)
    w.gateway.row(w.gateway.chat(hello(text="last")).headers["x-request-id"])
    sealed(w)
    rows = {"req_" + row["ticket"].hex(): row for row in w.gateway.rows()}
    logged = calls(w)
    tickets = [it["ticket"] for it in logged]
    assert len(tickets) == len(set(tickets)), "none twice"
    assert set(tickets) == set(rows), "those of the ledger"
    assert set(answered) <= set(tickets), "every answer that a client got"
    verdict = verify(w)
    assert verdict.status == 0 and verdict.sound, verdict
    assert verdict.records == len(records(w)) == verdict.anchored, verdict


@case
def checkpoints_are_exported_to_files_and_addresses(w):
    sealed(w)
    exported = (w.gateway.folder / "exported").read_text()
    origin, size, _root = exported.split("\n")[:3]
    assert w.public.startswith(origin + "+"), (w.public, origin)
    until(lambda: any(note.startswith(origin) for note in Hook.notes), 5, "one was posted")
    assert int(size) == len(records(w))
    unanchored = verify(w, checkpoint=False)
    assert unanchored.status == 0 and unanchored.anchored is None, unanchored


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


@case
def a_record_is_proved_to_whoever_has_the_public_key(w):
    ticket = calls(w)[7]["ticket"]
    place = ["--data-dir", w.gateway.data]
    file = w.gateway.folder / "record.json"
    proof = w.gateway.run("audit", "prove", ticket, "--record", file, *place).stdout
    (w.gateway.folder / "a.tlog-proof").write_text(proof)
    assert json.loads(file.read_text())["ticket"] == ticket
    check = ["audit", "check-proof", "--key", w.public, "a.tlog-proof", "record.json"]
    assert "proved" in w.gateway.run(*check).stdout
    # By hand, with nothing but SHA-256.
    head, note = proof.split("\n\n", 1)
    _title, index, *path = head.split("\n")
    _origin, size, root = note.split("\n")[:3]
    path = [base64.b64decode(line) for line in path]
    found = root_of(file.read_bytes(), int(index.removeprefix("index ")), int(size), path)
    assert found == base64.b64decode(root)
    file.write_bytes(file.read_bytes().replace(b'"complete"', b'"refused!"'))
    assert w.gateway.run(*check, check=False).returncode == 1


@case
def calls_are_found_by_who_and_what(w):
    def search(*arguments):
        place = ["--data-dir", w.gateway.data, "--json", "-n", 9999]
        return json.loads(w.gateway.run("audit", "search", *arguments, *place).stdout)

    assert len(search("--guard", "secrets")) == 1
    assert len(search("--error", "address_not_allowed", "--from", "127.0.0.1")) >= 1
    assert {it["outcome"] for it in search("--outcome", "client_left")} == {"client_left"}
    assert search("--model", "nobody's") == [] and search("--until", "1h") == []
    assert len(search("--since", "1h")) == len(calls(w))
    one = search("--outcome", "upstream_failed")[0]
    shown = w.gateway.run("audit", "show", one["request"], "--data-dir", w.gateway.data).stdout
    assert json.loads(shown)["ticket"] == one["request"]


# Drills: on copies of all that the gateway left.


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


@case
def a_tamper_drill_finds_all_of_it_and_names_the_first_bad_record(w):
    while len(records(w)) < 300:
        for _ in range(50):
            w.gateway.chat(hello(text="more"))
        time.sleep(0.3)
    sealed(w)
    assert w.gateway.stop(within=10) == 0
    sealed(w)
    assert verify(w).status == 0
    at = answered_at(w)
    row = f"audit_record = {at}"
    columns = [name for name in w.gateway.rows()[0] if name not in ("seq", "ticket")]
    copied = ", ".join(columns)
    own = f"x'{'77' * 16}'"
    insert = f"INSERT INTO requests (ticket, {copied}) SELECT {own}, {copied} FROM requests WHERE {row}"
    unlog = f"UPDATE requests SET audit_log = NULL, audit_record = NULL WHERE ticket = {own}"
    swap = [
        f"UPDATE requests SET audit_record = -1 WHERE {row}",
        f"UPDATE requests SET audit_record = {at} WHERE audit_record = {at + 1}",
        f"UPDATE requests SET audit_record = {at + 1} WHERE audit_record = -1",
    ]
    other = "UPDATE admin_changes SET after = '{}' WHERE action = 'key.edit'"
    drills = {
        "files: edit": (in_files(edit(at)), at),
        "files: delete": (in_files(lambda found: found.pop(at)), at),
        "files: insert": (in_files(lambda found: found.insert(at, found[at - 1])), at),
        "files: reorder": (in_files(reorder(at)), at),
        "database: edit": (in_database(f"UPDATE requests SET duration_us = 1 WHERE {row}"), at),
        "database: delete": (in_database(f"DELETE FROM requests WHERE {row}"), at),
        "database: insert": (in_database(insert), at),
        "database: insert without a record": (in_database(insert, unlog), None),
        "database: reorder": (in_database(*swap), at),
        "database: truncate": (in_database("DELETE FROM requests WHERE audit_record > 280"), ...),
        "database: a change": (in_database(other), ...),
        "database: strangers": (in_database("UPDATE audit_strangers SET count = 1"), ...),
    }
    for name, (tamper, first) in drills.items():
        data = copied_folder(w, "drilled")
        tamper(data)
        verdict = verify(w, data=data)
        assert verdict.status == 1 and not verdict.sound, f"{name}: {verdict}"
        if first is ...:
            assert verdict.first_bad > 0, f"{name}: {verdict}"
        else:
            assert verdict.first_bad == first, f"{name}: {verdict}"
        if first is not None:
            assert f"first bad record is {verdict.first_bad}" in verdict.said, verdict.said


@case
def columns_are_held_against_the_log(w):
    others = ("seq", "ticket", "booked_at")
    columns = [name for name in w.gateway.rows()[0] if name not in others]
    assert len(columns) > 40, columns
    at = answered_at(w)
    # All of them: crates/store/tests/both/audit.rs.
    for column in columns[::7]:
        data = copied_folder(w, "drilled")
        changed = f"CASE WHEN typeof({column}) = 'integer' THEN {column} + 1 ELSE coalesce({column}, '') || '7' END"
        in_database(f"UPDATE requests SET {column} = {changed} WHERE audit_record = {at}")(data)
        verdict = verify(w, data=data)
        assert verdict.status == 1 and verdict.first_bad == at, f"{column}: {verdict}"


@case
def a_log_that_was_cut_back_is_seen_with_the_exported_checkpoint_alone(w):
    kept = copied_folder(w, "kept")
    w.gateway.start()
    w.gateway.row(w.gateway.chat(hello(text="after")).headers["x-request-id"])
    sealed(w)
    assert w.gateway.stop(within=10) == 0
    size = len(records(w))
    unanchored = verify(w, data=kept, checkpoint=False)
    assert unanchored.status == 0 and unanchored.anchored is None, "nobody can tell"
    verdict = verify(w, data=kept)
    assert verdict.status == 1 and verdict.records < size, verdict
    assert verdict.findings[0]["kind"] == "truncated", verdict
    assert verdict.first_bad == verdict.records, verdict


@case
def a_log_that_was_changed_is_not_written_on(w):
    shutil.rmtree(w.gateway.data / "audit")
    shutil.copytree(w.gateway.folder / "kept" / "audit", w.gateway.data / "audit")
    w.gateway.start()

    def told():
        page = httpx.get(w.gateway.admin_url + "/readyz?verbose").text
        return "cut back" in page

    until(told, 10, "operators are told")
    assert w.gateway.chat(hello(text="still answered")).status_code == 200


def copied_folder(w, name):
    data = w.gateway.folder / name
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    for part in ("audit", "audit.key", "portcullis.db"):
        source = w.gateway.data / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, data / part)
    os.chmod(data / "audit.key", 0o600)
    return data
