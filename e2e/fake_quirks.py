"""Servers of OpenAI's dialect that differ from it, each as strict as it is.

What they refuse and where they put things is what the vendors' servers do;
`config/catalogue.yaml` names the sources. A request that is refused is noted:
the gateway should never have sent it.
"""

import json
import re

from fake_openai import USAGE, FakeOpenAI, Handler, Refused, Scripted, chat, filled, stream_of

THOUGHT = "Look outside, then say it."
MISTRAL = {
    "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
    "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction",
    "parallel_tool_calls", "prompt_mode", "reasoning_effort", "safe_prompt",
}  # fmt: skip
MISTRAL_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
GROQ_MESSAGES = {
    "developer": {"role", "content"},
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "function_call"},
    "tool": {"role", "content", "tool_call_id"},
}


class FakeQuirky(FakeOpenAI):
    """A server of this kind: `mistral`, `groq`, `deepseek`, `openrouter`, `minimax`, `perplexity`."""

    def __init__(self, key: str, kind: str):
        self.kind = kind
        super().__init__(key)

    def handler(self) -> type:
        return Quirky


class Quirky(Handler):
    owner: FakeQuirky

    def answer(self, seen) -> None:
        if seen.path != "/v1/chat/completions":
            raise Refused(404, f"Invalid URL ({seen.method} {seen.path})")
        asked = json.loads(seen.body)
        try:
            CHECKS[self.owner.kind](asked)
            paired(asked["messages"])
        except Refused as no:
            self.owner.violations.append(f"{self.owner.kind}: {no}")
            raise
        answer = chat(asked)
        if asked.get("response_format", {}).get("type") == "json_object":
            told = asked["messages"][0]["content"].split("JSON Schema:\n")[-1]
            answer["choices"][0]["message"]["content"] = json.dumps(filled(json.loads(told)))
        SHAPES[self.owner.kind](answer["choices"][0])
        if not asked.get("stream"):
            return self.send_json(answer)
        chunks = STREAMS.get(self.owner.kind, usual)(asked, answer)
        datas = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks] + ["[DONE]"]
        self.send_scripted(Scripted(pieces=[f"data: {data}\n\n".encode() for data in datas]))


def forbid(where: str, given: dict, known: set) -> None:
    for name in given:
        if name not in known:
            raise Refused(422, f"{where}.{name}: Extra inputs are not permitted (extra_forbidden)", name)


def paired(messages: list) -> None:
    """Every result behind its call, and every call answered."""
    open_calls: set = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise Refused(400, "a tool's result without its call")
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            raise Refused(400, "calls without results")
        open_calls |= {call["id"] for call in message.get("tool_calls") or []}
    if open_calls:
        raise Refused(400, "calls without results")


# Who may speak behind whom, by Mistral's templates (mistral-common, validator.py).
BEHIND = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}


def in_order(messages: list) -> None:
    roles = [message["role"] for message in messages]
    for before, role in zip(roles, roles[1:]):
        if role not in BEHIND.get(before, {role}):
            raise Refused(400, f"Unexpected role '{role}' after role '{before}'")
    last = messages[-1]
    if last["role"] == "assistant" and not last.get("prefix"):
        raise Refused(400, "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant")


# What each refuses


def mistral(asked: dict) -> None:
    forbid("body", asked, MISTRAL)
    in_order(asked["messages"])
    for message in asked["messages"]:
        if message["role"] not in MISTRAL_MESSAGES:
            raise Refused(422, f"no such role: {message['role']}", "role")
        forbid("messages", message, MISTRAL_MESSAGES[message["role"]])
        ids = [call["id"] for call in message.get("tool_calls") or []]
        ids += [message["tool_call_id"]] if "tool_call_id" in message else []
        for one in ids:
            if not re.fullmatch("[a-zA-Z0-9]{9}", one):
                raise Refused(400, f"Tool call id was {one} but must be a-z, A-Z, 0-9, with a length of 9.")
    if isinstance(asked.get("tool_choice"), str) and asked["tool_choice"] not in ("auto", "none", "any"):
        raise Refused(422, "tool_choice", "tool_choice")


def groq(asked: dict) -> None:
    for name in ("logprobs", "top_logprobs", "logit_bias", "prompt_cache_key", "safety_identifier"):
        if name in asked:
            raise Refused(400, f"property '{name}' is unsupported", name)
    if asked.get("n", 1) != 1:
        raise Refused(400, "'n' : number must be at most 1", "n")
    for message in asked["messages"]:
        forbid("messages", message, GROQ_MESSAGES[message["role"]])


