"""The gateway on PostgreSQL: what it promises holds while the real server stops
and starts, and for several gateways on one."""

import hashlib
import os
import time

import httpx

from harness.bench import case, until
from harness.gateway import free_port, hello
from harness.hammer import Client, Hammer
from harness.postgres import PASSWORD, Postgres
from suites.common import config, fake_and_gateway
from suites.handover import Streams, demo

CLIENTS = int(os.environ.get("PORTCULLIS_DRILL_CLIENTS", "16"))
ROUNDS = int(os.environ.get("PORTCULLIS_DRILL_POSTGRES", "2"))
PRICED = """
models:
  - name: priced
    deployments: [{provider: fake, model: m, price: {input: 1000, output: 2000}}]
"""
SECRET = "an install secret that all gateways of a server share"


def settings(url: str) -> str:
    return f"store: {{url: {url}, password: env:DB_PASSWORD, connect_timeout: 1s, statement_timeout: 2s}}\n"


def environment() -> dict:
    return {"DB_PASSWORD": PASSWORD, "PORTCULLIS_ENCRYPTION_KEY": SECRET}


def scene(bench):
    postgres = bench.enter(Postgres())
    url = postgres.database("one") + f"?sslmode=verify-full&sslrootcert={postgres.certificate}"
    world = fake_and_gateway(bench, more=settings(f'"{url}"') + PRICED, environment=environment())
    world.fake.server.handle_error = lambda *_: None
    world.postgres, world.url = postgres, url
    return world


def booked_once(w, ids: list, within: float = 60) -> None:
    """Every answer stands in the ledger, complete; no row is there twice."""
    assert ids and len(ids) == len(set(ids))

    def missing():
        rows = w.postgres.requests("one")
        assert len(rows) == len({row["ticket"] for row in rows})
        outcomes = {"req_" + row["ticket"].hex(): row["outcome"] for row in rows}
        return [(id, outcomes.get(id)) for id in ids if outcomes.get(id) != "complete"]

    until(lambda: not missing(), within, f"all {len(ids)} answers are in the ledger")


def verbose(gateway) -> str:
    return httpx.get(gateway.admin_url + "/readyz?verbose").text


def asked(gateway, count: int = 5) -> list:
    client = Client(gateway.port)
    answers = [client.ask(demo()) for _ in range(count)]
    client.close()
    assert {status for status, _, _ in answers} == {200}, answers
    return [headers["x-request-id"] for _, headers, _ in answers]


def another(w, url=None):
    """Another gateway on the same server."""
    text = config(w.fake.base_url, settings(f'"{url or w.url}"'))
    return w.bench.unstarted(text, environment=environment())


@case
def it_needs_no_file_and_talks_to_the_server_by_tls(w):
    booked_once(w, asked(w.gateway))
    names = {path.name for path in w.gateway.data.iterdir()}
    assert "node" in names and not any("portcullis.db" in name for name in names), names
    encrypted = w.postgres.psql(
        "SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
        "WHERE a.application_name = 'portcullis'", "one",
    )  # fmt: skip
    assert encrypted.strip() == "t", encrypted


@case
def the_server_stops_and_starts_under_load_and_every_answer_is_booked_once(w):
    with Hammer(w.gateway.port, CLIENTS, demo()) as hammer:
        for mode in ("immediate", "fast") * ROUNDS:
            before = len(hammer.answered)
            until(lambda: len(hammer.answered) > before + 100, 20, "traffic")
            w.postgres.stop(mode)
            until(lambda: "[-]store" in verbose(w.gateway), 12, "the store is told")
            before = len(hammer.answered)
            until(lambda: len(hammer.answered) > before + 100, 20, "traffic goes on")
            assert httpx.get(w.gateway.origin + "/readyz").status_code == 200
            w.postgres.start()
            until(lambda: verbose(w.gateway).endswith("ok\n"), 20, "all is well")
    assert not hammer.lost, hammer.lost[:3]
    assert set(hammer.statuses) == {200}, hammer.statuses
    booked_once(w, hammer.answered)
    assert "says something else" not in w.gateway.log.read_text()


@case
def killed_while_the_server_is_away_it_waits_for_it_and_books_what_was_answered(w):
    w.postgres.stop()
    ids = asked(w.gateway, 20)
    w.gateway.kill()
    seen = w.gateway.log.stat().st_size
    w.gateway.spawn()
    until(lambda: "waiting for the database server" in w.gateway.said_since(seen), 10, "it says that it waits")
    w.postgres.start()
    until(w.gateway.is_ready, 20, "it serves")
    booked_once(w, ids + asked(w.gateway))


@case
def what_one_gateway_has_open_no_other_ends(w):
    other = another(w)
    other.start()
    streams = Streams(w, 3)
    # The carrier takes note of what is open.
    opened = lambda: w.postgres.psql("SELECT count(*) FROM open_requests", "one").strip()  # noqa: E731
    until(lambda: opened() == "3", 5, "three are open")
    ids = asked(other)
    other.kill()
    other.start()
    ids += asked(other)
    assert opened() == "3", opened()
    whole = streams.finish()
    assert len(whole) == 3
    booked_once(w, ids + whole)
    lost = [row for row in w.postgres.requests("one") if row["outcome"] == "lost"]
    assert not lost, lost
    assert other.stop() == 0


