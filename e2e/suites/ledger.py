"""Every request is in the ledger exactly once, whatever happens to it."""

import contextlib
import threading

import httpx

from harness.bench import case, until
from harness.gateway import KEY, hello
from suites.common import fake_and_gateway
from suites.policies import stream

PRICED = """
models:
  - name: priced
    deployments: [{provider: fake, model: m, price: {input: 1.5, output: 3}}]
"""


def scene(bench):
    return fake_and_gateway(bench, PRICED)


def parts(row: dict) -> tuple:
    return row["input"] + row["cached_input"], row["output"] + row["reasoning"]


def open_stream(w):
    url = w.gateway.base_url + "/chat/completions"
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.stream("POST", url, json=hello(stream=True), headers=headers, timeout=10)


@case
def a_plain_answer_with_usage_and_cost(w):
    answer = w.gateway.chat(hello("priced"))
    row = w.gateway.row(answer.headers["x-request-id"])
    assert (row["outcome"], row["status"], row["operation"]) == ("complete", 200, "chat"), row
    assert (row["model"], row["provider"], row["streamed"]) == ("priced", "fake", 0), row
    assert parts(row) == (11, 7) and row["usage_source"] == "provider", row
    # 11 × 1.5 + 7 × 3 dollars per million, in nano-dollars.
    assert row["cost"] == 37_500 and row["price_missing"] == 0, row
    assert answer.headers["x-portcullis-request-cost"] == "0.0000375", answer.headers


@case
def a_streamed_answer_counts_the_same(w):
    answer = w.gateway.chat(hello("priced", stream=True))
    row = w.gateway.row(answer.headers["x-request-id"])
    assert parts(row) == (11, 7) and row["cost"] == 37_500 and row["streamed"] == 1, row
    assert row["first_content_us"] is not None and row["first_content_us"] <= row["duration_us"], row


@case
def a_missing_price_is_flagged_and_never_zero(w):
    answer = w.gateway.chat(hello("fake/m"))
    row = w.gateway.row(answer.headers["x-request-id"])
    assert row["cost"] is None and row["price_missing"] == 1, row
    assert "x-portcullis-request-cost" not in answer.headers


@case
def usage_in_parts_is_counted_in_parts(w):
    usage = b'"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}'
    body = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],'
    w.fake.next(body=body + usage + b"}")
    row = w.gateway.row(w.gateway.chat(hello()).headers["x-request-id"])
    found = [row[part] for part in ("input", "cached_input", "output", "reasoning")]
    assert found == [6, 4, 4, 5], found


@case
def an_answer_without_usage_is_estimated(w):
    w.fake.next(pieces=stream("some words without any usage"))
    row = w.gateway.row(w.gateway.chat(hello(stream=True)).headers["x-request-id"])
    assert row["usage_source"] == "estimated" and parts(row)[0] > 0 and parts(row)[1] > 0, row


@case
def a_refusal_is_in_the_ledger_and_a_stranger_is_not(w):
    before = len(w.gateway.rows())
    assert w.gateway.chat(hello(), "sk-stranger").status_code == 401
    answer = w.gateway.chat(hello("gpt-nope"))
    row = w.gateway.row(answer.headers["x-request-id"])
    assert (row["outcome"], row["status"], row["error"]) == ("refused", 404, "model_not_found"), row
    assert parts(row) == (0, 0) and row["usage_source"] == "none", row
    assert len(w.gateway.rows()) == before + 1


@case
def a_client_that_leaves_cancels_the_upstream_and_is_settled(w):
    w.fake.next(pieces=stream("one", "two", "three"), gate=threading.Event())
    hung_up = w.fake.hung_up
    with open_stream(w) as answer:
        for piece in answer.iter_bytes():
            if b"one" in piece:
                break
    until(lambda: w.fake.hung_up == hung_up + 1, 5, "the upstream is cancelled")
    row = w.gateway.row(answer.headers["x-request-id"])
    assert row["outcome"] == "client_left" and row["usage_source"] == "estimated", row


@case
def completed_requests_survive_a_kill_and_open_ones_are_found_lost(w):
    done = [w.gateway.chat(hello("priced")).headers["x-request-id"] for _ in range(5)]
    w.fake.next(pieces=stream("one", "two"), gate=threading.Event())
    with contextlib.suppress(httpx.HTTPError):
        with open_stream(w) as answer:
            for piece in answer.iter_bytes():
                w.gateway.kill()
    lost = answer.headers["x-request-id"]
    w.gateway.start()
    for request in done:
        row = w.gateway.row(request)
        assert (row["outcome"], row["cost"]) == ("complete", 37_500), row
    assert w.gateway.row(lost)["outcome"] == "lost"
    tickets = [row["ticket"] for row in w.gateway.rows()]
    assert len(tickets) == len(set(tickets))


@case
def a_restart_neither_loses_nor_repeats_rows(w):
    last = w.gateway.chat(hello("priced")).headers["x-request-id"]
    w.gateway.row(last)
    before = w.gateway.rows()
    assert w.gateway.stop() == 0
    w.gateway.start()
    w.gateway.row(w.gateway.chat(hello("priced")).headers["x-request-id"])
    assert w.gateway.rows()[1:] == before