def deepseek(asked: dict) -> None:
    for message in asked["messages"]:
        if message["role"] == "developer":
            raise Refused(400, "unknown variant `developer`", "role")
        if not isinstance(message.get("content"), str | None):
            raise Refused(400, "invalid type: sequence, expected a string", "content")
        if message.get("tool_calls") and not message.get("reasoning_content"):
            raise Refused(400, "The reasoning_content in the thinking mode must be passed back to the API.")
    if asked.get("response_format", {}).get("type") == "json_schema":
        raise Refused(400, "This response_format type is unavailable now")


def openrouter(asked: dict) -> None:
    for message in asked["messages"]:
        if "reasoning_content" in message:
            raise Refused(400, "reasoning_content is none of ours", "reasoning_content")


def minimax(asked: dict) -> None:
    for message in asked["messages"]:
        if "reasoning_content" in message:
            raise Refused(400, "reasoning_content is none of ours", "reasoning_content")
        if message.get("tool_calls") and "<think>" not in (message.get("content") or ""):
            raise Refused(400, "what stood in <think> is to come back")


def perplexity(asked: dict) -> None:
    for name in ("tools", "tool_choice", "max_completion_tokens"):
        if name in asked:
            raise Refused(400, f"{name} is not supported", name)


CHECKS = {f.__name__: f for f in (mistral, groq, deepseek, openrouter, minimax, perplexity)}


# Where each puts what it thought


def in_parts(choice: dict) -> None:
    message = choice["message"]
    for number, call in enumerate(message.get("tool_calls", [])):
        call["id"] = f"mistral{number:02}"
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    text = [{"type": "text", "text": message["content"]}] if message["content"] else []
    message["content"] = [thought, *text]
    if choice["finish_reason"] == "length":
        choice["finish_reason"] = "model_length"


def in_member(name: str):
    def shape(choice: dict) -> None:
        choice["message"][name] = THOUGHT

    return shape


def in_tags(choice: dict) -> None:
    message = choice["message"]
    message["content"] = f"<think>\n{THOUGHT}\n</think>\n\n{message['content'] or ''}"


SHAPES = {
    "mistral": in_parts,
    "groq": in_member("reasoning"),
    "deepseek": in_member("reasoning_content"),
    "openrouter": in_member("reasoning"),
    "minimax": in_tags,
    "perplexity": in_tags,
}


# The same as a stream


def usual(asked: dict, answer: dict):
    """The thoughts first, in the member in which the message has them."""
    message = answer["choices"][0]["message"]
    name = next((key for key in ("reasoning", "reasoning_content") if key in message), None)
    chunks = list(stream_of(asked, answer))
    yield chunks[0]
    if name:
        for word in THOUGHT.split(" "):
            yield with_delta(chunks[0], {name: word + " ", "content": None})
    yield from chunks[1:]


def with_delta(chunk: dict, delta: dict) -> dict:
    return chunk | {"choices": [chunk["choices"][0] | {"delta": delta}]}


def of_mistral(asked: dict, answer: dict):
    choice = answer["choices"][0]
    thought, *text = choice["message"]["content"]
    choice["message"]["content"] = text[0]["text"] if text else None
    chunks = list(stream_of(asked, answer))
    yield chunks[0]
    for word in THOUGHT.split(" "):
        part = thought | {"thinking": [{"type": "text", "text": word + " "}]}
        yield with_delta(chunks[0], {"content": [part]})
    yield from chunks[1:-1]
    yield chunks[-1] | {"usage": USAGE}


def of_groq(asked: dict, answer: dict):
    """What was used comes beside the last chunk, and once more if asked for."""
    chunks = list(usual(asked | {"stream_options": {}}, answer))
    yield from chunks[:-1]
    yield chunks[-1] | {"x_groq": {"id": "req_1", "usage": USAGE}}
    if asked.get("stream_options", {}).get("include_usage"):
        yield chunks[-1] | {"choices": [], "usage": USAGE}


def of_perplexity(asked: dict, answer: dict):
    """What was used so far comes with every chunk."""
    chunks = list(usual(asked | {"stream_options": {}}, answer))
    for number, chunk in enumerate(chunks):
        so_far = USAGE["completion_tokens"] if chunk is chunks[-1] else number % USAGE["completion_tokens"]
        total = {"completion_tokens": so_far, "total_tokens": USAGE["prompt_tokens"] + so_far}
        yield chunk | {"usage": USAGE | total}


STREAMS = {"mistral": of_mistral, "groq": of_groq, "perplexity": of_perplexity}
