"""Anthropic's SDK in Python, with only base URL and key changed.

The model `m` is of a server of OpenAI's dialect, `c` of one of Anthropic's.
"""

import base64
import json

import anthropic
import httpx
import openai

from fake_anthropic import FakeAnthropic, USAGE
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

USER = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"name": name, "description": name, "input_schema": SCHEMA} for name in ("weather", "time")]
CITY = {"city": "Zürich"}
MODELS = ("m", "c")


def scene(bench):
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    provider = f"""
  claude:
    dialect: anthropic
    base_url: {claude.base_url}
    api_key: env:UPSTREAM_KEY
    models: [c]
"""
    world = fake_and_gateway(bench, providers=provider)
    world.claude = claude
    world.client = client_of(world)
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    return world


def client_of(w, key: str = KEY) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=w.gateway.origin, api_key=key, max_retries=0, timeout=20)


def ask(w, model: str = "m", **more):
    return w.client.messages.create(**({"model": model, "max_tokens": 100, "messages": USER} | more))


def streamed(w, model: str = "m", **more):
    asked = {"model": model, "max_tokens": 100, "messages": USER} | more
    with w.client.messages.stream(**asked) as stream:
        events = list(stream)
        return events, stream.get_final_message()


@case
def a_plain_message(w):
    for model in MODELS:
        answer = ask(w, model)
        assert [block.text for block in answer.content] == ["You said: hello"], answer
        assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn"), answer
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7), answer.usage


@case
def a_streamed_message_ends_as_the_plain_one(w):
    for model in MODELS:
        events, final = streamed(w, model)
        text = "".join(event.text for event in events if event.type == "text")
        assert text.strip() == "You said: hello" and final.content[0].text == text, (model, text)
        assert final.stop_reason == "end_turn" and final.usage.output_tokens == 7, final
        assert events[-1].type == "message_stop", events[-1]


@case
def one_tool_and_its_result(w):
    for model in MODELS:
        answer = ask(w, model, tools=TOOLS[:1])
        [call] = answer.content
        assert (call.type, call.name, call.input) == ("tool_use", "weather", CITY), answer
        assert answer.stop_reason == "tool_use", answer
        again = ask(w, model, messages=results_of(answer), tools=TOOLS[:1])
        assert again.content[0].type == "text" and again.stop_reason == "end_turn", again


def results_of(answer) -> list:
    calls = [block for block in answer.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    return [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]


@case
def parallel_tools_in_a_stream_and_their_results(w):
    for model in MODELS:
        events, final = streamed(w, model, tools=TOOLS)
        assert [(call.name, call.input) for call in final.content] == [("weather", CITY), ("time", CITY)], final
        parts = [event.partial_json for event in events if event.type == "input_json"]
        assert len(parts) >= 3 and [json.loads(text) for text in whole_of(events)] == [CITY] * 2, parts
        again = ask(w, model, messages=results_of(final), tools=TOOLS)
        assert again.content[0].type == "text", again


def whole_of(events: list) -> list:
    """The arguments of each call, put together from their deltas."""
    texts: dict = {}
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            texts[event.index] = texts.get(event.index, "") + event.delta.partial_json
    return [texts[index] for index in sorted(texts)]


@case
def an_image_in_base64(w):
    data = base64.b64encode(bytes(range(256)) * 40).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what?"}, image]}]
    sizes = {"m": len("data:image/png;base64," + data), "c": len(data)}
    for model, size in sizes.items():
        text = ask(w, model, messages=messages).content[0].text
        assert text == f"You said: what? (1 images, {size} characters)", text


@case
def a_system_in_blocks_with_cache_control(w):
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    for model in MODELS:
        assert ask(w, model, system=system).content[0].text == "You said: hello"
    assert w.claude.last.json["system"] == system
    assert "Be brief." in json.dumps(w.fake.last.json["messages"][0])


@case
def thoughts_come_and_go_back_with_their_signature(w):
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "tools": TOOLS[:1]}
    for answer in (ask(w, "c", **thinking), streamed(w, "c", **thinking)[1]):
        assert [block.type for block in answer.content] == ["thinking", "tool_use"], answer
        assert answer.content[0].thinking == "Let me think." and answer.content[0].signature
        again = ask(w, "c", messages=results_of(answer), **thinking)
        assert again.content[-1].text == "Results: 1", again


