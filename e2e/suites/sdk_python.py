"""The official Python SDK, with only base URL and key changed."""

import base64
import gzip
import json
import types

import httpx
import openai

from harness.bench import case
from harness.gateway import KEY, hello
from suites.common import fake_and_gateway

USER = [{"role": "user", "content": "hello"}]
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("weather", "time")
]


def scene(bench) -> types.SimpleNamespace:
    world = fake_and_gateway(bench)
    world.client = client_of(world)
    return world


def client_of(world, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=world.gateway.base_url, api_key=key, max_retries=0, timeout=20)


@case
def a_plain_chat_with_its_request_id(w):
    answer = w.client.chat.completions.create(model="m", messages=USER)
    assert answer.choices[0].message.content == "You said: hello"
    assert answer.usage.total_tokens == 18
    assert answer._request_id.startswith("req_"), answer._request_id


@case
def the_headers_say_who_answered(w):
    raw = w.client.chat.completions.with_raw_response.create(model="m", messages=USER)
    assert raw.headers["x-portcullis-model"] == "m"
    assert raw.headers["x-portcullis-provider"] == "fake"
    assert raw.headers["x-portcullis-attempts"] == "1"
    for name in ("set-cookie", "openai-organization"):
        assert name not in raw.headers, f"{name} of the upstream came through"


@case
def a_streamed_chat_without_usage(w):
    chunks = list(w.client.chat.completions.create(model="m", messages=USER, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == "You said: hello ", text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None and chunk.choices for chunk in chunks), "usage came unasked"
    assert len({chunk.id for chunk in chunks}) == 1
    assert w.fake.last.json["stream_options"] == {"include_usage": True}, "usage was not asked upstream"


@case
def a_streamed_chat_with_usage(w):
    options = {"include_usage": True}
    stream = w.client.chat.completions.create(model="m", messages=USER, stream=True, stream_options=options)
    chunks = list(stream)
    assert chunks[-1].usage.total_tokens == 18 and chunks[-1].choices == []


@case
def tools_and_their_results(w):
    answer = w.client.chat.completions.create(model="m", messages=USER, tools=TOOLS[:1])
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "weather" and json.loads(call.function.arguments) == {"city": "Zürich"}
    assert answer.choices[0].finish_reason == "tool_calls"
    turn = [*USER, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    again = w.client.chat.completions.create(model="m", messages=turn, tools=TOOLS[:1])
    assert again.choices[0].message.content == "You said: hello"
    assert w.fake.last.json["messages"][2]["tool_call_id"] == call.id


@case
def parallel_tools_in_a_stream(w):
    with w.client.chat.completions.stream(model="m", messages=USER, tools=TOOLS) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Zürich"}] * 2


@case
def vision_parts(w):
    url = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 40).decode()
    content = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = w.client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == f"You said: what? (1 images, {len(url)} characters)"


@case
def two_choices_with_logprobs(w):
    answer = w.client.chat.completions.create(model="m", messages=USER, n=2, logprobs=True)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[1].logprobs.content[0].logprob == -0.25


@case
def two_choices_with_logprobs_in_a_stream(w):
    stream = w.client.chat.completions.create(model="m", messages=USER, n=2, logprobs=True, stream=True)
    chunks = list(stream)
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1}
    assert chunks[0].choices[0].logprobs.content[0].token == "You"
    assert [c.choices[0].finish_reason for c in chunks].count("stop") == 2


@case
def structured_output(w):
    import pydantic

    class Person(pydantic.BaseModel):
        name: str
        age: int

    answer = w.client.chat.completions.parse(model="m", messages=USER, response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    assert w.fake.last.json["response_format"]["json_schema"]["strict"] is True


@case
def completions_plain_and_streamed(w):
    answer = w.client.completions.create(model="m", prompt="once")
    assert answer.choices[0].text == "once and so on"
    stream = w.client.completions.create(model="m", prompt="once", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream).strip() == "once and so on"


@case
def embeddings_as_base64_and_as_floats(w):
    # The SDK asks for base64 unless told otherwise, and decodes it.
    packed = w.client.embeddings.create(model="m", input=["a", "bcd"])
    assert w.fake.last.json["encoding_format"] == "base64"
    floats = w.client.embeddings.create(model="m", input=["a", "bcd"], encoding_format="float")
    expected = [[0.5, -0.25, 1.0], [0.5, -0.25, 3.0]]
    assert [item.embedding for item in packed.data] == expected
    assert [item.embedding for item in floats.data] == expected
    assert floats.usage.prompt_tokens == 4


@case
def models_are_listed_and_found(w):
    names = {model.id for model in w.client.models.list()}
    assert {"m", "fake-large"} <= names, names
    model = w.client.models.retrieve("m")
    assert (model.id, model.object, model.owned_by) == ("m", "model", "fake")
    assert w.client.models.retrieve("fake/m").id == "fake/m"


@case
def a_model_can_be_asked_by_its_provider(w):
    answer = w.client.chat.completions.create(model="fake/m", messages=USER)
    assert answer.choices[0].message.content == "You said: hello"
    assert w.fake.last.json["model"] == "m"


def error_of(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error).__name__}: {error}"
        assert error.request_id and error.request_id.startswith("req_"), error.request_id
        assert error.body["message"] and error.body["type"], error.body
        assert {"param", "code"} <= set(error.body), error.body
        return error
    raise AssertionError(f"no {kind.__name__}")


