"""The other commands, as a stranger meets them."""

import json
import re
import resource
import shutil
import sqlite3
import subprocess
import types

from harness.bench import case
from harness.gateway import Gateway, free_port

LITELLM = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
  - model_name: backup
    litellm_params:
      model: openai/llama
      api_base: http://127.0.0.1:8080/v1
      api_key: sk-literal-secret
litellm_settings:
  fallbacks: [{gpt-4o: [backup]}]
  callbacks: [langfuse]
router_settings:
  model_group_alias: {gpt-4: gpt-4o}
"""


def scene(bench):
    # Never started: the commands need no running gateway.
    gateway = Gateway(bench.binary, bench.folder / "here", None)
    return types.SimpleNamespace(
        run=gateway.run, binary=bench.binary, environment=gateway.environment, folder=gateway.folder, data=gateway.data
    )


@case
def help_tells_what_there_is(w):
    told = w.run("--help").stdout
    for command in ("serve", "check", "diff", "keys", "models", "import", "version", "completions"):
        assert re.search(rf"^\s+{command}\s", told, re.M), f"{command} is not in --help"
    for command in ("serve", "check", "diff", "keys create", "models", "import litellm"):
        assert "Usage:" in w.run(*command.split(), "--help").stdout


@case
def the_version_is_told(w):
    assert re.search(r"\d+\.\d+\.\d+", w.run("version").stdout)
    assert re.search(r"\d+\.\d+\.\d+", w.run("--version").stdout)


@case
def an_unknown_command_is_answered_with_the_nearest(w):
    done = w.run("chekc", check=False)
    assert done.returncode == 2 and "check" in done.stderr, done.stderr


@case
def the_defaults_are_right(w):
    assert w.run("check").returncode == 0


@case
def a_broken_file_is_answered_with_line_column_field_and_suggestion(w):
    file = w.folder / "broken.yaml"
    file.write_text("listen: 127.0.0.1:4000\nretry:\n  retries: 2\n  bakoff: 250ms\n")
    done = w.run("check", "--config", file, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert re.search(r"broken\.yaml:4:\d+", told), told
    assert "bakoff" in told and "backoff" in told, told
    assert "panicked" not in told


@case
def every_problem_of_a_file_is_told_at_once(w):
    file = w.folder / "several.yaml"
    file.write_text(
        "providers:\n  local: {base_url: 'ftp://x', models: [a]}\n"
        "models:\n  - name: fast\n    deployments: [{provider: locl, model: a}]\n"
        "aliases: {quick: fats}\n"
    )
    told = w.run("check", "--config", file, check=False).stderr
    assert "several.yaml:2:" in told and "base_url" in told, told
    assert "several.yaml:5:" in told and "local" in told, told
    assert "several.yaml:6:" in told and "fast" in told, told


@case
def broken_yaml_and_missing_files_are_told_apart(w):
    file = w.folder / "unreadable.yaml"
    file.write_text("listen: [127.0.0.1\nretry: {")
    done = w.run("check", "--config", file, check=False)
    assert done.returncode == 1 and re.search(r"unreadable\.yaml:\d+:\d+", done.stderr), done.stderr
    done = w.run("check", "--config", w.folder / "nowhere.yaml", check=False)
    assert done.returncode == 1 and "nowhere.yaml" in done.stderr, done.stderr


@case
def a_missing_variable_is_named(w):
    file = w.folder / "variable.yaml"
    file.write_text("keys:\n  - {name: ci, key: env:NOBODY_SET_THIS}\n")
    done = w.run("check", "--config", file, check=False)
    assert done.returncode == 1 and "NOBODY_SET_THIS" in done.stderr, done.stderr


@case
def models_are_listed_without_any_secret(w):
    file = w.folder / "elsewhere.yaml"
    file.write_text(
        "tls: {certificate: /no/such.pem, key: /no/such.key}\n"
        "providers:\n  openai: {api_key: 'env:NOBODY_SET_THIS'}\n"
        "keys:\n  - {name: ci, key: 'file:/no/such/file'}\n"
    )
    assert "openai/gpt-4o" in w.run("models", "--config", file).stdout
    assert "context" in w.run("models", "show", "gpt-4o", "--config", file).stdout
    assert "context" in w.run("models", "--config", file, "show", "gpt-4o").stdout
    assert "--json" in w.run("models", "--json", "show", "gpt-4o", check=False).stderr
    assert "4000" in w.run("connect", "claude-code", "--config", file).stdout
    told = w.run("check", "--config", file, check=False).stderr
    assert "no/such.pem" in told, told


@case
def a_broken_line_of_the_models_is_a_warning(w):
    data = w.folder / "with-models"
    data.mkdir()
    (data / "models.jsonl").write_text('{"provider":"openai","id":"gpt-4o","imput":"1"}\n')
    done = w.run("check", "--data-dir", data)
    assert re.search(r"models\.jsonl:1:\d+: .*imput", done.stderr) and "`input`" in done.stderr, done.stderr


@case
def serve_refuses_a_broken_file_in_the_same_words(w):
    file = w.folder / "broken.yaml"
    done = w.run("serve", "--config", file, "--data-dir", w.data, check=False)
    assert done.returncode == 1 and "bakoff" in done.stderr and "backoff" in done.stderr, done.stderr


@case
def a_difference_is_shown_without_secrets(w):
    old, new = w.folder / "old.yaml", w.folder / "new.yaml"
    old.write_text("retry: {retries: 2}\n")
    new.write_text("retry: {retries: 5}\nkeys: [{name: ci, key: env:E2E_KEY}]\n")
    told = w.run("diff", "--config", new, "--against", old).stdout
    assert "retries" in told and "5" in told and "ci" in told, told
    assert "sk-e2e" not in told, told


@case
def keys_are_created_listed_and_revoked(w):
    where = ("--data-dir", w.data)
    made = json.loads(
        w.run("keys", "create", "--name", "ci", "--models", "gpt-*,demo", "--expires", "30d",
              "--requests-per-minute", "60", "--json", *where).stdout
    )  # fmt: skip
    assert made["key"].startswith("sk-") and made["id"].startswith("key_"), made
    plain = w.run("keys", "create", "--name", "other", *where).stdout.strip()
    assert re.fullmatch(r"sk-\S+", plain), "a script cannot take the key from stdout"
    listed = w.run("keys", "list", *where).stdout
    assert "ci" in listed and made["id"] in listed and made["key"] not in listed, listed
    w.run("keys", "revoke", "ci", *where)
    states = {k["name"]: k["state"] for k in json.loads(w.run("keys", "list", "--json", *where).stdout)}
    assert states == {"ci": "revoked", "other": "valid"}, states
    assert w.run("keys", "revoke", "nobody", *where, check=False).returncode != 0
    assert w.run("keys", "create", "--name", "other", *where, check=False).returncode != 0


@case
def a_key_is_nowhere_in_the_data_folder(w):
    made = w.run("keys", "create", "--name", "searched", "--data-dir", w.data).stdout.strip()
    for path in w.data.rglob("*"):
        if path.is_file():
            assert made.encode() not in path.read_bytes(), f"the key is in {path}"


@case
def models_are_listed(w):
    listed = json.loads(w.run("models", "--json").stdout)
    assert [model["name"] for model in listed] == ["demo"], listed
    assert "demo" in w.run("models").stdout


@case
def models_of_a_provider_appear_with_its_variable(w):
    file = w.folder / "variables.sh"
    file.write_text(f"OPENAI_API_KEY=sk-x exec {w.binary} models\n")
    done = subprocess.run(["sh", str(file)], capture_output=True, text=True, cwd=w.folder, timeout=20)
    assert done.returncode == 0 and "gpt-" in done.stdout and "sk-x" not in done.stdout, done


@case
def a_litellm_configuration_is_carried_over(w):
    source, target = w.folder / "litellm.yaml", w.folder / "ours.yaml"
    source.write_text(LITELLM)
    done = w.run("import", "litellm", source, "--output", target)
    ours = target.read_text()
    assert "sk-literal-secret" not in ours + done.stdout + done.stderr, "a secret was copied"
    assert "callbacks" in done.stderr, f"what was left out is not told: {done.stderr}"
    variables = set(re.findall(r"env:([A-Z0-9_]+)|\$\{([A-Z0-9_]+)\}", ours))
    names = {first or second for first, second in variables}
    assert "OPENAI_API_KEY" in names, ours
    w.environment |= {name: "sk-x" for name in names}
    try:
        listed = json.loads(w.run("models", "--json", "--config", target).stdout)
        assert {"gpt-4o", "backup"} <= {model["name"] for model in listed}, listed
        w.run("check", "--config", target)
    finally:
        for name in names:
            w.environment.pop(name)
    again = w.run("import", "litellm", source, "--output", target, check=False)
    assert again.returncode != 0 and target.read_text() == ours, "a file was overwritten"


@case
def bash_completes_the_commands(w):
    script = w.folder / "completion.bash"
    script.write_text(w.run("completions", "bash").stdout)
    assert "portcullis" in script.read_text()
    if shutil.which("bash"):
        assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
    for shell in ("zsh", "fish"):
        assert "portcullis" in w.run("completions", shell).stdout


@case
def two_gateways_never_share_a_data_folder(w):
    first = Gateway(w.binary, w.folder / "first", None)
    first.start()
    try:
        ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        done = w.run(
            "serve", "--listen", ports[0], "--admin-listen", ports[1], "--data-dir", first.data, check=False
        )
        assert done.returncode == 1 and str(first.data) in done.stderr, done.stderr
        taken = w.run(
            "serve", "--listen", f"127.0.0.1:{first.port}", "--admin-listen", ports[1],
            "--data-dir", w.folder / "second", check=False,
        )  # fmt: skip
        assert taken.returncode == 1 and str(first.port) in taken.stderr, taken.stderr
    finally:
        first.kill()


def serve(w, data, **more):
    ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    return w.run(
        "serve", "--listen", ports[0], "--admin-listen", ports[1], "--data-dir", data, check=False, **more
    )


@case
def a_start_without_file_descriptors_says_what_is_missing(w):
    for most in (12, 16, 20):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # noqa: B023, E731
        done = serve(w, w.folder / "few", preexec_fn=few)
        assert done.returncode == 1, done.stderr
        assert f"only {most} files may be open" in done.stderr, done.stderr
        assert "another address" not in done.stderr, done.stderr


@case
def a_database_that_cannot_be_brought_up_to_date_is_named(w):
    data = w.folder / "damaged"
    w.run("keys", "create", "--name", "ci", "--data-dir", data)
    with sqlite3.connect(data / "portcullis.db") as database:
        database.execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1")
    done = serve(w, data)
    assert done.returncode == 1 and str(data / "portcullis.db") in done.stderr, done.stderr