@case
def tokens_are_counted(w):
    count = w.client.messages.count_tokens
    counts = {model: count(model=model, messages=USER).input_tokens for model in MODELS}
    # Of a dialect alone nobody knows whether it counts.
    assert counts == {"m": 6, "c": 6}, counts


@case
def models_are_listed_and_found(w):
    assert {"m", "c"} <= {model.id for model in w.client.models.list()}
    model = w.client.models.retrieve("m")
    assert (model.id, model.type) == ("m", "model"), model


def error_of(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except anthropic.APIStatusError as error:
        assert type(error) is kind, f"{type(error).__name__}: {error}"
        assert error.body["type"] == "error" and error.body["error"]["message"], error.body
        return error
    raise AssertionError(f"no {kind.__name__}")


@case
def errors_have_the_sdks_classes(w):
    stranger = client_of(w, "sk-wrong").messages.create
    error = error_of(anthropic.AuthenticationError, stranger, model="m", max_tokens=9, messages=USER)
    assert error.body["error"]["type"] == "authentication_error", error.body
    error = error_of(anthropic.NotFoundError, ask, w, "nope")
    assert error.body["error"]["type"] == "not_found_error", error.body
    error_of(anthropic.BadRequestError, ask, w, "m", extra_body={"temperature": 3})
    error_of(anthropic.BadRequestError, ask, w, "c", extra_body={"temperature": 3})


@case
def a_limit_keeps_its_retry_after(w):
    body = {"m": b'{"error": {"message": "slow down", "type": "requests"}}'}
    body["c"] = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}'
    for model, fake in (("m", w.fake), ("c", w.claude)):
        for _ in range(3):
            fake.next(status=429, headers={"retry-after": "33"}, body=body[model])
        error = error_of(anthropic.RateLimitError, ask, w, model)
        fake.script.clear()
        assert 1 <= int(error.response.headers["retry-after"]) <= 33, error.response.headers
        assert error.body["error"]["type"] == "rate_limit_error", error.body


@case
def a_stream_that_is_cut_raises(w):
    delta = {"index": 0, "delta": {"content": "one"}, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    w.fake.next(pieces=[f"data: {json.dumps(chunk)}\n\n".encode()], breaks=True)
    try:
        streamed(w, "m")
    except anthropic.APIError:
        return
    raise AssertionError("a silent end")


@case
def the_same_dialect_keeps_its_bytes_and_its_usage(w):
    body = b'{ "model":"c","max_tokens" : 9, "messages":[ {"role":"user","content":"\\u00e9"} ] }\n'
    usage = json.dumps(USAGE).encode()
    whole = b'{ "id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"\\u00fc"}],'
    whole += b'"stop_reason":"end_turn","stop_sequence":null,"usage":' + usage + b"} "
    w.claude.next(body=whole)
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    answer = httpx.post(w.gateway.base_url + "/messages", content=body, headers=headers)
    assert w.claude.last.body == body, w.claude.last.body
    assert answer.content == whole, answer.content
    row = w.gateway.row(answer.headers["x-request-id"])
    assert (row["output"], row["cached_input"], row["usage_source"]) == (7, 5, "provider"), row


@case
def openais_sdk_in_front_of_anthropics_server(w):
    create = w.openai.chat.completions.create
    assert create(model="c", messages=USER).choices[0].message.content == "You said: hello"
    chunks = list(create(model="c", messages=USER, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "You said: hello"
    assert chunks[-1].choices[0].finish_reason == "stop"


@case
def openais_tools_in_front_of_anthropics_server(w):
    tools = [{"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in ("weather", "time")]
    plain = w.openai.chat.completions.create(model="c", messages=USER, tools=tools)
    with w.openai.chat.completions.stream(model="c", messages=USER, tools=tools) as stream:
        final = stream.get_final_completion()
    for answer in (plain, final):
        message = answer.choices[0].message
        assert [json.loads(call.function.arguments) for call in message.tool_calls] == [CITY] * 2, message
        calls = [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls]
        turn = [*USER, {"role": "assistant", "tool_calls": calls}]
        turn += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
        again = w.openai.chat.completions.create(model="c", messages=turn, tools=tools)
        assert again.choices[0].message.content == "Results: 2", again


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.claude.violations
    assert found == [], set(found)
