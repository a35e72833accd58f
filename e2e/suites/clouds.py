"""What the clouds have in forms of their own: embeddings of AWS and Vertex AI,
from OpenAI's and Google's SDKs; AWS' words for errors; betas of Claude.
"""

import json

import anthropic
import httpx
import openai
from google import genai
from google.genai import types

from fake_bedrock import CLAUDE, FakeBedrock
from fake_bedrock_embeddings import COHERE, NOVA, OLD_COHERE, OLD_TITAN, TITAN, TITAN_IMAGE
from fake_vertex import FakeVertex
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY, hello
from suites.common import fake_and_gateway

BEDROCK = {
    "titan": TITAN,
    "old-titan": OLD_TITAN,
    "titan-image": TITAN_IMAGE,
    "cohere": COHERE,
    "old-cohere": OLD_COHERE,
    "nova": NOVA,
}
VERTEX = ("text-embedding-005", "text-multilingual-embedding-002", "gemini-embedding-001", "gemini-embedding-2")
MODELS = (*BEDROCK, *VERTEX)
# One text a request.
SINGLE = {"titan", "old-titan", "titan-image", "nova", "gemini-embedding-001", "gemini-embedding-2"}
FIXED = {"old-titan", "old-cohere"}
TEXTS = ["a", "some words", "three of them"]
VECTORS = [[0.5, -0.25, float(len(text))] for text in TEXTS]


def named(name: str, provider: str, model: str) -> str:
    return f'  - {{name: {name}, deployments: [{{provider: {provider}, model: "{model}"}}]}}\n'


def scene(bench):
    aws, google = bench.enter(FakeBedrock(UPSTREAM_KEY)), bench.enter(FakeVertex(UPSTREAM_KEY))
    place = {"vertex": "google", "vertex_claude": "anthropic"}
    urls = {name: f"{google.base_url}/{publisher}" for name, publisher in place.items()} | {"bedrock": aws.base_url}
    providers = "".join(f"  {name}: {{base_url: {url}, api_key: env:UPSTREAM_KEY}}\n" for name, url in urls.items())
    models = [named(name, "bedrock", model) for name, model in BEDROCK.items()]
    models += [named(model, "vertex", model) for model in VERTEX]
    models += [named(model, "vertex_claude", model) for model in ("claude-sonnet-4-6", "claude-haiku-4-5")]
    models += [named("claude", "bedrock", CLAUDE)]
    more = "models:\n" + "".join(models) + "retry: {retries: 0}\n"
    world = fake_and_gateway(bench, more=more, providers=providers)
    world.aws, world.google = aws, google
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    world.genai = genai.Client(api_key=KEY, http_options={"base_url": world.gateway.origin, "timeout": 20_000})
    return world


def upstream(w, model: str):
    return w.aws if model in BEDROCK else w.google


# Embeddings


@case
def openais_sdk_gets_vectors_of_every_model(w):
    for model in MODELS:
        before = len(upstream(w, model).requests)
        # OpenAI's SDK asks for base64 by itself.
        for more in ({}, {"encoding_format": "float"}):
            answer = w.openai.embeddings.create(model=model, input=TEXTS, **more)
            assert [item.embedding for item in answer.data] == VECTORS, (model, answer)
            assert [item.index for item in answer.data] == [0, 1, 2], (model, answer)
            assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (6, 6), (model, answer.usage)
        made = len(upstream(w, model).requests) - before
        assert made == (6 if model in SINGLE else 2), (model, made)
        one = w.openai.embeddings.create(model=model, input="hello")
        assert one.data[0].embedding == [0.5, -0.25, 5.0], (model, one)


@case
def googles_sdk_gets_vectors_of_every_model(w):
    # Of bare texts the SDK makes one content, for the newest model.
    contents = [types.Content(parts=[types.Part(text=text)]) for text in TEXTS]
    for model in MODELS:
        answer = w.genai.models.embed_content(model=model, contents=contents)
        assert [one.values for one in answer.embeddings] == VECTORS, (model, answer)
        url = f"{w.gateway.origin}/v1beta/models/{model}:embedContent?key={KEY}"
        single = httpx.post(url, json={"content": {"parts": [{"text": "hello"}]}}, timeout=20)
        assert single.json()["embedding"]["values"] == [0.5, -0.25, 5.0], (model, single.text)


