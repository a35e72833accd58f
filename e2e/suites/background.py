"""OpenAI's Responses in the background, by its Python SDK: asked after, followed,
stopped, and what becomes of them when their process ends.

The model `m` is of a server of chat completions, `c` of one of Anthropic's
Messages, `r` of one of Responses that keeps conversations itself.
"""

import asyncio
import json
import threading
import time

import httpx
import openai

from harness.bench import case, until
from harness.gateway import KEY
from suites import sdk_responses
from suites.policies import stream
from suites.sdk_responses import MODELS, TOOLS, client_of, refusal

GOING_ON = ("queued", "in_progress")


def scene(bench):
    world = sdk_responses.scene(bench)
    # Connections that a kill resets are no news.
    world.fake.server.handle_error = lambda *_: None
    return world


class Held:
    """An answer of the model `m` that begins, and ends when it is let go."""

    def __init__(self, w, is_stream=False):
        self.gate, self.w = threading.Event(), w
        if is_stream:
            w.fake.next(pieces=stream("one", " two", " three"), gate=self.gate)
        else:
            message = {"role": "assistant", "content": "one two three"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
            pieces = [body[:20].encode(), body[20:].encode()]
            w.fake.next(pieces=pieces, gate=self.gate, headers={"content-type": "application/json"})
        self.asked, self.hung_up = len(w.fake.requests), w.fake.hung_up

    def is_asked(self) -> None:
        until(lambda: len(self.w.fake.requests) > self.asked, 5, "the upstream is asked")

    def is_given_up(self, within: float = 2) -> None:
        until(lambda: self.w.fake.hung_up > self.hung_up, within, "the upstream request is cancelled")


def begin(w, **more):
    answer = w.client.responses.create(**{"model": "m", "input": "hello", "background": True} | more)
    if not more.get("stream"):
        assert answer.status in GOING_ON and answer.background is True and answer.output == [], answer
    return answer


def ended(w, id: str):
    """The response once it is over."""
    return until(lambda: (it := w.client.responses.retrieve(id)).status not in GOING_ON and it, 10, f"{id} ends")


def row(w, id: str) -> dict:
    """Its one row of the ledger."""
    return w.gateway.row("req_" + id.removeprefix("resp_"))


@case
def a_response_is_asked_after_until_it_is_completed(w):
    for model in MODELS:
        for more in ({}, {"stream": False, "metadata": {"a": "b"}}):
            queued = begin(w, model=model, **more)
            answer = ended(w, queued.id)
            assert (answer.status, answer.id) == ("completed", queued.id), answer
            assert answer.created_at == queued.created_at and answer.background is True and answer.store is True
            assert answer.metadata == (queued.metadata or {}) and answer.usage.output_tokens > 0, answer
            second = w.client.responses.create(model=model, input="more", previous_response_id=answer.id)
            assert len(w.client.responses.input_items.list(second.id).data) == 3
            assert row(w, queued.id)["outcome"] == "complete"
    asked = w.keeper.requests[-2].json
    assert asked["store"] is False and "background" not in asked, asked


@case
def a_conversation_and_a_tool_loop_go_on_through_it(w):
    for model in MODELS:
        first = w.client.responses.create(model=model, input="hello", tools=TOOLS)
        calls = [item for item in first.output if item.type == "function_call"]
        results = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
        more = {"model": model, "tools": TOOLS, "input": results, "previous_response_id": first.id}
        second = ended(w, begin(w, **more).id)
        assert second.status == "completed" and second.previous_response_id == first.id, second
        third = ended(w, begin(w, model=model, input="hello", tools=TOOLS).id)
        assert [it.name for it in third.output if it.type == "function_call"] == ["weather", "time"], third
        last = list(begin(w, model=model, input="thanks", previous_response_id=second.id, stream=True))[-1]
        assert last.type == "response.completed" and last.response.output_text.strip(), last


@case
def the_async_client_does_the_same(w):
    async def talk():
        client = openai.AsyncOpenAI(base_url=w.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
        queued = await client.responses.create(model="m", input="hello", background=True)
        while (answer := await client.responses.retrieve(queued.id)).status in GOING_ON:
            await asyncio.sleep(0.02)
        assert answer.output_text == "You said: hello", answer
        events = await client.responses.create(model="c", input="hello", background=True, stream=True)
        return [event async for event in events]

    events = asyncio.run(talk())
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed" and events[-1].response.output_text, events[-1]


@case
def a_stream_is_picked_up_where_it_was_left(w):
    for model in MODELS:
        events = list(begin(w, model=model, stream=True))
        names = [event.type for event in events]
        assert names[:3] == ["response.created", "response.queued", "response.in_progress"], names
        assert [event.sequence_number for event in events] == list(range(len(events)))
        id = events[0].response.id
        assert events[0].response.status == "queued" and events[-1].response.id == id
        for cursor in (None, 0, 4, len(events) - 2):
            more = {} if cursor is None else {"starting_after": cursor}
            again = list(w.client.responses.retrieve(id, stream=True, **more))
            assert again == events[0 if cursor is None else cursor + 1 :], (model, cursor)
        said = events[-1].response.output_text
        with w.client.responses.stream(response_id=id, starting_after=2) as following:
            assert following.get_final_response().output_text == said
        with w.client.responses.stream(model=model, input="hello", background=True) as helped:
            assert helped.get_final_response().output_text == said or model == "r"


@case
def who_hangs_up_stops_nothing(w):
    held = Held(w, is_stream=True)
    events = begin(w, stream=True)
    first = [next(events) for _ in range(6)]
    events.close()
    id = first[0].response.id
    # A client that comes back while it goes on.
    cursor = first[-1].sequence_number
    following = w.client.responses.retrieve(id, stream=True, starting_after=cursor)
    held.gate.set()
    rest = list(following)
    numbers = [event.sequence_number for event in first + rest]
    assert numbers == list(range(len(numbers))) and rest[-1].type == "response.completed", numbers
    assert ended(w, id).output_text == "one two three"
    # One that is gone with its connection, at once.
    held = Held(w)
    headers = {"authorization": f"Bearer {KEY}", "connection": "close"}
    body = {"model": "m", "input": "hello", "background": True}
    queued = httpx.post(w.gateway.base_url + "/responses", json=body, headers=headers).json()
    held.is_asked()
    held.gate.set()
    assert ended(w, queued["id"]).output_text == "one two three"
    for each in (id, queued["id"]):
        assert row(w, each)["outcome"] == "complete"
    assert held.hung_up == w.fake.hung_up, "nothing was cancelled"


@case
def cancelling_stops_the_upstream_and_twice_is_once(w):
    for is_stream in (False, True):
        held = Held(w, is_stream)
        if is_stream:
            events = begin(w, stream=True)
            id = next(events).response.id
        else:
            id = begin(w).id
        held.is_asked()
        begun = time.monotonic()
        cancelled = w.client.responses.cancel(id)
        assert cancelled.status == "cancelled" and cancelled.id == id, cancelled
        assert time.monotonic() - begun < 1
        held.is_given_up()
        assert w.client.responses.cancel(id).to_dict() == cancelled.to_dict()
        assert w.client.responses.retrieve(id).status == "cancelled"
        if is_stream:
            assert list(events)[-1].type == "response.cancelled"
        assert row(w, id)["outcome"] == "client_left"
    done = ended(w, begin(w).id)
    assert w.client.responses.cancel(done.id).to_dict() == done.to_dict(), "what is over stays as it is"
    waited_for = w.client.responses.create(model="m", input="hello")
    refusal(openai.BadRequestError, lambda: w.client.responses.cancel(waited_for.id))


@case
def deleting_stops_it_too(w):
    held = Held(w)
    id = begin(w).id
    held.is_asked()
    w.client.responses.delete(id)
    held.is_given_up()
    refusal(openai.NotFoundError, lambda: w.client.responses.retrieve(id))
    assert row(w, id)["outcome"] == "client_left"


@case
def a_failure_says_why(w):
    w.fake.next(status=400, body=b'{"error": {"message": "No such thing.", "type": "invalid_request_error"}}')
    failed = ended(w, begin(w).id)
    assert failed.status == "failed" and "No such thing." in failed.error.message, failed
    w.fake.next(pieces=stream("one", "two")[:2])
    events = list(begin(w, stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.message, events[-1]
    assert w.client.responses.retrieve(events[0].response.id).status == "failed"


@case
def what_cannot_be_is_refused_by_name(w):
    error = refusal(openai.BadRequestError, lambda: begin(w, store=False))
    assert error.param == "store", error.body
    held = Held(w)
    id = begin(w).id
    assert "portcullis_responses_in_background 1" in httpx.get(w.gateway.admin_url + "/metrics").text
    error = refusal(openai.BadRequestError, lambda: begin(w, previous_response_id=id))
    assert error.param == "previous_response_id" and "in progress" in error.body["message"], error.body
    for act in (w.other.responses.retrieve, w.other.responses.cancel, w.other.responses.delete):
        refusal(openai.NotFoundError, lambda act=act: act(id))
    held.gate.set()
    assert ended(w, id).status == "completed"


@case
def what_was_worked_on_at_a_kill_has_failed_and_is_in_the_ledger(w):
    held = [Held(w), Held(w, is_stream=True)]
    ids = [begin(w).id]
    held[0].is_asked()
    ids.append(next(begin(w, stream=True)).response.id)
    until(lambda: len(w.fake.requests) > held[0].asked + 1, 5, "both are asked")
    done = [ended(w, begin(w, model=model).id) for model in MODELS]
    w.gateway.kill()
    w.gateway.start()
    w.client, w.other = (client_of(w, key) for key in (KEY, sdk_responses.OTHER))
    for id in ids:
        failed = ended(w, id)
        assert failed.status == "failed" and "stopped" in failed.error.message, failed
        assert list(w.client.responses.retrieve(id, stream=True, starting_after=40))[-1].type == "response.failed"
        assert w.client.responses.cancel(id).status == "failed"
        assert row(w, id)["outcome"] == "lost"
    for answer in done:
        assert w.client.responses.retrieve(answer.id).to_dict() == answer.to_dict()


@case
def at_the_end_of_its_process_it_may_finish_in_time(w):
    held = Held(w)
    finishes = begin(w).id
    held.is_asked()
    w.gateway.process.terminate()
    until(lambda: "stopping" in w.gateway.log.read_text(), 3, "the gateway stops")
    held.gate.set()
    assert w.gateway.process.wait(5) == 0
    # One that does not is cut when nobody waits any longer.
    w.gateway.config.write_text(w.gateway.config.read_text() + "drain_timeout: 1s\n")
    w.gateway.start()
    w.client = client_of(w, KEY)
    assert w.client.responses.retrieve(finishes).output_text == "one two three"
    held = Held(w, is_stream=True)
    is_cut = next(begin(w, stream=True)).response.id
    held.is_asked()
    assert w.gateway.stop(6) == 0
    held.is_given_up()
    w.gateway.start()
    w.client = client_of(w, KEY)
    failed = w.client.responses.retrieve(is_cut)
    assert failed.status == "failed" and failed.error.message, failed
    assert [row(w, id)["outcome"] for id in (finishes, is_cut)] == ["complete", "client_left"]


@case
def another_process_that_takes_over_shows_and_stops_it(w):
    w.gateway.config.write_text(w.gateway.config.read_text().replace("drain_timeout: 1s", "drain_timeout: 20s"))
    w.gateway.stop()
    w.gateway.start()
    w.client = client_of(w, KEY)
    held, ids = [], []
    for _ in range(3):
        held.append(Held(w))
        ids.append(begin(w).id)
        held[-1].is_asked()
    elder = w.gateway.take_over()
    w.client = client_of(w, KEY)
    finishes, stopped, killed = ids
    for id in ids:
        assert w.client.responses.retrieve(id).status == "in_progress"
    following = w.client.responses.retrieve(finishes, stream=True)
    assert w.client.responses.cancel(stopped).status == "cancelled"
    held[1].is_given_up(3)
    held[0].gate.set()
    assert list(following)[-1].type == "response.completed"
    assert ended(w, finishes).output_text == "one two three"
    assert w.client.responses.retrieve(stopped).status == "cancelled"
    assert elder.poll() is None, "it works on the third"
    elder.kill()
    elder.wait()
    failed = ended(w, killed)
    assert failed.status == "failed" and "stopped" in failed.error.message, failed
    outcomes = [row(w, id)["outcome"] for id in ids]
    assert outcomes == ["complete", "client_left", "lost"], outcomes


@case
def nothing_of_it_is_in_the_log(w):
    log = w.gateway.log.read_text()
    assert "one two three" not in log and "You said" not in log
