"""A strict upstream of Ollama's own API: it refuses what Ollama refuses, and
what Ollama would pass over in silence.

Answers are whole or as lines: texts, several calls in one message, thoughts,
JSON, counts in the last line; embeddings too. Calls have no ids, as in older
versions. Words in the last text ask for what is rare: LONG, BROKEN.
"""

import base64
import json
import re

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted

MODELS = {"gemma4", "gpt-oss:20b", "all-minilm"}
THINKER = "gpt-oss:20b"
COUNTS = {"total_duration": 5000, "load_duration": 1000, "prompt_eval_count": 16, "eval_count": 7}
MEMBERS = {
    "model", "messages", "stream", "format", "keep_alive", "tools", "options", "think", "truncate", "shift",
    "logprobs", "top_logprobs",
}  # fmt: skip
OPTIONS = {
    "num_predict": int, "temperature": float, "top_p": float, "top_k": int, "min_p": float, "seed": int,
    "presence_penalty": float, "frequency_penalty": float, "repeat_penalty": float, "stop": list, "num_ctx": int,
}  # fmt: skip


class FakeOllama(FakeOpenAI):
    version = "api"
    # When the next line is written.
    clock = 0

    def handler(self) -> type:
        return _Handler

    def now(self) -> str:
        self.clock += 1
        return f"2026-08-04T19:22:{self.clock // 1000 % 60:02}.{self.clock % 1000:03}Z"


def refused(message: str, status: int = 400) -> Refused:
    no = Refused(status, message)
    no.body = {"error": message}
    return no


def need(is_so, message: str) -> None:
    if not is_so:
        raise refused(message)


def known(value, members, where: str) -> None:
    need(isinstance(value, dict), f"{where} must be an object")
    need(set(value) <= set(members), f"unknown members of {where}: {set(value) - set(members)}")


class _Handler(fake_openai.Handler):
    def authorise(self, headers: dict) -> None:
        """It asks for no key, and should get none."""
        if "authorization" in headers:
            raise refused("a key that nobody asked for", 401)

    def answer(self, seen) -> None:
        operations = {"/api/chat": self.chat, "/api/embed": self.embed}
        if seen.method != "POST" or seen.path not in operations:
            raise refused("404 page not found", 404)
        asked = json.loads(seen.body)
        if asked.get("model") not in MODELS:
            raise refused(f"model '{asked.get('model')}' not found", 404)
        operations[seen.path](asked)

    def chat(self, asked: dict) -> None:
        check(asked)
        lines = list(lines_of(asked, self.owner.now))
        # It streams unless it is told not to.
        if asked.get("stream", True):
            return self.send_lines(lines)
        if "error" in lines[-1]:
            raise refused(lines[-1]["error"], 500)
        self.send_json(whole_of(lines))

    def send_lines(self, lines: list) -> None:
        pieces = [json.dumps(line).encode() + b"\n" for line in lines]
        self.send_scripted(Scripted(pieces=pieces, headers={"content-type": "application/x-ndjson"}))

    def embed(self, asked: dict) -> None:
        known(asked, {"model", "input", "truncate", "dimensions", "keep_alive", "options"}, "request")
        texts = asked["input"] if isinstance(asked.get("input"), list) else [asked.get("input")]
        need(all(isinstance(text, str) for text in texts), "invalid input type")
        vectors = [[0.5, -0.25, float(len(text))][: asked.get("dimensions", 3)] for text in texts]
        self.send_json({"model": asked["model"], "embeddings": vectors, "prompt_eval_count": 4})


# What is refused


