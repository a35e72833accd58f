"""Runs suites: a module with `scene(bench)` and functions marked `@case`."""

import contextlib
import importlib
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

from harness.gateway import Gateway
from harness.wait import until

# A loopback address never goes through a proxy.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def case(function):
    """Marks a function as a case; its name is the sentence."""
    function.is_case = True
    return function


class Bench:
    """One suite's workplace: a folder, and everything that was started."""

    def __init__(self, binary: pathlib.Path, here: pathlib.Path, folder: pathlib.Path):
        self.binary = binary
        self.here = here
        self.folder = folder
        self.gateways = []
        self._stack = contextlib.ExitStack()

    def gateway(self, config: str | None = None, **more) -> Gateway:
        """A running gateway with this configuration and a data folder of its own."""
        gateway = self.unstarted(config, **more)
        gateway.start()
        return gateway

    def unstarted(self, config: str | None = None, **more) -> Gateway:
        """The same before it runs."""
        folder = self.folder / f"gateway-{len(self.gateways) + 1}"
        gateway = Gateway(self.binary, folder, config, **more)
        self.gateways.append(gateway)
        self._stack.callback(gateway.kill)
        return gateway

    def enter(self, manager):
        """Something that ends with the suite."""
        return self._stack.enter_context(manager)

    def close(self) -> None:
        self._stack.close()

    def tails(self) -> str:
        return "\n".join(gateway.tail() for gateway in self.gateways)


def run(binary: pathlib.Path, here: pathlib.Path, wanted: list, keep: bool) -> int:
    failed = 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="portcullis-e2e-"))
    try:
        for name in wanted:
            folder = root / name
            folder.mkdir()
            failed += run_suite(name, Bench(binary, here, folder))
    finally:
        if keep or failed:
            print(f"e2e: data folders and logs: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


def run_suite(name: str, bench: Bench) -> int:
    """How many cases failed; prints one line, and more for every failure."""
    begun = time.monotonic()
    passed, failed = 0, 0
    module = importlib.import_module(f"suites.{name}")
    # A large suite lies in several files.
    files = getattr(module, "PARTS", [module])
    cases = [f for file in files for f in vars(file).values() if getattr(f, "is_case", False)]
    try:
        world = module.scene(bench)
        for function in cases:
            try:
                # A suite in another language reports several cases at once.
                passed += function(world) or 1
            except Exception:
                failed += 1
                report(f"{name}: {function.__name__}", bench)
    except Exception:
        failed += 1
        report(f"{name}: the scene", bench)
    finally:
        bench.close()
    print(f"{name}: {passed} passed, {failed} failed ({time.monotonic() - begun:.1f} s)", flush=True)
    return failed


def report(what: str, bench: Bench) -> None:
    print(f"FAILED {what}", flush=True)
    print(traceback.format_exc(limit=-4), flush=True)
    print(bench.tails(), flush=True)
    sys.stdout.flush()


__all__ = ["Bench", "case", "run", "until"]
