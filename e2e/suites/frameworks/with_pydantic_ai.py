"""Pydantic AI's agents, over four APIs."""

import asyncio

import pydantic
from pydantic_ai import Agent, BinaryContent, NativeOutput, ToolOutput
from pydantic_ai.messages import ThinkingPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from trying import BASE_URL, KEY, ORIGIN, THINKERS, try_each


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


OPENAI = OpenAIProvider(base_url=BASE_URL, api_key=KEY)
ANTHROPIC = AnthropicProvider(api_key=KEY, base_url=ORIGIN)
GOOGLE = GoogleProvider(api_key=KEY, base_url=ORIGIN)
# Connections belong to the loop that made them.
LOOP = asyncio.new_event_loop()
WAYS = {
    "chat completions": lambda model: OpenAIChatModel(model, provider=OPENAI),
    "responses": lambda model: OpenAIResponsesModel(model, provider=OPENAI),
    "messages": lambda model: AnthropicModel(model, provider=ANTHROPIC),
    "gemini": lambda model: GoogleModel(model, provider=GOOGLE),
}


def with_tools(agent: Agent) -> list:
    heard = []

    @agent.tool_plain
    def weather(city: str) -> str:
        heard.append(("weather", city))
        return "sunny"

    @agent.tool_plain
    def time(city: str) -> str:
        heard.append(("time", city))
        return "noon"

    return heard


def run(agent: Agent, prompt="hello", **more):
    return LOOP.run_until_complete(agent.run(prompt, **more))


def answer(model, _name):
    done = run(Agent(model, instructions="Be brief."))
    assert done.output.strip() == "You said: hello", done
    assert done.usage.input_tokens > 0 and done.usage.output_tokens > 0, done.usage


def stream(model, _name):
    async def heard() -> list:
        async with Agent(model).run_stream("hello") as streaming:
            return [text async for text in streaming.stream_text(delta=True)]

    assert "".join(LOOP.run_until_complete(heard())).strip() == "You said: hello"


def tools(model, _name):
    agent = Agent(model)
    heard = with_tools(agent)
    done = run(agent)
    assert sorted(heard) == [("time", "Zürich"), ("weather", "Zürich")], heard
    assert done.output, done


def next_run(model, _name):
    agent = Agent(model)
    with_tools(agent)
    first = run(agent)
    again = run(Agent(model), "more", message_history=first.all_messages())
    assert again.output.strip().endswith("more"), again.output


def schemas(model, _name):
    # It asks Messages for a schema only by names that it knows.
    outputs = (Person, ToolOutput(Person), *([] if isinstance(model, AnthropicModel) else [NativeOutput(Person)]))
    for output in outputs:
        assert run(Agent(model, output_type=output)).output == Person(name="Ada", age=36), output


def image(model, _name):
    picture = BinaryContent(bytes(range(255)), media_type="image/png")
    assert run(Agent(model), ["what?", picture]).output.startswith("You said: what? (1 images, ")


def thoughts(model, name):
    agent = Agent(model)
    heard = with_tools(agent)
    settings = {
        "anthropic_thinking": {"type": "enabled", "budget_tokens": 1024},
        "google_thinking_config": {"include_thoughts": True, "thinking_budget": 1024},
        "openai_reasoning_effort": "low",
        "openai_reasoning_summary": "auto",
        "max_tokens": 4000,
    }
    done = run(agent, model_settings=settings)
    assert len(heard) == 2 and done.output.strip() == "Results: 2", done.output
    parts = [part for message in done.all_messages() for part in message.parts]
    assert any(isinstance(part, ThinkingPart) and part.content for part in parts), parts


if __name__ == "__main__":
    cases = {
        "an answer": answer, "a stream": stream, "tools": tools, "the next run": next_run, "schemas": schemas, "an image": image,
    }  # fmt: skip
    try_each(WAYS, cases)
    try_each({name: WAYS[name] for name in ("messages", "gemini", "responses")}, {"thoughts": thoughts}, THINKERS)
