"""Functions: one, several at once, over turns, called by the SDK itself."""

import json

from google.genai import types

from harness.bench import case
from suites.sdk_gemini import MODELS, SECOND, THIRD, ask, parts, stream

SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "Where"}}, "required": ["city"]}
CITY = {"city": "Zürich"}


def declared(*names, older: bool = False):
    """A tool of these functions; their schema in JSON Schema, or in Google's older one."""
    if older:
        schema = {"parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": True}}}}
    else:
        schema = {"parameters_json_schema": SCHEMA}
    functions = [types.FunctionDeclaration(name=name, description=f"The {name}", **schema) for name in names]
    return [types.Tool(function_declarations=functions)]


def turn(answer_parts: list, results: list) -> list:
    """A conversation up to the results of these calls."""
    said = types.UserContent(parts=[types.Part(text="hello")])
    return [said, types.Content(role="model", parts=answer_parts), types.Content(role="user", parts=results)]


def results_of(calls: list, is_named: bool = True) -> list:
    out = []
    for call in calls:
        response = types.FunctionResponse(name=call.name, response={"sky": f"sunny in {call.args['city']}"})
        response.id = call.id if is_named else None
        out.append(types.Part(function_response=response))
    return out


@case
def one_function_and_its_result(w):
    for model in MODELS:
        for older in (False, True):
            tools = declared("weather", older=older)
            answer = ask(w, model, tools=tools)
            [call] = answer.function_calls
            assert (call.name, call.args) == ("weather", CITY), answer
            assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
            again = ask(w, model, turn(parts(answer), results_of([call])), tools=tools)
            assert again.text and not again.function_calls, again
        told = {"m": w.fake, "c": w.claude}.get(model, w.google).last.json
        assert "sunny in " in json.dumps(told), told


@case
def parallel_functions_whole_and_streamed(w):
    tools = declared("weather", "time", "news")
    for model in MODELS:
        chunks = stream(w, model, tools=tools)
        whole = ask(w, model, tools=tools)
        for all_parts in (parts(whole), [part for chunk in chunks for part in parts(chunk)]):
            calls = [part.function_call for part in all_parts if part.function_call]
            assert [(call.name, call.args) for call in calls] == [(n, CITY) for n in ("weather", "time", "news")], calls
            again = ask(w, model, turn(all_parts, results_of(calls)), tools=tools)
            assert again.text and not again.function_calls, again


@case
def results_without_ids_and_in_another_order(w):
    tools = declared("weather", "time")
    for model in MODELS:
        answer = ask(w, model, tools=tools)
        calls = answer.function_calls
        bare = [part.model_copy(deep=True) for part in parts(answer)]
        for part in bare:
            if part.function_call:
                part.function_call.id = None
        results = results_of(calls, is_named=False)
        for order in (results, results[::-1]):
            again = ask(w, model, turn(bare, order), tools=tools)
            assert again.text and not again.function_calls, again
    paired = [block for block in w.claude.last.json["messages"][-1]["content"] if block["type"] == "tool_result"]
    assert len({block["tool_use_id"] for block in paired}) == 2, paired


@case
def calls_that_came_in_pieces_of_a_stream(w):
    """As Google's SDK keeps them: each piece a content, an empty one at the end."""
    tools = declared("weather", "time")
    said = types.UserContent(parts=[types.Part(text="hello")])
    for model in ("m", "c"):
        calls = [part for part in parts(ask(w, model, tools=tools)) if part.function_call]
        pieces = [[call] for call in calls] + [[types.Part(text="")]]
        contents = [said, *(types.Content(role="model", parts=piece) for piece in pieces)]
        results = results_of([call.function_call for call in calls], is_named=False)
        again = ask(w, model, [*contents, types.Content(role="user", parts=results)], tools=tools)
        assert again.text and not again.function_calls, again


