"""Conversations: whole and streamed, what was used, what stands in them."""

import fake_anthropic
import fake_bedrock
import fake_gemini
import fake_gpt
import fake_vertex_chat
from suites.matrix.question import Paper, Picture, Question, say
from suites.matrix.clients import Chat, Gemini, Messages, Responses
from suites.matrix.scenery import TARGETS, each, is_own, server_of

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@each()
def it_answers_and_says_what_was_used(w, client, target, is_streamed):
    answer = client.ask(target.name, say(), is_streamed)
    assert answer.text.strip() == "You said: hello" and not answer.calls, answer
    assert answer.finish == "stop", answer
    wanted = target.used(False)
    # A dialect without a word for a part leaves it out.
    assert all(got in (None, want) for got, want in zip(answer.usage, wanted)), (answer.usage, wanted)


@each()
def a_system_text_and_turns_before_in_every_script(w, client, target, is_streamed):
    turns = [("user", "hi"), ("answer", "Grüezi 🎉"), ("user", "Ünïcödé 日本語 🎉👩‍👩‍👧 \u2028 \"q\" \\ ")]
    answer = client.ask(target.name, Question(turns, system="Be brief. 日本"), is_streamed)
    assert answer.text.strip() == "You said: " + turns[-1][1].strip(), answer


@each()
def an_answer_that_is_too_long_says_so(w, client, target, is_streamed):
    if target.server in ("mistral", "deepseek", "fake"):
        return
    answer = client.ask(target.name, say("LONG", settings={"max_tokens": 1500}), is_streamed)
    assert answer.finish == "length", answer


@each()
def an_answer_by_a_schema(w, client, target, is_streamed):
    answer = client.ask(target.name, say(schema=PERSON), is_streamed)
    assert not answer.calls and answer.finish == "stop", answer
    assert answer.text.replace(" ", "") == '{"name":"Ada","age":36}', answer


@each()
def a_picture_by_its_bytes(w, client, target, is_streamed):
    if target.server in ("mistral", "deepseek"):
        return
    answer = client.ask(target.name, say(["what?", Picture(bytes(range(256)) * 4)]), is_streamed)
    assert "what?" in answer.text and "1 images" in answer.text, answer


@each(ways=("plain",))
def settings_arrive_or_are_named(w, client, target, is_streamed):
    question = say(settings={"max_tokens": 1500, "temperature": 0.5, "stop": ["END"]})
    try:
        answer = client.ask(target.name, question, is_streamed)
    except client.error as error:
        # What a reasoning model refuses of its own dialect it says itself.
        assert target.name in ("openai-thinker", "anthropic-newest") and ("temperature" in str(error) or "stop" in str(error)), error
        return
    assert answer.text.strip() == "You said: hello", answer


@each()
def a_system_text_in_the_middle(w, client, target, is_streamed):
    if client.name == "gemini" or (client.name == "messages" and is_own(client, target)):
        return
    turns = [("user", "hi"), ("answer", "Hi."), ("system", "Now in German."), ("user", "hello")]
    answer = client.ask(target.name, Question(turns, system="Be brief."), is_streamed)
    assert answer.text.strip().endswith("hello"), answer
    assert b"Now in German." in server_of(w, target).last.body, server_of(w, target).last.body


@each(ways=("plain",))
def turns_that_say_nothing(w, client, target, is_streamed):
    if is_own(client, target):
        return
    for turns, system in [
        ([("user", "hi"), ("answer", ""), ("user", "hello")], None),
        ([("user", "")], None),
        ([("user", ["", "hello"])], None),
        ([("user", "hello")], ""),
        ([("user", "  ")], " "),
    ]:
        answer = client.ask(target.name, Question(turns, system=system), is_streamed)
        assert answer.text.startswith("You said:"), (turns, answer)


@each(ways=("plain",))
def turns_in_an_odd_order(w, client, target, is_streamed):
    if is_own(client, target):
        return
    for turns in [
        [("user", "hi"), ("user", "hello")],
        [("answer", "Welcome!"), ("user", "hello")],
        [("user", "hi"), ("answer", "one"), ("answer", "two"), ("user", "hello")],
    ]:
        answer = client.ask(target.name, Question(turns), is_streamed)
        assert "hello" in answer.text, (turns, answer)


