"""Coding agents, with nothing but address and key of the gateway: each makes a
file by its own tool. The model behind is one of OpenAI's dialect, whatever the
agent speaks.

They are large: `PORTCULLIS_AGENTS=install` installs them into `e2e/.cache`,
another value is a folder that has them in `node_modules`, and those in Python in
`venv`.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import types

from fake_agent import FILE, FakeAgent
from fake_anthropic import FakeAnthropic
from harness import install
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import config

TASK = f"Create the file {FILE} that says hi, then stop."
PACKAGES = [
    "@anthropic-ai/claude-code@2.1.197",
    "@google/gemini-cli@0.61.0",
    "@openai/codex@0.169.0",
    "opencode-ai@1.18.33",
]
CLAUDE = "claude-haiku-4-5"
# It asks nobody but the gateway, and no human.
AIDER = ["--yes-always", "--no-git", "--no-pretty", "--no-check-update", "--analytics-disable", "--no-show-model-warnings"]
IN_PYTHON = ["aider-chat==0.86.2"]


def scene(bench):
    model = bench.enter(FakeAgent(UPSTREAM_KEY))
    anthropic = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    claude = f"""
  anthropic:
    dialect: anthropic
    base_url: {anthropic.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{CLAUDE}]
"""
    text = config(model.base_url, providers=claude).replace("    models: [m", "    losses: drop\n    models: [m")
    gateway = bench.gateway(text)
    return types.SimpleNamespace(
        bench=bench, model=model, anthropic=anthropic, gateway=gateway, programs=programs(bench.here)
    )


def programs(here: pathlib.Path) -> list:
    """The folders of programs."""
    wanted = os.environ.get("PORTCULLIS_AGENTS")
    folder = here / ".cache" / "agents"
    if wanted == "install":
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), *PACKAGES], check=True)
        install.into_venv(folder / "venv", IN_PYTHON)
    elif wanted:
        folder = pathlib.Path(wanted)
    return [folder / "node_modules" / ".bin", folder / "venv" / "bin"]


def find(w, name: str):
    """The agent's program, if it is installed."""
    program = next((found for folder in w.programs if (found := folder / name).exists()), None)
    if program is None:
        print(f"e2e: agents: {name} is not installed (PORTCULLIS_AGENTS=install)")
    return program


def folders(w, name: str):
    """Where an agent works, and its home."""
    return (pathlib.Path(tempfile.mkdtemp("", f"{name}-", w.bench.folder)) for _ in range(2))


def ran(command: list, work, home, environment: dict):
    return subprocess.run(
        command,
        cwd=work,
        env={"PATH": os.environ["PATH"], "HOME": str(home)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def works(w, name: str, arguments: list, environment: dict, files: dict) -> None:
    """Whether the agent makes the file and comes to its end."""
    program = find(w, name)
    if program is None:
        return
    work, home = folders(w, name)
    for path, text in files.items():
        path = home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    makes_it(w, [program, *arguments], work, home, environment)


def makes_it(w, command: list, work, home, environment: dict) -> None:
    w.model.folder = str(work)
    done = ran(command, work, home, environment)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert (work / FILE).read_text() == "hi\n", said
    assert "All done." in said, said


def connect(w, tool: str, model: str, home) -> None:
    """What the command writes into the tool's own files."""
    wanted = ["--write", "--key", KEY, "--model", model, "--url", w.gateway.origin]
    done = ran([w.bench.binary, "connect", tool, *wanted], home, home, {})
    assert done.returncode == 0, done.stderr


@case
def agents_work_with_what_connect_writes(w):
    tools = [
        ("claude-code", "claude", ["-p", TASK, "--dangerously-skip-permissions"]),
        ("gemini-cli", "gemini", ["--skip-trust", "-y", "-p", TASK]),
        ("codex", "codex", ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]),
        ("opencode", "opencode", ["run", TASK]),
        ("aider", "aider", ["--edit-format", "whole", "--message", TASK, *AIDER]),
    ]
    for tool, name, arguments in tools:
        program = find(w, name)
        if program:
            work, home = folders(w, name)
            connect(w, tool, "m", home)
            makes_it(w, [program, *arguments], work, home, {"PORTCULLIS_KEY": KEY, "IS_SANDBOX": "1"})


@case
def claude_code_keeps_its_betas_before_claude(w):
    program = find(w, "claude")
    if program is None:
        return
    work, home = folders(w, "claude")
    connect(w, "claude-code", CLAUDE, home)
    done = ran([program, "-p", "Say hi", "--tools", ""], work, home, {"IS_SANDBOX": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert any("context_management" in seen.json for seen in w.anthropic.requests), done.stdout


@case
def claude_code(w):
    environment = {
        "ANTHROPIC_BASE_URL": w.gateway.origin,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "ANTHROPIC_MODEL": "m",
        "ANTHROPIC_SMALL_FAST_MODEL": "m",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }
    works(w, "claude", ["-p", TASK, "--dangerously-skip-permissions"], environment, {})


@case
def gemini_cli(w):
    settings = json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
    environment = {"GOOGLE_GEMINI_BASE_URL": w.gateway.origin, "GEMINI_API_KEY": KEY}
    arguments = ["--skip-trust", "-y", "-m", "m", "-p", TASK]
    works(w, "gemini", arguments, environment, {".gemini/settings.json": settings})


def codex_files(w, model: str) -> dict:
    """Codex' own configuration."""
    text = f"""
model = "{model}"
model_provider = "portcullis"
[model_providers.portcullis]
name = "portcullis"
base_url = "{w.gateway.base_url}"
env_key = "PORTCULLIS_KEY"
wire_api = "responses"
"""
    return {".codex/config.toml": text}


@case
def codex_cli(w):
    arguments = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]
    works(w, "codex", arguments, {"PORTCULLIS_KEY": KEY}, codex_files(w, "m"))


@case
def opencode(w):
    options = {"baseURL": w.gateway.base_url, "apiKey": KEY}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "pc", "options": options, "models": {"m": {"name": "m"}}}
    settings = json.dumps({"provider": {"pc": provider}})
    works(w, "opencode", ["run", "-m", "pc/m", TASK], {}, {".config/opencode/opencode.json": settings})


@case
def aider(w):
    addresses = {"openai": w.gateway.base_url, "anthropic": w.gateway.origin, "gemini": w.gateway.origin}
    for api, address in addresses.items():
        environment = {f"{api.upper()}_API_BASE": address, f"{api.upper()}_API_KEY": KEY}
        arguments = ["--model", f"{api}/m", "--edit-format", "whole", "--message", TASK]
        works(w, "aider", [*arguments, *AIDER], environment, {})
