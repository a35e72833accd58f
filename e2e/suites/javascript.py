"""Cases that are written in JavaScript: a script prints `ok NAME` for each."""

import os
import subprocess

from harness.gateway import KEY


def run(w, script: str, base_url: str) -> int:
    """Runs `suites/<script>`; how many of its cases passed."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": base_url, "KEY": KEY}
    done = subprocess.run(
        ["node", str(w.bench.here / "suites" / script)],
        cwd=w.bench.here, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failures = [line for line in lines if line.startswith("not ok ")]
    assert done.returncode == 0 and not failures, done.stdout + done.stderr
    passed = sum(line.startswith("ok ") for line in lines)
    assert passed, "no case ran"
    assert w.fake.violations == [], set(w.fake.violations)
    return passed
