"""What changes while the gateway runs: keys, the file, signals; and its end."""

import contextlib
import itertools
import os
import random
import sqlite3
import threading
import time

import httpx

from harness.bench import case, until
from harness.gateway import KEY, events, hello
from suites.common import config, fake_and_gateway
from suites.policies import stream


def scene(bench):
    # The provider's key lies in a file, so that SIGHUP alone can change it.
    secret = bench.folder / "upstream-key"
    world = fake_and_gateway(bench)
    secret.write_text(world.fake.key)
    world.secret = secret
    world.text = config(world.fake.base_url).replace("env:UPSTREAM_KEY", f"file:{secret}")
    rewrite(world, world.text)
    until(lambda: "configuration reloaded" in world.gateway.log.read_text())
    return world


def rewrite(w, text: str) -> None:
    """As editors do: a new file under the old name."""
    fresh = w.gateway.config.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(w.gateway.config)


def names(w) -> set:
    return {model["id"] for model in w.gateway.get("/models").json()["data"]}


def keys(w, *arguments, **more):
    return w.gateway.run("keys", *arguments, "--data-dir", w.gateway.data, "--config", w.gateway.config, **more)


@case
def a_key_made_beside_the_running_gateway_works_at_once_and_until_revoked(w):
    key = keys(w, "create", "--name", "visitor").stdout.strip()
    until(lambda: w.gateway.chat(hello(), key).status_code == 200, 2, "the new key works")
    keys(w, "revoke", "visitor")
    begun = time.monotonic()
    until(lambda: w.gateway.chat(hello(), key).status_code == 401, 2, "the revoked key is refused")
    took = time.monotonic() - begun
    assert took < 1.0, f"revocation took {took:.2f} s"


@case
def an_expired_key_is_refused(w):
    key = keys(w, "create", "--name", "brief", "--expires", "2s").stdout.strip()
    until(lambda: w.gateway.chat(hello(), key).status_code == 200, 2, "the new key works")
    until(lambda: w.gateway.chat(hello(), key).status_code == 401, 4, "the expired key is refused")


@case
def a_changed_file_is_taken_over(w):
    rewrite(w, w.text + "aliases: {fresh: m}\n")
    until(lambda: w.gateway.chat(hello("fresh")).status_code == 200, 3, "the alias is known")


@case
def a_broken_file_keeps_the_old_one_and_says_why(w):
    seen = len(w.gateway.log.read_text())
    rewrite(w, w.text + "aliases: {fresh: m}\npolicys: []\n")
    until(lambda: "policys" in w.gateway.log.read_text()[seen:], 3, "the log says why")
    told = w.gateway.log.read_text()[seen:]
    assert "policies" in told, f"no suggestion: {told}"
    assert w.gateway.chat(hello("fresh")).status_code == 200
    assert w.gateway.process.poll() is None
    rewrite(w, w.text)
    until(lambda: w.gateway.chat(hello("fresh")).status_code == 404, 3, "the repaired file is in force")


@case
def a_hangup_signal_reads_secrets_again(w):
    assert w.gateway.chat(hello()).status_code == 200
    w.secret.write_text("sk-upstream-rotated")
    w.fake.key = "sk-upstream-rotated"
    w.gateway.hang_up()
    until(lambda: w.gateway.chat(hello("fake-large")).status_code == 200, 3, "the new secret goes upstream")


@case
def health_is_on_both_listeners_and_metrics_on_the_operators(w):
    client_side = f"http://127.0.0.1:{w.gateway.port}"
    for base in (client_side, w.gateway.admin_url):
        for path in ("/livez", "/readyz", "/healthz", "/health"):
            assert httpx.get(base + path).status_code == 200, base + path
    metrics = httpx.get(w.gateway.admin_url + "/metrics")
    assert metrics.status_code == 200 and "# TYPE" in metrics.text
    assert "gen_ai" in metrics.text, metrics.text[:2000]
    assert httpx.get(client_side + "/metrics").status_code in (401, 404)
    assert w.gateway.get("/../metrics").status_code == 404


@case
def what_is_broken_of_the_models_is_told_and_the_rest_goes_on(w):
    file, seen = w.gateway.data / "models.jsonl", len(w.gateway.log.read_text())
    part = lambda: httpx.get(w.gateway.admin_url + "/readyz?verbose")
    file.write_text('{"provider":"openai","id":"x","imput":"1"}\n')
    until(lambda: "[-]models failed" in part().text, 3, "the models are told")
    assert part().status_code == 200 and "models.jsonl:1:" in part().text, part().text
    assert "imput" in w.gateway.log.read_text()[seen:]
    assert w.gateway.chat(hello()).status_code == 200
    w.gateway.stop()
    w.gateway.start()
    assert "[-]models failed" in part().text
    file.unlink()
    until(lambda: "[+]models ok" in part().text, 3, "they are whole again")


@case
def no_key_and_no_prompt_is_in_log_or_metrics(w):
    w.gateway.chat(hello(text="a very private sentence"))
    w.gateway.chat(hello(text="a very private sentence"), key="sk-a-wrong-key-of-someone")
    log = w.gateway.log.read_text() + httpx.get(w.gateway.admin_url + "/metrics").text
    for private in (KEY, "sk-upstream", "very private", "sk-a-wrong-key"):
        assert private not in log, f"{private!r} is in the log or the metrics"


