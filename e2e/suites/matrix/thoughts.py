"""Thoughts: told, kept with their signatures through loops of tools, moved."""

from suites.matrix.clients import Gemini, Messages
from suites.matrix.question import after, say
from suites.matrix.scenery import BY_NAME, OTHERS, TARGETS, each, is_own
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
    question.turns.extend([("answer", said), ("user", "hello")])
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


@each(targets=[BY_NAME["anthropic"], BY_NAME["bedrock-claude"], BY_NAME["gemini-3"], BY_NAME["vertex-claude"]], ways=("plain",))
def thoughts_that_the_client_lost(w, client, target, is_streamed):
    question = say(tools=TWO, thinks=True)
    answer = client.ask(target.name, question, is_streamed)
    echo = answer.echo
    if client.name == "chat":
        echo = {name: value for name, value in echo.items() if name in ("role", "content", "tool_calls")}
        calls = [{n: v for n, v in call.items() if n in ("id", "type", "function")} for call in echo["tool_calls"]]
        answer.echo = echo | {"tool_calls": calls}
    elif client.name == "responses":
        answer.echo = [item for item in echo if item["type"] != "reasoning"]
    else:
        return
    results = [(call, "sunny") for call in answer.calls]
    said = client.ask(target.name, after(question, answer, results), is_streamed)
    assert said.finish == "stop", said


@each(targets=THINKERS, clients=(Messages, Gemini), ways=("plain",))
def a_demanded_tool_beside_thoughts(w, client, target, is_streamed):
    if is_own(client, target):
        return
    try:
        client.ask(target.name, say(tools=TWO, thinks=True, choice="required"), is_streamed)
    except client.error as error:
        assert "tool_choice" in str(error) or "toolConfig" in str(error) or "hinking" in str(error), error
