"""Tools: parallel, in loops, with names and results of every kind."""

from suites.matrix.question import Picture, Tool, after, say
from suites.matrix.clients import Messages, Responses
from suites.matrix.scenery import OTHERS, each, server_of, is_own

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TWO = (Tool("weather", CITY), Tool("time", CITY))
ZURICH = {"city": "Zürich"}


@each()
def parallel_calls_and_their_results(w, client, target, is_streamed):
    question = say(tools=TWO)
    answer = client.ask(target.name, question, is_streamed)
    assert [(call.name, call.given) for call in answer.calls] == [("weather", ZURICH), ("time", ZURICH)], answer
    assert answer.finish == "tools", answer
    results = [(call, "sunny") for call in answer.calls]
    said = client.ask(target.name, after(question, answer, results), is_streamed)
    assert said.text.strip() == "Results: 2" or target.server in ("mistral", "deepseek", "fake"), said
    assert said.finish == "stop" and not said.calls, said


@each()
def a_tool_that_takes_nothing(w, client, target, is_streamed):
    question = say(tools=(Tool("now", None), Tool("then", {"type": "object", "properties": {}})))
    answer = client.ask(target.name, question, is_streamed)
    assert [call.name for call in answer.calls] == ["now", "then"], answer
    results = [(call, "") for call in answer.calls]
    said = client.ask(target.name, after(question, answer, results), is_streamed)
    assert said.finish == "stop", said


LONG = "mcp__a_server_with_a_very_long_name__and_a_tool_whose_name_is_longer_still_" + "x" * 40
ODD = ("mcp.time/now", "wetter für morgen", "1st:tool", LONG + "1", LONG + "2")


@each()
def names_that_are_long_or_odd(w, client, target, is_streamed):
    if is_own(client, target):
        return
    names = ODD
    question = say(tools=tuple(Tool(name, CITY) for name in names))
    answer = client.ask(target.name, question, is_streamed)
    assert [call.name for call in answer.calls] == list(names), answer
    results = [(call, "sunny") for call in answer.calls]
    said = client.ask(target.name, after(question, answer, results), is_streamed)
    assert said.finish == "stop", said


@each(ways=("plain",))
def results_of_every_kind(w, client, target, is_streamed):
    question = say(tools=TWO)
    answer = client.ask(target.name, question, is_streamed)
    one, two = answer.calls
    texts = ["", "  ", '{"a": [1, 2]}', "[1, 2]", "null", "Grüße 🎉"]
    for said in [*texts, ["one", "two"], ValueError("it broke"), ValueError("")]:
        more = client.ask(target.name, after(question, answer, [(two, said), (one, "sunny")]), is_streamed)
        assert more.finish == "stop" and not more.calls, (said, more)


@each(ways=("plain",), clients=(Responses, Messages))
def a_picture_as_a_result(w, client, target, is_streamed):
    # The model of this fake reads texts alone.
    if target.server == "deepseek":
        return
    question = say(tools=TWO[:1])
    answer = client.ask(target.name, question, is_streamed)
    picture = ["see:", Picture(b"\x89PNG\r\n\x1a\n" * 9)]
    try:
        said = client.ask(target.name, after(question, answer, [(answer.calls[0], picture)]), is_streamed)
    except client.error as error:
        assert target.server in ("cohere", "mistral", "deepseek", "ollama"), error
        return
    assert said.finish == "stop" or server_of(w, target).last.json["messages"][-1]["role"] == "user", said


@each(ways=("plain",))
def a_choice_of_tools(w, client, target, is_streamed):
    for choice, wanted in [("none", 0), ("required", 2), ("time", 1)]:
        try:
            answer = client.ask(target.name, say(tools=TWO, choice=choice), is_streamed)
        except client.error as error:
            assert "tool_choice" in str(error) or "toolConfig" in str(error), error
            assert target.server in ("ollama",), error
            continue
        assert (len(answer.calls) > 0) == (wanted > 0), (choice, answer)


@each(ways=("plain",))
def a_loop_of_several_rounds(w, client, target, is_streamed):
    question = say(tools=TWO)
    for _ in range(3):
        answer = client.ask(target.name, question, is_streamed)
        if answer.calls:
            question = after(question, answer, [(call, "sunny") for call in answer.calls])
        question.turns.append(("answer", "Anything else?"))
        question.turns.append(("user", "hello"))


@each(ways=("plain",))
def calls_in_the_past_without_tools_now(w, client, target, is_streamed):
    question = say(tools=TWO)
    answer = client.ask(target.name, question, is_streamed)
    results = [(call, "sunny") for call in answer.calls]
    said = client.ask(target.name, after(question, answer, results, tools=()), is_streamed)
    assert said.finish == "stop", said


@each(ways=("plain",))
def a_loop_that_goes_on_with_every_other_provider(w, client, target, is_streamed):
    question = say(tools=TWO)
    answer = client.ask(target.name, question, is_streamed)
    results = [(call, "sunny") for call in answer.calls]
    for other in OTHERS:
        said = client.ask(other.name, after(question, answer, results), is_streamed)
        assert said.finish == "stop" and said.text, (other.name, said)


WIDE = {
    "type": "object",
    "properties": {
        "city": {"type": ["string", "null"], "minLength": 1, "pattern": "^[A-Z]", "format": "hostname"},
        "kind": {"enum": ["a", "b", 1, None]},
        "where": {"$ref": "#/$defs/place"},
        "any": {"anyOf": [{"type": "string"}, {"type": "integer", "exclusiveMinimum": 0}]},
        "one": {"oneOf": [{"const": "x"}, {"type": "null"}]},
        "list": {"type": "array", "items": {"type": "object", "properties": {}}, "uniqueItems": True},
        "free": {},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "properties": {"next": {"$ref": "#/$defs/place"}}}},
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Wide",
}


@each(ways=("plain",))
def a_schema_with_all_that_json_schema_knows(w, client, target, is_streamed):
    answer = client.ask(target.name, say(tools=(Tool("wide", WIDE),)), is_streamed)
    assert [call.name for call in answer.calls] == ["wide"], answer
