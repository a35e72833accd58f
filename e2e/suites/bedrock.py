"""OpenAI's and Anthropic's SDKs in front of AWS Bedrock, with only base URL
and key changed.

The first models are asked by Converse, the last by InvokeModel.
"""

import base64
import json
import threading

import anthropic
import httpx
import openai

import fake_bedrock
from fake_bedrock import CLAUDE, NOVA, PROFILE, SONNET, FakeBedrock, exception
from harness.bench import case, until
from harness.gateway import KEY, UPSTREAM_KEY, events, hello
from suites.common import fake_and_gateway

USER = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
NAMES = ("weather", "time")
CITY = {"city": "Zürich"}
CONVERSED = ("claude", "nova", "profile")
MODELS = (*CONVERSED, "invoked")
THINKERS = ("claude", "profile", "invoked")
NAMED = f"""
models:
  - {{name: claude, deployments: [{{provider: bedrock, model: "{CLAUDE}"}}]}}
  - {{name: nova, deployments: [{{provider: bedrock, model: "{NOVA}"}}]}}
  - {{name: profile, deployments: [{{provider: bedrock, model: "{PROFILE}"}}]}}
  - {{name: invoked, deployments: [{{provider: bedrock_claude, model: "{CLAUDE}"}}]}}
  - {{name: sonnet, deployments: [{{provider: bedrock_claude, model: "{SONNET}"}}]}}
retry: {{retries: 0}}
"""


def scene(bench):
    aws = bench.enter(FakeBedrock(UPSTREAM_KEY))
    providers = f"""
  bedrock:
    base_url: {aws.base_url}
    api_key: env:UPSTREAM_KEY
    losses: drop
  bedrock_claude:
    base_url: {aws.base_url}
    api_key: env:UPSTREAM_KEY
"""
    world = fake_and_gateway(bench, more=NAMED, providers=providers)
    world.aws = aws
    world.openai = openai.OpenAI(base_url=world.gateway.base_url, api_key=KEY, max_retries=0, timeout=20)
    world.anthropic = anthropic.Anthropic(base_url=world.gateway.origin, api_key=KEY, max_retries=0, timeout=20)
    return world


# How it is asked: the same in both SDKs, plain and streamed


def chats(w, model: str, messages: list = USER, **more) -> list:
    asked = {"model": model, "messages": messages} | more
    with w.openai.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        final = stream.get_final_completion()
    return [w.openai.chat.completions.create(**asked), final]


def messages_of(w, model: str, messages: list = USER, **more) -> list:
    asked = {"model": model, "messages": messages, "max_tokens": 100} | more
    with w.anthropic.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    return [w.anthropic.messages.create(**asked), final]


def functions(names=NAMES, schema=SCHEMA) -> list:
    function = {"description": "Tells it.", "parameters": schema}
    return [{"type": "function", "function": function | {"name": name}} for name in names]


def tools(names=NAMES, schema=SCHEMA) -> list:
    return [{"name": name, "description": "Tells it.", "input_schema": schema} for name in names]


# What is asked


@case
def openais_sdk_talks(w):
    for model in MODELS:
        messages = [{"role": "system", "content": "Be brief."}, *USER]
        for answer in chats(w, model, messages, max_tokens=50, temperature=0.5, stop=["END"]):
            [choice] = answer.choices
            assert choice.message.content.strip() == "You said: hello" and choice.finish_reason == "stop", answer
            usage = answer.usage
            assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (19, 7, 26), usage
            assert usage.prompt_tokens_details.cached_tokens == 5, usage
    assert w.aws.last.path == "/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke", w.aws.last.path


@case
def anthropics_sdk_talks(w):
    for model in MODELS:
        for answer in messages_of(w, model, system="Be brief.", stop_sequences=["END"]):
            assert answer.content[0].text.strip() == "You said: hello" and answer.stop_reason == "end_turn", answer
            usage = answer.usage
            assert (usage.input_tokens, usage.output_tokens) == (11, 7), usage
            assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (5, 3), usage


