"""LlamaIndex: its models over four APIs, agents, schemas, embeddings."""

import asyncio

import pydantic
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.google_genai import GoogleGenAI
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from trying import BASE_URL, KEY, MODELS, ORIGIN, try_each

OPENAI = {"api_base": BASE_URL, "api_key": KEY, "max_retries": 0}


# Names that LlamaIndex knows; the gateway has the models behind.
GPT = dict(zip(MODELS, ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4-turbo")))
CLAUDES = (
    "claude-3-haiku-20240307", "claude-sonnet-4-0", "claude-opus-4-0", "claude-opus-4-1",
    "claude-3-5-haiku-20241022", "claude-3-7-sonnet-20250219",
)  # fmt: skip
CLAUDE = dict(zip(MODELS, CLAUDES))
WAYS = {
    "OpenAILike": lambda model: OpenAILike(
        model=model, is_chat_model=True, is_function_calling_model=True, context_window=100_000, **OPENAI
    ),
    "OpenAI": lambda model: OpenAI(model=GPT[model], **OPENAI),
    "OpenAIResponses": lambda model: OpenAIResponses(model=GPT[model], **OPENAI),
    "Anthropic": lambda model: Anthropic(
        model=CLAUDE[model], base_url=ORIGIN, api_key=KEY, max_retries=0, max_tokens=500
    ),
    "GoogleGenAI": lambda model: GoogleGenAI(
        model=model, api_key=KEY, http_options={"base_url": ORIGIN}, context_window=100_000, max_retries=0
    ),
}


# Connections belong to the loop that made them.
LOOP = asyncio.new_event_loop()


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


def weather(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


def time(city: str) -> str:
    """The time."""
    return f"noon in {city}"


TOOLS = [FunctionTool.from_defaults(function) for function in (weather, time)]
USER = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="hello")]


def answer(llm, _model):
    assert llm.complete("hello").text.strip() == "You said: hello"
    assert llm.chat(USER).message.content.strip() == "You said: hello"


def stream(llm, _model):
    assert "".join(piece.delta or "" for piece in llm.stream_complete("hello")).strip() == "You said: hello"
    *_, last = llm.stream_chat(USER)
    assert last.message.content.strip() == "You said: hello", last


def tools(llm, _model):
    asked = {"tools": TOOLS, "user_msg": "hello", "allow_parallel_tool_calls": True}
    *_, streamed = llm.stream_chat_with_tools(**asked)
    for said in (llm.chat_with_tools(**asked), streamed):
        calls = llm.get_tool_calls_from_response(said)
        assert [(call.tool_name, call.tool_kwargs) for call in calls] == [
            ("weather", {"city": "Zürich"}), ("time", {"city": "Zürich"}),
        ], calls  # fmt: skip


def agent(llm, _model):
    async def done():
        return await FunctionAgent(tools=TOOLS, llm=llm, system_prompt="Be brief.").run("hello")

    found = LOOP.run_until_complete(done())
    assert sorted(call.tool_name for call in found.tool_calls) == ["time", "weather"], found
    assert str(found), found


def schema(llm, _model):
    found = llm.as_structured_llm(Person).complete("hello").raw
    assert found == Person(name="Ada", age=36), found


def image(llm, _model):
    picture = ImageBlock(image=bytes(range(255)), image_mimetype="image/png")
    said = llm.chat([ChatMessage(role="user", blocks=[TextBlock(text="what?"), picture])])
    assert said.message.content.startswith("You said: what? (1 images, "), said


def embeddings(model, _name):
    embedder = OpenAIEmbedding(model_name=model, **OPENAI)
    assert embedder.get_text_embedding("hello") == [0.5, -0.25, 5.0]
    assert embedder.get_text_embedding_batch(["a", "abc"]) == [[0.5, -0.25, 1.0], [0.5, -0.25, 3.0]]


if __name__ == "__main__":
    cases = {
        "an answer": answer, "a stream": stream, "tools": tools, "an agent": agent, "a schema": schema, "an image": image,
    }  # fmt: skip
    try_each(WAYS, cases)
    try_each({"OpenAIEmbedding": lambda model: model}, {"embeddings": embeddings}, ["m", "gemini-embedding-001"])