def check(asked: dict) -> None:
    known(asked, MEMBERS, "request")
    known(asked.get("options", {}), OPTIONS, "options")
    for name, value in asked.get("options", {}).items():
        is_fine = isinstance(value, (int, float) if OPTIONS[name] is float else OPTIONS[name])
        need(is_fine, f'option "{name}" must be of type {OPTIONS[name].__name__}')
    think = asked.get("think")
    need(think in (None, True, False, "low", "medium", "high", "max"), f"invalid think value: {think}")
    need(not think or asked["model"] == THINKER, f'"{asked["model"]}" does not support thinking')
    for tool in asked.get("tools", []):
        known(tool, {"type", "function"}, "tools")
        known(tool["function"], {"name", "description", "parameters"}, "tools.function")
        need(tool["function"]["parameters"].get("type") == "object", "a tool's parameters")
    if "format" in asked:
        need(asked["format"] == "json" or isinstance(asked["format"], dict), "invalid format")
        need(not asked.get("tools"), "Cannot use custom grammar constraints with tools.")
    need(asked.get("messages"), "no messages")
    waiting: list = []
    for message in asked["messages"]:
        waiting = check_message(message, waiting)
    need(not waiting, f"calls without results: {waiting}")


def check_message(message: dict, waiting: list) -> list:
    """What is still waited for behind this message."""
    role = message.get("role")
    members = {
        "system": set(),
        "user": {"images"},
        "assistant": {"thinking", "tool_calls"},
        "tool": {"tool_name", "tool_call_id"},
    }
    need(role in members, f"invalid role {role}")
    known(message, {"role", "content"} | members[role], role)
    need(isinstance(message.get("content"), str), "content must be a string")
    for image in message.get("images", []):
        base64.b64decode(image, validate=True)
    if role == "tool":
        wanted = (message["tool_call_id"], message["tool_name"])
        need(wanted in waiting, f"a result of no call: {wanted}")
        return [one for one in waiting if one != wanted]
    need(not waiting, f"calls without results: {waiting}")
    for call in message.get("tool_calls", []):
        known(call, {"id", "function"}, "tool_calls")
        known(call["function"], {"index", "name", "arguments"}, "tool_calls.function")
        need(isinstance(call["function"].get("arguments"), dict), "arguments must be an object")
    return [(call["id"], call["function"]["name"]) for call in message.get("tool_calls", [])]


# What is answered


def lines_of(asked: dict, now):
    for message in messages_of(asked):
        yield {"model": asked["model"], "created_at": now(), "message": {"role": "assistant", "content": ""} | message, "done": False}
    text = said(asked)
    if text == "BROKEN":
        yield {"error": "an error was encountered while running the model"}
        return
    end = {"done": True, "done_reason": "length" if text == "LONG" else "stop"} | COUNTS
    yield {"model": asked["model"], "created_at": now(), "message": {"role": "assistant", "content": ""}} | end


def messages_of(asked: dict):
    last = [n for n, m in enumerate(asked["messages"]) if m["role"] == "user"][-1:]
    results = [m for m in asked["messages"][sum(last) :] if m["role"] == "tool"]
    if asked["model"] == THINKER and asked.get("think") is not False:
        yield {"thinking": "Let me"}
        yield {"thinking": " think."}
    if asked.get("tools") and not results:
        functions = [tool["function"] for tool in asked["tools"]]
        given = [{"name": f["name"], "arguments": fake_openai.filled(f["parameters"])} for f in functions]
        calls = [{"function": {"index": n} | call} for n, call in enumerate(given)]
        yield {"tool_calls": calls}
        return
    text = f"You said: {said(asked)}"
    if results:
        text = f"Results: {len(results)}"
    elif isinstance(asked.get("format"), dict):
        text = json.dumps({name: "Ada" if name == "name" else 36 for name in asked["format"]["properties"]})
    for word in re.findall(r"\S+\s*", text):
        yield {"content": word}


def said(asked: dict) -> str:
    last = next((m for m in reversed(asked["messages"]) if m["role"] == "user"), {"content": ""})
    images = last.get("images", [])
    return last["content"] + (f" ({len(images)} images, {sum(map(len, images))} characters)" if images else "")


def whole_of(lines: list) -> dict:
    message = {"role": "assistant", "content": ""}
    for line in lines:
        for key in ("content", "thinking", "tool_calls"):
            if line["message"].get(key):
                empty = [] if key == "tool_calls" else ""
                message[key] = message.get(key, empty) + line["message"][key]
    return lines[-1] | {"message": message}
