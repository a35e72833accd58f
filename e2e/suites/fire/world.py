"""The scene of the drills: an event loop, gateways and raw upstreams on it."""

import asyncio
import os
import pathlib
import resource
import threading
import time

from harness.upstream import Upstream
from suites.common import config

IS_LONG = os.environ.get("PORTCULLIS_DRILL") == "long"


def sized(short, long):
    """What the short form takes, and the long one."""
    return long if IS_LONG else short


def drill(name: str, figure: str, wanted: str, is_held: bool = True) -> None:
    """A row of the table of drills, which says so where the promise is not held."""
    verdict = wanted if is_held else f"{wanted}: MISSED"
    print(f"drill: | {name} | {figure} | {verdict} |", flush=True)


class World:
    def __init__(self, bench):
        self.bench = bench
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.upstream = self.run(Upstream().start())
        self.spare = self.run(Upstream().start())
        self.gateway = self.another()

    def run(self, coroutine, within: float = 600):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(within)

    def another(self, more: str = "", provider: str = "", environment: dict | None = None):
        """A gateway in front of both upstreams; the model `safe` may go to either."""
        spare = f"""
  spare:
    base_url: {self.spare.base_url}
    api_key: env:UPSTREAM_KEY
    timeouts: {{first_byte: 3s, between_chunks: 2s, total: 30s}}
    models: [healthy]"""
        own = f"""    timeouts: {{connect: 2s, first_byte: 60s, between_chunks: 20s, total: 90s}}
{provider}"""
        text = config(self.upstream.base_url, more or MODELS, own + spare)
        return self.bench.gateway(text.replace("models: [m, fake-large]", f"models: [{', '.join(NAMES)}]"),
                                  environment=environment)  # fmt: skip

    def settle(self, gateway=None, within: float = 5) -> list:
        """The ledger's rows, newest first, once no request is open any more."""
        gateway = gateway or self.gateway
        due = time.monotonic() + within
        last = None
        while time.monotonic() < due:
            rows = gateway.rows()
            if last is not None and len(rows) == last:
                return rows
            last = len(rows)
            time.sleep(0.3)
        return gateway.rows()


# What the raw upstream may be asked for; each drill says what happens then.
NAMES = ["m", "hidden", "one", "two", "three", "four", "stuck", "stream", "plain"]
MODELS = """
models:
  - name: safe
    deployments:
      - {provider: fake, model: one}
      - {provider: spare, model: healthy, order: 1}
retry: {retries: 0, backoff: 10ms, allowed_fails: 1000000}
"""


def resident(gateway) -> float:
    """Resident memory of a process, in MB."""
    for line in pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Peak:
    """The most memory a gateway had while the block ran, beyond what it had before."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.grown = 0.0

    async def _watch(self):
        while True:
            self.grown = max(self.grown, resident(self.gateway) - self.before)
            await asyncio.sleep(0.02)

    async def __aenter__(self):
        self.before = resident(self.gateway)
        self.task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        self.grown = max(self.grown, resident(self.gateway) - self.before)
