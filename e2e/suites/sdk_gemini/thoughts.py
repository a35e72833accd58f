"""Thoughts, and the signatures that must come back with them."""

from google.genai import types

from fake_gemini_rules import spelt
from harness.bench import case
from suites.sdk_gemini import CLAUDE, SECOND, THIRD, ask, parts, stream
from suites.sdk_gemini.tools import declared, results_of, turn

SHOWN = {"include_thoughts": True}
FAMILIES = ("m", CLAUDE, SECOND, THIRD)
BUDGETS = {CLAUDE: {"thinking_budget": 2048}, SECOND: {"thinking_budget": 1024}, THIRD: {"thinking_level": "HIGH"}}


@case
def thoughts_are_shown_to_who_asks(w):
    for model, more in BUDGETS.items():
        config = {"thinking_config": SHOWN | more, "max_output_tokens": 8000}
        for answer in (ask(w, model, **config), merged(stream(w, model, **config))):
            all_parts = parts(answer)
            thoughts = [part.text for part in all_parts if part.thought]
            assert "".join(thoughts) == "Let me think.", (model, all_parts)
            said = "".join(part.text or "" for part in all_parts if not part.thought)
            assert said.strip() == "You said: hello", all_parts


def merged(chunks: list):
    """A streamed answer as one."""
    all_parts = [part for chunk in chunks for part in parts(chunk)]
    last = chunks[-1].model_copy(deep=True)
    last.candidates[0].content = types.Content(role="model", parts=all_parts)
    return last


@case
def thoughts_are_hidden_from_who_does_not(w):
    for model, more in BUDGETS.items():
        answer = ask(w, model, thinking_config=more, max_output_tokens=8000)
        assert not any(part.thought for part in parts(answer)), answer


@case
def a_loop_of_tools_keeps_signatures(w):
    tools = declared("weather", "time")
    for model, more in BUDGETS.items():
        config = {"thinking_config": SHOWN | more, "max_output_tokens": 8000, "tools": tools}
        for answer in (ask(w, model, **config), merged(stream(w, model, **config))):
            calls = [part.function_call for part in parts(answer) if part.function_call]
            assert len(calls) == 2, answer
            again = ask(w, model, turn(parts(answer), results_of(calls)), **config)
            assert again.text, again


@case
def a_chat_with_thoughts_over_turns(w):
    for model, more in BUDGETS.items():
        config = {"thinking_config": SHOWN | more, "max_output_tokens": 8000}
        chat = w.client.chats.create(model=model, config=config)
        for text in ("one", "two", "three"):
            assert chat.send_message(text).text == f"You said: {text}"
            "".join(chunk.text or "" for chunk in chat.send_message_stream(text))


@case
def signatures_reach_the_client_and_their_model_again(w):
    answer = ask(w, THIRD, tools=declared("weather", "time"))
    signed = [bool(part.thought_signature) for part in parts(answer) if part.function_call]
    assert signed == [True, False], answer
    ask(w, THIRD, turn(parts(answer), results_of(answer.function_calls)), tools=declared("weather", "time"))
    sent = [part for content in w.google.last.json["contents"] for part in content["parts"]]
    assert [bool(part.get("thoughtSignature")) for part in sent if "functionCall" in part] == [True, False], sent


@case
def a_conversation_moves_to_another_model_in_a_loop_of_tools(w):
    tools = declared("weather", "time")
    for first in FAMILIES:
        for second in FAMILIES:
            config = {"tools": tools, "max_output_tokens": 8000}
            thinking = {"thinking_config": SHOWN | BUDGETS[first]} if first in BUDGETS else {}
            answer = ask(w, first, **config, **thinking)
            again = ask(w, second, turn(parts(answer), results_of(answer.function_calls)), **config)
            assert again.text and not again.function_calls, (first, second, again)


@case
def a_budget_and_a_level_become_what_each_model_has(w):
    ask(w, CLAUDE, thinking_config={"thinking_budget": 2048}, max_output_tokens=8000)
    assert w.claude.last.json["thinking"]["budget_tokens"] == 2048
    ask(w, CLAUDE, thinking_config={"thinking_budget": 0})
    assert w.claude.last.json.get("thinking", {"type": "disabled"})["type"] == "disabled"
    ask(w, SECOND, thinking_config={"thinking_budget": 777})
    assert spelt(w.google.last.json)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 777
    ask(w, THIRD, thinking_config={"thinking_level": "LOW"})
    assert spelt(w.google.last.json)["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"
