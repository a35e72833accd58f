"""Plain and streamed answers, usage, thoughts, images, settings."""

import itertools

from harness.bench import case
from suites.natives import (
    CLAUDES,
    GEMMA,
    MODELS,
    OSS,
    PLAIN,
    THINKER,
    USER,
    ask,
    claude,
    claude_stream,
    said,
    server_of,
    stream,
)


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
def a_clients_own_settings_reach_the_server(w):
    more = {"keep_alive": "10m", "options": {"num_ctx": 8192, "min_p": 0.1}}
    ask(w, GEMMA, temperature=0.5, max_tokens=9, seed=3, stop="END", extra_body=more)
    asked = w.ollama.last.json
    wanted = {"num_predict": 9, "temperature": 0.5, "seed": 3, "stop": ["END"], "num_ctx": 8192, "min_p": 0.1}
    assert (asked["keep_alive"], asked["options"], asked["stream"]) == ("10m", wanted, False), asked
    ask(w, PLAIN, extra_body={"documents": [{"data": {"text": "a"}}], "citation_options": {"mode": "FAST"}})
    assert w.cohere.last.json["documents"] == [{"data": {"text": "a"}}], w.cohere.last.json
