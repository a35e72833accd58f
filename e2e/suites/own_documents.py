"""Guards over the SDKs of OpenAI, Anthropic and Google in Python, each before a
server of its own dialect: what passes is the client's own request and the server's
own answer, and a word is found wherever it stands.
"""

import contextlib
import importlib.util
import json
from unittest import mock

import anthropic
import httpx
import openai
from google import genai

from fake_anthropic import FakeAnthropic
from fake_gemini import FakeGemini
from fake_responses import FakeResponses
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from suites.common import fake_and_gateway

GEMINI = "gemini-2.5-flash"
WORD = "project-x"
POLICY = """
guards:
  words: {kind: deny, literals: [project-x], on: [request, answer], action: block}
policies:
  - name: house
    models: [r, c, "gemini-*"]
    guards: [words]
  - name: brief
    models: [ruled-*]
    guards: [words]
    system: [{prepend: Be brief.}]
models:
  - {name: ruled-r, deployments: [{provider: keeper, model: r}]}
  - {name: ruled-c, deployments: [{provider: claude, model: c}]}
  - {name: ruled-g, deployments: [{provider: google, model: gemini-2.5-flash}]}
"""
ARGUMENTS = {"city": {"type": "string"}}
SCHEMA = {"type": "object", "properties": ARGUMENTS}


def scene(bench):
    keeper = bench.enter(FakeResponses(UPSTREAM_KEY))
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    google = bench.enter(FakeGemini(UPSTREAM_KEY))
    providers = f"""
  keeper:
    dialect: responses
    base_url: {keeper.base_url}
    api_key: env:UPSTREAM_KEY
    models: [r]
  claude:
    catalogue: anthropic
    base_url: {claude.base_url}
    api_key: env:UPSTREAM_KEY
    models: [c]
  google:
    catalogue: gemini
    base_url: {google.base_url}
    api_key: env:UPSTREAM_KEY
    models: [{GEMINI}]
"""
    world = fake_and_gateway(bench, more=POLICY, providers=providers)
    world.keeper, world.claude, world.google = keeper, claude, google
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    world.genai = genai.Client(api_key=KEY, http_options={"base_url": world.gateway.origin, "timeout": 20_000})
    return world


@contextlib.contextmanager
def recorded():
    """The bodies that the SDKs send, as bytes."""
    sent = []
    with contextlib.ExitStack() as stack:
        # Each SDK has its own generation of the same library.
        for name in filter(importlib.util.find_spec, ("httpx", "httpx2")):
            client = importlib.import_module(name).Client
            stack.enter_context(mock.patch.object(client, "send", recording(client.send, sent)))
        yield sent


def recording(send, sent: list):
    def recorded(client, request, **more):
        sent.append(request.read())
        return send(client, request, **more)

    return recorded


def responses(w, text="hello", model="r", **more):
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
    asked = {
        "reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"],
        "store": False, "tools": tools, "tool_choice": "none", "metadata": {"team": "a"},
    }  # fmt: skip
    return w.openai.responses.create(model=model, input=text, **(asked | more))


def messages(w, text="hello", model="c", **more):
    content = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    asked = {
        "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024},
        "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "u"},
    }  # fmt: skip
    turn = [{"role": "user", "content": content}]
    return w.anthropic.messages.create(model=model, messages=turn, **(asked | more))


def gemini(w, text="hello", model=GEMINI, **more):
    config = {
        "thinking_config": {"thinking_budget": 128, "include_thoughts": True},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    }
    return w.genai.models.generate_content(model=model, contents=text, config=config | more)


ASKING = {"keeper": responses, "claude": messages, "google": gemini}
REFUSALS = (openai.APIStatusError, anthropic.APIStatusError, genai.errors.APIError)


def streaming(w, name: str) -> list:
    """The events of a streamed answer."""
    if name == "google":
        return list(w.genai.models.generate_content_stream(model=GEMINI, contents="hello"))
    return list(ASKING[name](w, stream=True))


def is_blocked(act) -> bool:
    try:
        act()
    except REFUSALS as error:
        assert WORD not in str(error), error
        return "guardrail `words`" in str(error)
    except anthropic.APIError as error:
        return "guardrail `words`" in str(error)
    except openai.APIError as error:
        return "guardrail `words`" in str(error)
    return False


