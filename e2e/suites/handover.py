"""Nothing is lost when the gateway stops, reloads, or gives way to another
process, however many ask meanwhile. `cargo xtask drill` may ask for more."""

import contextlib
import os
import random
import signal
import sqlite3
import threading
import time

import httpx

from harness.bench import case, until
from harness.gateway import KEY, events, hello
from harness.hammer import Client, Hammer
from suites.common import config, fake_and_gateway
from suites.lifecycle import ask_until
from suites.policies import stream

CLIENTS = int(os.environ.get("PORTCULLIS_DRILL_CLIENTS", "64"))
STREAMS = int(os.environ.get("PORTCULLIS_DRILL_STREAMS", "40"))
ROUNDS = int(os.environ.get("PORTCULLIS_DRILL_TAKEOVERS", "2"))
# Who is killed: the elder, the heir, both.
KILLED = [(0,), (1,), (0, 1)] * int(os.environ.get("PORTCULLIS_DRILL_TAKEOVER_KILLS", "1"))
LIMITED = "sk-e2e-limited-0123456789abcdefghijklmnop"


def scene(bench):
    more = "drain_delay: 1s\ndrain_timeout: 10s\n"
    keys = f"  - {{name: limited, key: {LIMITED}, limits: {{requests_per_minute: 300, parallel_requests: 3}}}}\n"
    world = fake_and_gateway(bench, more=more, keys=keys)
    world.fake.server.handle_error = lambda *_: None
    return world


class Streams:
    """Answers that have begun, and end when they are let go."""

    def __init__(self, w, count: int, key: str = KEY):
        self.gate, self.texts, self.w = threading.Event(), [], w
        for _ in range(count):
            w.fake.next(pieces=stream("one", "two"), gate=self.gate)
        self.begun = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.read, args=(key,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        for _ in range(count):
            assert self.begun.acquire(timeout=20), "a stream does not begin"

    def read(self, key):
        headers = {"authorization": f"Bearer {key}"}
        url = self.w.gateway.base_url + "/chat/completions"
        asked = {"json": hello(stream=True), "headers": headers, "timeout": 60, "verify": self.w.gateway.verify}
        # One that is cut is missing from the texts.
        with contextlib.suppress(httpx.TransportError), httpx.stream("POST", url, **asked) as answer:
            self.begun.release()
            self.texts.append((answer.headers["x-request-id"], answer.read().decode()))

    def finish(self) -> list:
        """Ids of those that came whole."""
        self.gate.set()
        for thread in self.threads:
            thread.join()
        return [id for id, text in self.texts if events(text)[-1] == "[DONE]"]


def is_in_the_ledger_once(w, ids: list) -> None:
    assert len(ids) == len(set(ids))

    def missing():
        rows = {"req_" + row["ticket"].hex(): row["outcome"] for row in w.gateway.rows()}
        return [(id, rows.get(id)) for id in ids if rows.get(id) != "complete"]

    until(lambda: not missing(), 10, f"all {len(ids)} answers are in the ledger")


def demo() -> dict:
    return hello("demo")


@case
def told_to_stop_it_answers_everybody_who_has_reached_it(w):
    streams = Streams(w, STREAMS)
    with Hammer(w.gateway.port, CLIENTS, demo()) as hammer:
        until(lambda: len(hammer.answered) > 200, 20, "traffic")
        told = time.monotonic()
        w.gateway.process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(w.gateway.admin_url + "/readyz").status_code == 503, 0.5, "not ready")
        assert httpx.get(w.gateway.origin + "/readyz").status_code == 503
        until(lambda: hammer.refused, 5, "the door is closed")
        time.sleep(0.2)
        assert w.gateway.process.poll() is None, "it ended before its streams"
        whole = streams.finish()
        assert w.gateway.process.wait(5) == 0
    assert not hammer.lost, f"{len(hammer.lost)} lost: {hammer.lost[:3]}"
    assert set(hammer.statuses) == {200}, hammer.statuses
    assert len(whole) == STREAMS, len(whole)
    open_for = hammer.refused - told
    assert open_for >= 0.95, f"refused {open_for:.2f} s after the signal"
    is_in_the_ledger_once(w, hammer.answered + whole)
    print(f"drill: | SIGTERM | {len(hammer.answered)} answers, {len(whole)} streams | 0 lost |")