@case
def a_key_made_by_one_is_known_to_all_and_revoked_for_all(w):
    other = another(w)
    other.start()
    made = w.gateway.run("keys", "create", "--name", "shared", "--config", w.gateway.config, "--data-dir", w.gateway.data)
    key = made.stdout.strip()
    for gateway in (w.gateway, other):
        until(lambda: gateway.chat(hello("demo"), key=key).status_code == 200, 5, "the key works")
    listed = other.run("keys", "list", "--config", other.config, "--data-dir", other.data)
    assert "shared" in listed.stdout, listed.stdout
    other.run("keys", "revoke", "shared", "--config", other.config, "--data-dir", other.data)
    for gateway in (w.gateway, other):
        until(lambda: gateway.chat(hello("demo"), key=key).status_code == 401, 5, "the key works no more")
    assert other.stop() == 0


# What LiteLLM keeps of people, as far as it is read; a column that a version lacks is no matter.
LITELLM = """
CREATE TABLE "LiteLLM_TeamTable" (team_id text, team_alias text, organization_id text, models text[],
    max_budget float, spend float, budget_duration text, budget_reset_at timestamp, rpm_limit bigint);
CREATE TABLE "LiteLLM_VerificationToken" (token text, key_alias text, team_id text, user_id text, models text[],
    spend float, max_budget float, blocked boolean, created_at timestamp, metadata jsonb);
INSERT INTO "LiteLLM_TeamTable" VALUES
    ('t1', 'research', NULL, '{}', 100, 99.9, '30d', now() + interval '3 days', NULL),
    ('t2', 'ops', NULL, '{priced}', NULL, 5, NULL, NULL, 2);
INSERT INTO "LiteLLM_VerificationToken" VALUES
    ('%s', 'spent', 't1', 'ana', '{all-team-models}', 99.99, NULL, NULL, now(), '{}'),
    ('%s', 'ops bot', 't2', NULL, '{}', 5, NULL, false, now(), '{}'),
    ('%s', 'blocked', 't2', NULL, '{}', 0, NULL, true, now(), '{}');
"""


@case
def people_of_litellm_keep_their_keys_and_what_is_spent_of_their_budgets(w):
    keys = [f"sk-old-{name}-0123456789" for name in ("spent", "ops", "blocked")]
    url = w.postgres.database("litellm").replace("@", f":{PASSWORD}@")
    w.postgres.psql(LITELLM % tuple(hashlib.sha256(key.encode()).hexdigest() for key in keys), "litellm")
    # Rights on what another user made.
    w.postgres.psql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC", "litellm")
    arguments = ("import", "litellm", "--database", "env:LITELLM_URL", "--config", w.gateway.config)
    arguments += ("--data-dir", w.gateway.data)
    w.gateway.environment["LITELLM_URL"] = url
    ask = lambda key: w.gateway.chat(hello("priced", max_tokens=7), key=key)  # noqa: E731
    told = w.gateway.run(*arguments)
    said = told.stdout + told.stderr
    assert "research" in said and "99.9" in said and "Nothing was moved in" in said, said
    assert PASSWORD not in said and keys[0] not in said, said
    assert ask(keys[1]).status_code == 401
    moved = w.gateway.run(*arguments, "--apply")
    assert "2 tenants, teams, apps and users, 3 keys; 0 were here already" in moved.stdout, moved.stdout
    until(lambda: ask(keys[1]).status_code == 200, 5, "the old key works")
    # 0.1 of the hundred is left, and an answer costs 0.025, and may cost thrice that.
    answers = [ask(keys[0]) for _ in range(4)]
    assert [answer.status_code for answer in answers][:2] == [200, 200], [answer.text for answer in answers]
    spent, blocked = answers[-1], ask(keys[2])
    assert spent.status_code == 429 and "budget of the team `research`" in spent.json()["error"]["message"], spent.text
    assert blocked.status_code == 401, blocked.text
    assert ask(keys[1]).status_code == 200 and ask(keys[1]).status_code == 429
    again = w.gateway.run(*arguments, "--apply")
    assert "0 keys; 5 were here already" in again.stdout, again.stdout


@case
def a_conversation_that_cannot_be_kept_says_so_and_is_answered(w):
    body = {"model": "demo", "input": "hello"}
    assert w.gateway.post("/responses", body).json()["store"] is True
    w.postgres.stop()
    begun = time.monotonic()
    answer = w.gateway.post("/responses", body)
    took = time.monotonic() - begun
    w.postgres.start()
    assert answer.status_code == 200 and answer.json()["store"] is False, answer.text
    assert took < 12, took
    until(lambda: w.gateway.post("/responses", body).json()["store"] is True, 10, "it is kept again")


@case
def a_start_that_cannot_be_says_why_and_never_the_password(w):
    away = another(w, w.url.replace(str(w.postgres.port), "1"))
    wrong = another(w)
    wrong.environment["DB_PASSWORD"] = "hunter2-" + PASSWORD
    nobody = another(w, "mysql://me:hunter2-in-the-address@localhost/db")
    checked = nobody.run("check", "--config", nobody.config, check=False)
    said = checked.stdout + checked.stderr
    assert checked.returncode == 1 and "store.url" in said and "hunter2" not in said, said
    for gateway in (away, wrong, nobody):
        gateway.port, gateway.admin_port = free_port(), free_port()
        gateway.spawn()
    for gateway, why in ((wrong, "password authentication failed"), (nobody, "store.url")):
        assert gateway.process.wait(20) == 1
        assert why in gateway.tail(), gateway.tail()
    assert away.process.wait(60) == 1
    assert "the database server of `store.url` is away" in away.tail(), away.tail()
    for gateway in (away, wrong, nobody, w.gateway):
        said = gateway.log.read_text()
        assert PASSWORD not in said and "hunter2" not in said, gateway.tail()
