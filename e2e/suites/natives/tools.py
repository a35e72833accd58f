"""Parallel tools in loops, under every SDK; answers by a schema."""

import json

import pydantic
from google.genai import types

from harness.bench import case
from suites.natives import (
    CITY,
    CLAUDES,
    GEMMA,
    MODELS,
    NAMES,
    PLAIN,
    SCHEMA,
    THINKER,
    TOOLS,
    USER,
    ask,
    claude,
    claude_stream,
    said,
    stream,
)


@case
def parallel_tools_and_their_results(w):
    for model in MODELS:
        for answer in (ask(w, model, tools=TOOLS), stream(w, model, tools=TOOLS)[1]):
            [choice] = answer.choices
            calls = choice.message.tool_calls
            assert [(c.function.name, json.loads(c.function.arguments)) for c in calls] == [(n, CITY) for n in NAMES]
            assert choice.finish_reason == "tool_calls" and len({c.id for c in calls}) == 2, answer
            again = [*USER, choice.message.model_dump(exclude_none=True)]
            # In another order than they were called, as agents do.
            again += [{"role": "tool", "tool_call_id": c.id, "content": "sunny"} for c in reversed(calls)]
            for more in (ask(w, model, again, tools=TOOLS), stream(w, model, again, tools=TOOLS)[1]):
                assert more.choices[0].message.content == "Results: 2", more


@case
def parallel_tools_of_anthropics_sdk(w):
    for model in MODELS:
        for answer in (claude(w, model, tools=CLAUDES), claude_stream(w, model, tools=CLAUDES)[1]):
            calls = [block for block in answer.content if block.type == "tool_use"]
            assert [(call.name, call.input) for call in calls] == [(n, CITY) for n in NAMES], answer
            assert answer.stop_reason == "tool_use", answer
            results = [{"type": "tool_result", "tool_use_id": c.id, "content": "sunny"} for c in calls]
            again = [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
            assert said(claude(w, model, again, tools=CLAUDES).content) == "Results: 2"
            assert said(claude_stream(w, model, again, tools=CLAUDES)[1].content) == "Results: 2"


@case
def a_conversation_moves_between_providers_in_a_loop_of_tools(w):
    asked = {"tools": CLAUDES, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    for begun in ("m", *MODELS):
        answer = claude(w, begun, **asked)
        calls = [block for block in answer.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": c.id, "content": "sunny"} for c in calls]
        again = [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
        for other in ("m", *MODELS):
            more = claude(w, other, again, **asked)
            assert said(more.content) and more.stop_reason == "end_turn", (begun, other, more)


@case
def parallel_tools_of_googles_sdk(w):
    declared = [types.FunctionDeclaration(name=n, description=n, parameters_json_schema=SCHEMA) for n in ("weather", "time")]
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declared)])
    for model in MODELS:
        plain = w.google.models.generate_content(model=model, contents="hello", config=config)
        chunks = list(w.google.models.generate_content_stream(model=model, contents="hello", config=config))
        streamed = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        for parts in (plain.candidates[0].content.parts, streamed):
            calls = [part.function_call for part in parts if part.function_call]
            assert [(call.name, call.args) for call in calls] == [("weather", CITY), ("time", CITY)], parts
            results = [types.Part.from_function_response(name=c.name, response={"sky": "blue"}) for c in calls]
            again = [types.UserContent("hello"), types.ModelContent(parts), types.Content(role="user", parts=results)]
            answer = w.google.models.generate_content(model=model, contents=again, config=config)
            assert answer.text == "Results: 2", answer


@case
def parallel_tools_of_openais_responses(w):
    tools = [{"type": "function", "name": n, "description": n, "parameters": SCHEMA} for n in ("weather", "time")]
    for model in MODELS:
        plain = w.openai.responses.create(model=model, input="hello", tools=tools)
        with w.openai.responses.stream(model=model, input="hello", tools=tools) as events:
            streamed = events.until_done().get_final_response()
        for answer in (plain, streamed):
            calls = [item for item in answer.output if item.type == "function_call"]
            assert [(c.name, json.loads(c.arguments)) for c in calls] == [("weather", CITY), ("time", CITY)], answer
            results = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
            more = w.openai.responses.create(model=model, previous_response_id=answer.id, input=results, tools=tools)
            assert more.output_text == "Results: 2", more


@case
def a_tool_can_be_demanded_by_name(w):
    choice = {"type": "function", "function": {"name": NAMES[1]}}
    for model in MODELS:
        assert ask(w, model, tools=TOOLS, tool_choice="none").choices[0].message.content == "You said: hello"
        [call] = ask(w, model, tools=TOOLS, tool_choice=choice).choices[0].message.tool_calls
        assert call.function.name == NAMES[1], call


@case
def calls_without_ids_get_others_in_every_turn(w):
    ids = set()
    for _ in range(3):
        calls = ask(w, GEMMA, tools=TOOLS).choices[0].message.tool_calls
        calls += stream(w, GEMMA, tools=TOOLS)[1].choices[0].message.tool_calls
        ids |= {call.id for call in calls}
    assert len(ids) == 12 and all(ids), ids


class Person(pydantic.BaseModel):
    name: str
    age: int


@case
def an_answer_by_a_schema(w):
    for model in MODELS:
        answer = w.openai.chat.completions.parse(model=model, messages=USER, response_format=Person)
        assert answer.choices[0].message.parsed == Person(name="Ada", age=36), answer


@case
def an_answer_by_a_schema_beside_tools(w):
    strict = [t | {"function": t["function"] | {"strict": True}} for t in TOOLS]
    schema = {"name": "person", "schema": Person.model_json_schema()}
    asked = {"tools": strict, "response_format": {"type": "json_schema", "json_schema": schema}}
    for answer in (ask(w, PLAIN, **asked), stream(w, THINKER, **asked)[1]):
        # This server calls whatever tools there are.
        message = answer.choices[0].message
        assert len(message.tool_calls) == 2 and json.loads(message.content) == CITY, answer
    assert ask(w, PLAIN, tool_choice="none", **asked).choices[0].message.content == '{"name": "Ada", "age": 36}'
    answer = ask(w, GEMMA, **asked)
    assert len(answer.choices[0].message.tool_calls) == 2, answer
    assert "JSON Schema" in w.ollama.last.json["messages"][0]["content"], w.ollama.last.json