def to(w, name: str, body: dict, is_streamed: bool = False) -> httpx.Response:
    """Asks without an SDK, which would refuse fields that nobody knows."""
    path = {
        "keeper": "/v1/responses",
        "claude": "/v1/messages",
        "google": f"/v1beta/models/{GEMINI}:{'streamGenerateContent?alt=sse' if is_streamed else 'generateContent'}",
    }
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    return httpx.post(w.gateway.origin + path[name], json=body, headers=headers, timeout=20)


PLAIN = {
    "keeper": {"model": "r", "input": "hello"},
    "claude": {"model": "c", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]},
    "google": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
}


@case
def every_field_reaches_the_server_byte_for_byte(w):
    for name, asking in ASKING.items():
        with recorded() as sent:
            asking(w)
        assert sent[-1] == getattr(w, name).last.body, (name, sent[-1], getattr(w, name).last.body)


@case
def streams_are_asked_for_in_the_clients_own_bytes(w):
    for name in ASKING:
        with recorded() as sent:
            assert streaming(w, name)
        assert sent[-1] == getattr(w, name).last.body, (name, sent[-1])


@case
def nothing_is_dropped_of_a_guarded_request(w):
    for name, body in PLAIN.items():
        answer = to(w, name, body)
        assert answer.status_code == 200, answer.text
        assert "x-portcullis-dropped" not in answer.headers, answer.headers


@case
def a_word_in_the_text_is_blocked_by_every_sdk(w):
    for name, asking in ASKING.items():
        asked = len(getattr(w, name).requests)
        assert is_blocked(lambda: asking(w, text=f"about {WORD}")), name  # noqa: B023
        assert len(getattr(w, name).requests) == asked, name


@case
def a_word_is_found_in_fields_that_nobody_knows_and_in_tools(w):
    more = {
        "keeper": [
            {"x_new": {"deep": [[WORD]]}},
            {"metadata": {WORD: "a"}},
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": json.dumps({WORD: 1})}]},
            {"input": [{"type": "x_new", "words": WORD}]},
            {"tools": [{"type": "mcp", "server_label": "a", "server_url": f"https://{WORD}.example"}]},
        ],
        "claude": [
            {"x_new": {"deep": [[WORD]]}},
            {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {WORD: {}}}}]},
            {"messages": [{"role": "assistant", "content": [
                {"type": "tool_use", "id": "t", "name": "f", "input": {WORD: 1}}]}]},
            {"mcp_servers": [{"type": "url", "name": "a", "url": f"https://{WORD}.example"}]},
        ],
        "google": [
            {"xNew": {"deep": [[WORD]]}},
            {"labels": {"a": WORD}},
            {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {WORD: 1}}}]}]},
            {"system_instruction": {"parts": [{"text": WORD}]}},
        ],
    }  # fmt: skip
    for name, bodies in more.items():
        asked = len(getattr(w, name).requests)
        for body in bodies:
            answer = to(w, name, PLAIN[name] | body)
            assert answer.status_code == 400 and "guardrail" in answer.text, (name, body, answer.text)
            assert WORD not in answer.text, answer.text
        assert len(getattr(w, name).requests) == asked, name


# What each server runs by itself and says of it.
HOSTED = {
    "keeper": {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c",
        "code": "1", "outputs": [{"type": "logs", "logs": "WORDS"}]},
    "claude": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "WORDS"}},
    "google": {"executableCode": {"language": "PYTHON", "code": "WORDS"}},
}  # fmt: skip