@case
def clients_of_other_dialects_talk(w):
    for model in MODELS:
        with w.openai.responses.stream(model=model, input="hello") as stream:
            final = stream.get_final_response()
        for answer in (w.openai.responses.create(model=model, input="hello"), final):
            assert answer.output_text.strip() == "You said: hello" and answer.status == "completed", answer
        asked = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
        url = f"{w.gateway.origin}/v1beta/models/{model}:generateContent"
        answer = httpx.post(url, json=asked, headers={"x-goog-api-key": KEY}, timeout=20).json()
        assert answer["candidates"][0]["content"]["parts"][0]["text"] == "You said: hello", answer


@case
def the_ledger_has_all_kinds_of_tokens(w):
    for model in MODELS:
        for stream in (False, True):
            answer = w.gateway.chat(hello(model, stream=stream))
            row = w.gateway.row(answer.headers["x-request-id"])
            tokens = [row[kind] for kind in ("input", "cached_input", "cache_write", "output")]
            assert tokens == [11, 5, 3, 7], (model, stream, row)


@case
def the_model_stands_in_the_path_and_not_in_the_body(w):
    operations = {"converse": CONVERSED, "invoke": ["invoked"]}
    for operation, models in operations.items():
        for model in models:
            w.gateway.chat(hello(model))
            seen = w.aws.last
            assert seen.path.endswith(operation) and ":" not in seen.path and seen.path.count("/") == 3, seen.path
            assert not {"model", "stream"} & set(seen.json), seen.json
    w.gateway.chat(hello("profile", stream=True))
    name = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123claude"
    assert w.aws.last.path == f"/model/{name}/converse-stream", w.aws.last.path
    w.gateway.chat(hello("invoked", stream=True))
    assert w.aws.last.path.endswith("/invoke-with-response-stream"), w.aws.last.path


@case
def openais_sdk_calls_tools_side_by_side(w):
    for model in MODELS:
        for answer in chats(w, model, tools=functions()):
            message = answer.choices[0].message
            assert answer.choices[0].finish_reason == "tool_calls", answer
            assert [call.function.name for call in message.tool_calls] == list(NAMES), message
            assert [json.loads(call.function.arguments) for call in message.tool_calls] == [CITY] * 2, message
            again = [*USER, message.model_dump(exclude_none=True)]
            # In another order than they were called.
            for call in reversed(message.tool_calls):
                again.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
            for said in chats(w, model, again, tools=functions()):
                assert said.choices[0].message.content.strip() == "Results: 2", said


@case
def anthropics_sdk_calls_tools_side_by_side(w):
    for model in MODELS:
        for answer in messages_of(w, model, tools=tools()):
            calls = [block for block in answer.content if block.type == "tool_use"]
            assert answer.stop_reason == "tool_use", answer
            assert [(call.name, call.input) for call in calls] == [(name, CITY) for name in NAMES], answer
            for said in messages_of(w, model, results_of(answer), tools=tools()):
                assert said.content[-1].text.strip() == "Results: 2", said


def results_of(answer, **more) -> list:
    calls = [block for block in answer.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} | more for call in calls]
    return [*USER, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]


@case
def a_call_without_arguments_has_an_empty_object(w):
    nothing = {"type": "object"}
    for model in MODELS[:-1]:
        for answer in chats(w, model, tools=functions(["now"], nothing)):
            assert answer.choices[0].message.tool_calls[0].function.arguments == "{}", answer
        for answer in messages_of(w, model, tools=tools(["now"], nothing)):
            assert answer.content[0].input == {}, answer


@case
def a_tool_can_be_forced(w):
    named = {"type": "function", "function": {"name": "time"}}
    chats(w, "claude", tools=functions(), tool_choice=named)
    assert w.aws.last.json["toolConfig"]["toolChoice"] == {"tool": {"name": "time"}}, w.aws.last.json
    messages_of(w, "nova", tools=tools(), tool_choice={"type": "any"})
    assert w.aws.last.json["toolConfig"]["toolChoice"] == {"any": {}}, w.aws.last.json
    again = [*USER, {"role": "assistant", "content": "hi"}, *USER]
    chats(w, "claude", again, tools=functions(), tool_choice="none")
    assert "toolConfig" not in w.aws.last.json, w.aws.last.json


@case
def a_name_that_is_too_long_comes_back_whole(w):
    long = "weather_" * 15
    for answer in chats(w, "claude", tools=functions([long])):
        assert answer.choices[0].message.tool_calls[0].function.name == long, answer


