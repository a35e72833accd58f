"""The official JavaScript SDK; the cases are in `sdk_javascript.mjs`."""

import os
import subprocess

from harness.bench import case
from harness.gateway import KEY
from suites.common import fake_and_gateway


def scene(bench):
    return fake_and_gateway(bench)


@case
def the_javascript_cases(w):
    environment = {
        "PATH": os.environ["PATH"],
        "BASE_URL": w.gateway.base_url,
        "KEY": KEY,
    }
    done = subprocess.run(
        ["node", str(w.bench.here / "suites" / "sdk_javascript.mjs")],
        cwd=w.bench.here, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failures = [line for line in lines if line.startswith("not ok ")]
    assert done.returncode == 0 and not failures, done.stdout + done.stderr
    passed = sum(line.startswith("ok ") for line in lines)
    assert passed, "no case ran"
    assert w.fake.violations == [], set(w.fake.violations)
    return passed
