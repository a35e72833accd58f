"""Budgets are walls, windows outlive the process, and somebody is told."""

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

import httpx

from harness.bench import case
from harness.gateway import hello
from harness.wait import until
from suites.common import fake_and_gateway

# Signed by this.
SECRET = "whsec_" + base64.b64encode(b"budgets-of-e2e-are-signed").decode()

PRICED = """
models:
  - name: priced
    deployments:
      - provider: fake
        model: m
        price: {{input: 1000, output: 2000}}
        traits: {{vocabulary: o200k, framing: [3, 4, 32]}}
  - name: priceless
    deployments: [{{provider: fake, model: m}}]
budget_wait: 60s
tenants:
  gone:
    limits: [{{requests: 5, per: hour}}]
    teams:
      core: {{budgets: [{{usd: 0.2, per: month}}]}}
  minute:
    limits: [{{requests: 3, per: 10m}}]
    budgets: [{{usd: 0.2, per: 10m}}]
alerts: {{webhook: "http://127.0.0.1:{port}/hook?of=e2e-secret-path", secret: env:HOOK_SECRET}}
"""
KEYS = """
  - {name: stays, key: env:STAYS_KEY, owner: gone/core}
  - {name: goes, key: env:GOES_KEY, owner: gone/core}
  - {name: minute, key: env:MINUTE_KEY, owner: minute}
"""
STAYS, GOES, MINUTE = (f"sk-{name}-0123456789abcdefghijklmnopqrstuv" for name in ("stays", "goes", "minute"))

# 11 tokens at 1,000 and 7 at 2,000 dollars a million; at most 8 and 20.
COST, MOST = 0.025, 0.048
TOKENS, MOST_TOKENS = 18, 28


class Hook:
    """A webhook that refuses the first request that it gets."""

    def __init__(self):
        self.got, self.refuses = [], 1
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append((dict(self.headers), body))
                hook.refuses -= 1
                self.send_response(500 if hook.refuses >= 0 else 204)
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def events(self, kind: str) -> list:
        return [event for _, body in self.got if (event := json.loads(body))["type"] == kind]


def scene(bench):
    hook = bench.enter(Hook())
    environment = {"STAYS_KEY": STAYS, "GOES_KEY": GOES, "MINUTE_KEY": MINUTE, "HOOK_SECRET": SECRET}
    world = fake_and_gateway(bench, PRICED.format(port=hook.port), keys=KEYS, environment=environment)
    world.hook = hook
    return world


def run(w, *arguments, check=True):
    return w.gateway.run(*arguments, "--data-dir", w.gateway.data, check=check)


def asked(model="priced", **more) -> dict:
    return hello(model, **({"max_tokens": 20} | more))


def key_with(w, name: str, budget: str) -> str:
    key = run(w, "keys", "create", "--name", name, "--budget", budget).stdout.strip()
    until(lambda: w.gateway.get("/models", key).status_code == 200, 3, "the key is known")
    return key


