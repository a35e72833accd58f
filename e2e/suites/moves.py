"""Conversations that go on with another provider, tools and thoughts included.

The scene is that of `sdk_gemini`.
"""

import json

from google.genai import types

from harness.bench import case
from suites import sdk_gemini
from suites.sdk_gemini import MODELS, SECOND, THIRD, ask, parts
from suites.sdk_gemini.tools import CITY, declared, results_of, turn

NAMES = ("weather", "time")
TOOLS = declared(*NAMES)

scene = sdk_gemini.scene


@case
def openais_sdk_in_front_of_googles_server(w):
    tools = [{"type": "function", "function": {"name": n, "parameters": schema()}} for n in NAMES]
    user = [{"role": "user", "content": "hello"}]
    for model in (SECOND, THIRD):
        plain = w.openai.chat.completions.create(model=model, messages=user, tools=tools)
        with w.openai.chat.completions.stream(model=model, messages=user, tools=tools) as stream:
            final = stream.get_final_completion()
        for answer in (plain, final):
            message = answer.choices[0].message
            assert [json.loads(call.function.arguments) for call in message.tool_calls] == [CITY] * 2, message
            again = [*user, message.model_dump(exclude_none=True)]
            again += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
            said = w.openai.chat.completions.create(model=model, messages=again, tools=tools)
            assert said.choices[0].message.content == "Results: 2", said


def schema() -> dict:
    inner = {"city": {"type": "string", "minLength": 1}, "when": {"type": ["string", "null"], "const": "now"}}
    return {"type": "object", "properties": inner, "required": ["city"], "additionalProperties": False, "$defs": {}}


@case
def anthropics_sdk_in_front_of_googles_server(w):
    tools = [{"name": n, "description": n, "input_schema": schema()} for n in NAMES]
    user = [{"role": "user", "content": "hello"}]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    for model in (SECOND, THIRD):
        asked = {"model": model, "max_tokens": 4000, "tools": tools, "thinking": thinking}
        plain = w.anthropic.messages.create(messages=user, **asked)
        with w.anthropic.messages.stream(messages=user, **asked) as stream:
            final = stream.get_final_message()
        for answer in (plain, final):
            calls = [block for block in answer.content if block.type == "tool_use"]
            assert [call.input for call in calls] == [CITY] * 2, answer
            assert answer.content[0].type == "thinking" and answer.stop_reason == "tool_use", answer
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
            again = [*user, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
            said = w.anthropic.messages.create(messages=again, **asked)
            assert said.content[-1].text == "Results: 2", said


@case
def anthropics_conversation_moves_between_providers_in_a_loop_of_tools(w):
    tools = [{"name": n, "description": n, "input_schema": schema()} for n in NAMES]
    user = [{"role": "user", "content": "hello"}]
    asked = {"max_tokens": 4000, "tools": tools, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    for begun in MODELS:
        answer = w.anthropic.messages.create(model=begun, messages=user, **asked)
        calls = [block for block in answer.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
        again = [*user, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
        for other in MODELS:
            said = w.anthropic.messages.create(model=other, messages=again, **asked)
            assert said.content[-1].type == "text", (begun, other, said)


@case
def a_conversation_moves_between_providers_in_a_loop_of_tools(w):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    for begun in MODELS:
        answer = ask(w, begun, tools=TOOLS, max_output_tokens=4000)
        again = turn(parts(answer), results_of(answer.function_calls))
        for other in MODELS:
            more = {"tools": TOOLS, "max_output_tokens": 4000}
            said = ask(w, other, contents=again, **more)
            assert said.text and not said.function_calls, (begun, other, said)
            if other != "m":
                assert ask(w, other, contents=again, thinking_config=thinking, **more).text, (begun, other)


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.claude.violations + w.google.violations
    assert found == [], set(found)
