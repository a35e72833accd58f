"""Thoughts: told, kept with their signatures through loops of tools, moved."""

import dataclasses

from google.genai import types

from fake_gemini_rules import SIGNATURE
from suites.matrix.clients import Gemini, Messages
from suites.matrix.question import after, say
from suites.matrix.scenery import BY_NAME, OTHERS, TARGETS, each, is_own, server_of
from suites.matrix.tools import TWO

THINKERS = [target for target in TARGETS if target.shows or target.thoughts]


@each(targets=THINKERS)
def thoughts_are_told_and_counted(w, client, target, is_streamed):
    answer = client.ask(target.name, say(thinks=True), is_streamed)
    assert answer.text.strip() == "You said: hello" and answer.finish == "stop", answer
    assert bool(answer.thoughts) == target.shows, answer
    thought = answer.usage[4]
    assert thought in (None, target.used(True)[4]), answer


@each(targets=THINKERS)
def a_loop_of_tools_with_thoughts(w, client, target, is_streamed):
    question = say(tools=TWO, thinks=True)
    answer = client.ask(target.name, question, is_streamed)
    assert [call.name for call in answer.calls] == ["weather", "time"] and answer.finish == "tools", answer
    results = [(call, "sunny") for call in answer.calls]
    question = after(question, answer, results)
    said = client.ask(target.name, question, is_streamed)
    assert said.finish == "stop" and said.text, said
    # And on: the whole turn stands in the past.
    question.turns.extend([("answer", said.text), ("user", "hello")])
    client.ask(target.name, question, is_streamed)


@each(targets=THINKERS)
def a_loop_with_thoughts_goes_on_elsewhere(w, client, target, is_streamed):
    question = say(tools=TWO, thinks=True)
    answer = client.ask(target.name, question, is_streamed)
    results = [(call, "sunny") for call in answer.calls]
    question = after(question, answer, results)
    for other in OTHERS:
        for thinks in (True, False) if other in THINKERS and not is_streamed else (False,):
            question.thinks = thinks
            said = client.ask(other.name, question, is_streamed)
            assert said.finish in ("stop", "tools") and (said.text or said.calls), (other.name, thinks, said)


@each(targets=TARGETS, ways=("plain",))
def thoughts_begin_in_the_middle_of_a_loop(w, client, target, is_streamed):
    question = say(tools=TWO)
    answer = client.ask(target.name, question, is_streamed)
    question = after(question, answer, [(call, "sunny") for call in answer.calls], thinks=True)
    for other in [other for other in OTHERS if other in THINKERS]:
        said = client.ask(other.name, question, is_streamed)
        assert said.finish in ("stop", "tools"), (other.name, said)


SIGNERS = [BY_NAME[name] for name in ("anthropic", "bedrock-claude", "bedrock-invoked", "vertex-claude", "gemini-3", "vertex")]


def without_thoughts(client, echo):
    """An answer as many an application sends it back: without what it does not know."""
    if client.name == "chat":
        calls = [{n: v for n, v in call.items() if n in ("id", "type", "function")} for call in echo["tool_calls"]]
        return {"role": "assistant", "content": echo.get("content"), "tool_calls": calls}
    if client.name == "responses":
        return [item for item in echo if item["type"] != "reasoning"]
    if client.name == "messages":
        return [block for block in echo if "thinking" not in block["type"]]
    parts = [part.model_copy(update={"thought_signature": None}) for part in echo.parts if not part.thought]
    return types.Content(role="model", parts=[part for part in parts if part.text or part.function_call])


@each(targets=SIGNERS)
def thoughts_that_the_client_lost(w, client, target, is_streamed):
    if is_own(client, target):
        return
    question = say(tools=TWO, thinks=True)
    for _ in range(2):
        answer = client.ask(target.name, question, is_streamed)
        answer.echo = without_thoughts(client, answer.echo)
        question = after(question, answer, [(call, "sunny") for call in answer.calls])
        said = client.ask(target.name, question, is_streamed)
        assert said.finish == "stop" and said.thoughts, said
        loops = [who for who, _ in question.turns].count("results")
        assert server_of(w, target).last.body.count(SIGNATURE.encode()) == loops, question
        question = dataclasses.replace(question, turns=[*question.turns, ("answer", said.text), ("user", "hello")])


@each(targets=THINKERS, clients=(Messages, Gemini), ways=("plain",))
def a_demanded_tool_beside_thoughts(w, client, target, is_streamed):
    if is_own(client, target):
        return
    try:
        client.ask(target.name, say(tools=TWO, thinks=True, choice="required"), is_streamed)
    except client.error as error:
        assert "tool_choice" in str(error) or "toolConfig" in str(error) or "hinking" in str(error), error