@case
def a_stream_may_finish_while_the_gateway_stops(w):
    gate = threading.Event()
    w.fake.next(pieces=stream("one", "two"), gate=gate)
    headers = {"authorization": f"Bearer {KEY}"}
    url = w.gateway.base_url + "/chat/completions"
    body = hello(stream=True)
    with httpx.stream("POST", url, json=body, headers=headers, timeout=10) as answer:
        w.gateway.process.terminate()
        until(lambda: "stopping" in w.gateway.log.read_text(), 3, "the gateway stops")
        gate.set()
        text = answer.read().decode()
    assert events(text)[-1] == "[DONE]", text
    assert w.gateway.process.wait(5) == 0
    [row] = w.gateway.rows("ticket = ?", bytes.fromhex(answer.headers["x-request-id"][4:]))
    assert row["outcome"] == "complete", row


@case
def told_to_stop_twice_it_cuts_what_is_open_and_settles_it(w):
    w.gateway.start()
    w.fake.next(pieces=stream("one", "two"), gate=threading.Event())
    headers = {"authorization": f"Bearer {KEY}"}
    url = w.gateway.base_url + "/chat/completions"
    with httpx.stream("POST", url, json=hello(stream=True), headers=headers, timeout=10) as answer:
        pieces = answer.iter_bytes()
        next(pieces)
        w.gateway.process.terminate()
        # Probes see the draining, not a dead port.
        until(lambda: httpx.get(w.gateway.admin_url + "/readyz").status_code == 503, 3, "it says that it drains")
        w.gateway.process.terminate()
        assert w.gateway.process.wait(5) == 0
    [row] = w.gateway.rows("ticket = ?", bytes.fromhex(answer.headers["x-request-id"][4:]))
    assert row["outcome"] not in ("complete", "lost") and row["output"] > 0, row


@case
def what_was_upstream_at_a_kill_is_in_the_ledger_with_all_that_was_known(w):
    w.gateway.start()
    w.fake.server.handle_error = lambda *_: None
    w.fake.next(pieces=stream("one", "two"), gate=threading.Event())
    headers = {"authorization": f"Bearer {KEY}"}
    url = w.gateway.base_url + "/chat/completions"
    with contextlib.suppress(httpx.HTTPError):
        with httpx.stream("POST", url, json=hello(stream=True), headers=headers, timeout=10) as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            w.gateway.kill()
    w.gateway.start()
    row = w.gateway.row(answer.headers["x-request-id"])
    assert (row["outcome"], row["streamed"], row["attempts"]) == ("lost", 1, 1), row
    assert (row["model"], row["provider"], row["deployment"]) == ("m", "fake", "fake/m"), row
    assert row["input"] > 0 and (row["usage_source"], row["price_missing"]) == ("estimated", 1), row
    assert w.gateway.stop() == 0


def ask_until(w, ended: threading.Event, completed: list) -> None:
    """One client: keeps the ids of answers that it has whole."""
    headers = {"authorization": f"Bearer {KEY}"}
    for number in itertools.count():
        if ended.is_set():
            return
        is_stream = number % 2 == 0
        try:
            url = w.gateway.base_url + "/chat/completions"
            answer = httpx.post(url, json=hello(stream=is_stream), headers=headers, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.01)
            continue
        if answer.status_code == 200 and (not is_stream or answer.text.rstrip().endswith("[DONE]")):
            completed.append(answer.headers["x-request-id"])


@case
def every_answer_that_a_client_has_survives_kills_under_traffic(w):
    w.gateway.start()
    before = {row["ticket"] for row in w.gateway.rows()}
    # Connections that a kill resets are no news.
    w.fake.server.handle_error = lambda *_: None
    ended, completed = threading.Event(), []
    clients = [threading.Thread(target=ask_until, args=(w, ended, completed)) for _ in range(6)]
    for client in clients:
        client.start()
    # `cargo xtask drill` asks for more of them.
    kills = int(os.environ.get("PORTCULLIS_DRILL_KILLS", "3"))
    pauses = random.Random(7)
    for _ in range(kills):
        time.sleep(pauses.uniform(0.1, 0.5))
        w.gateway.kill()
        w.gateway.start()
    time.sleep(0.2)
    ended.set()
    for client in clients:
        client.join()
    assert w.gateway.stop() == 0
    rows = {"req_" + row["ticket"].hex(): row for row in w.gateway.rows() if row["ticket"] not in before}
    assert len(completed) > 20 and len(set(completed)) == len(completed), len(completed)
    missing = [id for id in completed if id not in rows]
    assert not missing, f"{len(missing)} of {len(completed)} answers are not in the ledger: {missing[:3]}"
    wrong = [rows[id] for id in completed if (rows[id]["outcome"], rows[id]["output"]) != ("complete", 7)]
    assert not wrong, wrong[:3]
    for row in rows.values():
        assert row["outcome"] in ("complete", "lost", "client_left"), row
    with contextlib.closing(sqlite3.connect(w.gateway.data / "portcullis.db")) as database:
        assert database.execute("SELECT count(*) FROM open_requests").fetchone() == (0,)
    lost = sum(row["outcome"] == "lost" for row in rows.values())
    print(f"drill: | kill -9 under traffic | {kills} | {len(completed)} | {len(missing)} | {len(wrong)} | {lost} |")
