"""Responses that go on from each other, whoever answers; what is kept of them."""

import json
import time

import openai

from suites.matrix.clients import Responses
from suites.matrix.scenery import OTHERS, each
from suites.matrix.tools import CITY, ZURICH

TOOLS = [{"type": "function", "name": name, "parameters": CITY, "strict": False} for name in ("weather", "time")]
CUSTOM = [{"type": "custom", "name": "patch", "description": "Applies a patch."}]


def create(client, is_streamed, **asked):
    if not is_streamed:
        return client.sdk.responses.create(**asked)
    with client.sdk.responses.stream(**asked) as stream:
        return stream.until_done().get_final_response()


@each(clients=(Responses,))
def a_conversation_goes_on_by_its_id_with_anyone(w, client, target, is_streamed):
    first = create(client, is_streamed, model=target.name, input="hello", tools=TOOLS)
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [ZURICH] * 2, first
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
    for other in OTHERS if not is_streamed else [target]:
        more = create(client, is_streamed, model=other.name, previous_response_id=first.id, input=results, tools=TOOLS)
        assert more.previous_response_id == first.id and more.output_text, (other.name, more)
    kept = client.sdk.responses.retrieve(more.id)
    assert kept.output_text == more.output_text and kept.status == "completed", kept
    items = client.sdk.responses.input_items.list(more.id, order="asc").data
    assert [item.type for item in items][-2:] == ["function_call_output"] * 2, items
    client.sdk.responses.delete(more.id)
    try:
        client.sdk.responses.retrieve(more.id)
    except openai.NotFoundError:
        return
    raise AssertionError("it is still there")


@each(clients=(Responses,))
def a_tool_of_free_form(w, client, target, is_streamed):
    first = create(client, is_streamed, model=target.name, input="hello", tools=CUSTOM)
    calls = [item for item in first.output if item.type == "custom_tool_call"]
    assert [call.name for call in calls] == ["patch"] and isinstance(calls[0].input, str), first
    results = [{"type": "custom_tool_call_output", "call_id": calls[0].call_id, "output": "done"}]
    more = create(client, is_streamed, model=target.name, previous_response_id=first.id, input=results, tools=CUSTOM)
    assert more.output_text, more


@each(clients=(Responses,), ways=("plain",))
def a_tool_of_openais_own_is_left_out_and_told(w, client, target, is_streamed):
    tools = [{"type": "file_search", "vector_store_ids": ["vs_1"]}]
    answer = client.sdk.responses.with_raw_response.create(model=target.name, input="hello", tools=tools)
    assert answer.headers["x-portcullis-dropped"] == "tools[0]", answer.headers
    assert answer.parse().output_text.strip() == "You said: hello"


@each(clients=(Responses,), ways=("plain",))
def what_runs_in_the_background_is_there_later(w, client, target, is_streamed):
    first = client.sdk.responses.create(model=target.name, input="hello", background=True)
    assert first.status in ("queued", "in_progress"), first
    until = time.monotonic() + 20
    answer = first
    while answer.status in ("queued", "in_progress"):
        assert time.monotonic() < until, answer
        time.sleep(0.05)
        answer = client.sdk.responses.retrieve(first.id)
    assert answer.status == "completed", answer
    assert answer.output_text.strip() == "You said: hello", answer