@case
def at_a_terminal_it_stops_at_once(w):
    w.gateway.start()
    client = Client(w.gateway.port)
    assert client.ask(demo())[0] == 200
    begun = time.monotonic()
    w.gateway.process.send_signal(signal.SIGINT)
    assert w.gateway.process.wait(5) == 0
    took = time.monotonic() - begun
    assert took < 0.9, f"{took:.2f} s"


@case
def another_process_takes_over_and_nobody_notices(w):
    w.gateway.start()
    streams = Streams(w, STREAMS)
    with Hammer(w.gateway.port, CLIENTS, demo()) as hammer:
        until(lambda: len(hammer.answered) > 200, 20, "traffic")
        elders = []
        for _ in range(ROUNDS):
            elders.append(w.gateway.take_over())
            seen = len(hammer.answered)
            until(lambda: len(hammer.answered) > seen + 200, 20, "traffic goes on")
        assert all(elder.poll() is None for elder in elders[:1]), "it ended before its streams"
        whole = streams.finish()
        for elder in elders:
            assert elder.wait(15) == 0
        seen = len(hammer.answered)
        until(lambda: len(hammer.answered) > seen + 100, 20, "traffic goes on")
    assert not hammer.lost, f"{len(hammer.lost)} lost: {hammer.lost[:3]}"
    assert hammer.refused is None and set(hammer.statuses) == {200}, hammer.statuses
    assert len(whole) == STREAMS, len(whole)
    is_in_the_ledger_once(w, hammer.answered + whole)
    longest = max(hammer.late)
    print(f"drill: | takeover x{ROUNDS} | {len(hammer.answered)} answers, {len(whole)} streams | 0 lost | longest {longest:.2f} s |")


@case
def a_kill_in_the_middle_of_it_loses_no_answer(w):
    pauses, ended, completed = random.Random(5), threading.Event(), []
    asking = [threading.Thread(target=ask_until, args=(w, ended, completed)) for _ in range(6)]
    for thread in asking:
        thread.start()
    for victims in KILLED:
        time.sleep(pauses.uniform(0.1, 0.3))
        both = [w.gateway.process]
        w.gateway.spawn("--takeover")
        both.append(w.gateway.process)
        time.sleep(pauses.uniform(0, 0.25))
        for victim in victims:
            both[victim].kill()
            both[victim].wait()
        # An heir ends by itself if its elder did before it had everything.
        time.sleep(0.5)
        living = [process for process in both if process.poll() is None]
        if living:
            w.gateway.process = living[0]
        else:
            w.gateway.start()
        seen = len(completed)
        until(lambda: len(completed) > seen + 5, 20, "traffic goes on")
    ended.set()
    for thread in asking:
        thread.join()
    is_in_the_ledger_once(w, completed)
    print(f"drill: | kill -9 while taking over | {len(KILLED)} | {len(completed)} answers | 0 lost |")


@case
def limits_hold_over_both_processes(w):
    streams = Streams(w, 3, LIMITED)
    client = Client(w.gateway.port)
    status, headers, _ = client.ask(demo(), LIMITED)
    assert status == 429, "three run already"
    elder = w.gateway.take_over()
    fresh = Client(w.gateway.port)
    assert fresh.ask(demo(), LIMITED)[0] == 429, "the elder's three run still"
    assert client.ask(demo(), LIMITED)[0] == 429, "the elder asks the heir"
    assert len(streams.finish()) == 3
    until(lambda: fresh.ask(demo(), LIMITED)[0] == 200, 2, "their places come back")
    assert elder.wait(10) == 0
    taken, ended = [4], threading.Event()

    def ask():
        client = Client(w.gateway.port)
        while not ended.is_set():
            if client.ask(demo(), LIMITED)[0] == 200:
                taken.append(1)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: sum(taken) > 100, 20, "some are answered")
    elder = w.gateway.take_over()
    until(lambda: fresh.ask(hello("demo"), LIMITED)[1].get("x-ratelimit-remaining-requests") == "0", 20, "none is left")
    time.sleep(0.5)
    ended.set()
    for thread in threads:
        thread.join()
    assert elder.wait(10) == 0
    asked = "key_id = (SELECT key_id FROM requests WHERE ticket = ?) AND outcome = 'complete'"
    ticket = bytes.fromhex(streams.texts[0][0][4:])
    rows = until(lambda: (rows := w.gateway.rows(asked, ticket)) and len(rows) >= 300 and rows, 10, "all are carried")
    assert len(rows) == 300, f"{len(rows)} of 300 a minute"