@case
def a_wrong_key_is_an_authentication_error(w):
    client = client_of(w, "sk-wrong")
    error = error_of(openai.AuthenticationError, client.chat.completions.create, model="m", messages=USER)
    assert error.body["code"] == "invalid_api_key" and "sk-wrong" not in error.message
    error_of(openai.AuthenticationError, client.models.list)


@case
def an_unknown_model_is_a_not_found_error(w):
    create = w.client.chat.completions.create
    error = error_of(openai.NotFoundError, create, model="gpt-nope", messages=USER)
    assert error.body["code"] == "model_not_found" and "gpt-nope" in error.message
    error_of(openai.NotFoundError, w.client.models.retrieve, "gpt-nope")
    error_of(openai.NotFoundError, create, model="gpt-nope", messages=USER, stream=True)


@case
def an_unknown_route_is_a_not_found_error(w):
    error_of(openai.NotFoundError, w.client.get, "/nothing/here", cast_to=object)


@case
def a_bad_request_is_the_upstreams_own(w):
    create = w.client.chat.completions.create
    error = error_of(openai.BadRequestError, create, model="m", messages=USER, temperature=3)
    assert error.body["param"] == "temperature" and "at most 2" in error.message
    asked = len(w.fake.requests)
    error_of(openai.BadRequestError, create, model="m", messages=USER, temperature=3, stream=True)
    assert len(w.fake.requests) == asked + 1, "a bad request was tried again"


@case
def a_bad_body_is_refused_with_its_field(w):
    error = error_of(openai.BadRequestError, w.client.post, "/chat/completions", cast_to=object, body={"model": "m"})
    assert error.body["param"] == "messages", error.body


@case
def the_upstreams_limit_keeps_its_retry_after(w):
    # All attempts meet the limit; waiting that long makes no sense within the call.
    body = b'{"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"}}'
    for _ in range(3):
        w.fake.next(status=429, headers={"retry-after": "33"}, body=body)
    error = error_of(openai.RateLimitError, w.client.chat.completions.create, model="m", messages=USER)
    w.fake.script.clear()
    assert 1 <= int(error.response.headers["retry-after"]) <= 33, error.response.headers


@case
def an_upstream_that_refuses_our_key_is_not_the_clients_fault(w):
    body = b'{"error": {"message": "Incorrect API key provided: sk-upstream-secret.", "type": "x"}}'
    for _ in range(3):
        w.fake.next(status=401, body=body)
    create = w.client.chat.completions.create
    error = error_of(openai.InternalServerError, create, model="fake-large", messages=USER)
    w.fake.script.clear()
    assert error.status_code == 502 and "sk-upstream" not in str(error.body), error.body


@case
def a_zipped_body_is_understood(w):
    packed = gzip.compress(json.dumps(hello()).encode())
    assert send_encoded(w, packed, "gzip") == "You said: hello"


@case
def bodies_in_brotli_and_zstandard_are_understood(w):
    # Both formats can hold the bytes as they are; see the two specifications.
    plain = json.dumps(hello()).encode()
    assert send_encoded(w, brotli_stored(plain), "br") == "You said: hello"
    assert send_encoded(w, zstd_stored(plain), "zstd") == "You said: hello"


@case
def a_damaged_or_unknown_encoding_is_refused(w):
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    for encoding, status in (("gzip", 400), ("compress", 415)):
        encoded = headers | {"content-encoding": encoding}
        answer = httpx.post(w.gateway.base_url + "/chat/completions", content=b"{}", headers=encoded)
        assert answer.status_code == status, (encoding, answer.status_code, answer.text)


@case
def nothing_went_upstream_that_should_not(w):
    headers = {"cookie": "a=b", "x-api-key": KEY, "baggage": "k=v", "proxy-authorization": "Basic eA=="}
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    assert w.gateway.chat(hello(), headers=headers | trace).status_code == 200
    assert w.fake.violations == [], set(w.fake.violations)


def send_encoded(w, body: bytes, encoding: str) -> str:
    headers = {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-encoding": encoding,
    }
    answer = httpx.post(w.gateway.base_url + "/chat/completions", content=body, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def brotli_stored(data: bytes) -> bytes:
    """A brotli stream with one uncompressed meta-block (RFC 7932, 9.1 and 9.2)."""
    bits, place = 0, 0

    def put(value: int, width: int):
        nonlocal bits, place
        bits |= value << place
        place += width

    put(0, 1)  # WBITS: 16
    put(0, 1)  # ISLAST: no
    put(0, 2)  # MNIBBLES: 4
    put(len(data) - 1, 16)
    put(1, 1)  # ISUNCOMPRESSED
    head = bits.to_bytes((place + 7) // 8, "little")
    return head + data + b"\x03"  # ISLAST, ISLASTEMPTY


def zstd_stored(data: bytes) -> bytes:
    """A Zstandard frame with one raw block (RFC 8878, 3.1.1)."""
    # A single segment whose content size takes four bytes.
    head = b"\x28\xb5\x2f\xfd" + bytes([0b1010_0000]) + len(data).to_bytes(4, "little")
    block = (len(data) << 3 | 1).to_bytes(3, "little")
    return head + block + data
