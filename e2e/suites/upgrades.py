"""How an upgrade may go otherwise than at once: a supervisor that also tells the
old process to stop, and a new process that is slow."""

import contextlib
import signal
import time

from harness.bench import case, until
from harness.hammer import Client
from suites.common import fake_and_gateway
from suites.handover import Streams, demo, is_in_the_ledger_once


def scene(bench):
    return fake_and_gateway(bench, more="drain_timeout: 20s\n")


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
