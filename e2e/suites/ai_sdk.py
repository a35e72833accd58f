"""Vercel's AI SDK with each of its providers, before servers of three dialects.

The scene is that of `sdk_gemini`; the cases are in `ai_sdk_*.mjs`.
"""

from harness.bench import case
from suites import scripts, sdk_gemini

scene = sdk_gemini.scene


def run(w, script: str) -> int:
    return scripts.run(w, script, w.gateway.origin, openai=w.fake, anthropic=w.claude, google=w.google)


@case
def what_is_said(w):
    return run(w, "ai_sdk_talk.mjs")


@case
def tools_and_thoughts(w):
    return run(w, "ai_sdk_tools.mjs")


@case
def errors_and_ends(w):
    return run(w, "ai_sdk_errors.mjs")
