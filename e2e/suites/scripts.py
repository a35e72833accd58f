"""Cases that are written in another language, or for other packages: a script
prints `ok NAME` for each.
"""

import os
import subprocess

from harness.gateway import KEY


def run(w, script: str, base_url: str, **fakes) -> int:
    """Runs `suites/<script>` in JavaScript; how many of its cases passed. It may
    tell each fake what to answer, by `fakeOf(name)`."""
    return run_program(w, ["node", w.bench.here / "suites" / script], base_url, **fakes)


def run_program(w, command: list, base_url: str, **fakes) -> int:
    """Runs a program that has cases; how many of them passed."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": base_url, "KEY": KEY}
    environment |= {f"FAKE_{name.upper()}": f"http://127.0.0.1:{fake.port}" for name, fake in fakes.items()}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=w.bench.here, env=environment, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failures = [line for line in lines if line.startswith("not ok ")]
    assert done.returncode == 0 and not failures, done.stdout + done.stderr
    passed = sum(line.startswith("ok ") for line in lines)
    assert passed, "no case ran"
    violations = [found for fake in [w.fake, *fakes.values()] for found in fake.violations]
    assert violations == [], set(violations)
    return passed
