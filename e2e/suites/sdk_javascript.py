"""The official JavaScript SDK; the cases are in `sdk_javascript.mjs`."""

from harness.bench import case
from suites import scripts
from suites.common import fake_and_gateway


def scene(bench):
    return fake_and_gateway(bench)


@case
def the_javascript_cases(w):
    return scripts.run(w, "sdk_javascript.mjs", w.gateway.base_url)
