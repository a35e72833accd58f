"""Cohere and Ollama in dialects of their own, which no client speaks, under the
SDKs of OpenAI, Anthropic and Google in Python.

Of Cohere's models one plans before it calls, and one thinks; of Ollama's one
thinks, and none gives its calls ids.
"""

import itertools
import json

import anthropic
import openai
import pydantic
from google import genai
from google.genai import types

import fake_cohere
import fake_ollama
from fake_cohere import FakeCohere
from fake_ollama import FakeOllama
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

PLAIN, THINKER, EMBEDDER = "command-a-03-2025", "command-a-reasoning-08-2025", "embed-v4.0"
GEMMA, OSS, MINILM = "gemma4", "gpt-oss:20b", "all-minilm"
COHERES, OLLAMAS = (PLAIN, THINKER), (GEMMA, OSS)
MODELS = COHERES + OLLAMAS
USER = [{"role": "user", "content": "hello"}]
CITY = {"city": "Zürich"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ("weather", "mcp.time/now")
TOOLS = [{"type": "function", "function": {"name": n, "description": n, "parameters": SCHEMA}} for n in NAMES]
CLAUDES = [{"name": n, "description": n, "input_schema": SCHEMA} for n in NAMES]

def scene(bench):
    cohere = bench.enter(FakeCohere(UPSTREAM_KEY))
    ollama = bench.enter(FakeOllama(UPSTREAM_KEY))
    providers = f"""
  command:
    catalogue: cohere
    base_url: {cohere.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{PLAIN}, {THINKER}, {EMBEDDER}]
  house:
    catalogue: ollama
    base_url: {ollama.base_url}
    models: [{GEMMA}, "{OSS}", {MINILM}]
"""
    world = fake_and_gateway(bench, providers=providers)
    world.cohere, world.ollama = cohere, ollama
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    world.google = genai.Client(api_key=KEY, http_options={"base_url": world.gateway.origin, "timeout": 20_000})
    return world


def server_of(w, model: str):
    return w.ollama if model in OLLAMAS else w.cohere


def ask(w, model: str, messages=USER, **more):
    return w.openai.chat.completions.create(model=model, messages=messages, **more)


def stream(w, model: str, messages=USER, **more):
    """The chunks, and what they amount to."""
    options = {"include_usage": True}
    with w.openai.chat.completions.stream(model=model, messages=messages, stream_options=options, **more) as events:
        chunks = [event.chunk for event in events if event.type == "chunk"]
        return chunks, events.get_final_completion()


def claude(w, model: str, messages=USER, **more):
    return w.anthropic.messages.create(**{"model": model, "messages": messages, "max_tokens": 4000} | more)


def claude_stream(w, model: str, messages=USER, **more):
    asked = {"model": model, "messages": messages, "max_tokens": 4000} | more
    with w.anthropic.messages.stream(**asked) as events:
        return list(events), events.get_final_message()


def said(content: list) -> str:
    return "".join(block.text for block in content if block.type == "text")


@case
def a_plain_answer_with_its_usage(w):
    for model in MODELS:
        answer = ask(w, model, temperature=0.5, top_p=1, max_tokens=100, stop=["END"])
        choice, usage = answer.choices[0], answer.usage
        assert (choice.message.content, choice.finish_reason) == ("You said: hello", "stop"), answer
        assert (usage.prompt_tokens, usage.completion_tokens) == (16, 7), usage
        assert answer.id and answer.model and answer.object == "chat.completion", answer
        answer = claude(w, model, system="Be brief.")
        assert (said(answer.content), answer.stop_reason) == ("You said: hello", "end_turn"), answer
        assert answer.usage.output_tokens == 7, answer.usage


@case
def cached_tokens_are_told_apart(w):
    usage = ask(w, PLAIN).usage
    assert usage.prompt_tokens_details.cached_tokens == 5, usage
    usage = claude(w, PLAIN).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (11, 5), usage


@case
def a_stream_ends_as_the_plain_answer(w):
    for model in MODELS:
        chunks, final = stream(w, model)
        assert len(chunks) > 3 and len({chunk.id for chunk in chunks}) == 1, chunks
        choice = final.choices[0]
        assert (choice.message.content, choice.finish_reason) == ("You said: hello", "stop"), final
        assert (final.usage.prompt_tokens, final.usage.completion_tokens) == (16, 7), final.usage
        events, final = claude_stream(w, model)
        assert (said(final.content), final.stop_reason) == ("You said: hello", "end_turn"), final
        assert events[-1].type == "message_stop" and final.usage.output_tokens == 7, final


@case
def nobody_gets_usage_unasked(w):
    for model in MODELS:
        chunks = list(ask(w, model, stream=True))
        assert all(chunk.usage is None for chunk in chunks), chunks


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
            said = w.openai.responses.create(model=model, previous_response_id=answer.id, input=results, tools=tools)
            assert said.output_text == "Results: 2", said


@case
def a_tool_can_be_demanded_by_name(w):
    choice = {"type": "function", "function": {"name": NAMES[1]}}
    for model in MODELS:
        assert ask(w, model, tools=TOOLS, tool_choice="none").choices[0].message.content == "You said: hello"
        if model in COHERES:
            [call] = ask(w, model, tools=TOOLS, tool_choice=choice).choices[0].message.tool_calls
            assert call.function.name == NAMES[1], call
        else:
            error = refused(openai.BadRequestError, lambda model=model: ask(w, model, tools=TOOLS, tool_choice=choice))
            assert "tool_choice" in error.message, error


@case
def thoughts_are_shown_and_may_come_back(w):
    asked = {"tools": CLAUDES, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    for model, ask_for in itertools.product((THINKER, OSS), (claude, lambda *a, **more: claude_stream(*a, **more)[1])):
        answer = ask_for(w, model, **asked)
        assert answer.content[0].type == "thinking" and answer.content[0].thinking == "Let me think.", answer
        calls = [block for block in answer.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": c.id, "content": "sunny"} for c in calls]
        again = [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
        assert said(claude(w, model, again, **asked).content) == "Results: 2"
        assert "Let me think." in server_of(w, model).last.body.decode(), model
    for model in (THINKER, OSS):
        message = ask(w, model, reasoning_effort="low").choices[0].message
        assert message.reasoning_content == "Let me think.", message
        message = ask(w, model, reasoning_effort="none").choices[0].message
        assert message.content == "You said: hello" and not hasattr(message, "reasoning_content"), message


@case
def how_much_to_think_is_told_in_each_ones_words(w):
    ask(w, THINKER, reasoning_effort="low")
    assert w.cohere.last.json["thinking"] == {"type": "enabled", "token_budget": 1024}
    ask(w, OSS, reasoning_effort="low")
    assert w.ollama.last.json["think"] == "low"
    # Nobody knows whether it thinks: it is not asked for what it may refuse.
    assert said(claude(w, GEMMA, thinking={"type": "enabled", "budget_tokens": 1024}).content) == "You said: hello"
    assert "think" not in w.ollama.last.json


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


@case
def an_image_is_looked_at(w):
    image = "data:image/png;base64,iVBORw0KGgo="
    parts = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": image}}]
    for model, size in ((PLAIN, len(image)), (GEMMA, len("iVBORw0KGgo="))):
        answer = ask(w, model, [{"role": "user", "content": parts}])
        assert f"(1 images, {size} characters)" in answer.choices[0].message.content, answer


@case
def a_long_answer_says_that_it_was_cut(w):
    long = [{"role": "user", "content": "LONG"}]
    for model in MODELS:
        assert ask(w, model, long).choices[0].finish_reason == "length"
        chunks = list(ask(w, model, long, stream=True))
        assert chunks[-1].choices[0].finish_reason == "length", chunks[-1]
        assert claude(w, model, long).stop_reason == "max_tokens"


@case
def embeddings_with_and_without_a_purpose(w):
    for model, texts in itertools.product((EMBEDDER, MINILM), ("abc", ["abc", "defgh"])):
        answer = w.openai.embeddings.create(model=model, input=texts)
        assert answer.data[0].embedding == [0.5, -0.25, 3.0] and answer.usage.prompt_tokens == 4, answer
        assert answer.data[-1].embedding[2] == len(texts if texts == "abc" else texts[-1]), answer
    w.openai.embeddings.create(model=EMBEDDER, input="a")
    assert w.cohere.last.json["input_type"] == "search_document"
    answer = w.openai.embeddings.create(model=MINILM, input="abc", dimensions=2, extra_body={"truncate": False})
    assert len(answer.data[0].embedding) == 2 and w.ollama.last.json["truncate"] is False, answer
    more = {"input_type": "search_query", "truncate": "NONE"}
    answer = w.openai.embeddings.create(model=EMBEDDER, input=["a"], dimensions=256, extra_body=more)
    asked = w.cohere.last.json
    assert (asked["input_type"], asked["truncate"], asked["output_dimension"]) == ("search_query", "NONE", 256), asked


@case
def embeddings_of_googles_sdk(w):
    for model in (EMBEDDER, MINILM):
        config = {"task_type": "RETRIEVAL_QUERY"}
        answer = w.google.models.embed_content(model=model, contents=["abc", "defgh"], config=config)
        assert [vector.values for vector in answer.embeddings] == [[0.5, -0.25, 3], [0.5, -0.25, 5]], answer
    assert w.cohere.last.json["input_type"] == "search_query", w.cohere.last.json


@case
def a_bad_request_names_what_is_wrong(w):
    for model in MODELS:
        error = refused(openai.BadRequestError, lambda model=model: ask(w, model, n=2))
        assert "`n`" in error.message and error.code == "unsupported_by_target", error
        error = refused(anthropic.NotFoundError, lambda: claude(w, "nope"))


@case
def errors_keep_their_kind(w):
    kinds = [
        (400, "too many tokens: size limit exceeded by 3 tokens.", openai.BadRequestError, anthropic.BadRequestError),
        (429, "You are using a Trial key: 20 API calls / minute.", openai.RateLimitError, anthropic.RateLimitError),
        (503, "the service is busy", openai.InternalServerError, anthropic.InternalServerError),
    ]
    for (status, message, ours, theirs), model in itertools.product(kinds, (PLAIN, GEMMA)):
        server = server_of(w, model)
        if model == GEMMA:
            message = message.replace("too many tokens: size", "the input length exceeds the context length")
        body = json.dumps({"error" if model == GEMMA else "message": message}).encode()
        for kind, function in ((ours, ask), (theirs, claude)):
            for _ in range(3):
                server.next(status=status, headers={"retry-after": "7"}, body=body)
            try:
                error = refused(kind, lambda function=function, model=model: function(w, model))
            finally:
                server.script.clear()
            if status == 400 and kind is ours:
                assert error.code == "context_length_exceeded" and "3 tokens" in error.message, error


def refused(kind, function):
    try:
        answer = function()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}: {answer}")


@case
def a_stream_that_is_cut_never_ends_clean(w):
    for model in MODELS:
        server = server_of(w, model)
        whole = pieces_of(w, model)
        for breaks in (True, False):
            for count in range(3, len(whole)):
                server.next(pieces=whole[:count], breaks=breaks, headers=kind_of(model))
                error = refused(openai.APIError, lambda model=model: list(ask(w, model, stream=True)))
                assert not isinstance(error, openai.APIStatusError) or error.status_code >= 500, error
                server.next(pieces=whole[:count], breaks=breaks, headers=kind_of(model))
                refused(anthropic.APIError, lambda model=model: claude_stream(w, model))
                server.script.clear()


def kind_of(model: str) -> dict:
    return {"content-type": "application/x-ndjson" if model in OLLAMAS else "text/event-stream"}


def pieces_of(w, model: str) -> list:
    """The events or lines of a stream, as the server sends them."""
    asked = {"model": model, "messages": USER}
    if model in OLLAMAS:
        return [json.dumps(line).encode() + b"\n" for line in fake_ollama.lines_of(asked, w.ollama.now)]
    return [fake_cohere.event(data) for data in fake_cohere.events_of(fake_cohere.answer_for(asked))]


@case
def a_line_that_is_cut_is_no_end(w):
    whole = pieces_of(w, GEMMA)
    for end in (1, 20, len(whole[-1]) - 2):
        w.ollama.next(pieces=[*whole[:-1], whole[-1][:end]], headers=kind_of(GEMMA))
        refused(openai.APIError, lambda: list(ask(w, GEMMA, stream=True)))


@case
def calls_without_ids_get_others_in_every_turn(w):
    ids = set()
    for _ in range(3):
        calls = ask(w, GEMMA, tools=TOOLS).choices[0].message.tool_calls
        calls += stream(w, GEMMA, tools=TOOLS)[1].choices[0].message.tool_calls
        ids |= {call.id for call in calls}
    assert len(ids) == 12 and all(ids), ids


@case
def a_clients_own_settings_reach_the_server(w):
    more = {"keep_alive": "10m", "options": {"num_ctx": 8192, "min_p": 0.1}}
    ask(w, GEMMA, temperature=0.5, max_tokens=9, seed=3, stop="END", extra_body=more)
    asked = w.ollama.last.json
    wanted = {"num_predict": 9, "temperature": 0.5, "seed": 3, "stop": ["END"], "num_ctx": 8192, "min_p": 0.1}
    assert (asked["keep_alive"], asked["options"], asked["stream"]) == ("10m", wanted, False), asked
    ask(w, PLAIN, extra_body={"documents": [{"data": {"text": "a"}}], "citation_options": {"mode": "FAST"}})
    assert w.cohere.last.json["documents"] == [{"data": {"text": "a"}}], w.cohere.last.json


@case
def an_answer_that_breaks_off_is_an_error(w):
    broken = [{"role": "user", "content": "BROKEN"}]
    for model in MODELS:
        refused(openai.APIError, lambda model=model: list(ask(w, model, broken, stream=True)))
        refused(openai.InternalServerError, lambda model=model: ask(w, model, broken))


@case
def nothing_went_upstream_that_should_not(w):
    found = w.cohere.violations + w.ollama.violations
    assert found == [], set(found)
