"""Cohere and Ollama in dialects of their own, which no client speaks, under the
SDKs of OpenAI, Anthropic and Google in Python.

Of Cohere's models one plans before it calls, and one thinks; of Ollama's one
thinks, and none gives its calls ids.
"""

import anthropic
import openai
from google import genai

from fake_cohere import FakeCohere
from fake_ollama import FakeOllama
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

PLAIN, THINKER, EMBEDDER = "command-a-03-2025", "command-a-reasoning-08-2025", "embed-v4.0"
GEMMA, OSS, MINILM = "gemma4", "gpt-oss:20b", "all-minilm"
COHERES, OLLAMAS = (PLAIN, THINKER), (GEMMA, OSS)
MODELS = COHERES + OLLAMAS
USER = [{"role": "user", "content": "hello"}]
CITY = {"city": "Zürich"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ("weather", "mcp.time/now")
TOOLS = [{"type": "function", "function": {"name": n, "description": n, "parameters": SCHEMA}} for n in NAMES]
CLAUDES = [{"name": n, "description": n, "input_schema": SCHEMA} for n in NAMES]

def scene(bench):
    cohere = bench.enter(FakeCohere(UPSTREAM_KEY))
    ollama = bench.enter(FakeOllama(UPSTREAM_KEY))
    providers = f"""
  command:
    catalogue: cohere
    base_url: {cohere.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{PLAIN}, {THINKER}, {EMBEDDER}]
  house:
    catalogue: ollama
    base_url: {ollama.base_url}
    models: [{GEMMA}, "{OSS}", {MINILM}]
"""
    world = fake_and_gateway(bench, providers=providers)
    world.cohere, world.ollama = cohere, ollama
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    world.google = genai.Client(api_key=KEY, http_options={"base_url": world.gateway.origin, "timeout": 20_000})
    return world


def server_of(w, model: str):
    return w.ollama if model in OLLAMAS else w.cohere


def ask(w, model: str, messages=USER, **more):
    return w.openai.chat.completions.create(model=model, messages=messages, **more)


def stream(w, model: str, messages=USER, **more):
    """The chunks, and what they amount to."""
    options = {"include_usage": True}
    with w.openai.chat.completions.stream(model=model, messages=messages, stream_options=options, **more) as events:
        chunks = [event.chunk for event in events if event.type == "chunk"]
        return chunks, events.get_final_completion()


def claude(w, model: str, messages=USER, **more):
    return w.anthropic.messages.create(**{"model": model, "messages": messages, "max_tokens": 4000} | more)


def claude_stream(w, model: str, messages=USER, **more):
    asked = {"model": model, "messages": messages, "max_tokens": 4000} | more
    with w.anthropic.messages.stream(**asked) as events:
        return list(events), events.get_final_message()


def said(content: list) -> str:
    return "".join(block.text for block in content if block.type == "text")


def refused(kind, function):
    try:
        answer = function()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}: {answer}")


@case
def nothing_went_upstream_that_should_not(w):
    found = w.cohere.violations + w.ollama.violations
    assert found == [], set(found)


from suites.natives import embeddings, errors, talk, tools  # noqa: E402
import sys  # noqa: E402

# Its own case comes last.
PARTS = [talk, tools, embeddings, errors, sys.modules[__name__]]
