"""Coding agents before a model of every provider's dialect: each reads a file,
edits it and reads two at once, with the default policy for losses. Installed and
found as in suite `agents`."""

import json
import types

from agent_minds import Mind, taught
from fake_anthropic import FakeAnthropic
from fake_bedrock import CLAUDE, NOVA, FakeBedrock
from fake_gemini import FakeGemini
from fake_gpt import FakeGPT
from fake_ollama import FakeOllama
from fake_openai import FakeOpenAI
from fake_quirks import FakeQuirky
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.agents import AIDER, codex_files, find, folders, programs, ran
from suites.common import config

TASK = "Read notes.txt, replace the word old by new in it, then read a.txt and b.txt at once, then stop."
FILES = {"notes.txt": "old\n", "a.txt": "aaa\n", "b.txt": "bbb\n"}
MODELS = [
    "m", "gpt-5.1", "claude-haiku-4-5", "claude-opus-4-8", "gemini-2.5-flash", "gemini-3-flash", "bclaude", "bnova",
    "binvoke", "gemma4", "mistral-large-latest",
]  # fmt: skip


def scene(bench):
    kinds = (FakeOpenAI, FakeGPT, FakeAnthropic, FakeGemini, FakeBedrock, FakeOllama)
    openai, gpt, claude, google, aws, house = (bench.enter(fake(UPSTREAM_KEY)) for fake in kinds)
    mistral = bench.enter(FakeQuirky(UPSTREAM_KEY, "mistral"))
    providers = f"""
  claude: {{catalogue: anthropic, base_url: "{claude.base_url}", api_key: env:UPSTREAM_KEY, models: [claude-haiku-4-5, claude-opus-4-8]}}
  gpt: {{catalogue: openai, base_url: "{gpt.base_url}", api_key: env:UPSTREAM_KEY, models: [gpt-5.1]}}
  mistral: {{base_url: "{mistral.base_url}", api_key: env:UPSTREAM_KEY, models: [mistral-large-latest]}}
  google: {{catalogue: gemini, base_url: "{google.base_url}", api_key: env:UPSTREAM_KEY, models: [gemini-2.5-flash, gemini-3-flash]}}
  bedrock: {{base_url: "{aws.base_url}", api_key: env:UPSTREAM_KEY}}
  bedrock_claude: {{base_url: "{aws.base_url}", api_key: env:UPSTREAM_KEY}}
  house: {{catalogue: ollama, base_url: "{house.base_url}", models: [gemma4]}}
"""
    named = f"""
models:
  - {{name: bclaude, deployments: [{{provider: bedrock, model: "{CLAUDE}"}}]}}
  - {{name: bnova, deployments: [{{provider: bedrock, model: "{NOVA}"}}]}}
  - {{name: binvoke, deployments: [{{provider: bedrock_claude, model: "{CLAUDE}"}}]}}
# Gemini CLI has a name of its own for the newest.
aliases: {{gemini-3.8-flash: gemini-3-flash}}
"""
    mind = Mind()
    bench.enter(taught(mind))
    gateway = bench.gateway(config(openai.base_url, providers=providers, more=named))
    fakes = [openai, gpt, claude, google, aws, house, mistral]
    return types.SimpleNamespace(
        bench=bench, gateway=gateway, mind=mind, fakes=fakes, programs=programs(bench.here)
    )


def before_all(w, name: str, arguments, environment=lambda model: {}, files=lambda model: {}) -> None:
    """Whether the agent does its task before each model."""
    program = find(w, name)
    if program is None:
        return
    for model in MODELS:
        work, home = folders(w, name)
        for file, text in FILES.items():
            (work / file).write_text(text)
        for path, text in files(model).items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)
        w.mind.folder = str(work)
        done = ran([program, *arguments(model)], work, home, environment(model))
        said = f"{name} before {model}: {done.stdout}{done.stderr}"
        assert done.returncode == 0 and "All done." in said, said
        assert (work / "notes.txt").read_text() == "new\n", said


@case
def claude_code(w):
    environment = lambda model: {
        "ANTHROPIC_BASE_URL": w.gateway.origin,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_SMALL_FAST_MODEL": model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }
    before_all(w, "claude", lambda _: ["-p", TASK, "--dangerously-skip-permissions"], environment)


@case
def gemini_cli(w):
    settings = json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
    environment = lambda _: {"GOOGLE_GEMINI_BASE_URL": w.gateway.origin, "GEMINI_API_KEY": KEY}
    arguments = lambda model: ["--skip-trust", "-y", "-m", model, "-p", TASK]
    before_all(w, "gemini", arguments, environment, lambda _: {".gemini/settings.json": settings})


@case
def codex(w):
    arguments = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]
    before_all(w, "codex", lambda _: arguments, lambda _: {"PORTCULLIS_KEY": KEY}, lambda model: codex_files(w, model))


@case
def opencode(w):
    v1 = w.gateway.base_url
    apis = {"openai-compatible": v1, "anthropic": v1, "openai": v1, "google": w.gateway.origin + "/v1beta"}

    def settings(api: str, model: str) -> str:
        options = {"baseURL": apis[api], "apiKey": KEY}
        provider = {"npm": f"@ai-sdk/{api}", "name": "pc", "options": options, "models": {model: {"name": model}}}
        return json.dumps({"provider": {"pc": provider}, "small_model": f"pc/{model}", "permission": "allow"})

    for api in apis:
        files = lambda model, api=api: {".config/opencode/opencode.json": settings(api, model)}
        before_all(w, "opencode", lambda model: ["run", "-m", f"pc/{model}", TASK], files=files)


@case
def aider(w):
    addresses = {"openai": w.gateway.base_url, "anthropic": w.gateway.origin, "gemini": w.gateway.origin}
    for api, address in addresses.items():
        arguments = lambda model, api=api: [
            "--model", f"{api}/{model}", "--edit-format", "whole", "--message", TASK, *AIDER, "notes.txt"
        ]  # fmt: skip
        environment = {f"{api.upper()}_API_BASE": address, f"{api.upper()}_API_KEY": KEY}
        before_all(w, "aider", arguments, lambda _, environment=environment: environment)


@case
def nothing_went_upstream_that_should_not(w):
    for fake in w.fakes:
        assert not getattr(fake, "violations", []), set(fake.violations)
