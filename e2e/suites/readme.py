"""The README's own commands and programs, taken from the page, must work."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import types

import certifi
import httpx

from harness.bench import case
from harness.gateway import free_port
from harness.wait import until


def blocks(page: str, language: str) -> list:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def prompts(page: str) -> list:
    """What stands behind a `$` in console blocks."""
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line[:2] == "$ "]


class Shell:
    """Runs the page's commands: `cargo run` is the built binary, ports are free ones."""

    def __init__(self, bench):
        self.root = bench.here.parent
        self.page = (self.root / "README.md").read_text()
        self.folder = bench.folder / "readme"
        self.folder.mkdir(parents=True)
        for name in ("config", "e2e"):
            (self.folder / name).symlink_to(self.root / name)
        self.ports = {port: str(free_port()) for port in ("4000", "4001", "8080")}
        self.binary = bench.binary
        self.running = []
        local = self.moved((self.root / "config/llama.yaml").read_text())
        (self.folder / "llama.yaml").write_text(local)

    def moved(self, text: str) -> str:
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text.replace("sk-pc-…", self.key()) if "sk-pc-…" in text else text

    def key(self) -> str:
        return (self.folder / "portcullis-data" / "first-key").read_text().strip()

    def environment(self) -> dict:
        unwanted = re.compile(r".*_API_KEY$|^PORTCULLIS_|^(PORT|HOST)$")
        kept = {k: v for k, v in os.environ.items() if not unwanted.match(k)}
        return kept | {
            "PORTCULLIS_LISTEN": f"127.0.0.1:{self.ports['4000']}",
            "PORTCULLIS_ADMIN_LISTEN": f"127.0.0.1:{self.ports['4001']}",
        }

    def words(self, command: str) -> str:
        command = re.sub(r"cargo run --release( --)?", str(self.binary), command)
        command = re.sub(r"^portcullis\b", str(self.binary), command)
        command = command.replace("config/llama.yaml", "llama.yaml")
        if command.startswith("python3 e2e/llama.py"):
            command += f" --port {self.ports['8080']}"
        if command.startswith("python3 e2e/chat.py"):
            command = command.replace("chat.py", f"chat.py --base-url {self.moved('http://127.0.0.1:4000/v1')}")
        return re.sub("^python3", sys.executable, command)

    def start(self, command: str):
        assert command in self.page, f"README.md does not say: {command}"
        log = (self.folder / f"{len(self.running)}.log").open("wb")
        process = subprocess.Popen(
            ["sh", "-c", f"exec {self.words(command)}"],
            cwd=self.folder, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        self.running.append((process, pathlib.Path(log.name)))
        return process

    def run(self, command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True,
            cwd=self.folder, env=self.environment(), timeout=120,
        )  # fmt: skip

    def answers(self, port: str, path: str) -> None:
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        until(lambda: httpx.get(url, timeout=2).status_code == 200, 60, url)

    def stop(self) -> None:
        for process, _ in self.running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            process.wait(10)


@contextlib.contextmanager
def shell(bench):
    shell = Shell(bench)
    try:
        yield shell
    finally:
        shell.stop()


def scene(bench):
    w = bench.enter(shell(bench))
    w.start("cargo run --release")
    w.answers("4000", "/readyz")
    return types.SimpleNamespace(shell=w, page=w.page)


@case
def the_first_command_prints_a_curl_that_works(w):
    page = w.shell.running[0][1]
    until(lambda: "Hello!" in page.read_text(), 5, "the greeting")
    log = page.read_text()
    command = log[log.index("curl ") : log.index("}'") + 2]
    answer = w.shell.run(command).stdout
    assert "demo" in answer and '"choices"' in answer, answer


@case
def the_python_programs_work(w):
    for program in blocks(w.page, "python"):
        program = w.shell.moved(program) + "print(answer.model_dump_json())\n"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "demo" in done.stdout, done


@case
def the_javascript_program_works(w):
    [program] = blocks(w.page, "javascript")
    # Beside node_modules, where node looks for the SDK.
    file = w.shell.root / "e2e" / "node_modules" / f"readme-{os.getpid()}.mjs"
    file.write_text(w.shell.moved(program))
    try:
        done = subprocess.run(["node", str(file)], capture_output=True, text=True, timeout=60)
    finally:
        file.unlink()
    assert done.returncode == 0 and "demo" in done.stdout, done


@case
def the_real_model_converses_as_shown(w):
    w.shell.start("python3 e2e/llama.py")
    gateway = w.shell.running[0][0]
    gateway.terminate()
    gateway.wait(10)
    w.shell.answers("8080", "/v1/models")
    w.shell.start("cargo run --release -- --config config/llama.yaml")
    w.shell.answers("4000", "/readyz")
    export, chat = [p for p in prompts(w.page) if "PORTCULLIS_KEY" in p or "chat.py" in p]
    done = w.shell.run(f"{w.shell.moved(export)}; {w.shell.words(chat)}")
    assert done.returncode == 0, done
    assert "Paris" in done.stdout and done.stdout.count("\n> ") == 1 and "tokens]" in done.stdout, done.stdout


@case
def the_error_of_check_is_the_one_shown(w):
    [block] = [b for b in blocks(w.page, "console") if "portcullis check" in b]
    command, *shown = block.splitlines()
    broken = "models:\n  - name: fast\n    deployments:\n      - {provider: opnai, model: gpt-4o-mini}\n"
    (w.shell.folder / "portcullis.yaml").write_text(broken)
    done = w.shell.run(w.shell.words(command.removeprefix("$ ")))
    (w.shell.folder / "portcullis.yaml").unlink()
    assert done.returncode == 1, done
    assert done.stderr.strip().splitlines() == shown, done.stderr


@case
def every_command_of_the_table_exists(w):
    commands = re.findall(r"^\| `portcullis ([a-z]+)", w.page, re.MULTILINE)
    assert len(commands) >= 8, commands
    for command in commands:
        assert w.shell.run(f"{w.shell.binary} help {command}").returncode == 0, command


@case
def every_link_leads_somewhere(w):
    for target in re.findall(r"\]\(([^)#]+)\)", w.page):
        if "://" not in target:
            assert (w.shell.root / target).exists(), target


@case
def what_the_guide_shows_of_the_configuration_is_right(w):
    keys = {"OPENAI_API_KEY": "sk-x", "ANTHROPIC_API_KEY": "sk-x", "AZURE_API_KEY": "x"}
    keys |= {"AWS_REGION": "eu-west-1", "GOOGLE_CLOUD_PROJECT": "p"}
    keys |= {"AZURE_API_BASE": "https://x.openai.azure.com", "PGPASSWORD": "x", "BOT_KEY": "sk-bot-0123456789abcdef"}
    account = w.shell.folder / "account.json"
    user = {"type": "authorized_user", "client_id": "x", "client_secret": "x", "refresh_token": "x"}
    account.write_text(json.dumps(user))
    for page in sorted((w.shell.root / "docs" / "guide").glob("*.md")):
        for shown in files(blocks(page.read_text(), "yaml")):
            # What stands on the operator's machine, and not here.
            shown = shown.replace("/etc/ssl/private-ca.pem", certifi.where())
            shown = shown.replace("/run/secrets/service-account.json", str(account))
            shown = shown.replace("command: [vault,", "command: [sh,")
            file = w.shell.folder / f"{page.stem}.yaml"
            file.write_text(shown)
            done = subprocess.run(
                [str(w.shell.binary), "check", "--config", str(file)],
                capture_output=True, text=True, cwd=w.shell.folder, env=w.shell.environment() | keys,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr


def files(shown) -> list:
    """Blocks that go on from each other; one that begins anew is another file."""
    whole, known = [""], set()
    for block in shown:
        names = set(re.findall(r"^([a-z_]+):", block, re.MULTILINE))
        if names & known:
            whole.append("")
            known = set()
        whole[-1] += block
        known |= names
    return whole
