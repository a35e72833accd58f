"""Embeddings: Gemini's front doors, and Gemini behind OpenAI's."""

import httpx
from google.genai import types

from harness.bench import case
from harness.gateway import KEY
from suites.sdk_gemini import EMBEDDER, client_of

# The fakes' vectors end with the length of the text.
TARGETS = ("m", EMBEDDER)


def embed(w, model: str, contents, **config):
    return w.client.models.embed_content(model=model, contents=contents, config=config or None)


def values(answer) -> list:
    return [embedding.values for embedding in answer.embeddings]


@case
def one_text_and_many(w):
    for model in TARGETS:
        assert values(embed(w, model, "hello")) == [[0.5, -0.25, 5.0]]
        many = embed(w, model, ["a", "abc", "hello there"])
        assert values(many) == [[0.5, -0.25, float(n)] for n in (1, 3, 11)], many
        assert many.usage_metadata.prompt_token_count == 4, many


@case
def several_parts_are_one_text(w):
    content = types.Content(parts=[types.Part(text="ab"), types.Part(text="cd")])
    for model in TARGETS:
        [vector] = values(embed(w, model, content))
        assert vector[:2] == [0.5, -0.25] and vector[2] in (4.0, 5.0), vector


@case
def either_version_and_the_single_form(w):
    body = {"content": {"parts": [{"text": "hello"}]}}
    for version in ("v1", "v1beta"):
        client = client_of(w, api_version=version)
        assert values(client.models.embed_content(model="m", contents="hello")) == [[0.5, -0.25, 5.0]]
        for model in (*TARGETS, "openai/gpt-4o"):
            url = f"{w.gateway.origin}/{version}/models/{model}:embedContent?key={KEY}"
            answer = httpx.post(url, json=body)
            assert answer.json()["embedding"]["values"] == [0.5, -0.25, 5.0], answer.text


@case
def dimensions_and_tasks_arrive_where_there_are_such(w):
    more = {"output_dimensionality": 2, "task_type": "RETRIEVAL_DOCUMENT", "title": "A book"}
    assert values(embed(w, EMBEDDER, "hello", **more)) == [[0.5, -0.25]]
    [sent] = w.google.last.json["requests"]
    assert (sent["taskType"], sent["title"], sent["outputDimensionality"]) == ("RETRIEVAL_DOCUMENT", "A book", 2), sent
    embed(w, "m", "hello", output_dimensionality=2)
    assert w.fake.last.json["dimensions"] == 2, w.fake.last.json


@case
def what_a_target_cannot_be_told_is_named(w):
    body = {"content": {"parts": [{"text": "hello"}]}, "taskType": "CLUSTERING"}
    answer = httpx.post(f"{w.gateway.origin}/v1beta/models/m:embedContent?key={KEY}", json=body)
    assert answer.status_code == 200 and "taskType" in answer.headers["x-portcullis-dropped"], answer.headers


@case
def usage_is_booked(w):
    for model in TARGETS:
        url = f"{w.gateway.origin}/v1beta/models/{model}:embedContent?key={KEY}"
        answer = httpx.post(url, json={"content": {"parts": [{"text": "hello"}]}})
        row = w.gateway.row(answer.headers["x-request-id"])
        assert (row["operation"], row["input"], row["output"]) == ("embedding", 4, 0), row
        assert row["usage_source"] == "provider", row
        # 0.15 dollars a million, by the catalogue; the other has no price.
        assert row["cost"] == (600 if model == EMBEDDER else None), row


@case
def openais_sdk_gets_embeddings_of_geminis_server(w):
    create = w.openai.embeddings.create
    # OpenAI's SDK asks for base64 by itself.
    for more in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        answer = create(model=EMBEDDER, input=["a", "abc"], **more)
        got = [item.embedding for item in answer.data]
        if more.get("encoding_format") != "base64":
            assert got == [[0.5, -0.25, 1.0], [0.5, -0.25, 3.0]], got
        assert [item.index for item in answer.data] == [0, 1] and answer.usage.prompt_tokens == 4, answer
    assert create(model=EMBEDDER, input="hello", dimensions=2).data[0].embedding == [0.5, -0.25]
