"""TLS on both sides, HTTP/2 with it and without."""

import json
import shutil
import subprocess
import types

from harness.bench import case
from harness.gateway import KEY, hello

INNER = """
tls: {{certificate: {folder}/server.pem, key: {folder}/server.key}}
keys: [{{name: e2e, key: env:E2E_KEY}}]
"""
OUTER = """
providers:
  behind:
    base_url: https://localhost:{port}/v1
    api_key: env:E2E_KEY
    ca_file: {folder}/ca.pem
    models: [demo]
  stranger:
    base_url: https://localhost:{port}/v1
    api_key: env:E2E_KEY
    models: [demo]
  old:
    base_url: https://localhost:{port}/v1
    api_key: env:E2E_KEY
    ca_file: {folder}/ca.pem
    http: "1.1"
    models: [demo]
retry: {{retries: 0}}
keys: [{{name: e2e, key: env:E2E_KEY}}]
"""


def scene(bench):
    fixtures = bench.here / "fixtures" / "tls"
    folder = bench.folder / "tls"
    shutil.copytree(fixtures, folder)
    inner = bench.gateway(INNER.format(folder=folder), ca=str(folder / "ca.pem"))
    outer = bench.gateway(OUTER.format(folder=folder, port=inner.port))
    return types.SimpleNamespace(inner=inner, outer=outer)


def curl(gateway, *arguments) -> tuple:
    """The version of HTTP, and the answer."""
    command = [
        "curl", "-sS", "-w", "\\n%{http_version}", "--max-time", "20",
        "-H", f"authorization: Bearer {KEY}", "-H", "content-type: application/json",
        "-d", json.dumps(hello("demo")), *arguments, f"{gateway.base_url}/chat/completions",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer, version = done.stdout.rsplit("\n", 1)
    return version, json.loads(answer)


@case
def clients_speak_either_version_over_tls(w):
    for wish, version in (("--http1.1", "1.1"), ("--http2", "2")):
        spoken, answer = curl(w.inner, wish, "--cacert", w.inner.ca)
        assert spoken == version and answer["choices"], (spoken, answer)


@case
def clients_speak_http_2_without_tls(w):
    spoken, answer = curl(w.outer, "--http2-prior-knowledge")
    assert spoken == "2" and answer["choices"], (spoken, answer)


@case
def plain_http_at_the_tls_listener_is_no_answer(w):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "10", f"http://127.0.0.1:{w.inner.port}/readyz"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and done.stdout == "", done


@case
def a_private_authority_is_trusted_where_the_provider_names_it(w):
    for model in ("behind/demo", "old/demo"):
        for stream in (False, True):
            answer = w.outer.chat(hello(model, stream=stream))
            assert answer.status_code == 200 and "demo" in answer.text, answer.text


@case
def an_unknown_authority_is_not(w):
    answer = w.outer.chat(hello("stranger/demo"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert "certificate" in w.outer.log.read_text(), "the log does not say why"


@case
def a_stream_passes_both_gateways_and_both_ledgers_agree(w):
    answer = w.outer.chat(hello("behind/demo", stream=True))
    assert answer.text.rstrip().endswith("data: [DONE]") and '"usage":{' not in answer.text
    outer = w.outer.row(answer.headers["x-request-id"])
    inner = w.inner.rows()[0]
    parts = ("input", "output", "usage_source", "outcome")
    assert [outer[p] for p in parts] == [inner[p] for p in parts], (outer, inner)
