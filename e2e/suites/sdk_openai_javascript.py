"""OpenAI's SDK in JavaScript with its helpers, before servers of four dialects.

To the scene of `sdk_gemini` comes `r`, of a server of Responses that keeps
conversations itself; the cases are in `sdk_openai_*.mjs`.
"""

from fake_responses import FakeResponses
from harness.bench import case
from harness.gateway import UPSTREAM_KEY
from suites import scripts, sdk_gemini


def scene(bench):
    keeper = bench.enter(FakeResponses(UPSTREAM_KEY))
    providers = f"""
  keeper:
    dialect: responses
    base_url: {keeper.base_url}
    api_key: env:UPSTREAM_KEY
    models: [r]
"""
    world = sdk_gemini.scene(bench, providers)
    world.keeper = keeper
    return world


def run(w, script: str) -> int:
    fakes = {"openai": w.fake, "anthropic": w.claude, "google": w.google, "keeper": w.keeper}
    return scripts.run(w, script, w.gateway.base_url, **fakes)


@case
def chat_completions(w):
    return run(w, "sdk_openai_chat.mjs")


@case
def responses(w):
    return run(w, "sdk_openai_responses.mjs")


@case
def errors_and_ends(w):
    return run(w, "sdk_openai_errors.mjs")
