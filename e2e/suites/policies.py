"""System rules, guards, cache, routes, retries, limits."""

import contextlib
import json
import threading

import httpx

from harness.bench import case
from harness.gateway import KEY, events, free_port, hello
from suites.common import fake_and_gateway

MORE = """
models:
  - name: guarded
    deployments: [{provider: fake, model: m}]
  - name: cached
    deployments: [{provider: fake, model: m}]
  - name: resilient
    deployments:
      - {provider: down, model: m}
      - {provider: fake, model: m, order: 1}
  - name: saved-by-another
    deployments: [{provider: down, model: x}]
    fallbacks: [m]
aliases:
  nickname: m
guards:
  words: {kind: deny, literals: [project-x], patterns: ['secret-\\d+'], on: [request, answer], action: block}
  size: {kind: size, max_characters: 5000}
policies:
  - name: house
    models: [guarded]
    system: [{prepend: Be brief.}, {append: Answer in English.}]
    guards: [words, size]
  - name: reuse
    models: [cached]
    cache: {ttl: 5m}
retry: {retries: 2, backoff: 10ms, max_backoff: 100ms}
"""


def key_of(name: str) -> str:
    return f"sk-e2e-{name}-0123456789abcdefghijklmnopqrstuvw"


# One key of each kind of limit.
LIMITED = {
    "few": "limits: {requests_per_minute: 2}",
    "narrow": "limits: {parallel_requests: 1}",
    "small": "limits: {tokens_per_minute: 100}",
    "bound": "models: ['fake-*']",
}


def scene(bench):
    providers = f"  down: {{base_url: 'http://127.0.0.1:{free_port()}/v1', models: [m]}}\n"
    keys = "".join(
        f"  - {{name: {name}, key: 'env:{name.upper()}_KEY', {more}}}\n" for name, more in LIMITED.items()
    )
    environment = {f"{name.upper()}_KEY": key_of(name) for name in LIMITED}
    return fake_and_gateway(bench, MORE, providers, keys, environment)


def code_of(answer) -> str:
    return answer.json()["error"]["code"]


@case
def system_rules_reach_the_upstream(w):
    messages = [{"role": "system", "content": "mine"}, {"role": "user", "content": "hello"}]
    assert w.gateway.chat({"model": "guarded", "messages": messages}).status_code == 200
    sent = [(m["role"], m["content"]) for m in w.fake.last.json["messages"]]
    assert sent[0] == ("system", "Be brief."), sent
    assert sent[-1] == ("user", "hello") and ("system", "mine") in sent, sent
    assert sent.index(("system", "Answer in English.")) > sent.index(("system", "mine")), sent


@case
def other_models_have_no_system_rule(w):
    assert w.gateway.chat(hello("m")).status_code == 200
    assert [m["content"] for m in w.fake.last.json["messages"]] == ["hello"]


@case
def a_denied_request_is_blocked_before_the_upstream(w):
    asked = len(w.fake.requests)
    for text in ("about project-x please", "my secret-123"):
        answer = w.gateway.chat(hello("guarded", text))
        assert (answer.status_code, code_of(answer)) == (400, "content_filter"), answer.text
        assert "secret-" not in answer.text and "project-x" not in answer.text, answer.text
    assert len(w.fake.requests) == asked


@case
def a_request_over_the_size_guard_is_blocked(w):
    answer = w.gateway.chat(hello("guarded", "x" * 6000))
    assert answer.status_code == 400, answer.text


@case
def a_denied_plain_answer_is_blocked(w):
    w.fake.next(body=plain("the secret-123 is out"))
    answer = w.gateway.chat(hello("guarded"))
    assert "secret-123" not in answer.text, answer.text
    assert "content_filter" in answer.text, answer.text
    assert w.gateway.row(answer.headers["x-request-id"])["outcome"] in ("guard_ended", "refused")


@case
def a_denied_streamed_answer_ends_before_the_word(w):
    w.fake.next(pieces=stream("it is ", "sec", "ret-1", "23 and", " more"))
    answer = w.gateway.chat(hello("guarded", stream=True))
    assert "secret-1" not in said(answer.text) and "23" not in said(answer.text), answer.text
    assert "content_filter" in answer.text, answer.text
    assert '"stop"' not in answer.text, "sold as complete"
    assert w.gateway.row(answer.headers["x-request-id"])["outcome"] == "guard_ended"


@case
def an_answer_without_the_word_streams_through_the_guard(w):
    w.fake.next(pieces=stream("it is ", "sec", "ond to none"))
    answer = w.gateway.chat(hello("guarded", stream=True))
    assert said(answer.text) == "it is second to none" and events(answer.text)[-1] == "[DONE]", answer.text


@case
def the_same_question_is_answered_from_the_cache(w):
    first = w.gateway.chat(hello("cached", "twice"))
    asked = len(w.fake.requests)
    second = w.gateway.chat(hello("cached", "twice", user="someone"))
    assert [r.headers["x-portcullis-cache"] for r in (first, second)] == ["miss", "hit"]
    assert first.json() == second.json() and len(w.fake.requests) == asked
    row = w.gateway.row(second.headers["x-request-id"])
    assert (row["cache_hit"], row["input"], row["output"]) == (1, 0, 0), row


@case
def plain_and_streamed_answers_serve_each_other(w):
    w.gateway.chat(hello("cached", "plain first"))
    streamed = w.gateway.chat(hello("cached", "plain first", stream=True))
    assert streamed.headers["x-portcullis-cache"] == "hit"
    assert "plain first" in "".join(events(streamed.text)) and events(streamed.text)[-1] == "[DONE]"
    w.gateway.chat(hello("cached", "stream first", stream=True))
    plain_answer = w.gateway.chat(hello("cached", "stream first"))
    assert plain_answer.headers["x-portcullis-cache"] == "hit"
    message = plain_answer.json()["choices"][0]["message"]
    assert message["content"].strip() == "You said: stream first"


