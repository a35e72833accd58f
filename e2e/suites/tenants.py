"""Tenants, teams, apps, users and their keys: made by commands, held by a running
gateway, and right again after it was killed."""

import json
import threading

from harness.bench import case, until
from harness.gateway import hello
from suites.common import fake_and_gateway

PRICED = """
models:
  - name: priced
    deployments: [{provider: fake, model: m, price: {input: 1000, output: 2000}}]
  - name: small
    deployments: [{provider: fake, model: m, price: {input: 1, output: 2}}]
budget_wait: 10s
"""

# 11 tokens at 1,000 and 7 at 2,000 dollars a million.
COST = 0.025


def scene(bench):
    return fake_and_gateway(bench, PRICED)


def run(w, *arguments, check=True):
    return w.gateway.run(*arguments, "--data-dir", w.gateway.data, check=check)


def made(w, what: str, name: str, *more) -> str:
    return run(w, what, "create", "--name", name, *more).stdout.strip()


def works(w, key: str, **more):
    def answered():
        answer = w.gateway.chat(hello(**more), key)
        return answer if answer.status_code != 401 else None

    return until(answered, 3, "the key is known")


def asked(**more) -> dict:
    return hello("priced", max_tokens=7, **more)


@case
def a_key_belongs_to_somebody_and_all_above_hold(w):
    made(w, "tenants", "acme", "--models", "small,priced")
    made(w, "teams", "core", "--in", "acme", "--limit", "requests: 2, per: minute")
    key = made(w, "keys", "ci", "--owner", "acme/core", "--tag", "cost_center=4711")
    answer = works(w, key, model="small")
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ratelimit-limit-requests"] == "2", answer.headers
    assert w.gateway.chat(hello("m"), key).status_code == 403
    assert w.gateway.chat(hello("small"), key).status_code == 200
    full = w.gateway.chat(hello("small"), key)
    assert full.status_code == 429 and "the team `core`" in full.json()["error"]["message"], full.text
    row = w.gateway.row(answer.headers["x-request-id"])
    team = json.loads(run(w, "teams", "show", "acme/core", "--json").stdout)
    assert row["team"] == team["id"] and json.loads(row["tags"]) == {"cost_center": "4711"}, row
    shown = json.loads(run(w, "keys", "show", "ci", "--json").stdout)
    assert shown["owner_path"] == "acme/core" and shown["last_used"], shown
    # A change holds within a second, and without a restart.
    run(w, "teams", "edit", "acme/core", "--unset", "limits")
    until(lambda: w.gateway.chat(hello("small"), key).status_code == 200, 1, "the limit is gone")
    run(w, "tenants", "revoke", "acme")
    until(lambda: w.gateway.chat(hello("small"), key).status_code == 401, 1, "nobody of it is there")


@case
def both_secrets_of_a_rotated_key_work_for_a_while(w):
    old = made(w, "keys", "turned")
    works(w, old)
    new = run(w, "keys", "rotate", "turned", "--overlap", "3s").stdout.strip()
    assert works(w, new).status_code == 200 and w.gateway.chat(hello(), old).status_code == 200
    until(lambda: w.gateway.chat(hello(), old).status_code == 401, 5, "the old one ends")
    assert w.gateway.chat(hello(), new).status_code == 200


@case
def of_many_at_once_exactly_as_many_are_answered_as_the_budget_pays(w):
    made(w, "tenants", "bounded", "--budget", "usd: 0.5, per: ever")
    key = made(w, "keys", "bounded", "--owner", "bounded")
    works(w, key, model="small", max_tokens=1)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(w.gateway.chat(asked(), key))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [a for a in answers if a.status_code == 200]
    bad = [a for a in answers if a.status_code != 200]
    spent = len(good) * COST
    # What is reserved is more than what is used: the last that fits goes, and no other.
    assert 0.5 - 0.2 < spent <= 0.5, (spent, len(good), [a.text for a in bad][:2])
    assert all(a.json()["error"]["code"] == "budget_exceeded" for a in bad), [a.text for a in bad][:2]
    w.spent, w.key = len(good), key


@case
def a_budget_is_right_again_after_kill_nine(w):
    made(w, "tenants", "killed", "--budget", "usd: 0.3, per: month, calendar: Europe/Vienna")
    key = made(w, "keys", "killed", "--owner", "killed")
    works(w, key, model="small", max_tokens=1)
    for _ in range(4):
        assert w.gateway.chat(asked(), key).status_code == 200
    left = w.gateway.chat(asked(), key).headers["x-portcullis-budget-remaining-usd"]
    w.gateway.kill()
    w.gateway.start()
    again = w.gateway.chat(hello("small", max_tokens=1), key)
    assert again.status_code == 200, again.text
    now = float(again.headers["x-portcullis-budget-remaining-usd"])
    # Five answers are booked; the first header still had what the fifth reserved.
    assert 0.3 - 5 * COST - 0.002 < now < 0.3 - 5 * COST, (left, now)