async def one(w, key: str, body: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", w.gateway.port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: e2e\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


def all_at_once(w, key: str, many: int) -> list:
    async def ask():
        body = json.dumps(asked()).encode()
        return await asyncio.gather(*(one(w, key, body) for _ in range(many)))

    return asyncio.run(ask())


@case
def of_a_thousand_at_once_exactly_as_many_are_answered_as_a_budget_pays(w):
    seen = len(w.fake.requests)
    key = key_with(w, "thousand", f"usd: {99 * COST + MOST:.3f}, per: month")
    codes = all_at_once(w, key, 1_000)
    assert codes.count(200) == 100 and codes.count(429) == 900, {code: codes.count(code) for code in set(codes)}
    assert len(w.fake.requests) - seen == 100, "what is refused asks nobody"


@case
def of_a_thousand_at_once_exactly_as_many_are_answered_as_there_are_tokens_for(w):
    seen = len(w.fake.requests)
    key = key_with(w, "tokens", f"tokens: {99 * TOKENS + MOST_TOKENS}, per: month")
    codes = all_at_once(w, key, 1_000)
    assert codes.count(200) == 100 and codes.count(429) == 900, {code: codes.count(code) for code in set(codes)}
    assert len(w.fake.requests) - seen == 100


@case
def each_threshold_is_told_once_signed_and_until_it_is_taken(w):
    def told(holder="the key `thousand`"):
        events = w.hook.events("budget.threshold")
        return [event for event in events if event["data"]["holder"] == holder]

    until(lambda: {e["data"]["threshold_percent"] for e in told()} == {50, 80, 100}, 15, "all three")
    [first] = [e for e in told() if e["data"]["threshold_percent"] == 50][:1]
    assert first["data"]["unit"] == "usd" and float(first["data"]["used"]) >= 1.26, first
    # The first request was refused: that event came again, by the same id.
    again = json.loads(w.hook.got[0][1])["id"]
    until(lambda: [json.loads(body)["id"] for _, body in w.hook.got].count(again) == 2, 15, "it comes again")
    for headers, body in w.hook.got:
        headers = {name.lower(): value for name, value in headers.items()}
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        tag = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{tag}", headers
        assert headers["webhook-id"] == json.loads(body)["id"]
    metrics = httpx.get(f"{w.gateway.admin_url}/metrics").text
    assert 'portcullis_events_total{kind="budget.threshold"}' in metrics
    log = w.gateway.log.read_text()
    assert "budget.threshold" in log and "80 % of" in log
    for secret in (SECRET, "e2e-secret-path"):
        assert secret not in log and secret not in metrics
    before = len(told())
    w.gateway.kill()
    w.gateway.start()
    w.gateway.chat(asked(), STAYS)
    time.sleep(3)
    assert len(told()) == before, "a threshold is told once, also after a restart"


@case
def an_overrun_and_a_missing_price_are_told(w):
    key = key_with(w, "overran", "usd: 500, per: month")
    # Far more than it was told to write.
    usage = {"prompt_tokens": 11, "completion_tokens": 70_000, "total_tokens": 70_011}
    message = {"role": "assistant", "content": "Hi."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    w.fake.next(body=json.dumps(whole).encode())
    answer = w.gateway.chat(asked(), key)
    assert answer.status_code == 200, answer.text
    row = w.gateway.row(answer.headers["x-request-id"])
    assert row["overrun"] == 1 and row["cost"] == 140_011_000_000, row
    assert w.gateway.chat(asked("priceless")).status_code == 200
    until(lambda: w.hook.events("budget.overrun"), 10, "an overrun is told")
    [event] = w.hook.events("budget.overrun")[:1]
    assert event["data"]["request_id"] == answer.headers["x-request-id"], event
    until(lambda: w.hook.events("price.missing"), 10, "a missing price is told")


@case
def windows_and_their_budgets_go_on_after_kill_nine(w):
    for _ in range(2):
        assert w.gateway.chat(asked(), MINUTE).status_code == 200
    w.gateway.kill()
    w.gateway.start()
    last = w.gateway.chat(asked(), MINUTE)
    assert last.status_code == 200, last.text
    assert last.headers["x-ratelimit-remaining-requests"] == "0", last.headers
    left = float(last.headers["x-portcullis-budget-remaining-usd"])
    assert abs(left - (0.2 - 3 * COST)) < 1e-9, last.headers
    full = w.gateway.chat(asked(), MINUTE)
    assert full.status_code == 429 and full.headers["x-should-retry"] == "false", full.text
    assert 0 < int(full.headers["retry-after"]) <= 600


@case
def what_a_key_spent_that_is_gone_counts_for_its_team(w):
    for _ in range(3):
        assert w.gateway.chat(asked(), GOES).status_code == 200
    w.gateway.stop()
    text = w.gateway.config.read_text()
    w.gateway.config.write_text("\n".join(line for line in text.splitlines() if "name: goes" not in line))
    w.gateway.start()
    assert w.gateway.chat(asked(), GOES).status_code == 401
    answer = w.gateway.chat(asked(), STAYS)
    assert answer.status_code == 200, answer.text
    left = float(answer.headers["x-portcullis-budget-remaining-usd"])
    # Three of the key that is gone, this, and one of it in a case before.
    assert abs(left - (0.2 - 5 * COST)) < 1e-9, answer.headers
    # And of five requests an hour there are none left.
    assert w.gateway.chat(asked(), STAYS).status_code == 429


@case
def a_contract_counts_for_its_tenant_and_what_if_changes_nothing(w):
    run(w, "tenants", "create", "--name", "agreed", "--price", "models: [m], provider: fake, input: 500, output: 1000")
    key = run(w, "keys", "create", "--name", "agreed", "--owner", "agreed").stdout.strip()
    until(lambda: w.gateway.get("/models", key).status_code == 200, 3, "the key is known")
    answer = w.gateway.chat(asked(), key)
    assert answer.status_code == 200 and answer.headers["x-portcullis-request-cost"] == "0.0125", answer.headers
    row = w.gateway.row(answer.headers["x-request-id"])
    assert row["cost"] == 12_500_000, row
    # A model without a price has one by contract.
    assert w.gateway.chat(asked("priceless"), key).headers["x-portcullis-request-cost"] == "0.0125"
    w.gateway.stop()
    before = w.gateway.rows()
    prices = w.gateway.folder / "prices.yaml"
    prices.write_text("prices: [{models: [m], input: 1000, output: 2000}]\n")
    told = run(w, "spend", "--by", "tenant", "--from", "1d", "--reprice", prices, "--format", "json").stdout
    report = json.loads(told)
    [agreed] = [row for row in report["rows"] if row["booked_usd"] == "0.025"]
    assert agreed["repriced_usd"] == "0.05" and agreed["difference_usd"] == "0.025", report
    booked = sum(row["cost"] or 0 for row in before)
    assert round(float(report["total"]["booked_usd"]) * 1e9) == booked, report["total"]
    assert "REPRICED" in run(w, "spend", "--from", "1d", "--reprice", prices).stdout
    prices.write_text("prices: [{models: [m], input: cheap}]\n")
    wrong = run(w, "spend", "--reprice", prices, check=False)
    assert wrong.returncode != 0 and "is no list of prices" in wrong.stderr, wrong.stderr
    assert w.gateway.rows() == before, "the books stay as they are"
    w.gateway.start()
