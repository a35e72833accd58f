"""OpenAI's Responses by its Python SDK, in front of a server of chat completions."""

import json

import openai

from harness.bench import case
from harness.gateway import KEY
from suites.common import fake_and_gateway

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in ("weather", "time")]
CITY = {"city": "Zürich"}


def scene(bench):
    world = fake_and_gateway(bench)
    world.client = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    return world


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
