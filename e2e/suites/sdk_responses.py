"""OpenAI's Responses by its Python SDK.

The model `m` is of a server of chat completions, `c` of one of Anthropic's
Messages, `r` of one of Responses that keeps conversations itself.
"""

import json

import openai

from fake_anthropic import FakeAnthropic
from fake_responses import FakeResponses
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

OTHER = "sk-e2e-another-0123456789abcdefghijklmnop"
MODELS = ("m", "c", "r")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in ("weather", "time")]
CITY = {"city": "Zürich"}


def scene(bench):
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    keeper = bench.enter(FakeResponses(UPSTREAM_KEY))
    providers = "".join(
        f"""
  {name}:
    dialect: {dialect}
    base_url: {fake.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{model}]
"""
        for name, dialect, fake, model in [("claude", "anthropic", claude, "c"), ("keeper", "responses", keeper, "r")]
    )
    keys = "  - name: other\n    key: env:OTHER_KEY"
    world = fake_and_gateway(bench, providers=providers, keys=keys, environment={"OTHER_KEY": OTHER})
    world.keeper = keeper
    world.client, world.other = (client_of(world, key) for key in (KEY, OTHER))
    return world


def client_of(world, key):
    return openai.OpenAI(base_url=world.gateway.base_url, api_key=key, max_retries=0, timeout=20)


def ask(client, is_streamed, **asked):
    """The answer, whole or from its stream's last event."""
    if not is_streamed:
        return client.responses.create(**asked)
    with client.responses.stream(**asked) as stream:
        *_, last = list(stream)
    assert last.type == "response.completed", last
    return last.response


def refusal(kind, act):
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@case
def a_plain_response(w):
    answer = w.client.responses.create(model="m", input="hello", instructions="Be brief.", store=False)
    assert answer.output_text == "You said: hello" and answer.status == "completed", answer
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7), answer.usage
    assert "Be brief." in json.dumps(w.fake.last.json["messages"][0])


@case
def a_streamed_response_ends_as_the_plain_one(w):
    with w.client.responses.stream(model="m", input="hello", store=False) as stream:
        events = list(stream)
        final = stream.get_final_response()
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text.strip() == "You said: hello" and final.output_text == text, text
    assert events[-1].type == "response.completed" and final.usage.output_tokens == 7, final


