"""LangChain, over four APIs: answers, streams, loops of tools, schemas, agents."""

import base64

import pydantic
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from trying import BASE_URL, KEY, ORIGIN, THINKERS, try_each

OPENAI = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0}
WAYS = {
    "chat completions": lambda model, **more: ChatOpenAI(model=model, stream_usage=True, **OPENAI, **more),
    "responses": lambda model, **more: ChatOpenAI(model=model, use_responses_api=True, **OPENAI, **more),
    "messages": lambda model, **more: ChatAnthropic(
        model=model, base_url=ORIGIN, api_key=KEY, max_retries=0, **{"max_tokens": 500} | more
    ),
    "gemini": lambda model, **more: ChatGoogleGenerativeAI(
        model=model, base_url=ORIGIN, google_api_key=KEY, max_retries=1, **more
    ),
}


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


@tool
def weather(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


@tool
def time(city: str) -> str:
    """The time."""
    return f"noon in {city}"


TOOLS = [weather, time]


def is_said(message, text: str = "You said: hello") -> None:
    assert message.text.strip() == text, message


def is_counted(message) -> None:
    usage = message.usage_metadata
    assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0, usage
    assert usage["total_tokens"] >= usage["input_tokens"] + usage["output_tokens"], usage


def plain(llm, _model):
    answer = llm.invoke([SystemMessage("Be brief."), HumanMessage("hello")])
    is_said(answer)
    is_counted(answer)


def streamed(llm, _model):
    whole = None
    for chunk in llm.stream("hello"):
        whole = chunk if whole is None else whole + chunk
    is_said(whole)
    is_counted(whole)


def results_of(message: AIMessage) -> list:
    return [ToolMessage("sunny", tool_call_id=call["id"], name=call["name"]) for call in message.tool_calls]


def tools(llm, _model):
    bound = llm.bind_tools(TOOLS)
    whole = None
    for chunk in bound.stream("hello"):
        whole = chunk if whole is None else whole + chunk
    for answer in (bound.invoke("hello"), whole):
        assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
            ("weather", {"city": "Zürich"}), ("time", {"city": "Zürich"}),
        ], answer.tool_calls  # fmt: skip
        said = bound.invoke([HumanMessage("hello"), answer, *results_of(answer)])
        assert said.text and not said.tool_calls, said


def agent(llm, _model):
    done = create_agent(llm, TOOLS).invoke({"messages": [HumanMessage("hello")]})
    kinds = [message.type for message in done["messages"]]
    assert kinds == ["human", "ai", "tool", "tool", "ai"], kinds
    assert done["messages"][-1].text, done


def schema(llm, _model):
    for method in ({}, {"method": "function_calling"}, {"method": "json_schema"}):
        person = llm.with_structured_output(Person, **method).invoke("hello")
        assert person == Person(name="Ada", age=36), (method, person)


def image(llm, _model):
    data = base64.b64encode(bytes(range(255))).decode()
    block = {"type": "image", "base64": data, "mime_type": "image/png"}
    answer = llm.invoke([HumanMessage([{"type": "text", "text": "what?"}, block])])
    assert answer.text.startswith("You said: what? (1 images, "), answer


def thoughts(make):
    def case(llm, model):
        bound = llm.bind_tools(TOOLS)
        answer = bound.invoke("hello")
        kinds = [block["type"] for block in answer.content_blocks]
        assert "reasoning" in kinds, answer
        said = bound.invoke([HumanMessage("hello"), answer, *results_of(answer)])
        assert said.text.strip() == "Results: 2", said

    return case


def embeddings() -> None:
    openai = OpenAIEmbeddings(
        model="m", base_url=BASE_URL, api_key=KEY, max_retries=0, check_embedding_ctx_length=False
    )
    google = GoogleGenerativeAIEmbeddings(model="gemini-embedding-001", base_url=ORIGIN, google_api_key=KEY)
    for embedder in (openai, google):
        assert embedder.embed_query("hello") == [0.5, -0.25, 5.0]
        assert embedder.embed_documents(["a", "abc"]) == [[0.5, -0.25, 1.0], [0.5, -0.25, 3.0]]


THINKING = {
    "responses": lambda model: WAYS["responses"](model, reasoning={"effort": "low", "summary": "auto"}),
    "messages": lambda model: WAYS["messages"](
        model, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=4000
    ),
    # By itself it asks for a temperature that Claude does not take while it thinks.
    "gemini": lambda model: WAYS["gemini"](model, include_thoughts=True, thinking_budget=1024, temperature=1),
}

if __name__ == "__main__":
    cases = {
        "an answer": plain, "a stream": streamed, "tools": tools, "an agent": agent, "a schema": schema, "an image": image,
    }  # fmt: skip
    try_each(WAYS, cases)
    try_each(THINKING, {"thoughts": thoughts(THINKING)}, THINKERS)
    try_each({"embeddings": lambda _: None}, {"embeddings": lambda *_: embeddings()}, ["both"])