@each(ways=("plain",))
def a_paper(w, client, target, is_streamed):
    question = say(["what?", Paper(b"%PDF-1.4 fake")])
    try:
        answer = client.ask(target.name, question, is_streamed)
    except client.error as error:
        assert status_of(error) == 400, error
        assert target.server in ("cohere", "ollama", "deepseek", "mistral"), error
        return
    assert "what?" in answer.text, answer


def status_of(error) -> int:
    return getattr(error, "status_code", None) or error.code


FILTERS = {
    "gpt": ["FILTER", "REFUSE"], "azure": ["FILTER", "REFUSE"], "claude": ["REFUSE"], "vertex_claude": ["REFUSE"],
    "google": ["BLOCK", "UNSAFE"], "vertex": ["BLOCK", "UNSAFE"], "aws": ["GUARD", "REFUSE"],
}  # fmt: skip


@each()
def what_is_not_answered_says_so(w, client, target, is_streamed):
    for word in FILTERS.get(target.server, []):
        if target.server == "aws" and (word == "GUARD") == (target.name == "bedrock-invoked"):
            continue
        if target.server == "aws" and word == "REFUSE" and target.name != "bedrock-invoked":
            continue
        answer = client.ask(target.name, say(word), is_streamed)
        assert answer.finish in ("filter", "refusal"), (word, answer)


SETTINGS = [{"seed": 7}, {"presence_penalty": 0.5, "frequency_penalty": 0.5}, {"top_p": 0.9}, {"top_k": 5}]


@each(ways=("plain",))
def settings_that_few_know_are_sent_or_named(w, client, target, is_streamed):
    known = {"chat": SETTINGS[:3], "responses": SETTINGS[2:3], "messages": SETTINGS[2:], "gemini": SETTINGS}
    for settings in known[client.name]:
        try:
            client.ask(target.name, say(settings=settings), is_streamed)
        except client.error as error:
            assert "seed" in settings or is_own(client, target), error
            words = [spelt for name in settings for spelt in spellings(name)]
            assert status_of(error) == 400 and any(word in str(error) for word in words), error


def spellings(name: str) -> list:
    first, *rest = name.split("_")
    return [name, first + "".join(word.capitalize() for word in rest)]


@each(clients=(Chat, Gemini))
def several_answers_at_once(w, client, target, is_streamed):
    more = {"n": 2} if client.name == "chat" else {"candidate_count": 2}
    try:
        answer = client.ask(target.name, say(more=more), is_streamed)
    except client.error as error:
        assert status_of(error) == 400 and ("`n`" in str(error) or "andidate" in str(error)), error
        return
    if client.name == "chat":
        texts = [choice.message.content.strip() for choice in answer.raw.choices]
        # Google's fake has one answer, whatever it is asked for.
        assert texts == ["You said: hello"] * (1 if target.server in ("google", "vertex") else 2), texts


@each(clients=(Chat,))
def logprobs_come_or_are_named(w, client, target, is_streamed):
    try:
        answer = client.ask(target.name, say(more={"logprobs": True, "top_logprobs": 2}), is_streamed)
    except client.error as error:
        assert status_of(error) == 400 and "logprobs" in str(error), error
        return
    assert target.server not in ("claude", "aws"), "no word of it"


# By providers themselves; by the gateway where they do not count, in each client's words.
COUNTS = {"gpt": fake_gpt.COUNT, "claude": fake_anthropic.COUNT, "google": fake_gemini.COUNT, "vertex": fake_vertex_chat.COUNT}
ESTIMATES = {"messages": 18, "gemini": 6, "responses": 6}


@each(targets=TARGETS, clients=(Messages, Gemini, Responses), ways=("plain",))
def tokens_are_counted(w, client, target, is_streamed):
    tools = [{"name": "weather", "description": "x", "input_schema": PERSON}]
    if client.name == "messages":
        said = [{"role": "user", "content": "hello"}]
        asked = {"model": target.name, "messages": said, "tools": tools, "system": "Be brief."}
        count = client.sdk.messages.count_tokens(**asked).input_tokens
    elif client.name == "gemini":
        count = client.sdk.models.count_tokens(model=target.name, contents="hello").total_tokens
    else:
        count = client.sdk.responses.input_tokens.count(model=target.name, input="hello").input_tokens
    exact = fake_bedrock.COUNT if target.name == "bedrock-claude" else COUNTS.get(target.server)
    by = w.heard[-1].headers["x-portcullis-counted-by"]
    assert (count, by) == ((exact, "provider") if exact else (ESTIMATES[client.name], "gateway")), (count, by)
