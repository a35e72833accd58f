"""Providers that differ from OpenAI's dialect, in front of unchanged SDKs.

Each model is named after the kind of server that answers for it. The servers
are strict; the gateway knows from its catalogue what they want otherwise, and
of one from the configuration alone.
"""

import json

import anthropic
import openai

from fake_quirks import THOUGHT, FakeQuirky
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

KINDS = ("mistral", "groq", "deepseek", "openrouter", "minimax")
USER = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
NAMES = ("weather", "time")
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES]
CLAUDES = [{"name": name, "description": name, "input_schema": SCHEMA} for name in NAMES]
CITY = {"city": "Zürich"}
# A server that no catalogue lists, and what its operator writes down.
HOUSE = """
    quirks:
      request:
        - { at: [max_completion_tokens], rename: max_tokens }
        - { at: ["messages[].role"], values: { developer: system } }
        - { at: ["messages[]"], allow: [role, content, tool_calls, tool_call_id] }
        - { at: [stream_options, store], drop: nothing }
      tool_call_ids: { exactly: 9 }
      strict_turns: true
      earlier_thoughts: drop
      thoughts: [parts]
"""


def scene(bench):
    kinds = (*KINDS, "perplexity", "house")
    fakes = {kind: bench.enter(FakeQuirky(UPSTREAM_KEY, "mistral" if kind == "house" else kind)) for kind in kinds}
    providers = "".join(
        f"""
  {kind}:
    base_url: {fake.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{kind}-model]
{HOUSE if kind == "house" else ""}"""
        for kind, fake in fakes.items()
    )
    # The fakes know two models only.
    models = "".join(f"\n  - name: {kind}\n    deployments: [{{provider: {kind}, model: m}}]" for kind in kinds)
    world = fake_and_gateway(bench, more=f"models:{models}\n", providers=providers)
    world.fakes = fakes
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    return world


def plain(w, **asked):
    return w.openai.chat.completions.create(**asked)


def streamed(w, **asked):
    with w.openai.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        return stream.get_final_completion()


@case
def openais_sdk_goes_through_a_loop_of_tools(w):
    for kind in (*KINDS, "house"):
        for ask in (plain, streamed):
            more = {"model": kind, "tools": TOOLS, "max_completion_tokens": 500}
            system = [{"role": "developer", "content": "Be brief."}, *USER]
            first = ask(w, messages=system, **more)
            message = first.choices[0].message
            assert first.choices[0].finish_reason == "tool_calls", (kind, first)
            assert [json.loads(call.function.arguments) for call in message.tool_calls] == [CITY] * 2, (kind, message)
            # As people do it: all that came goes back, with every empty place.
            again = [*system, message.model_dump()]
            again[-1].pop("parsed", None)
            for call in again[-1]["tool_calls"]:
                call["function"].pop("parsed_arguments", None)
            again += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
            said = ask(w, messages=again, **more)
            assert said.choices[0].message.content.strip() == "You said: hello", (kind, said)


@case
def thoughts_are_read_in_one_place_whoever_thought(w):
    for kind in (*KINDS, "perplexity", "house"):
        for ask in (plain, streamed):
            message = ask(w, model=kind, messages=USER).choices[0].message
            assert message.reasoning_content.strip() == THOUGHT, (kind, message)
            assert message.content.strip() == "You said: hello", (kind, message)


@case
def what_was_used_comes_once_at_the_end_of_a_stream(w):
    for kind in (*KINDS, "perplexity", "house"):
        for wanted in (True, False):
            options = {"stream_options": {"include_usage": True}} if wanted else {}
            chunks = list(w.openai.chat.completions.create(model=kind, messages=USER, stream=True, **options))
            used = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
            assert used == ([18] if wanted else []), (kind, wanted, used)
            roles = [chunk.choices[0].delta.role for chunk in chunks if chunk.choices]
            assert roles[0] == "assistant", (kind, roles)


@case
def anthropics_sdk_goes_through_a_loop_of_tools(w):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    for kind in (*KINDS, "house"):
        asked = {"model": kind, "max_tokens": 4000, "tools": CLAUDES, "thinking": thinking}
        first = w.anthropic.messages.create(messages=USER, **asked)
        with w.anthropic.messages.stream(messages=USER, **asked) as stream:
            final = stream.get_final_message()
        for answer in (first, final):
            calls = [block for block in answer.content if block.type == "tool_use"]
            assert [call.input for call in calls] == [CITY] * 2, (kind, answer)
            assert answer.content[0].type == "thinking", (kind, answer)
            assert answer.content[0].thinking.strip() == THOUGHT, (kind, answer)
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
            again = [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
            said = w.anthropic.messages.create(messages=again, **asked)
            assert said.content[-1].text.strip() == "You said: hello", (kind, said)


@case
def a_loop_of_tools_moves_between_them(w):
    for begun in ("m", *KINDS):
        first = plain(w, model=begun, messages=USER, tools=TOOLS).choices[0].message
        # Many frameworks keep nothing but these.
        calls = [call.model_dump() for call in first.tool_calls]
        again = [*USER, {"role": "assistant", "content": first.content, "tool_calls": calls}]
        again += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.tool_calls]
        for other in KINDS:
            if other == "minimax" and begun != "minimax":
                continue  # Its thoughts are its own.
            message = again[1] if other != "minimax" else first.model_dump()
            turns = [*USER, message, *again[2:]]
            for ask in (plain, streamed):
                said = ask(w, model=other, messages=turns, tools=TOOLS)
                assert said.choices[0].message.content.strip() == "You said: hello", (begun, other, said)


@case
def people_and_operators_speak_behind_results(w):
    for kind in ("mistral", "house"):
        first = plain(w, model=kind, messages=USER, tools=TOOLS).choices[0].message
        calls = [call.model_dump() for call in first.tool_calls]
        loop = [*USER, {"role": "assistant", "tool_calls": calls}]
        loop += [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls]
        person = {"role": "user", "content": "now"}
        for more in ([person], [{"role": "developer", "content": "Be brief."}, person]):
            for ask in (plain, streamed):
                said = ask(w, model=kind, messages=[*loop, *more], tools=TOOLS)
                assert said.choices[0].message.tool_calls or said.choices[0].message.content, (kind, said)
        begun = [*USER, {"role": "assistant", "content": "Well,"}]
        assert plain(w, model=kind, messages=begun).choices[0].message.content, kind
        # As Claude Code does with every result: a reminder beside it.
        asked = {"model": kind, "max_tokens": 400, "tools": CLAUDES}
        uses = [{"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": CITY} for name in NAMES]
        results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "sunny"} for use in uses]
        results.append({"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"})
        again = [*USER, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]
        assert w.anthropic.messages.create(messages=again, **asked).content, kind


@case
def what_is_left_out_is_named_and_what_changes_the_meaning_refused(w):
    raw = w.openai.chat.completions.with_raw_response
    asked = {"model": "mistral", "messages": USER, "store": True, "user": "ann"}
    answer = raw.create(**asked)
    assert answer.headers["x-portcullis-dropped"] == "store, user", answer.headers
    try:
        raw.create(**asked, logit_bias={"1": 2})
        raise AssertionError("logit_bias went to Mistral")
    except openai.BadRequestError as error:
        assert error.param == "logit_bias" and "mistral" in error.message, error


@case
def nothing_went_upstream_that_should_not(w):
    found = [each for fake in (w.fake, *w.fakes.values()) for each in fake.violations]
    assert found == [], set(found)