@case
def two_calls_of_the_same_function(w):
    tools = declared("weather")
    for model in MODELS:
        parts_of = parts(ask(w, model, tools=tools))
        [first] = [part for part in parts_of if part.function_call]
        second = types.Part.from_function_call(name="weather", args={"city": "Bern"})
        bare = first.model_copy(deep=True)
        bare.function_call.id = None
        both = [bare, second]
        results = results_of([bare.function_call, second.function_call], is_named=False)
        again = ask(w, model, turn(both, results), tools=tools)
        assert again.text, again


@case
def a_loop_of_tools_over_three_turns(w):
    tools = declared("weather", "time")
    for model in MODELS:
        contents = [types.UserContent(parts=[types.Part(text="hello")])]
        for number in range(3):
            answer = ask(w, model, contents, tools=tools)
            calls = answer.function_calls
            assert len(calls) == 2, (model, number, answer)
            contents += turn(parts(answer), results_of(calls))[1:]
            last = ask(w, model, contents, tools=tools)
            assert last.text, last
            contents += [last.candidates[0].content, types.UserContent(parts=[types.Part(text=f"and {number}?")])]


@case
def the_sdk_calls_functions_by_itself(w):
    asked = []

    def weather(city: str) -> dict:
        """The weather somewhere."""
        asked.append(city)
        return {"sky": "sunny"}

    for model in MODELS:
        asked.clear()
        answer = ask(w, model, tools=[weather])
        assert answer.text and asked == ["Zürich"], (model, answer)
        history = answer.automatic_function_calling_history
        assert [content.role for content in history][:3] == ["user", "model", "user"], history


@case
def the_sdk_calls_functions_in_a_chat_and_in_a_stream(w):
    asked = []

    def weather(city: str) -> dict:
        """The weather somewhere."""
        asked.append(city)
        return {"sky": "sunny"}

    for model in MODELS:
        asked.clear()
        chat = w.client.chats.create(model=model, config={"tools": [weather]})
        assert chat.send_message("hello").text
        assert "".join(chunk.text or "" for chunk in chat.send_message_stream("again"))
        assert asked == ["Zürich"] * 2, (model, asked)


@case
def a_function_that_must_be_called_and_none_that_may(w):
    tools = declared("weather", "time")
    for model, seen in (("m", w.fake), ("c", w.claude), (SECOND, w.google), (THIRD, w.google)):
        calling = {"mode": "ANY", "allowed_function_names": ["time"]}
        answer = ask(w, model, tools=tools, tool_config={"function_calling_config": calling})
        assert answer.function_calls, answer
        chosen = json.dumps(seen.last.json.get("tool_choice") or seen.last.json["toolConfig"])
        assert "time" in chosen, chosen
        ask(w, model, tools=tools, tool_config={"function_calling_config": {"mode": "NONE"}})


@case
def a_function_without_parameters(w):
    tools = [types.Tool(function_declarations=[types.FunctionDeclaration(name="now", description="The time")])]
    for model in MODELS:
        assert [call.name for call in ask(w, model, tools=tools).function_calls] == ["now"]


@case
def openais_tools_in_front_of_geminis_server(w):
    messages = [{"role": "user", "content": "hello"}]
    tools = [{"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in ("weather", "time")]
    for model in (SECOND, THIRD):
        plain = w.openai.chat.completions.create(model=model, messages=messages, tools=tools)
        with w.openai.chat.completions.stream(model=model, messages=messages, tools=tools) as events:
            final = events.get_final_completion()
        for answer in (plain, final):
            message = answer.choices[0].message
            assert [json.loads(call.function.arguments) for call in message.tool_calls] == [CITY] * 2, message
            # Clients drop what they do not know, signatures too.
            calls = [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls]
            said = [*messages, {"role": "assistant", "tool_calls": calls}]
            said += [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls]
            again = w.openai.chat.completions.create(model=model, messages=said, tools=tools)
            assert again.choices[0].message.content == "Results: 2", again
