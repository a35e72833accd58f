"""More than an upstream can take, and bodies larger than a turn of the loop.

Both sides are programs of their own: Python would be the bottleneck.
"""

import contextlib
import json
import subprocess

from harness.bench import case
from harness.raw import ask, chat
from suites.common import config
from suites.fire.world import drill, sized

# What the upstream takes a second, and how many times as much is offered.
PLACES, PAUSE_MS = sized((5, 50), (50, 50))
CAPACITY = PLACES * 1000 // PAUSE_MS
TIMES = 25
SECONDS = sized(3, 20)


def program(w):
    """Offers so much, or takes it; built with the unit tests."""
    beside = w.bench.binary.parent / "examples" / "flood"
    target = w.bench.here.parent / "target"
    wanted = (beside, target / "release/examples/flood", target / "debug/examples/flood")
    found = [path for path in wanted if path.exists()]
    assert found, "build it: cargo build --package portcullis-testkit --example flood"
    return found[0]


@contextlib.contextmanager
def behind(w, places: int, pause: int, provider: str = ""):
    """A gateway whose upstream takes so many at once, each for this time."""
    command = [program(w), "upstream", str(places), str(pause)]
    upstream = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(upstream.stdout.readline())
        text = config(f"http://127.0.0.1:{port}/v1", "retry: {retries: 0}\nlimits: {body: 64MiB}\n")
        gateway = w.bench.gateway(text.replace("    models:", f"{provider}    models:"))
        yield gateway
        gateway.kill()
    finally:
        upstream.kill()
        upstream.wait()


class Load:
    """So many requests a second for so long: `said()` waits for what came."""

    def __init__(self, w, gateway, rate: float, seconds: float, lanes: int, request: bytes):
        command = [program(w), "load", f"127.0.0.1:{gateway.port}", rate, seconds, lanes]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.process.stdin.write(request)
        self.process.stdin.close()
        self.process.stdin = None

    def said(self) -> dict:
        said, failed = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, failed.decode()
        return json.loads(said)


@case
def an_overloaded_upstream_stays_as_good_as_it_can_be(w):
    lanes = sized(128, 512)
    with behind(w, PLACES, PAUSE_MS, f"    max_parallel: {PLACES * 2}\n") as gateway:
        best = Load(w, gateway, CAPACITY * 1.5, SECONDS, lanes, ask()).said()
        over = Load(w, gateway, CAPACITY * TIMES, SECONDS, lanes, ask()).said()
    rate, most = over["good"] / over["seconds"], best["good"] / best["seconds"]
    refused = over["offered"] - over["good"]
    figure = (
        f"{over['offered'] / over['seconds']:.0f}/s offered of {CAPACITY}/s: goodput {rate:.0f}/s, "
        f"{100 * rate / most:.1f} % of the best; {over['polite']} of {refused} refused with retry-after, "
        f"p99 {over['refused_p99_ms']:.1f} ms"
    )
    is_held = rate >= most * 0.95
    drill("overload", figure, "≥ 95 %, all refused at once with retry-after", is_held)
    assert over["broken"] == 0 and over["polite"] == refused, over
    # The short form shares its machine with whatever else is tested there.
    assert sized(rate >= most * 0.7, is_held), figure
    assert over["offered"] > over["good"] * 5, "the machine could not offer enough"


@case
def one_keys_large_bodies_are_nobody_elses_latency(w):
    large = ask(chat("m", "word " * (6 << 20)))
    # A model that is quick, and two connections that send all that they can.
    with behind(w, 1000, 50) as gateway:
        calm = Load(w, gateway, 200, SECONDS, 32, ask()).said()
        senders = Load(w, gateway, 1000, SECONDS + 1, 2, large)
        busy = Load(w, gateway, 200, SECONDS, 32, ask()).said()
        sent = senders.said()
    ratio = busy["good_p95_ms"] / calm["good_p95_ms"]
    figure = (
        f"{sent['good'] / sent['seconds']:.0f} bodies of {len(large) >> 20} MB a second: p50 of others "
        f"{calm['good_p50_ms']:.2f} → {busy['good_p50_ms']:.2f} ms, p95 {calm['good_p95_ms']:.2f} → "
        f"{busy['good_p95_ms']:.2f} ms (× {ratio:.2f})"
    )
    is_held = ratio <= 1.1
    drill("large bodies beside others", figure, "p95 +10 %", is_held)
    assert sent["good"] > 0 and sent["broken"] == busy["broken"] == 0, (sent, busy)
    assert sized(busy["good_p95_ms"] < 2000, is_held), figure
