"""instructor, in the modes that it has for each API."""

import anthropic
import instructor
import openai
import pydantic
from trying import BASE_URL, KEY, ORIGIN, try_each

USER = [{"role": "user", "content": "hello"}]
Mode = instructor.Mode


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


def of_openai(mode):
    client = instructor.from_openai(openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0), mode=mode)
    return lambda model: lambda **more: client.create(model=model, messages=USER, max_retries=0, **more)


def of_anthropic(mode):
    client = anthropic.Anthropic(base_url=ORIGIN, api_key=KEY, max_retries=0)
    made = instructor.from_anthropic(client, mode=mode)
    return lambda model: lambda **more: made.create(
        model=model, max_tokens=500, messages=USER, max_retries=0, **more
    )


def one(create, _model):
    assert create(response_model=Person).model_dump() == {"name": "Ada", "age": 36}


def partial(create, _model):
    found = list(create(response_model=instructor.Partial[Person], stream=True))
    assert found[-1].model_dump() == {"name": "Ada", "age": 36}, found


WAYS = {
    "functions": of_openai(Mode.TOOLS),
    "strict functions": of_openai(Mode.TOOLS_STRICT),
    "a JSON schema": of_openai(Mode.JSON_SCHEMA),
    "functions of Responses": of_openai(Mode.RESPONSES_TOOLS),
    "functions of Messages": of_anthropic(Mode.ANTHROPIC_TOOLS),
}
STREAMED = {name: WAYS[name] for name in ("functions", "a JSON schema", "functions of Messages")}

if __name__ == "__main__":
    try_each(WAYS, {"an answer by a schema": one})
    try_each(STREAMED, {"an answer that grows": partial})