@case
def parallel_functions_and_their_outputs(w):
    plain = w.client.responses.create(model="m", input="hello", tools=TOOLS, store=False)
    with w.client.responses.stream(model="m", input="hello", tools=TOOLS, store=False) as stream:
        final = stream.get_final_response()
    for answer in (plain, final):
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", CITY), ("time", CITY)]
        said = [{"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments} for c in calls]
        outputs = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
        turn = [{"role": "user", "content": "hello"}, *said, *outputs]
        again = w.client.responses.create(model="m", input=turn, tools=TOOLS, store=False)
        assert again.output_text == "You said: hello", again
        ids = [m["tool_call_id"] for m in w.fake.last.json["messages"] if m["role"] == "tool"]
        assert ids == [call.call_id for call in calls], ids


@case
def an_unknown_model_is_a_not_found_error(w):
    try:
        w.client.responses.create(model="nope", input="hello", store=False)
    except openai.NotFoundError as error:
        assert error.body["message"], error.body
        return
    raise AssertionError("no NotFoundError")


@case
def a_conversation_goes_on_over_three_turns(w):
    for model in MODELS:
        for is_streamed in (False, True):
            first = ask(w.client, is_streamed, model=model, input="one", instructions="Be brief.")
            second = ask(w.client, is_streamed, model=model, input="two", previous_response_id=first.id)
            third = ask(w.client, is_streamed, model=model, input="three", previous_response_id=second.id)
            assert len({first.id, second.id, third.id}) == 3
            assert third.previous_response_id == second.id and third.store is not False, third
            items = w.client.responses.input_items.list(third.id, order="asc").data
            said = [part.text for item in items if item.role == "user" for part in item.content]
            assert said == ["one", "two", "three"] and len(items) == 5, items
            if model == "r":
                assert third.output_text == "Items: 5", third.output_text
                assert isinstance(w.keeper.last.json["input"], str), "it is not told what it keeps"
            else:
                assert third.output_text.strip() == "You said: three", third.output_text


@case
def a_tool_loop_goes_on_from_the_calls(w):
    for model in MODELS:
        for is_streamed in (False, True):
            first = ask(w.client, is_streamed, model=model, input="hello", tools=TOOLS)
            calls = [item for item in first.output if item.type == "function_call"]
            assert [call.name for call in calls] == ["weather", "time"], first
            results = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
            more = {"model": model, "tools": TOOLS, "input": results, "previous_response_id": first.id}
            second = ask(w.client, is_streamed, **more)
            assert second.output_text and not second.output_text.isspace(), second


@case
def a_conversation_moves_from_provider_to_provider_in_a_tool_loop(w):
    for begins in MODELS:
        for ends in MODELS:
            first = ask(w.client, False, model=begins, input="hello", tools=TOOLS)
            calls = [item for item in first.output if item.type == "function_call"]
            results = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
            more = {"model": ends, "tools": TOOLS, "input": results, "previous_response_id": first.id}
            second = ask(w.client, True, **more)
            third = ask(w.client, False, model=begins, input="thanks", previous_response_id=second.id)
            assert third.output, (begins, ends, third)


@case
def thoughts_that_stay_with_claude_are_named(w):
    first = w.client.responses.create(model="c", input="one", reasoning={"effort": "low"})
    assert [item.type for item in first.output] == ["reasoning", "message"], first
    named = [{"type": "item_reference", "id": item.id} for item in first.output]
    goes_on = {"input": "two", "previous_response_id": first.id}
    spelled = {"input": [{"role": "user", "content": "one"}, *named, {"role": "user", "content": "two"}]}
    for model in ("m", "r"):
        for asked, field in ((goes_on, "previous_response_id"), (spelled, "input.signature")):
            answer = w.client.responses.with_raw_response.create(model=model, **asked)
            assert answer.headers["x-portcullis-dropped"] == field, (model, answer.headers)
            assert answer.parse().output_text, answer.text
    # Claude itself is told them.
    answer = w.client.responses.with_raw_response.create(model="c", **goes_on)
    assert "x-portcullis-dropped" not in answer.headers, answer.headers


@case
def an_answer_is_shown_replayed_and_deleted(w):
    for model in MODELS:
        answer = w.client.responses.create(model=model, input="hello")
        shown = w.client.responses.retrieve(answer.id)
        assert shown.to_dict() == answer.to_dict(), shown
        events = list(w.client.responses.retrieve(answer.id, stream=True))
        assert events[-1].type == "response.completed" and events[-1].response.id == answer.id, events
        error = refusal(openai.BadRequestError, lambda: w.client.responses.cancel(answer.id))
        assert error.body["message"], error.body
        w.client.responses.delete(answer.id)
        refusal(openai.NotFoundError, lambda: w.client.responses.retrieve(answer.id))
        more = {"model": model, "input": "more", "previous_response_id": answer.id}
        error = refusal(openai.BadRequestError, lambda: w.client.responses.create(**more))
        assert error.code == "previous_response_not_found" and error.param == "previous_response_id", error.body


@case
def another_key_sees_nothing_of_it(w):
    for model in MODELS:
        answer = w.client.responses.create(model=model, input="hello")
        responses = w.other.responses
        for act in (responses.retrieve, responses.delete, responses.cancel, responses.input_items.list):
            refusal(openai.NotFoundError, lambda act=act: act(answer.id))
        more = {"model": model, "input": "more", "previous_response_id": answer.id}
        error = refusal(openai.BadRequestError, lambda more=more: responses.create(**more))
        assert error.code == "previous_response_not_found", error.body
        assert w.client.responses.retrieve(answer.id).id == answer.id


@case
def what_is_not_to_be_kept_is_not(w):
    for model in MODELS:
        answer = w.client.responses.create(model=model, input="hello", store=False)
        assert answer.store is False
        refusal(openai.NotFoundError, lambda: w.client.responses.retrieve(answer.id))


@case
def what_the_gateway_has_not_is_refused_by_name(w):
    more = {"model": "m", "input": "hello", "conversation": "conv_1"}
    error = refusal(openai.BadRequestError, lambda: w.client.responses.create(**more))
    assert error.param == "conversation", error.body


@case
def a_provider_that_lost_it_is_told_the_whole(w):
    first = w.client.responses.create(model="r", input="one")
    w.keeper.kept.clear()
    second = w.client.responses.create(model="r", input="two", previous_response_id=first.id)
    assert second.output_text == "Items: 3", second


@case
def a_conversation_outlives_a_kill_in_its_middle(w):
    answers = {model: ask(w.client, True, model=model, input="one") for model in MODELS}
    w.gateway.kill()
    w.gateway.start()
    client = client_of(w, KEY)
    for model, answer in answers.items():
        second = client.responses.create(model=model, input="two", previous_response_id=answer.id)
        assert len(client.responses.input_items.list(second.id).data) == 3
    log = w.gateway.log.read_text()
    assert "You said" not in log and "Items:" not in log
