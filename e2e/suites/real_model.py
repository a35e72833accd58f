"""A conversation with real weights: SmolLM2 in llama.cpp's own server."""

import contextlib
import subprocess
import sys
import types

import httpx
import openai

from harness.bench import case
from harness.gateway import KEY, free_port
from harness.wait import Hopeless, until

CONFIG = """
providers:
  local:
    base_url: http://127.0.0.1:{port}/v1
    models: [smollm2]
keys:
  - name: e2e
    key: env:E2E_KEY
"""

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
# Greedy, so that the server gives the same tokens to the same question.
GREEDY = {"model": "smollm2", "temperature": 0, "max_tokens": 32}


@contextlib.contextmanager
def llama(bench):
    """llama.cpp's server with the weights; its address."""
    port = free_port()
    log = bench.folder / "llama.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(bench.here / "llama.py"), "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    def is_ready():
        if process.poll() is not None:
            raise Hopeless(f"llama.cpp ended:\n{log.read_text(errors='replace')[-2000:]}")
        return httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=5).status_code == 200

    try:
        until(is_ready, 60, "llama.cpp answers")
        yield port
    finally:
        process.kill()
        process.wait(10)


def scene(bench):
    port = bench.enter(llama(bench))
    gateway = bench.gateway(CONFIG.format(port=port))
    return types.SimpleNamespace(
        gateway=gateway,
        client=openai.OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=120),
        direct=openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=120),
    )


def counted(row: dict) -> tuple:
    """What the ledger says, as OpenAI counts: the prompt's and the answer's tokens."""
    prompt = row["input"] + row["cached_input"] + row["cache_write"] + row["audio_input"]
    return prompt, row["output"] + row["reasoning"] + row["audio_output"]


@case
def a_plain_conversation(w):
    first = w.client.chat.completions.create(messages=QUESTION, **GREEDY)
    assert "Paris" in first.choices[0].message.content, first
    turn = [*QUESTION, first.choices[0].message, {"role": "user", "content": "And of Italy?"}]
    second = w.client.chat.completions.create(messages=turn, **GREEDY)
    assert second.choices[0].message.content, second
    for answer in (first, second):
        row = w.gateway.row(answer._request_id)
        assert counted(row) == (answer.usage.prompt_tokens, answer.usage.completion_tokens), (row, answer.usage)
        assert (row["outcome"], row["usage_source"]) == ("complete", "provider"), row


@case
def a_streamed_conversation_whose_usage_only_the_ledger_sees(w):
    raw = w.client.chat.completions.with_raw_response.create(messages=QUESTION, stream=True, **GREEDY)
    chunks = list(raw.parse())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "Paris" in text, text
    assert all(chunk.usage is None and chunk.choices for chunk in chunks), "usage came unasked"
    direct = w.direct.chat.completions.create(messages=QUESTION, **GREEDY)
    assert direct.choices[0].message.content == text
    row = w.gateway.row(raw.headers["x-request-id"])
    assert counted(row) == (direct.usage.prompt_tokens, direct.usage.completion_tokens), (row, direct.usage)
    assert row["usage_source"] == "provider" and row["streamed"] == 1, row


@case
def a_streamed_answer_with_usage_for_the_client_too(w):
    options = {"include_usage": True}
    raw = w.client.chat.completions.with_raw_response.create(
        messages=QUESTION, stream=True, stream_options=options, **GREEDY
    )
    chunks = list(raw.parse())
    usage = chunks[-1].usage
    row = w.gateway.row(raw.headers["x-request-id"])
    assert counted(row) == (usage.prompt_tokens, usage.completion_tokens), (row, usage)


@case
def a_client_that_leaves_stops_the_model(w):
    request = dict(GREEDY, max_tokens=1500, messages=[{"role": "user", "content": "Count to one thousand."}])
    with w.client.chat.completions.create(stream=True, **request) as stream:
        for _ in stream:
            break
    # The one slot is free again long before 1,500 tokens could be through.
    answer = w.direct.with_options(timeout=15).chat.completions.create(messages=QUESTION, **GREEDY)
    assert answer.choices[0].message.content
    row = until(lambda: w.gateway.rows("outcome = 'client_left'"), 5)[0]
    assert row["usage_source"] == "estimated" and counted(row)[0] > 0, row