@case
def tasks_and_lengths_arrive_where_there_are_such(w):
    config = {"task_type": "RETRIEVAL_QUERY", "output_dimensionality": 2}
    for model in VERTEX:
        answer = w.genai.models.embed_content(model=model, contents="hello", config=config)
        assert answer.embeddings[0].values == [0.5, -0.25], (model, answer)
        assert "RETRIEVAL_QUERY" in json.dumps(w.google.last.json), w.google.last.json
    for model, length in (("titan", 2), ("titan-image", 2), ("cohere", 2), ("nova", 256)):
        answer = w.openai.embeddings.create(model=model, input="a", dimensions=length, encoding_format="float")
        assert len(answer.data[0].embedding) == length, (model, answer)
    for model in FIXED:
        refused = failing(w.openai.embeddings.create, model=model, input="a", dimensions=2)
        assert (refused.status_code, refused.param) == (400, "dimensions"), refused
    w.openai.embeddings.create(model="cohere", input="a", extra_body={"input_type": "search_query"})
    assert w.aws.last.json["input_type"] == "search_query", w.aws.last.json


@case
def what_cannot_be_embedded_is_refused_before_anybody_is_asked(w):
    for model in MODELS:
        before = len(upstream(w, model).requests)
        refused = failing(w.openai.embeddings.create, model=model, input=[[1, 2], [3]])
        assert refused.status_code == 400 and "tokens" in str(refused), (model, refused)
        assert len(upstream(w, model).requests) == before
    refused = failing(w.openai.embeddings.create, model="titan", input=["a"] * 257)
    assert refused.status_code == 400 and "256" in str(refused), refused
    many = w.openai.embeddings.create(model="cohere", input=["a"] * 200)
    assert len(many.data) == 200 and many.usage.prompt_tokens == 200, many.usage


@case
def the_ledger_has_their_tokens(w):
    for model in MODELS:
        answer = w.gateway.post("/embeddings", {"model": model, "input": TEXTS})
        row = w.gateway.row(answer.headers["x-request-id"])
        assert (row["operation"], row["input"], row["output"]) == ("embedding", 6, 0), (model, row)
        assert row["usage_source"] == "provider" and row["cost"] > 0, (model, row)


# AWS' words


@case
def aws_word_for_an_error_counts_more_than_its_status(w):
    cases = [
        (400, "ServiceQuotaExceededException", 429),
        (400, "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", 429),
        (400, "ExpiredTokenException", 502),
        (400, "UnrecognizedClientException", 502),
        (400, "AccessDeniedException", 502),
        (429, "ModelNotReadyException", 503),
        (400, "ValidationException", 400),
    ]
    for status, word, told in cases:
        for ask in (
            lambda: w.openai.chat.completions.create(**hello("claude")),
            lambda: w.openai.embeddings.create(model="titan", input="a"),
        ):
            body = json.dumps({"message": "No."}).encode()
            w.aws.next(status=status, body=body, headers={"x-amzn-errortype": word})
            refused = failing(ask)
            assert refused.status_code == told, (word, refused)


def failing(call, **asked) -> openai.APIStatusError:
    try:
        answer = call(**asked)
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    raise AssertionError(f"an answer where none should be: {answer}")


# Claude at Google


@case
def betas_that_google_and_the_model_know_go_along(w):
    betas = ["claude-code-20250219", "advanced-tool-use-2025-11-20", "interleaved-thinking-2025-05-14"]
    for model, told in (
        ("claude-sonnet-4-6", "tool-search-tool-2025-10-19,interleaved-thinking-2025-05-14"),
        ("claude-haiku-4-5", None),
    ):
        asked = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
        answer = w.anthropic.beta.messages.create(**asked, betas=betas)
        assert answer.content[0].text.strip() == "You said: hello", answer
        assert w.google.last.headers.get("anthropic-beta") == told, w.google.last.headers
        assert "model" not in w.google.last.json, w.google.last.json


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.aws.violations + w.google.violations
    assert found == [], set(found)
