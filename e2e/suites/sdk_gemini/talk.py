"""Conversations: whole, streamed, with images, as JSON; counts and models."""

import asyncio
import json

import httpx
import pydantic
from google.genai import types

import fake_anthropic
import fake_gemini
from harness.bench import case
from harness.gateway import KEY
from suites.sdk_gemini import EMBEDDER, MODELS, SECOND, THIRD, ask, client_of, stream, texts

# What each target says that it used, as Google's SDK shows it: prompt, cached
# within it, answer, thoughts, all of it. Anthropic's fake counts 11 uncached
# tokens, 5 cached, 3 written to the cache.
USAGE = {"m": (11, None, 7, None, 18), "c": (19, 5, 7, None, 26), SECOND: (16, 5, 7, None, 23), THIRD: (16, 5, 7, 9, 32)}


class Person(pydantic.BaseModel):
    name: str
    age: int


def usage_of(answer) -> tuple:
    usage = answer.usage_metadata
    counts = (usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count)
    return (*counts, usage.thoughts_token_count, usage.total_token_count)


@case
def a_plain_answer_and_its_usage_in_all_its_parts(w):
    for model in MODELS:
        config = {} if model != SECOND else {"thinking_config": {"thinking_budget": 0}}
        answer = ask(w, model, **config)
        assert answer.text == "You said: hello", answer
        assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
        assert answer.candidates[0].content.role == "model" and answer.response_id, answer
        assert usage_of(answer) == USAGE[model], (model, answer.usage_metadata)


@case
def a_stream_ends_as_the_plain_answer(w):
    for model in MODELS:
        config = {} if model != SECOND else {"thinking_config": {"thinking_budget": 0}}
        chunks = stream(w, model, **config)
        assert texts(chunks).strip() == "You said: hello" and len(chunks) >= 3, chunks
        reasons = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
        assert [reason for reason in reasons if reason] == [types.FinishReason.STOP], reasons
        assert usage_of(chunks[-1]) == USAGE[model], (model, chunks[-1].usage_metadata)
        assert len({chunk.response_id for chunk in chunks}) == 1, chunks


@case
def the_same_dialect_keeps_its_bytes(w):
    body = b'{ "contents" : [ {"parts":[{"text":"\\u00e9"}],"role":"user"} ],"generationConfig":{"seed" :7} }\n'
    whole = b'{ "candidates": [ {"content":{"parts":[{"text":"\\u00fc"}],"role":"model"},"finishReason":"STOP"} ],'
    whole += b'"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1,"totalTokenCount":10} } '
    w.google.next(body=whole)
    url = f"{w.gateway.origin}/v1beta/models/{SECOND}:generateContent"
    headers = {"x-goog-api-key": KEY, "content-type": "application/json"}
    answer = httpx.post(url, content=body, headers=headers)
    assert w.google.last.body == body, w.google.last.body
    assert answer.content == whole, answer.content
    row = w.gateway.row(answer.headers["x-request-id"])
    assert (row["output"], row["usage_source"]) == (1, "provider"), row


@case
def a_chat_over_turns_plain_and_streamed(w):
    for model in MODELS:
        chat = w.client.chats.create(model=model)
        assert chat.send_message("hello").text == "You said: hello"
        assert texts(list(chat.send_message_stream("again"))).strip() == "You said: again"
        assert chat.send_message("once more").text == "You said: once more"
        assert [content.role for content in chat.get_history()][:4] == ["user", "model"] * 2


