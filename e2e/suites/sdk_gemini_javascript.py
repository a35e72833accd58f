"""Google's SDK in JavaScript; the cases are in `sdk_gemini_javascript.mjs`."""

from harness.bench import case
from suites import scripts, sdk_gemini

scene = sdk_gemini.scene


@case
def the_javascript_cases(w):
    return scripts.run(w, "sdk_gemini_javascript.mjs", w.gateway.origin)


@case
def errors_come_as_the_sdk_reads_them(w):
    w.google.breaks_after("one ")
    for _ in range(3):
        w.fake.next(status=429, headers={"retry-after": "33"}, body=b'{"error": {"message": "slow down"}}')
    try:
        return scripts.run(w, "sdk_gemini_errors.mjs", w.gateway.origin)
    finally:
        w.fake.script.clear()


@case
def nothing_went_upstream_that_should_not(w):
    sdk_gemini.nothing_went_upstream_that_should_not(w)
