"""A data folder is copied while the gateway runs, and put back into another one."""

import json
import shutil

from harness.bench import case, until
from harness.gateway import hello
from harness.hammer import Hammer
from suites.common import config, fake_and_gateway
from suites.handover import demo


def scene(bench):
    return fake_and_gateway(bench)


def backup(w, name: str, **more):
    return w.gateway.run("backup", w.bench.folder / name, "--data-dir", w.gateway.data, **more)


def restored(w, name: str):
    """A gateway on what was put back."""
    other = w.bench.unstarted(config(w.fake.base_url))
    w.gateway.run("restore", w.bench.folder / name, "--data-dir", other.data)
    return other


@case
def a_backup_under_load_is_whole_and_goes_on_elsewhere(w):
    key = w.gateway.run("keys", "create", "--name", "kept", "--data-dir", w.gateway.data).stdout.strip()
    until(lambda: w.gateway.chat(hello("demo"), key).status_code == 200, 3, "the key works")
    with Hammer(w.gateway.port, 4, demo()) as hammer:
        until(lambda: len(hammer.answered) > 200, 20, "traffic")
        answered = list(hammer.answered)
        done = backup(w, "first")
        seen = len(hammer.answered)
        until(lambda: len(hammer.answered) > seen + 50, 20, "traffic goes on")
    assert not hammer.lost and "is a backup now" in done.stdout, done.stdout
    folder = w.bench.folder / "first"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in (folder / "portcullis.db", folder / "install.secret"))
    assert json.loads((folder / "backup.json").read_text())["made"]
    other = restored(w, "first")
    other.start()
    answer = other.chat(hello("demo"), key)
    assert answer.status_code == 200, "people keep their keys"
    assert other.row(answer.headers["x-request-id"], 15)["outcome"] == "complete"
    # All of it was answered before; much of it was not in the database yet.
    tickets = {bytes.fromhex(id.removeprefix("req_")) for id in answered}
    lacking = lambda: tickets - {row["ticket"] for row in other.rows("outcome = 'complete'")}  # noqa: E731
    until(lambda: not lacking(), 20, "all that was answered is in the ledger")
    verified = other.run("audit", "verify", "--data-dir", other.data, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    known = {row["ticket"]: row for row in w.gateway.rows()}
    rows = [row for row in other.rows() if row["ticket"] in known]
    assert rows and all(row["cost"] == known[row["ticket"]]["cost"] for row in rows), len(rows)
    assert "says something else" not in other.log.read_text()
    report = other.run("spend", "--by", "key", "--from", "1d", "--data-dir", other.data)
    assert "kept" in report.stdout, report.stdout
    assert other.stop() == 0


@case
def nothing_that_is_there_is_overwritten_and_what_is_damaged_is_told(w):
    again = backup(w, "first", check=False)
    assert again.returncode == 1 and "is not empty" in again.stderr, again.stderr
    into = w.gateway.run("restore", w.bench.folder / "first", "--data-dir", w.gateway.data, check=False)
    assert into.returncode == 1 and "is there already" in into.stderr, into.stderr
    damaged = w.bench.folder / "damaged"
    shutil.copytree(w.bench.folder / "first", damaged)
    database = damaged / "portcullis.db"
    kept = database.read_bytes()
    database.write_bytes(kept[:8192] + b"\x00" * 4096 + kept[12288:])
    free = w.bench.folder / "free"
    done = w.gateway.run("restore", damaged, "--data-dir", free, check=False)
    assert done.returncode == 1 and not (free / "portcullis.db").exists(), done.stderr
    (damaged / "backup.json").unlink()
    done = w.gateway.run("restore", damaged, "--data-dir", free, check=False)
    assert done.returncode == 1 and "is no backup" in done.stderr, done.stderr
