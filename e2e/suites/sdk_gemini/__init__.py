"""Google's SDK in Python, with only base URL and key changed.

The model `m` is of a server of OpenAI's dialect, `c` of one of Anthropic's,
the others are of one of Gemini's.
"""

import anthropic
import openai
from google import genai

from fake_anthropic import FakeAnthropic
from fake_gemini import FakeGemini
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

CLAUDE = "claude-haiku-4-5"
SECOND, THIRD, EMBEDDER = "gemini-2.5-flash", "gemini-3-flash", "gemini-embedding-001"
MODELS = ("m", "c", SECOND, THIRD)
NAMED = """
models:
  - name: openai/gpt-4o
    deployments: [{provider: fake, model: m}]
"""


def scene(bench, providers: str = "", more: str = ""):
    """A gateway before servers of three dialects, with other providers and more."""
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    google = bench.enter(FakeGemini(UPSTREAM_KEY))
    own = f"""
  claude:
    catalogue: anthropic
    base_url: {claude.base_url}
    api_key: env:UPSTREAM_KEY
    models: [c, {CLAUDE}]
  google:
    catalogue: gemini
    base_url: {google.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{SECOND}, {THIRD}, {EMBEDDER}]
"""
    world = fake_and_gateway(bench, more=NAMED + more, providers=own + providers)
    world.claude, world.google = claude, google
    world.client = client_of(world)
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    return world


def client_of(w, key: str = KEY, **options) -> genai.Client:
    options = {"base_url": w.gateway.origin, "timeout": 20_000} | options
    return genai.Client(api_key=key, http_options=options)


def ask(w, model: str = "m", contents="hello", **config):
    return w.client.models.generate_content(model=model, contents=contents, config=config or None)


def stream(w, model: str = "m", contents="hello", **config) -> list:
    return list(w.client.models.generate_content_stream(model=model, contents=contents, config=config or None))


def texts(chunks: list) -> str:
    """What was said in a stream, thoughts left out."""
    return "".join(chunk.text or "" for chunk in chunks)


def parts(answer) -> list:
    return answer.candidates[0].content.parts or []


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.claude.violations + w.google.violations
    assert found == [], set(found)


from suites.sdk_gemini import embeddings, errors, talk, thoughts, tools  # noqa: E402
import sys  # noqa: E402

# Its own case comes last.
PARTS = [talk, tools, thoughts, errors, embeddings, sys.modules[__name__]]