@case
def a_budget_that_is_set_on_a_key_counts_from_now(w):
    key = made(w, "keys", "later")
    for _ in range(3):
        assert works(w, key, model="priced", max_tokens=7).status_code == 200
    run(w, "keys", "edit", "later", "--budget", "usd: 0.2, per: month")
    budget = "x-portcullis-budget-usd"
    answer = until(lambda: (a := w.gateway.chat(asked(), key)).headers.get(budget) and a, 2, "the budget holds")
    assert answer.status_code == 200, answer.text
    w.gateway.stop()
    w.gateway.start()
    again = w.gateway.chat(asked(), key)
    assert again.status_code == 200, again.text
    run(w, "keys", "edit", "later", "--budget", "usd: 0.2, per: month, hard: false")
    run(w, "keys", "revoke", "later")


@case
def wrong_options_are_told_and_change_nothing(w):
    for arguments, told in [
        (("teams", "create", "--name", "x", "--limit", "requests: 5"), "per: minute"),
        (("teams", "create", "--name", "x", "--budget", "usd: 5, per: fortnight"), "`fortnight` is no time"),
        (("teams", "create", "--name", "a/b"), "no name"),
        (("apps", "create", "--name", "x", "--in", "nowhere"), "`nowhere`"),
        (("tenants", "create", "--name", "x", "--in", "default"), "stands in nobody"),
        (("tenants", "revoke", "default"), "cannot be revoked"),
        (("keys", "create", "--name", "x", "--owner", "nowhere"), "`nowhere`"),
        (("keys", "edit", "nobody", "--expires", "1d"), "no valid key"),
        (("users", "edit", "nobody", "--unset", "shoes"), "shoes"),
    ]:
        done = run(w, *arguments, check=False)
        assert done.returncode != 0 and told in done.stderr, (arguments, done.stderr)
    assert "x" not in [one["name"] for one in json.loads(run(w, "teams", "list", "--json").stdout)]


@case
def reports_come_to_what_the_ledger_has(w):
    """The sum of every report is the sum of the rows, in every form."""

    w.gateway.stop()
    rows = w.gateway.rows()
    cost = sum(row["cost"] or 0 for row in rows)
    for by in ("tenant", "team,model", "key", "tag:cost_center", "outcome,provider"):
        report = json.loads(run(w, "spend", "--by", by, "--from", "1d", "--format", "json").stdout)
        total = report["total"]
        assert total["requests"] == len(rows), (by, total, len(rows))
        assert round(float(total["cost_usd"]) * 1e9) == cost, (by, total, cost)
        assert sum(row["requests"] for row in report["rows"]) == len(rows), by
    table = run(w, "spend", "--by", "team,key").stdout
    assert "acme/core" in table and "in all" in table, table
    lines = run(w, "spend", "--by", "key", "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("key,requests,") and any(line.startswith("killed,") for line in lines), lines
    focus = run(w, "spend", "--format", "focus").stdout.splitlines()
    assert focus[0].startswith("BilledCost,") and "Usage" in focus[1], focus[:2]
    w.gateway.start()
    wrong = run(w, "spend", "--by", "shoe", check=False)
    assert wrong.returncode != 0 and "`shoe` is none of tenant" in wrong.stderr, wrong.stderr


@case
def reports_stay_when_rows_go_and_what_is_closed_stays_closed(w):
    before = json.loads(run(w, "spend", "--by", "team,model", "--from", "1d", "--format", "json").stdout)
    assert "a row for each request" in run(w, "ledger", "status").stdout
    # Rows go up to the quarter of an hour that has begun: where all are of it, none.
    run(w, "ledger", "prune", "--before", "0s")
    report = run(w, "spend", "--by", "team,model", "--from", "1d", "--format", "json")
    after = json.loads(report.stdout)
    assert after["total"] == before["total"] and after["rows"] == before["rows"], (before, after)
    run(w, "ledger", "lock", "--until", "0s")
    again = run(w, "ledger", "lock", "--until", "1h", check=False)
    assert again.returncode == 1 and "is not opened again" in again.stderr, again.stderr
    future = run(w, "ledger", "prune", "--before", "2999-01-01", check=False)
    assert future.returncode == 1 and "not over yet" in future.stderr, future.stderr
    assert json.loads(run(w, "ledger", "status", "--json").stdout)["locked_until"]
