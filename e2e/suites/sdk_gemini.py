"""Google's SDK in Python, with only base URL and key changed.

The model `m` is of a server of OpenAI's dialect, `c` of one of Anthropic's,
`g` and `g-3` of one of Google's.
"""

import asyncio
import base64
import json

import anthropic
import httpx
import openai
import pydantic
from google import genai
from google.genai import errors, types

from fake_anthropic import FakeAnthropic
from fake_gemini import FakeGemini
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

MODELS = ("m", "c", "g")
OBJECT = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}
NAMES = ("weather", "time")
TOOL = types.Tool(function_declarations=[{"name": n, "description": n, "parameters": OBJECT} for n in NAMES])
ONE = types.Tool(function_declarations=[{"name": "weather", "description": "w", "parameters": OBJECT}])
CITY = {"city": "Zürich"}


class City(pydantic.BaseModel):
    city: str


def scene(bench):
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    google = bench.enter(FakeGemini(UPSTREAM_KEY))
    provider = f"""
  claude:
    dialect: anthropic
    base_url: {claude.base_url}
    api_key: env:UPSTREAM_KEY
    models: [c]
  google:
    dialect: gemini
    base_url: {google.base_url}
    api_key: env:UPSTREAM_KEY
    models: [g, g-3]
"""
    world = fake_and_gateway(bench, providers=provider)
    world.claude, world.google = claude, google
    world.client = client_of(world)
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    return world


def client_of(w, key: str = KEY, **more) -> genai.Client:
    options = types.HttpOptions(base_url=w.gateway.origin, timeout=20_000, **more)
    return genai.Client(api_key=key, http_options=options, vertexai=False)


def ask(w, model: str = "m", contents="hello", **config):
    config = types.GenerateContentConfig(**config) if config else None
    return w.client.models.generate_content(model=model, contents=contents, config=config)


def streamed(w, model: str = "m", contents="hello", **config) -> list:
    config = types.GenerateContentConfig(**config) if config else None
    return list(w.client.models.generate_content_stream(model=model, contents=contents, config=config))


@case
def a_plain_answer(w):
    for model in MODELS:
        answer = ask(w, model)
        assert answer.text == "You said: hello", answer
        assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
        usage = answer.usage_metadata
        assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + (
            usage.thoughts_token_count or 0
        ), usage


@case
def usage_keeps_its_parts(w):
    used = {model: ask(w, model).usage_metadata for model in MODELS}
    assert used["m"].prompt_token_count == 11 and used["m"].candidates_token_count == 7, used["m"]
    # Anthropic counts what the cache did beside the input, Google within.
    assert used["c"].prompt_token_count == 19 and used["c"].cached_content_token_count == 5, used["c"]
    google = used["g"]
    assert (google.prompt_token_count, google.cached_content_token_count) == (11, 5), google
    assert (google.candidates_token_count, google.thoughts_token_count) == (4, 3), google


@case
def a_streamed_answer_ends_as_the_plain_one(w):
    for model in MODELS:
        chunks = streamed(w, model)
        text = "".join(chunk.text or "" for chunk in chunks)
        assert text.strip() == "You said: hello" and len(chunks) > 2, (model, text)
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, (model, chunks[-1])
        assert chunks[-1].usage_metadata.total_token_count >= 18, (model, chunks[-1])


@case
def a_chat_of_several_turns(w):
    for model in MODELS:
        chat = w.client.chats.create(model=model)
        assert chat.send_message("one").text == "You said: one"
        assert "".join(c.text or "" for c in chat.send_message_stream("two")).strip() == "You said: two"
        assert chat.send_message("three").text == "You said: three"
        assert [content.role for content in chat.get_history()][-2:] == ["user", "model"]


def turn(answer) -> list:
    calls = answer.function_calls
    results = [types.Part.from_function_response(name=call.name, response={"result": "sunny"}) for call in calls]
    asked = types.Content(role="user", parts=[types.Part.from_text(text="hello")])
    return [asked, answer.candidates[0].content, types.Content(role="user", parts=results)]


@case
def parallel_tools_and_their_results(w):
    for model in (*MODELS, "g-3"):
        answer = ask(w, model, tools=[TOOL])
        assert [(call.name, call.args) for call in answer.function_calls] == [(n, CITY) for n in NAMES], answer
        again = ask(w, model, contents=turn(answer), tools=[TOOL])
        assert again.text and not again.function_calls, (model, again)