@case
def a_system_instruction_arrives_where_each_target_has_it(w):
    for model in MODELS:
        assert ask(w, model, system_instruction="Be brief.").text == "You said: hello"
    assert w.google.last.json["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert "Be brief." in json.dumps(w.claude.last.json["system"])
    assert w.fake.last.json["messages"][0]["content"] == "Be brief."


@case
def settings_arrive_under_each_targets_names(w):
    more = {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 99, "stop_sequences": ["END"], "seed": 7}
    for model in ("m", SECOND):
        assert ask(w, model, **more).text == "You said: hello"
    ask(w, "c", max_output_tokens=99, stop_sequences=["END"], temperature=0.5, top_k=40)
    asked, claude, google = w.fake.last.json, w.claude.last.json, w.google.last.json["generationConfig"]
    assert (asked["temperature"], asked["top_p"], asked["seed"]) == (0.5, 0.9, 7), asked
    assert 99 in (asked.get("max_tokens"), asked.get("max_completion_tokens")), asked
    assert (claude["max_tokens"], claude["stop_sequences"], claude["top_k"]) == (99, ["END"], 40), claude
    assert (google["maxOutputTokens"], google["stopSequences"], google["seed"]) == (99, ["END"], 7), google


@case
def safety_settings_stop_no_other_target(w):
    rule = types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")
    for model in MODELS:
        assert ask(w, model, safety_settings=[rule]).text == "You said: hello"


@case
def an_image_in_base64(w):
    data = bytes(range(256)) * 40
    contents = ["what?", types.Part.from_bytes(data=data, mime_type="image/png")]
    encoded = len(data) // 3 * 4 + 4
    sizes = {"m": len("data:image/png;base64,") + encoded, "c": encoded, SECOND: encoded, THIRD: encoded}
    for model, size in sizes.items():
        text = ask(w, model, contents).text
        assert text == f"You said: what? (1 images, {size} characters)", (model, text)


@case
def an_answer_of_a_pydantic_model(w):
    for model in ("m", SECOND, THIRD):
        for schema in ({"response_schema": Person}, {"response_json_schema": Person.model_json_schema()}):
            answer = ask(w, model, response_mime_type="application/json", **schema)
            assert Person.model_validate_json(answer.text) == Person(name="Ada", age=36), (model, answer)
    assert ask(w, "m", response_mime_type="application/json", response_schema=Person).parsed == Person(name="Ada", age=36)


@case
def answers_that_end_early_say_why(w):
    for model in (SECOND, THIRD):
        assert ask(w, model, "LONG").candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
        assert ask(w, model, "UNSAFE").candidates[0].finish_reason == types.FinishReason.SAFETY
        assert stream(w, model, "UNSAFE")[-1].candidates[0].finish_reason == types.FinishReason.SAFETY
        for answer in (ask(w, model, "BLOCK"), stream(w, model, "BLOCK")[-1]):
            assert answer.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT, answer
            assert answer.prompt_feedback.safety_ratings and not answer.candidates, answer


@case
def a_blocked_prompt_is_an_openai_clients_content_filter(w):
    answer = w.openai.chat.completions.create(model=SECOND, messages=[{"role": "user", "content": "UNSAFE"}])
    assert answer.choices[0].finish_reason == "content_filter", answer


@case
def several_candidates(w):
    answer = ask(w, "m", candidate_count=2)
    assert [parts_of.content.parts[0].text for parts_of in answer.candidates] == ["You said: hello"] * 2, answer


@case
def tokens_are_counted(w):
    count = w.client.models.count_tokens
    counts = {model: count(model=model, contents="hello there").total_tokens for model in MODELS}
    google = dict.fromkeys((SECOND, THIRD), fake_gemini.COUNT)
    assert counts == {"m": 7, "c": fake_anthropic.COUNT} | google, counts


@case
def tokens_of_a_whole_request_are_counted(w):
    inner = {"model": "models/m", "contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    inner["systemInstruction"] = {"parts": [{"text": "Be brief, and then some more."}]}
    url = f"{w.gateway.origin}/v1beta/models/m:countTokens"
    answer = httpx.post(url, json={"generateContentRequest": inner}, headers={"x-goog-api-key": KEY})
    assert answer.status_code == 200 and answer.json() == {"totalTokens": 17}, answer.text


@case
def models_are_listed_and_found(w):
    names = {model.name for model in w.client.models.list()}
    assert {f"models/{name}" for name in (*MODELS, EMBEDDER, "openai/gpt-4o")} <= names, names
    model = w.client.models.get(model="m")
    assert (model.name, "generateContent" in model.supported_actions) == ("models/m", True), model
    assert w.client.models.get(model="openai/gpt-4o").name == "models/openai/gpt-4o"
    named = httpx.get(f"{w.gateway.origin}/v1beta/models?key={KEY}&pageSize=50").json()
    assert {model["name"] for model in named["models"]} == names, named


@case
def a_name_with_a_slash_in_the_path(w):
    for path in ("openai/gpt-4o", "openai%2Fgpt-4o"):
        url = f"{w.gateway.origin}/v1beta/models/{path}:generateContent"
        answer = httpx.post(url, json={"contents": [{"parts": [{"text": "hello"}]}]}, headers={"x-goog-api-key": KEY})
        assert answer.json()["candidates"][0]["content"]["parts"][0]["text"] == "You said: hello", answer.text
    assert ask(w, "openai/gpt-4o").text == "You said: hello"
    assert texts(stream(w, "openai/gpt-4o")).strip() == "You said: hello"
    assert ask(w, "models/m").text == "You said: hello"


@case
def either_version_of_the_api(w):
    for version in ("v1", "v1beta"):
        client = client_of(w, api_version=version)
        for model in MODELS:
            assert client.models.generate_content(model=model, contents="hello").text == "You said: hello"
        assert client.models.count_tokens(model="m", contents="hello").total_tokens == 6
        assert len(list(client.models.list())) >= 4


@case
def a_key_in_the_query_or_as_a_bearer(w):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    for model in MODELS:
        url = f"{w.gateway.origin}/v1beta/models/{model}"
        assert httpx.post(f"{url}:generateContent?key={KEY}", json=body).status_code == 200
        streamed = httpx.post(f"{url}:streamGenerateContent?alt=sse&key={KEY}", json=body)
        assert streamed.text.startswith("data:") and streamed.headers["content-type"].startswith("text/event-stream")
        assert httpx.post(f"{url}:generateContent", json=body, headers={"authorization": f"Bearer {KEY}"}).is_success
    assert all(KEY not in seen.path for seen in w.google.requests)


@case
def a_stream_as_one_json_array(w):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    for model in MODELS:
        url = f"{w.gateway.origin}/v1beta/models/{model}:streamGenerateContent"
        answer = httpx.post(url, json=body, headers={"x-goog-api-key": KEY})
        assert answer.headers["content-type"].startswith("application/json"), answer.headers
        items = answer.json()
        said = [part.get("text", "") for item in items for part in item["candidates"][0]["content"].get("parts", [])]
        assert "".join(said).strip() == "You said: hello" and len(items) >= 3, items
        assert items[-1]["candidates"][0]["finishReason"] == "STOP" and "usageMetadata" in items[-1], items


@case
def the_async_client(w):
    async def all_of_it():
        aio = client_of(w).aio
        for model in MODELS:
            answer = await aio.models.generate_content(model=model, contents="hello")
            assert answer.text == "You said: hello"
            chunks = [c async for c in await aio.models.generate_content_stream(model=model, contents="hello")]
            assert texts(chunks).strip() == "You said: hello", chunks
        assert "models/m" in [model.name async for model in await aio.models.list()]
        many = (aio.models.generate_content(model="m", contents=f"number {n}") for n in range(10))
        assert [a.text for a in await asyncio.gather(*many)] == [f"You said: number {n}" for n in range(10)]
        await aio.aclose()

    asyncio.run(all_of_it())


@case
def members_in_snake_case_are_understood(w):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    body |= {"system_instruction": {"parts": [{"text": "Be brief."}]}, "generation_config": {"max_output_tokens": 9}}
    url = f"{w.gateway.origin}/v1beta/models/m:generateContent"
    assert httpx.post(url, json=body, headers={"x-goog-api-key": KEY}).is_success
    assert w.fake.last.json["messages"][0]["content"] == "Be brief."


@case
def openais_sdk_in_front_of_geminis_server(w):
    create = w.openai.chat.completions.create
    for model in (SECOND, THIRD):
        asked = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        assert create(**asked).choices[0].message.content == "You said: hello"
        chunks = list(create(**asked, stream=True))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).strip() == "You said: hello"
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
