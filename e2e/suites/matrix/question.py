"""What is asked and what is answered, in words of no dialect."""

import base64
import dataclasses


@dataclasses.dataclass(frozen=True)
class Picture:
    """By its bytes, or by where it lies."""

    data: bytes = b""
    url: str = ""
    kind: str = "image/png"

    @property
    def text(self) -> str:
        return base64.b64encode(self.data).decode()


@dataclasses.dataclass(frozen=True)
class Paper:
    """A PDF."""

    data: bytes
    name: str = "report.pdf"

    @property
    def text(self) -> str:
        return base64.b64encode(self.data).decode()


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    # None for a tool that declares nothing.
    schema: dict | None
    about: str = "Tells it."


@dataclasses.dataclass(frozen=True)
class Call:
    id: str
    name: str
    given: dict


@dataclasses.dataclass
class Question:
    # Of each turn who speaks and what: `user` and `system` a text or a list of texts,
    # pictures and papers; `answer` an Answer or a text; `results` pairs of a call
    # and a text, a list of parts, or an exception for a tool that failed.
    turns: list
    system: str | None = None
    tools: tuple = ()
    # A word, or a tool's name.
    choice: str | None = None
    schema: dict | None = None
    thinks: bool = False
    # Settings that every client knows, by OpenAI's names.
    settings: dict = dataclasses.field(default_factory=dict)
    # What this client's SDK takes besides.
    more: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Answer:
    text: str
    calls: list
    thoughts: str
    # stop, length, tools, filter or refusal
    finish: str
    # Tokens: all that were read, those of them from a cache, written, of these thought.
    usage: tuple
    # What the application sends back as the assistant's turn.
    echo: object = dataclasses.field(repr=False)
    # The SDK's own object, or the objects of its stream.
    raw: object = dataclasses.field(default=None, repr=False)


def say(text="hello", **more) -> Question:
    return Question([("user", text)], **more)


def after(question: Question, answer: Answer, results: list, **more) -> Question:
    """The question with this answer and its calls' results behind it."""
    turns = [*question.turns, ("answer", answer), ("results", results)]
    return dataclasses.replace(question, turns=turns, **more)