@case
def parallel_tools_in_a_stream(w):
    for model in (*MODELS, "g-3"):
        chunks = streamed(w, model, tools=[TOOL])
        calls = [call for chunk in chunks for call in chunk.function_calls or []]
        assert [(call.name, call.args) for call in calls] == [(n, CITY) for n in NAMES], (model, chunks)
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        content = types.Content(role="model", parts=[part for part in parts if part.function_call])
        results = [types.Part.from_function_response(name=n, response={"result": "sunny"}) for n in NAMES]
        asked = types.Content(role="user", parts=[types.Part.from_text(text="hello")])
        contents = [asked, content, types.Content(role="user", parts=results)]
        assert ask(w, model, contents=contents, tools=[TOOL]).text, model


@case
def functions_are_called_by_the_sdk_itself(w):
    asked = []

    def weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "sunny"

    for model in MODELS:
        answer = ask(w, model, tools=[weather])
        assert answer.text and asked.pop() == "Zürich", (model, answer)


@case
def a_tool_that_must_be_called_and_one_that_must_not(w):
    for mode, wanted in (("ANY", "required"), ("NONE", "none"), ("AUTO", "auto")):
        calling = types.FunctionCallingConfig(mode=mode)
        ask(w, "m", tools=[ONE], tool_config=types.ToolConfig(function_calling_config=calling))
        assert w.fake.last.json.get("tool_choice", "auto") == wanted, w.fake.last.json


@case
def answers_by_a_schema(w):
    for model in ("m", "g"):
        if model == "m":
            body = fake_chat('{"city": "Zürich"}')
            w.fake.next(body=body)
        answer = ask(w, model, response_mime_type="application/json", response_schema=City)
        assert answer.parsed == City(city="Zürich"), (model, answer)
    form = w.fake.last.json["response_format"]
    assert form["type"] == "json_schema" and "city" in form["json_schema"]["schema"]["properties"], form


