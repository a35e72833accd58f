"""Frameworks in Python, with nothing but address and key of the gateway, each over
every API that it speaks.

They bring some hundred packages along: `PORTCULLIS_FRAMEWORKS=install` installs
those of `requirements-frameworks.txt` into `e2e/.cache`, another value is a virtual
environment that has them. The scene is that of `sdk_gemini`.
"""

import os
import pathlib

from fake_bedrock import NOVA, FakeBedrock
from fake_ollama import FakeOllama
from harness import install
from harness.bench import case
from harness.gateway import UPSTREAM_KEY
from suites import scripts, sdk_gemini


# LlamaIndex asks only for models whose names it knows.
ALIASES = """
aliases:
  gpt-4.1-nano: nova
  gpt-4-turbo: gemma4
  claude-3-5-haiku-20241022: nova
  claude-3-7-sonnet-20250219: gemma4
  gpt-4o-mini: fake-large
  gpt-4o: c
  gpt-4.1: gemini-2.5-flash
  gpt-4.1-mini: gemini-3-flash
  claude-3-haiku-20240307: fake-large
  claude-sonnet-4-0: c
  claude-opus-4-0: gemini-2.5-flash
  claude-opus-4-1: gemini-3-flash
"""


def scene(bench):
    aws = bench.enter(FakeBedrock(UPSTREAM_KEY))
    ollama = bench.enter(FakeOllama(UPSTREAM_KEY))
    providers = f"""
  bedrock:
    base_url: {aws.base_url}
    api_key: env:UPSTREAM_KEY
  house:
    catalogue: ollama
    base_url: {ollama.base_url}
    models: [gemma4]
"""
    # It stands behind other models that have names.
    nova = f'  - {{name: nova, deployments: [{{provider: bedrock, model: "{NOVA}"}}]}}'
    world = sdk_gemini.scene(bench, providers, nova + ALIASES)
    world.aws, world.ollama = aws, ollama
    world.python = python(bench.here)
    return world


def python(here: pathlib.Path) -> pathlib.Path | None:
    wanted = os.environ.get("PORTCULLIS_FRAMEWORKS")
    if not wanted:
        return None
    folder = pathlib.Path(wanted)
    if wanted == "install":
        folder = here / ".cache" / "frameworks"
        install.into_venv(folder, ["--requirement", here / "requirements-frameworks.txt"])
    return folder / "bin" / "python"


def run(w, name: str):
    if w.python is None:
        print(f"e2e: frameworks: {name} is not installed (PORTCULLIS_FRAMEWORKS=install)")
        return None
    script = w.bench.here / "suites" / "frameworks" / f"with_{name}.py"
    fakes = {"openai": w.fake, "anthropic": w.claude, "google": w.google, "bedrock": w.aws, "ollama": w.ollama}
    return scripts.run_program(w, [w.python, "-B", script], w.gateway.origin, **fakes)


@case
def langchain(w):
    return run(w, "langchain")


@case
def llamaindex(w):
    return run(w, "llamaindex")


@case
def pydantic_ai(w):
    return run(w, "pydantic_ai")


@case
def instructor(w):
    return run(w, "instructor")
