"""Credentials that are fetched: AWS, Google, Azure and a command, from start to renewal.

One server plays all of them: the token services, and providers that look at
what they are shown. It recomputes AWS' signatures by the book.
"""

import hashlib
import hmac
import json
import re
import subprocess
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from harness.bench import case
from harness.gateway import hello
from harness.wait import until

SECRET = "wJalrXUtnFEMI/K7MDENG"
CONFIG = """
providers:
  printed:
    base_url: http://127.0.0.1:{port}/v1
    api_key: {{command: [sh, {folder}/key.sh], every: 1s}}
    models: [printed]
  google:
    base_url: http://127.0.0.1:{port}/v1
    api_key: {{google: {{file: {folder}/google.json}}}}
    models: [google]
  azure:
    base_url: http://127.0.0.1:{port}/v1
    api_key: {{azure: {{tenant: t, client_id: c, client_secret: env:AZURE_SECRET, authority: "http://127.0.0.1:{port}"}}}}
    api_key_header: api-key
    models: [azure]
  aws:
    base_url: http://127.0.0.1:{port}
    dialect: converse
    api_key: {{aws: {{region: eu-west-1}}}}
    models: ["eu.claude:0"]
  lost:
    base_url: http://127.0.0.1:{port}/v1
    api_key: {{command: [sh, -c, "echo sk-never; exit 3"]}}
    models: [lost]
models:
  - name: falls
    deployments: [{{provider: lost, model: lost}}, {{provider: printed, model: printed, order: 1}}]
retry: {{retries: 0}}
keys: [{{name: e2e, key: env:E2E_KEY}}]
"""


class Cloud:
    """What was asked, and how often tokens were given."""

    def __init__(self):
        self.tokens = 0
        self.seen = []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.reply(cloud.keys())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.reply(cloud.answer(self.path, self.headers, body))

            def reply(self, answer: dict):
                text = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def keys(self) -> dict:
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return {"AccessKeyId": "AKID", "SecretAccessKey": SECRET, "Token": "session", "Expiration": end}

    def answer(self, path: str, headers, body: bytes) -> dict:
        if path.endswith("/token"):
            self.tokens += 1
            assert b"assertion=" in body or b"client_secret=sk-azure" in body, body
            return {"access_token": f"token-{self.tokens}", "expires_in": 3, "token_type": "Bearer"}
        self.seen.append(types.SimpleNamespace(path=path, headers=dict(headers.items()), body=body))
        if path.startswith("/model/"):
            message = {"role": "assistant", "content": [{"text": "hi"}]}
            usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
            return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
        choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    def last(self, name: str) -> str | None:
        lower = {key.lower(): value for key, value in self.seen[-1].headers.items()}
        return lower.get(name)


def scene(bench):
    cloud = bench.enter(Cloud())
    folder = bench.folder / "credentials"
    folder.mkdir()
    (folder / "key").write_text("sk-printed-1")
    (folder / "key.sh").write_text(f"cat {folder}/key\n")
    made = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    key = subprocess.run(made, capture_output=True, text=True, check=True).stdout
    account = {"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": key}
    account |= {"private_key_id": "1", "token_uri": f"http://127.0.0.1:{cloud.port}/google/token"}
    (folder / "google.json").write_text(json.dumps(account))
    environment = {
        "AZURE_SECRET": "sk-azure",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{cloud.port}/keys",
        "HOME": str(folder),
    }
    config = CONFIG.format(port=cloud.port, folder=folder)
    gateway = bench.gateway(config, environment=environment)
    until(lambda: missing(gateway) == ["lost"], 10, "the credentials are fetched")
    return types.SimpleNamespace(cloud=cloud, gateway=gateway, folder=folder)


def missing(gateway) -> list:
    """The providers whose credential is missing, as operators are told."""
    told = httpx.get(f"{gateway.admin_url}/readyz?verbose").text
    return re.findall(r"providers\.(\w+)\.api_key: ", told)


def asked(w, model: str, text: str = "hello") -> httpx.Response:
    answer = w.gateway.chat(hello(model, text))
    assert answer.status_code == 200, answer.text
    return answer


@case
def what_a_command_prints_is_the_key_and_the_next_one_counts_without_a_restart(w):
    asked(w, "printed")
    assert w.cloud.last("authorization") == "Bearer sk-printed-1"
    (w.folder / "key").write_text("sk-printed-2")

    def is_new() -> bool:
        asked(w, "printed")
        return w.cloud.last("authorization") == "Bearer sk-printed-2"

    until(is_new, 10, "the new key is sent")


@case
def tokens_of_google_and_azure_are_renewed_before_they_end(w):
    for model in ("google", "azure"):
        asked(w, model)
        first = w.cloud.last("authorization")
        assert re.fullmatch(r"Bearer token-\d+", first), first
        assert w.cloud.last("api-key") is None

        def is_new(model=model, first=first) -> bool:
            asked(w, model)
            return w.cloud.last("authorization") != first

        until(is_new, 10, f"{model} is renewed")


@case
def requests_to_aws_are_signed_over_path_and_body(w):
    for text in ("hello", "x" * 600_000):
        asked(w, "eu.claude:0", text)
        seen = w.cloud.seen[-1]
        assert seen.path == "/model/eu.claude%3A0/converse", seen.path
        assert w.cloud.last("x-amz-security-token") == "session"
        assert w.cloud.last("authorization") == signature(w.cloud, seen), seen.headers


def signature(cloud, seen) -> str:
    """What AWS would compute (Signature Version 4)."""
    date, token, host = (cloud.last(name) for name in ("x-amz-date", "x-amz-security-token", "host"))
    day, names = date[:8], "host;x-amz-date;x-amz-security-token"
    headers = f"host:{host}\nx-amz-date:{date}\nx-amz-security-token:{token}\n"
    path = seen.path.replace("%", "%25")
    canonical = "\n".join(["POST", path, "", headers, names, hashlib.sha256(seen.body).hexdigest()])
    within = f"{day}/eu-west-1/bedrock/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in (day, "eu-west-1", "bedrock", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    told = "\n".join(["AWS4-HMAC-SHA256", date, within, digest])
    value = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential=AKID/{within}, SignedHeaders={names}, Signature={value}"


@case
def a_credential_that_is_missing_is_told_and_others_go_on(w):
    asked(w, "falls")
    refused = w.gateway.chat(hello("lost"))
    assert refused.status_code == 502, refused.text
    assert missing(w.gateway) == ["lost"]


@case
def nothing_of_it_stands_in_the_log(w):
    log = w.gateway.log.read_text()
    assert "credential fetched" in log
    for secret in (SECRET, "sk-azure", "sk-printed", "sk-never", "token-1", "PRIVATE KEY", "session\""):
        assert secret not in log, secret
