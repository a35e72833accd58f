"""The data folder goes away while the gateway runs, in part or whole, and comes
back: what is promised for that holds to the letter."""

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

import httpx

from harness.bench import case, until
from harness.gateway import free_port
from harness.hammer import Client
from suites.common import config, fake_and_gateway
from suites.handover import demo, is_in_the_ledger_once

REQUESTS = int(os.environ.get("PORTCULLIS_DRILL_OUTAGE", "20"))


def scene(bench):
    return fake_and_gateway(bench)


def verbose(w) -> httpx.Response:
    return httpx.get(w.gateway.admin_url + "/readyz?verbose")


def asked(w, wanted: int = 200) -> list:
    """Ids of requests that were all answered like this."""
    client, ids = Client(w.gateway.port), []
    for _ in range(REQUESTS):
        status, headers, body = client.ask(demo())
        assert status == wanted, (status, body)
        if status == 200:
            ids.append(headers["x-request-id"])
        else:
            assert headers["retry-after"] and b"accounting_unavailable" in body, (headers, body)
    client.close()
    return ids


@contextlib.contextmanager
def away(w):
    """The database is away within the block: requests are answered, and what
    is ready says so."""
    ids = asked(w)
    yield ids
    ids += asked(w)
    until(lambda: "[-]store" in verbose(w).text, 12, "the store is told")
    assert verbose(w).status_code == 200 and verbose(w).text.endswith("degraded\n"), verbose(w).text
    assert httpx.get(w.gateway.origin + "/readyz").status_code == 200
    ids += asked(w)


def is_well_again(w, ids: list) -> None:
    until(lambda: verbose(w).text.endswith("ok\n"), 12, "all is well")
    is_in_the_ledger_once(w, ids + asked(w))


@case
def the_database_is_moved_away_and_back(w):
    file = w.gateway.data / "portcullis.db"
    with away(w) as ids:
        file.rename(file.with_suffix(".aside"))
    assert not file.exists(), "a new one was begun"
    file.with_suffix(".aside").rename(file)
    is_well_again(w, ids)


@case
def a_folder_stands_in_its_place(w):
    file = w.gateway.data / "portcullis.db"
    with away(w) as ids:
        file.rename(file.with_suffix(".aside"))
        file.mkdir()
    file.rmdir()
    file.with_suffix(".aside").rename(file)
    is_well_again(w, ids)


@case
def the_database_may_not_be_written(w):
    # Not the shared memory beside them: who writes to an immutable map is ended.
    files = [str(w.gateway.data / name) for name in ("portcullis.db", "portcullis.db-wal")]
    if subprocess.run(["chattr", "+i", *files], capture_output=True).returncode != 0:
        print("outages: this file system has no immutable files: left out")
        return
    try:
        with away(w) as ids:
            pass
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)
    is_well_again(w, ids)


@case
def files_may_be_no_longer_than_they_are(w):
    ids = asked(w)
    pid = w.gateway.process.pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
    client = Client(w.gateway.port)
    # What was let in before anybody knew is answered, or refused as the rest.
    statuses = {client.ask(demo())[0] for _ in range(3)}
    assert statuses <= {200, 503}, statuses
    asked(w, 503)
    assert httpx.get(w.gateway.origin + "/readyz").status_code == 503
    assert "[-]journal" in verbose(w).text, verbose(w).text
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    until(lambda: client.ask(demo())[0] == 200, 3, "traffic is back")
    is_well_again(w, ids)


@case
def the_whole_folder_is_moved_away_and_back(w):
    ids, aside = asked(w), w.gateway.data.with_name("aside")
    w.gateway.data.rename(aside)
    client = Client(w.gateway.port)
    until(lambda: client.ask(demo())[0] == 503, 3, "nobody is let in whose record nobody would find")
    asked(w, 503)
    assert httpx.get(w.gateway.origin + "/readyz").status_code == 503
    assert "[-]journal" in verbose(w).text, verbose(w).text
    aside.rename(w.gateway.data)
    until(lambda: client.ask(demo())[0] == 200, 3, "traffic is back")
    is_well_again(w, ids)


@case
def where_policy_says_so_requests_go_on_without_records_and_are_counted(w):
    lenient = w.bench.gateway("journal: {when_full: continue}\nkeys: [{name: e2e, key: env:E2E_KEY}]\n")
    client, aside = Client(lenient.port), lenient.data.with_name("aside")
    before = client.ask(demo())[1]["x-request-id"]
    lenient.data.rename(aside)
    told = lambda: httpx.get(lenient.admin_url + "/readyz?verbose")  # noqa: E731
    until(lambda: "[-]journal" in told().text, 3, "the journal is told")
    for _ in range(REQUESTS):
        assert client.ask(demo())[0] == 200
    assert told().status_code == 200 and f"without records; {REQUESTS} are lost" in told().text, told().text
    assert f"portcullis_records_lost {REQUESTS}" in httpx.get(lenient.admin_url + "/metrics").text
    aside.rename(lenient.data)
    until(lambda: told().text.endswith("ok\n"), 12, "all is well")
    after = client.ask(demo())[1]["x-request-id"]
    assert {lenient.row(id)["outcome"] for id in (before, after)} == {"complete"}
    assert lenient.stop() == 0


@case
def a_folder_that_is_gone_for_good_takes_a_restart(w):
    shutil.rmtree(w.gateway.data)
    client = Client(w.gateway.port)
    until(lambda: client.ask(demo())[0] == 503, 3, "nobody is let in whose record nobody would find")
    w.gateway.data.mkdir()
    time.sleep(0.5)
    asked(w, 503)
    assert w.gateway.stop() == 0
    w.gateway.start()
    is_well_again(w, [])


@case
def a_journal_that_cannot_be_begun_ends_the_start_and_takes_nothing_over(w):
    ids = asked(w)
    elder = w.gateway.process
    # Room for all but a segment, in units of 1,024 bytes.
    w.gateway.launcher = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "limited"]
    w.gateway.spawn("--takeover")
    heir, w.gateway.process, w.gateway.launcher = w.gateway.process, elder, []
    assert heir.wait(20) == 1
    assert "cannot start: journal" in w.gateway.tail(4), w.gateway.tail()
    assert elder.poll() is None
    is_in_the_ledger_once(w, ids + asked(w))
    alone = w.bench.unstarted(config(w.fake.base_url))
    alone.launcher = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "limited"]
    alone.port, alone.admin_port = free_port(), free_port()
    alone.spawn()
    assert alone.process.wait(20) == 1, "it serves"
    assert "cannot start: journal" in alone.tail(), alone.tail()
    alone.launcher = []
    alone.start()
    assert "portcullis keys create" in alone.tail()


@case
def a_database_that_is_locked_holds_no_end_up_and_the_next_start_carries_the_rest(w):
    for signals, within in ((1, 6.5), (2, 2)):
        with contextlib.closing(sqlite3.connect(w.gateway.data / "portcullis.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ids = asked(w)
            # The carrier waits for it by now.
            time.sleep(0.3)
            begun = time.monotonic()
            for _ in range(signals):
                w.gateway.process.send_signal(signal.SIGTERM)
                time.sleep(0.2)
            assert w.gateway.process.wait(15) == 0
            took = time.monotonic() - begun
            assert took < within, f"{took:.1f} s when told {signals} times"
        w.gateway.start()
        is_well_again(w, ids)
