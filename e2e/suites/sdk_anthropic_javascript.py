"""Anthropic's SDK in JavaScript, before servers of three dialects.

The scene is that of `sdk_gemini`; the cases are in `sdk_anthropic_*.mjs`.
"""

from harness.bench import case
from suites import scripts, sdk_gemini

scene = sdk_gemini.scene


def run(w, script: str) -> int:
    return scripts.run(w, script, w.gateway.origin, openai=w.fake, anthropic=w.claude, google=w.google)


@case
def what_is_said(w):
    return run(w, "sdk_anthropic_talk.mjs")


@case
def tools_and_thoughts(w):
    return run(w, "sdk_anthropic_tools.mjs")


@case
def errors_and_ends(w):
    return run(w, "sdk_anthropic_errors.mjs")