def whole(name: str, words: str) -> bytes:
    hosted = json.loads(json.dumps(HOSTED[name]).replace("WORDS", words))
    answer = {
        "keeper": {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "r",
            "output": [hosted], "x_new": 1, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}},
        "claude": {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": [hosted],
            "stop_reason": "end_turn", "stop_sequence": None, "x_new": 1,
            "usage": {"input_tokens": 1, "output_tokens": 1}},
        "google": {"candidates": [{"content": {"role": "model", "parts": [hosted]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1}, "xNew": 1},
    }  # fmt: skip
    return json.dumps(answer[name], indent=1).encode()


@case
def an_answer_passes_as_it_came_and_a_word_in_a_hosted_call_is_blocked(w):
    for name, body in PLAIN.items():
        getattr(w, name).next(body=whole(name, "harmless"))
        answer = to(w, name, body)
        assert answer.content == whole(name, "harmless"), answer.text
        getattr(w, name).next(body=whole(name, f"a {WORD}"))
        assert is_blocked(lambda: ASKING[name](w)), name  # noqa: B023


def event(data: dict) -> bytes:
    return f"event: {data['type']}\ndata:  {json.dumps(data)}\n\n".encode()


def pieces(name: str, *texts: str) -> list:
    """A stream of these pieces of one text, and an event that nobody knows."""
    if name == "google":
        parts = [{"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": t}]}}]} for t in texts]
        parts[-1]["candidates"][0]["finishReason"] = "STOP"
        parts = [part | {"xNew": {"deep": "harmless"}} for part in parts]
        return [f"data:  {json.dumps(part)}\r\n\r\n".encode() for part in parts]
    if name == "claude":
        start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
        data = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}} for t in texts),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ]
        return [event(it) for it in data]
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "".join(texts), "annotations": []}]}  # fmt: skip
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "r", "output": [], "tools": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    data = [
        {"type": "response.created", "response": response | {"status": "in_progress"}},
        {"type": "response.x_new.started", "x_new": ["harmless"]},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"content": []}},
        {"type": "response.content_part.added", **at, "part": {"type": "output_text", "text": "", "annotations": []}},
        *({"type": "response.output_text.delta", **at, "delta": t} for t in texts),
        {"type": "response.output_text.done", **at, "text": "".join(texts)},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response | {"status": "completed", "output": [item], "usage": usage}},
    ]
    return [event(it | {"sequence_number": n}) for n, it in enumerate(data)]


@case
def a_stream_passes_as_it_came_and_a_word_that_is_cut_never_leaves(w):
    for name, body in PLAIN.items():
        wants = body if name == "google" else body | {"stream": True}
        script = pieces(name, "a pro", "ject", " of ours")
        getattr(w, name).next(pieces=script)
        answer = to(w, name, wants, is_streamed=True)
        assert answer.content == b"".join(script), answer.text
        getattr(w, name).next(pieces=pieces(name, "it is pro", "ject", "-x!", " more"))
        answer = to(w, name, wants, is_streamed=True)
        assert "guardrail" in answer.text, answer.text
        assert not any(part in answer.text for part in ("it is pro", "-x!", " more")), answer.text
        row = w.gateway.row(answer.headers["x-request-id"])
        assert row["outcome"] == "guard_ended", row


@case
def sdks_are_told_that_their_stream_was_blocked(w):
    for name in ASKING:
        getattr(w, name).next(pieces=pieces(name, "fine. ", f"a {WORD}"))
        assert is_blocked(lambda: streaming(w, name)), name  # noqa: B023


@case
def rules_stand_in_the_clients_own_request(w):
    with recorded() as sent:
        responses(w, model="ruled-r", instructions="Be kind.")
        mine, theirs = json.loads(sent[-1]), w.keeper.last.json
        assert theirs == mine | {"model": "r", "instructions": "Be brief.\n\nBe kind."}, theirs
        messages(w, model="ruled-c")
        mine, theirs = json.loads(sent[-1]), w.claude.last.json
        assert theirs["system"] == [{"type": "text", "text": "Be brief."}, *mine["system"]], theirs
        assert theirs | {"system": 0} == mine | {"model": "c", "system": 0}, theirs
        gemini(w, model="ruled-g")
        mine, theirs = json.loads(sent[-1]), w.google.last.json
        assert theirs == mine | {"systemInstruction": {"parts": [{"text": "Be brief."}]}}, theirs


@case
def an_answer_repeats_the_clients_instructions_alone(w):
    for more in ({"instructions": "Be kind."}, {}):
        answer = json.loads(whole("keeper", "x")) | {"instructions": "Be brief.\n\nBe kind."}
        w.keeper.next(body=json.dumps(answer).encode())
        told = responses(w, model="ruled-r", **more)
        assert told.instructions == more.get("instructions"), told


@case
def tokens_are_counted_in_the_clients_words_and_words_are_found(w):
    text = [{"role": "user", "content": "hello"}]
    assert w.anthropic.messages.count_tokens(model="c", messages=text).input_tokens == 42
    assert w.anthropic.messages.count_tokens(model="ruled-c", messages=text).input_tokens == 42
    assert w.genai.models.count_tokens(model=GEMINI, contents="hello").total_tokens == 43
    assert w.genai.models.count_tokens(model="ruled-g", contents="hello").total_tokens == 43
    no = [{"role": "user", "content": WORD}]
    assert is_blocked(lambda: w.anthropic.messages.count_tokens(model="c", messages=no))
    assert is_blocked(lambda: w.genai.models.count_tokens(model=GEMINI, contents=WORD))