@case
def thoughts_go_back_signed_in_a_loop_of_tools(w):
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000, "tools": tools()}
    for model in THINKERS:
        for answer in messages_of(w, model, **thinking):
            assert [block.type for block in answer.content] == ["thinking", "tool_use", "tool_use"], answer
            thought = answer.content[0]
            assert thought.thinking == "Let me think." and thought.signature, thought
            for said in messages_of(w, model, results_of(answer), **thinking):
                assert [block.type for block in said.content] == ["thinking", "text"], said
            for other in MODELS:
                # It moves to another model, or to Claude behind another door.
                said = w.anthropic.messages.create(model=other, messages=results_of(answer), **thinking)
                assert said.content[-1].text == "Results: 2", (model, other, said)


@case
def openais_client_may_drop_the_thoughts(w):
    asked = {"tools": functions(), "reasoning_effort": "low", "max_tokens": 4000}
    for model in THINKERS:
        for answer in chats(w, model, **asked):
            message = answer.choices[0].message
            assert message.model_extra["reasoning_content"] == "Let me think.", message
            again = [*USER, {"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]}]
            again += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
            for said in chats(w, model, again, **asked):
                assert said.choices[0].message.content.strip() == "Results: 2", said


@case
def images_and_documents(w):
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    what = {"type": "text", "text": "what?"}
    expected = f"You said: what? (1 images, {len(data)} characters)"
    for model in MODELS:
        for answer in chats(w, model, [{"role": "user", "content": [what, url]}]):
            assert answer.choices[0].message.content.strip() == expected, answer
        for answer in messages_of(w, model, [{"role": "user", "content": [what, image]}]):
            assert answer.content[0].text.strip() == expected, answer
    pdf = base64.b64encode(b"%PDF-1.7 and more").decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": pdf}
    document = {"type": "document", "source": source, "title": "my_report.v2.pdf"}
    for answer in messages_of(w, "claude", [{"role": "user", "content": [document, document, what]}]):
        assert "(my-report-v2.pdf) (my-report-v2 (2).pdf)" in answer.content[0].text, answer
    # Alone it needs words beside it.
    messages_of(w, "claude", [{"role": "user", "content": [document]}])


@case
def cache_marks_become_cache_points(w):
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "Be brief."} | mark]
    content = [{"type": "text", "text": "hello"} | mark]
    messages_of(w, "claude", [{"role": "user", "content": content}], system=system)
    asked = w.aws.last.json
    point = {"cachePoint": {"type": "default"}}
    assert asked["system"] == [{"text": "Be brief."}, point], asked
    assert asked["messages"][0]["content"] == [{"text": "hello"}, point], asked
    messages_of(w, "invoked", [{"role": "user", "content": content}], system=system)
    assert w.aws.last.json["system"] == system, w.aws.last.json


@case
def betas_stand_in_the_body(w):
    betas = ["context-1m-2025-08-07", "claude-code-20250219", "interleaved-thinking-2025-05-14"]
    asked = {"model": "sonnet", "messages": USER, "max_tokens": 100, "betas": betas}
    w.anthropic.beta.messages.create(**asked)
    assert w.aws.last.json["anthropic_beta"] == [betas[0], betas[2]], w.aws.last.json
    # Converse has none, nor has a smaller model; that is no reason to fail.
    for model in ("claude", "invoked"):
        w.anthropic.beta.messages.create(**asked | {"model": model})
        assert "anthropic_beta" not in json.dumps(w.aws.last.json), w.aws.last.json


@case
def an_answer_may_be_cut_or_filtered(w):
    for text, reason in (("LONG", "length"), ("GUARD", "content_filter")):
        answer = w.gateway.chat(hello("claude", text)).json()
        assert answer["choices"][0]["finish_reason"] == reason, answer
        chunks = events(w.gateway.chat(hello("claude", text, stream=True)).text)
        assert f'"finish_reason":"{reason}"' in chunks[-2] and chunks[-1] == "[DONE]", chunks
    reasons = {"LONG": "max_tokens", "GUARD": "refusal"}
    for text, reason in reasons.items():
        for answer in messages_of(w, "claude", [{"role": "user", "content": text}]):
            assert answer.stop_reason == reason, answer