@case
def a_bad_configuration_takes_nothing_over(w):
    good = w.gateway.config.read_text()
    w.gateway.config.with_name("bad.yaml").write_text(good + "policys: []\n")
    running = w.gateway.process
    done = w.gateway.run("serve", "--takeover", "--config", w.gateway.config.with_name("bad.yaml"),
                         "--data-dir", w.gateway.data, check=False)  # fmt: skip
    assert done.returncode != 0 and "policies" in done.stdout + done.stderr, done
    assert running.poll() is None and w.gateway.chat(demo()).status_code == 200
    second = w.gateway.run("serve", "--data-dir", w.gateway.data, check=False)
    assert second.returncode != 0 and f"process {running.pid}" in second.stderr, second.stderr


@case
def an_heir_that_does_not_make_it_leaves_all_as_it_was(w):
    # It may not have the operators' address, and finds out after it was
    # handed all.
    running = w.gateway.process
    with Hammer(w.gateway.port, 8, demo()) as hammer:
        until(lambda: len(hammer.answered) > 50, 20, "traffic")
        done = w.gateway.run(
            "serve", "--takeover", "--config", w.gateway.config, "--data-dir", w.gateway.data,
            "--listen", f"127.0.0.1:{w.gateway.port}", "--admin-listen", "192.0.2.1:1", check=False,
        )  # fmt: skip
        assert done.returncode != 0, done
        seen = len(hammer.answered)
        until(lambda: len(hammer.answered) > seen + 50, 20, "traffic goes on")
    assert not hammer.lost and set(hammer.statuses) == {200}, (hammer.lost[:3], hammer.statuses)
    assert running.poll() is None
    is_in_the_ledger_once(w, hammer.answered)


def reloads(w, name: str, times: int) -> tuple[list, list]:
    """Milliseconds until a change is in force: told by SIGHUP, and by the file
    alone."""
    text, client = config(w.fake.base_url), Client(w.gateway.port)

    def until_known(alias: str, tell) -> float:
        begun = time.monotonic()
        tell()
        while client.ask(hello(alias))[0] != 200:
            assert time.monotonic() < begun + 5, f"{alias} is not known"
            time.sleep(0.002)
        return (time.monotonic() - begun) * 1000

    by_signal, by_file = [], []
    for number in range(times):
        def write():
            fresh = w.gateway.config.with_suffix(".new")
            fresh.write_text(text + f"aliases: {{{name}-file-{number}: demo}}\n")
            fresh.rename(w.gateway.config)
        by_file.append(until_known(f"{name}-file-{number}", write))

        def hang_up():
            w.gateway.config.write_text(text + f"aliases: {{{name}-signal-{number}: demo}}\n")
            w.gateway.hang_up()
        by_signal.append(until_known(f"{name}-signal-{number}", hang_up))
    client.close()
    return by_signal, by_file


@case
def a_change_drops_nobody(w):
    with Hammer(w.gateway.port, 4, demo()) as hammer:
        reloads(w, "busy", 5)
    assert not hammer.lost and set(hammer.statuses) == {200}, (hammer.lost[:3], hammer.statuses)


@case
def a_change_is_in_force_within_a_quarter_of_a_second(w):
    # Not beside clients that never stop: how busy the machine is is not what is
    # measured. So the best of three rounds counts, for both.
    rounds = [reloads(w, f"r{number}", 5) for number in range(3)]
    median = lambda values: sorted(values)[len(values) // 2]  # noqa: E731
    by_signal = min(median(signal) for signal, _ in rounds)
    by_file = min(median(file) for _, file in rounds)
    assert by_signal < 250 and by_file < 250, rounds
    print(f"drill: | reload | by signal {by_signal:.0f} ms, by file {by_file:.0f} ms |")


@case
def a_database_that_is_locked_stops_nobody(w):
    ids, client = [], Client(w.gateway.port)
    verbose = lambda: httpx.get(w.gateway.admin_url + "/readyz?verbose")  # noqa: E731
    with contextlib.closing(sqlite3.connect(w.gateway.data / "portcullis.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(20):
            status, headers, _ = client.ask(demo())
            assert status == 200
            ids.append(headers["x-request-id"])
        until(lambda: "[-]store" in verbose().text, 12, "the store is told")
        assert verbose().status_code == 200 and verbose().text.endswith("degraded\n"), verbose().text
        assert client.ask(demo())[0] == 200
        other.execute("ROLLBACK")
    is_in_the_ledger_once(w, ids)
    until(lambda: verbose().text.endswith("ok\n"), 5, "all is well")
