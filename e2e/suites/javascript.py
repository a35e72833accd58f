"""Cases that are written in JavaScript: a script prints `ok NAME` for each."""

import os
import subprocess

from harness.gateway import KEY


def run(w, script: str, base_url: str, **fakes) -> int:
    """Runs `suites/<script>`; how many of its cases passed. It may tell each
    fake what to answer, by `fakeOf(name)`."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": base_url, "KEY": KEY}
    environment |= {f"FAKE_{name.upper()}": f"http://127.0.0.1:{fake.port}" for name, fake in fakes.items()}
    done = subprocess.run(
        ["node", str(w.bench.here / "suites" / script)],
        cwd=w.bench.here, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failures = [line for line in lines if line.startswith("not ok ")]
    assert done.returncode == 0 and not failures, done.stdout + done.stderr
    passed = sum(line.startswith("ok ") for line in lines)
    assert passed, "no case ran"
    violations = [found for fake in [w.fake, *fakes.values()] for found in fake.violations]
    assert violations == [], set(violations)
    return passed
