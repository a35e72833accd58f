"""A model for coding agents: it calls the tool that writes a file, then stops.

It speaks OpenAI's chat completions; whatever dialect an agent speaks, its tools
come here under their own names. An agent that has none, but reads files out of
answers, gets one there.
"""

import json
import re

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted

FILE = "hello.txt"
SHELL = f"echo hi > {FILE}"
# How aider tells a model to write a whole file, and what it looks for.
LISTING = "*file listing*"
LISTED = f"All done.\n\n{FILE}\n```\nhi\n```\n"
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def tools_in(folder: str) -> dict:
    """The arguments of every agent's tool that can make the file, the best first."""
    path = f"{folder}/{FILE}"
    return {
        "Write": {"file_path": path, "content": "hi\n"},
        "write_file": {"file_path": path, "content": "hi\n"},
        "write": {"filePath": path, "content": "hi\n"},
        "exec_command": {"cmd": SHELL},
        "shell_command": {"command": SHELL},
        "shell": {"command": ["bash", "-lc", SHELL]},
    }


class FakeAgent(FakeOpenAI):
    # Where the agent works; a case sets it.
    folder = "."

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    def answer(self, seen) -> None:
        asked = json.loads(seen.body)
        if seen.path != "/v1/chat/completions":
            raise Refused(404, "not found")
        called = self.next_call(asked)
        if called:
            name, arguments = called
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        else:
            is_listed = any(LISTING in json.dumps(message["content"]) for message in asked["messages"])
            message = {"role": "assistant", "content": LISTED if is_listed else "All done."}
        if asked.get("stream"):
            usage = (asked.get("stream_options") or {}).get("include_usage")
            return self.send_scripted(Scripted(pieces=list(pieces_of(message, asked["model"], usage))))
        finish = "tool_calls" if called else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {"id": "chatcmpl-a", "object": "chat.completion", "created": 1, "model": asked["model"]}
        self.send_json(whole | {"choices": [choice], "usage": USAGE})

    def next_call(self, asked: dict):
        if any(message["role"] == "tool" for message in asked["messages"]):
            return None
        names = [tool["function"]["name"] for tool in asked.get("tools", []) if tool["type"] == "function"]
        known = tools_in(self.owner.folder)
        found = next((name for name in known if name in names), None)
        return (found, json.dumps(known[found])) if found else None


def pieces_of(message: dict, model: str, usage):
    def piece(delta: dict, finish=None, **more) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "chatcmpl-a", "object": "chat.completion.chunk", "created": 1, "model": model}
        return f"data: {json.dumps(chunk | {'choices': [choice]} | more)}\n\n".encode()

    yield piece({"role": "assistant", "content": ""})
    for call in message.get("tool_calls", []):
        function = call["function"]
        begun = {"index": 0, "id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}}
        yield piece({"tool_calls": [begun]})
        text = function["arguments"]
        for at in range(0, len(text), 7):
            yield piece({"tool_calls": [{"index": 0, "function": {"arguments": text[at : at + 7]}}]})
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield piece({"content": word})
    yield piece({}, "tool_calls" if message.get("tool_calls") else "stop")
    if usage:
        yield piece({}, choices=[], usage=USAGE)
    yield b"data: [DONE]\n\n"