def fake_chat(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(whole).encode()


@case
def a_system_instruction_and_the_usual_settings(w):
    for model in MODELS:
        settings = {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 50, "stop_sequences": ["END"]}
        answer = ask(w, model, system_instruction="Be brief.", **settings)
        assert answer.text == "You said: hello", (model, answer)
    asked = w.fake.last.json
    assert asked["messages"][0]["content"] == "Be brief." and asked["stop"] in ("END", ["END"]), asked
    assert (asked["temperature"], asked["top_p"]) == (0.5, 0.9), asked
    assert w.claude.last.json["max_tokens"] == 50 and w.claude.last.json["stop_sequences"] == ["END"]


@case
def thoughts_come_and_go_back_with_their_signature(w):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    for model in ("c", "g", "g-3"):
        answer = ask(w, model, tools=[ONE], thinking_config=thinking, max_output_tokens=4000)
        parts = answer.candidates[0].content.parts
        assert parts[0].thought and parts[0].text == "Let me think.", (model, parts)
        assert any(part.thought_signature for part in parts), (model, parts)
        again = ask(w, model, contents=turn(answer), tools=[ONE], thinking_config=thinking, max_output_tokens=4000)
        assert again.text == "Results: 1", (model, again)
        chunks = streamed(w, model, tools=[ONE], thinking_config=thinking, max_output_tokens=4000)
        thoughts = [part for c in chunks for part in c.candidates[0].content.parts or [] if part.thought]
        assert "".join(part.text or "" for part in thoughts).strip() == "Let me think.", (model, chunks)


@case
def an_image_within_the_request(w):
    raw = bytes(range(256)) * 40
    size = len(base64.b64encode(raw))
    sizes = {"m": size + len("data:image/png;base64,"), "c": size, "g": size}
    for model, size in sizes.items():
        image = types.Part.from_bytes(data=raw, mime_type="image/png")
        answer = ask(w, model, contents=["what?", image])
        assert answer.text == f"You said: what? (1 images, {size} characters)", (model, answer.text)


@case
def tokens_are_counted(w):
    for model in MODELS:
        assert w.client.models.count_tokens(model=model, contents="hello").total_tokens > 0


@case
def models_are_listed_and_found(w):
    names = {model.name for model in w.client.models.list()}
    assert {"models/m", "models/c", "models/g"} <= names, names
    assert w.client.models.get(model="m").name == "models/m"


@case
def both_versions_of_the_path_and_a_model_with_a_slash(w):
    for version in ("v1", "v1beta"):
        client = client_of(w, api_version=version)
        assert client.models.generate_content(model="m", contents="hello").text == "You said: hello"
    url = f"{w.gateway.origin}/v1beta/models/google%2Fg:generateContent?key={KEY}"
    answer = httpx.post(url, json={"contents": [{"parts": [{"text": "hello"}]}]})
    assert answer.status_code == 200, answer.text


@case
def a_stream_as_one_json_array(w):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    for model in MODELS:
        url = f"{w.gateway.origin}/v1beta/models/{model}:streamGenerateContent"
        answer = httpx.post(url, json=body, headers={"x-goog-api-key": KEY})
        parts = [part for it in answer.json() for part in it["candidates"][0]["content"].get("parts", [])]
        assert "".join(part.get("text", "") for part in parts).strip() == "You said: hello", (model, parts)
        assert answer.headers["content-type"].startswith("application/json"), answer.headers


@case
def the_asynchronous_client(w):
    async def all_of_them():
        client = client_of(w)
        asked = [client.aio.models.generate_content(model=model, contents="hello") for model in MODELS]
        answers = await asyncio.gather(*asked)
        stream = await client.aio.models.generate_content_stream(model="m", contents="hello")
        return answers, [chunk async for chunk in stream]

    answers, chunks = asyncio.run(all_of_them())
    assert [answer.text for answer in answers] == ["You said: hello"] * 3
    assert "".join(chunk.text or "" for chunk in chunks).strip() == "You said: hello"


def error_of(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except errors.APIError as error:
        assert type(error) is kind and error.status and error.message, repr(error)
        return error
    raise AssertionError(f"no {kind.__name__}")


@case
def errors_have_the_sdks_classes(w):
    stranger = client_of(w, "sk-wrong")
    error = error_of(errors.ClientError, stranger.models.generate_content, model="m", contents="x")
    assert (error.code, error.status) == (401, "UNAUTHENTICATED"), error
    error = error_of(errors.ClientError, ask, w, "nope")
    assert (error.code, error.status) == (404, "NOT_FOUND"), error
    for model in MODELS:
        error = error_of(errors.ClientError, ask, w, model, temperature=3)
        assert (error.code, error.status) == (400, "INVALID_ARGUMENT"), (model, error)


@case
def a_limit_says_when_to_come_back(w):
    told = {
        "m": (w.fake, b'{"error": {"message": "slow down", "type": "requests"}}'),
        "c": (w.claude, b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}'),
        "g": (w.google, b'{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}'),
    }
    for model, (fake, body) in told.items():
        for _ in range(3):
            fake.next(status=429, headers={"retry-after": "33"}, body=body)
        error = error_of(errors.ClientError, ask, w, model)
        fake.script.clear()
        assert (error.code, error.status) == (429, "RESOURCE_EXHAUSTED"), (model, error)
        assert 1 <= int(error.response.headers["retry-after"]) <= 33, (model, error.response.headers)


@case
def a_prompt_that_was_blocked(w):
    answer = ask(w, "g", contents="unsafe")
    assert answer.prompt_feedback.block_reason == types.BlockedReason.SAFETY, answer
    # The others are told in their own way.
    refusal = w.openai.chat.completions.create(model="g", messages=[{"role": "user", "content": "unsafe"}])
    assert refusal.choices[0].finish_reason == "content_filter", refusal


@case
def a_stream_that_is_cut_raises(w):
    delta = {"index": 0, "delta": {"content": "one"}, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    w.fake.next(pieces=[f"data: {json.dumps(chunk)}\n\n".encode()], breaks=True)
    try:
        streamed(w, "m")
    except (errors.APIError, httpx.HTTPError):
        return
    raise AssertionError("a silent end")


@case
def the_same_dialect_keeps_its_bytes_and_its_usage(w):
    body = b'{ "contents":[ {"role":"user","parts":[{"text":"\\u00e9"}]} ],"generationConfig":{"topK" : 4} }\n'
    answer = httpx.post(
        w.gateway.origin + "/v1beta/models/g:generateContent",
        content=body,
        headers={"x-goog-api-key": KEY, "content-type": "application/json"},
    )
    assert w.google.last.body == body, w.google.last.body
    row = w.gateway.row(answer.headers["x-request-id"])
    used = (row["input"], row["cached_input"], row["output"], row["reasoning"], row["usage_source"])
    assert used == (6, 5, 4, 3, "provider"), row


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.claude.violations + w.google.violations
    assert found == [], set(found)
