"""How an upgrade may go otherwise than at once: a supervisor that also tells the
old process to stop, and a new process that is slow."""

import contextlib
import signal
import threading
import time

from harness.bench import case, until
from harness.gateway import KEY
from harness.hammer import Client
from suites.common import fake_and_gateway
from suites.handover import Streams, demo, is_in_the_ledger_once


LIMITED = "sk-e2e-limited-0123456789abcdefghijklmnop"
# What they ask of the heir is more than a socket takes.
CROWD = 300


def scene(bench):
    keys = f"  - {{name: limited, key: {LIMITED}, limits: {{requests_per_minute: 5000}}}}\n"
    return fake_and_gateway(bench, more="drain_timeout: 20s\n", keys=keys)


def ends_within(process, seconds: float) -> None:
    begun = time.monotonic()
    assert process.wait(10) == 0
    took = time.monotonic() - begun
    assert took < seconds, f"{took:.2f} s"


@case
def an_elder_that_is_told_to_stop_still_answers_what_is_open(w):
    streams = Streams(w, 5)
    elder = w.gateway.take_over()
    elder.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert elder.poll() is None, "it ended before its streams"
    whole = streams.finish()
    assert len(whole) == 5, f"{len(whole)} of 5 came whole"
    assert elder.wait(10) == 0
    is_in_the_ledger_once(w, whole)


@case
def told_twice_it_ends_at_once(w):
    streams = Streams(w, 5)
    elder = w.gateway.take_over()
    elder.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    elder.send_signal(signal.SIGTERM)
    ends_within(elder, 3)
    assert streams.finish() == [], "they were not cut"


@contextlib.contextmanager
def stopped_heir(w):
    """A process that has begun to take over, and does not get on with it until
    it is let; its elder."""
    elder, seen = w.gateway.process, w.gateway.log.stat().st_size
    w.gateway.spawn("--takeover")
    said = lambda: w.gateway.log.read_bytes()[seen:].decode(errors="replace")  # noqa: E731
    begun = time.monotonic()
    while "another process takes over" not in said():
        assert time.monotonic() < begun + 20, "no takeover"
        time.sleep(0.001)
    w.gateway.process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    assert "took over" not in said(), "it was too quick for this case"
    try:
        yield elder
    finally:
        w.gateway.process.send_signal(signal.SIGCONT)
    until(lambda: "took over" in said() or w.gateway.process.poll() is not None, 20, "it goes on")


@case
def an_elder_that_is_told_to_stop_while_it_hands_over_leaves_to_somebody(w):
    with stopped_heir(w) as elder:
        elder.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert elder.poll() is None, "nobody serves"
    assert elder.wait(10) == 0
    assert Client(w.gateway.port).ask(demo())[0] == 200


@case
def told_twice_while_it_hands_over_it_ends_at_once(w):
    streams = Streams(w, 3)
    with stopped_heir(w) as elder:
        for _ in range(2):
            elder.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        ends_within(elder, 3)
    assert streams.finish() == [], "they were not cut"
    w.gateway.kill()
    w.gateway.start()


def asked(client: Client, key: str) -> str:
    status, headers, body = client.ask(demo(), key)
    assert status == 200, body
    return headers["x-request-id"]


@case
def an_heir_that_is_slow_holds_nobody_up_and_no_limit_is_given_out_twice(w):
    crowd, ids, longest = [Client(w.gateway.port) for _ in range(CROWD)], [], []
    for client in crowd:
        asked(client, LIMITED)

    def ask(client):
        begun = time.monotonic()
        ids.append(asked(client, LIMITED))
        longest.append(time.monotonic() - begun)

    free, streams = Client(w.gateway.port), Streams(w, 3)
    ids.append(asked(free, KEY))
    with stopped_heir(w) as elder:
        threads = [threading.Thread(target=ask, args=(client,)) for client in crowd]
        for thread in threads:
            thread.start()
        for _ in range(20):
            begun = time.monotonic()
            ids.append(asked(free, KEY))
            assert time.monotonic() - begun < 1, "the event loops wait for the heir"
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        assert len(longest) == CROWD and max(longest) < 6, (len(longest), max(longest, default=0))
    # It hears of what was given out meanwhile as soon as it serves.
    time.sleep(0.2)
    status, headers, body = Client(w.gateway.port).ask(demo(), LIMITED)
    left = headers["x-ratelimit-remaining-requests"]
    assert status == 200 and left == str(5000 - 2 * CROWD - 1), f"{left} are left"
    whole = streams.finish()
    assert len(whole) == 3 and elder.wait(10) == 0
    is_in_the_ledger_once(w, ids + whole)
    print(f"drill: | a slow heir | {CROWD} limited at once | longest {max(longest):.2f} s |")