@case
def cache_control_refreshes_and_bypasses(w):
    w.gateway.chat(hello("cached", "control"))
    asked = len(w.fake.requests)
    w.gateway.chat(hello("cached", "control"), headers={"cache-control": "no-cache"})
    w.gateway.chat(hello("cached", "control"), headers={"cache-control": "no-store"})
    assert len(w.fake.requests) == asked + 2
    assert w.gateway.chat(hello("cached", "control")).headers["x-portcullis-cache"] == "hit"


@case
def different_questions_and_models_do_not_share(w):
    w.gateway.chat(hello("cached", "one"))
    for other in (hello("cached", "two"), hello("cached", "one", temperature=0.5)):
        assert w.gateway.chat(other).headers["x-portcullis-cache"] == "miss"
    assert "x-portcullis-cache" not in w.gateway.chat(hello("m", "one")).headers


@case
def the_next_deployment_answers_when_the_first_is_down(w):
    answer = w.gateway.chat(hello("resilient"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-portcullis-provider"] == "fake"
    assert answer.headers["x-portcullis-attempts"] == "2"
    assert w.gateway.row(answer.headers["x-request-id"])["attempts"] == 2


@case
def another_model_answers_when_all_deployments_fail(w):
    answer = w.gateway.chat(hello("saved-by-another", stream=True))
    assert answer.status_code == 200 and events(answer.text)[-1] == "[DONE]", answer.text
    assert answer.headers["x-portcullis-model"] == "m"


@case
def a_failure_of_the_upstream_is_tried_again(w):
    w.fake.next(status=500, body=b'{"error": {"message": "oops"}}')
    answer = w.gateway.chat(hello("nickname"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-portcullis-attempts"] == "2"


@case
def a_stream_that_breaks_after_content_is_no_success(w):
    broken = w.fake.next(pieces=stream("half a")[:1], breaks=True)
    asked = len(w.fake.requests)
    text = ""
    with contextlib.suppress(httpx.HTTPError):
        with open_stream(w, KEY) as answer:
            for piece in answer.iter_text():
                text += piece
    assert "half a" in text and "[DONE]" not in text and '"stop"' not in text, text
    assert '"error"' in text, text
    assert len(w.fake.requests) == asked + 1 and broken not in w.fake.script
    row = w.gateway.row(answer.headers["x-request-id"])
    assert row["outcome"] == "upstream_broke" and row["output"] > 0, row
    assert row["usage_source"] == "estimated", row


@case
def requests_per_minute_are_limited(w):
    answers = [w.gateway.chat(hello(), key_of("few")) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    headers = answers[2].headers
    assert 1 <= int(headers["retry-after"]) <= 60, headers
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0" and headers["x-ratelimit-reset-requests"]
    assert code_of(answers[2]) == "rate_limit_exceeded"


@case
def tokens_per_minute_are_limited(w):
    # 18 tokens each by the upstream's usage; the reservation is an upper bound.
    answers = [w.gateway.chat(hello(max_tokens=20), key_of("small")) for _ in range(7)]
    codes = [a.status_code for a in answers]
    assert codes[0] == 200 and codes[-1] == 429, codes
    assert answers[0].headers["x-ratelimit-limit-tokens"] == "100"
    assert codes.count(200) >= 3, f"{codes}: reservations were not corrected to the usage"
    too_large = w.gateway.chat(hello(max_tokens=5000), key_of("small"))
    assert too_large.status_code in (400, 429), too_large.text


@case
def parallel_requests_are_limited_and_given_back(w):
    gate = threading.Event()
    w.fake.next(pieces=stream("one", "two"), gate=gate)
    with open_stream(w, key_of("narrow")) as first:
        assert first.status_code == 200
        second = w.gateway.chat(hello(), key_of("narrow"))
        gate.set()
        first.read()
    assert second.status_code == 429 and int(second.headers["retry-after"]) >= 1, second.text
    assert w.gateway.chat(hello(), key_of("narrow")).status_code == 200


@case
def a_key_may_use_its_models_only(w):
    refused = w.gateway.chat(hello("m"), key_of("bound"))
    assert (refused.status_code, code_of(refused)) == (403, "model_not_allowed"), refused.text
    assert w.gateway.chat(hello("fake-large"), key_of("bound")).status_code == 200
    names = [m["id"] for m in w.gateway.get("/models", key_of("bound")).json()["data"]]
    assert "fake-large" in names and "m" not in names, names


def open_stream(w, key: str):
    headers = {"authorization": f"Bearer {key}"}
    url = w.gateway.base_url + "/chat/completions"
    return httpx.stream("POST", url, json=hello(stream=True), headers=headers, timeout=10)


def said(stream: str) -> str:
    """The text of a streamed answer, its deltas joined."""
    chunks = [json.loads(data) for data in events(stream) if data != "[DONE]"]
    choices = [choice for chunk in chunks for choice in chunk.get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def plain(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    answer = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }  # fmt: skip
    return json.dumps(answer).encode()


def stream(*texts: str) -> list:
    """The pieces of a chat stream; the first one has the role as well."""
    base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas = [({"role": "assistant", "content": texts[0]}, None)]
    deltas += [({"content": text}, None) for text in texts[1:]]
    deltas += [({}, "stop")]
    chunks = [
        base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} for delta, finish in deltas
    ]
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]