# What goes wrong


def failing(w, model: str, stream: bool) -> tuple:
    """What both SDKs raise for the next two requests."""
    raised = []
    for ask in (
        lambda: w.openai.chat.completions.create(model=model, messages=USER, stream=stream),
        lambda: w.anthropic.messages.create(model=model, messages=USER, max_tokens=100, stream=stream),
    ):
        try:
            answer = ask()
            raised.append(AssertionError(f"no error: {list(answer) if stream else answer}"))
        except (openai.APIError, anthropic.APIError) as error:
            raised.append(error)
    return tuple(raised)


@case
def errors_have_their_status_in_both_dialects(w):
    cases = [
        (429, "Too many requests, please wait before trying again.", 429, None),
        (400, "Malformed input request.", 400, None),
        (400, "Input is too long for requested model.", 400, "context_length_exceeded"),
        (503, "Bedrock is unable to process your request.", 503, None),
    ]
    for status, said, told, code in cases:
        for model in ("claude", "invoked"):
            for stream in (False, True):
                for _ in range(2):
                    w.aws.refuses(status, said)
                theirs, ours = failing(w, model, stream)
                assert theirs.status_code == told and (code is None or theirs.code == code), (said, theirs)
                assert ours.status_code in ({529, 503} if told == 503 else {told}), (said, ours)
                if code:
                    assert "prompt is too long" in str(ours), ours


@case
def an_exception_before_any_content_is_a_status(w):
    header = {"content-type": fake_bedrock.BINARY}
    for kind, status in (("throttlingException", 429), ("validationException", 400)):
        for model in ("claude", "invoked"):
            for _ in range(2):
                w.aws.next(pieces=[exception(kind, "Not now.")], headers=header)
            for error in failing(w, model, True):
                assert error.status_code == status, (kind, error)


@case
def a_stream_that_breaks_never_ends_clean(w):
    whole = fake_bedrock.event("contentBlockStop", {"contentBlockIndex": 0})
    corrupt = whole[:-1] + bytes([whole[-1] ^ 1])
    endings = [
        {"last": exception("throttlingException", "Too many tokens.")},
        {"last": exception("modelStreamErrorException", "The model broke.")},
        {"last": whole[:30]},
        {"last": corrupt},
        {},
        {"breaks": True},
    ]
    for ending in endings:
        for model, breaks in (("claude", w.aws.breaks_after), ("invoked", w.aws.breaks_invoked_after)):
            breaks("Hello", **ending)
            text = streamed(w, "/chat/completions", hello(model, stream=True))
            assert '"error"' in text and "[DONE]" not in text and '"finish_reason":"' not in text, (ending, text)
            breaks("Hello", **ending)
            text = streamed(w, "/messages", hello(model, stream=True, max_tokens=100))
            assert "event: error" in text and "message_stop" not in text, (ending, text)


def streamed(w, path: str, body: dict) -> str:
    answer = w.gateway.post(path, body, headers={"anthropic-version": "2023-06-01"})
    if answer.status_code != 200:
        # Nothing had gone out yet: the error is a status, which is better still.
        assert answer.status_code >= 400 and '"error"' in answer.text, answer.text
        return "event: error " + answer.text
    assert events(answer.text), answer.text
    return answer.text


@case
def a_client_that_leaves_stops_the_model(w):
    gate, gone = threading.Event(), w.aws.hung_up
    pieces = [fake_bedrock.event("messageStart", {"role": "assistant"}), fake_bedrock.delta(0, {"text": "Hello"})]
    gated = [b"".join(pieces), fake_bedrock.delta(0, {"text": "late"})]
    w.aws.next(pieces=gated, gate=gate, headers={"content-type": fake_bedrock.BINARY})
    headers = {"authorization": f"Bearer {KEY}"}
    url = w.gateway.base_url + "/chat/completions"
    with httpx.stream("POST", url, json=hello("claude", stream=True), headers=headers, timeout=20) as answer:
        assert "Hello" in next(text for text in answer.iter_text() if "Hello" in text)
    until(lambda: w.aws.hung_up == gone + 1, 5, "the fake sees the end")


@case
def nothing_went_upstream_that_should_not(w):
    found = w.fake.violations + w.aws.violations
    assert found == [], set(found)
