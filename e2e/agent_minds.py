"""A model of every provider's dialect that has a coding agent read a file, edit
it, read two at once, and then stop. The answers of the fakes are wrapped, so that
each stays as strict as it is."""

import contextlib
import itertools
import json

import fake_anthropic
import fake_bedrock
import fake_gemini
import fake_ollama
import fake_openai

READS = ["Read", "read_file", "read", "ReadFile"]
EDITS = ["Edit", "replace", "edit", "edit_file"]
SHELLS = ["exec_command", "shell_command", "shell", "bash", "Bash"]
# An agent without tools is asked to list files: it takes them from the answer.
LISTED = "All done.\n\nnotes.txt\n```\nnew\n```\n"


class Mind:
    """What the model does next; `folder` is where the agent works."""

    def __init__(self):
        self.folder = "."
        self.ids = itertools.count()

    def next(self, asked: dict, tools: dict, results: int):
        """A text, a list of calls as (name, arguments), or None: as the fake does."""
        if "*file listing*" in json.dumps(asked):
            return LISTED
        if not any(name in tools for name in READS + SHELLS):
            return None
        steps = [
            lambda: [self.read(tools, "notes.txt")],
            lambda: [self.edit(tools, "notes.txt")],
            lambda: [self.read(tools, "a.txt"), self.read(tools, "b.txt")],
        ]
        return steps[results]() if results < len(steps) else "All done."

    def read(self, tools: dict, file: str) -> tuple:
        path = f"{self.folder}/{file}"
        return called(tools, READS, {"path": path}, f"cat {path}")

    def edit(self, tools: dict, file: str) -> tuple:
        path = f"{self.folder}/{file}"
        return called(tools, EDITS, {"path": path, "old": "old", "new": "new"}, f"sed -i s/old/new/ {path}")

    def id(self, stem: str) -> str:
        return f"{stem}_{next(self.ids)}"


def called(tools: dict, names: list, values: dict, command: str) -> tuple:
    """The call of the first of these tools that there is, or of a shell."""
    for name in names:
        if name in tools:
            return name, filled(tools[name], values)
    shell = next(name for name in SHELLS if name in tools)
    return shell, filled(tools[shell], {"command": command})


def filled(schema: dict, values: dict) -> dict:
    """Arguments for a tool that names its members in its own way."""
    members = schema.get("properties") or {}
    needed = schema.get("required") or list(members)
    out = {}
    for name, member in members.items():
        low = name.lower()
        is_text = member.get("type") == "string"
        if "path" in values and is_text and "path" in low:
            out[name] = values["path"]
        elif "old" in values and low.startswith("old"):
            out[name] = values["old"]
        elif "new" in values and low.startswith("new"):
            out[name] = values["new"]
        elif "command" in values and low in ("cmd", "command"):
            command = values["command"]
            out[name] = ["bash", "-lc", command] if member.get("type") == "array" else command
        elif name in needed and is_text:
            out[name] = "do"
    return out


def openai(mind: Mind, usual):
    def message(asked: dict):
        declared = [tool["function"] for tool in asked.get("tools", []) if tool["type"] == "function"]
        tools = {tool["name"]: tool.get("parameters", {}) for tool in declared}
        does = mind.next(asked, tools, sum(said["role"] == "tool" for said in asked["messages"]))
        if does is None:
            return usual(asked | {"tools": []})
        if isinstance(does, str):
            return {"role": "assistant", "content": does}, "stop"
        calls = [
            {"id": mind.id("call"), "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for name, arguments in does
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"

    return message


def anthropic(mind: Mind, usual):
    def message(asked: dict) -> dict:
        tools = {tool["name"]: tool["input_schema"] for tool in asked.get("tools", []) if "input_schema" in tool}
        blocks = [block for said in asked["messages"] for block in fake_anthropic.blocks_of(said)]
        does = mind.next(asked, tools, sum(block["type"] == "tool_result" for block in blocks))
        base = usual({key: value for key, value in asked.items() if key != "tools"})
        if does is None:
            return base
        thought = [block for block in base["content"] if block["type"] == "thinking"]
        if isinstance(does, str):
            return base | {"content": [*thought, {"type": "text", "text": does}], "stop_reason": "end_turn"}
        calls = [{"type": "tool_use", "id": mind.id("toolu"), "name": name, "input": input} for name, input in does]
        return base | {"content": thought + calls, "stop_reason": "tool_use"}

    return message


def lowered(schema):
    """Google's older schemas write types in capitals."""
    if not isinstance(schema, dict):
        return schema
    is_type = lambda key, value: key == "type" and isinstance(value, str)
    return {key: value.lower() if is_type(key, value) else lowered(value) for key, value in schema.items()}


def gemini(mind: Mind, usual):
    def parts(asked: dict, text: str) -> list:
        declared = [one for tool in asked.get("tools", []) for one in tool.get("functionDeclarations", [])]
        schema = lambda one: lowered(one.get("parametersJsonSchema") or one.get("parameters") or {})
        tools = {one["name"]: schema(one) for one in declared}
        said = [part for content in asked["contents"] for part in content["parts"]]
        does = mind.next(asked, tools, sum("functionResponse" in part for part in said))
        if does is None:
            return usual({key: value for key, value in asked.items() if key != "tools"}, text)
        if isinstance(does, str):
            return [{"text": does}]
        return [{"functionCall": {"name": name, "args": arguments}} for name, arguments in does]

    return parts


def bedrock(mind: Mind, usual):
    def answer(asked: dict) -> dict:
        specs = [tool["toolSpec"] for tool in asked.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
        tools = {spec["name"]: spec["inputSchema"]["json"] for spec in specs}
        blocks = [block for said in asked["messages"] for block in said["content"]]
        does = mind.next(asked, tools, sum("toolResult" in block for block in blocks))
        base = usual({key: value for key, value in asked.items() if key != "toolConfig"})
        if does is None:
            return base
        content = [block for block in base["output"]["message"]["content"] if "reasoningContent" in block]
        if isinstance(does, str):
            content.append({"text": does})
        else:
            use = lambda name, input: {"toolUse": {"toolUseId": mind.id("tooluse"), "name": name, "input": input}}
            content += [use(name, input) for name, input in does]
        stop = "end_turn" if isinstance(does, str) else "tool_use"
        return base | {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop}

    return answer


def ollama(mind: Mind, usual):
    def messages(asked: dict):
        tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in asked.get("tools", [])}
        does = mind.next(asked, tools, sum(said["role"] == "tool" for said in asked["messages"]))
        if does is None:
            yield from usual({key: value for key, value in asked.items() if key != "tools"})
        elif isinstance(does, str):
            yield {"content": does}
        else:
            call = lambda at, name, arguments: {"function": {"index": at, "name": name, "arguments": arguments}}
            yield {"tool_calls": [call(at, name, arguments) for at, (name, arguments) in enumerate(does)]}

    return messages


PLACES = [
    (fake_openai, "message_for", openai),
    (fake_anthropic, "message_for", anthropic),
    (fake_gemini, "parts_for", gemini),
    (fake_bedrock, "answer_for", bedrock),
    (fake_ollama, "messages_of", ollama),
]


@contextlib.contextmanager
def taught(mind: Mind):
    """All fakes answer so within the block."""
    usual = [(module, name, getattr(module, name)) for module, name, _ in PLACES]
    for module, name, think in PLACES:
        setattr(module, name, think(mind, getattr(module, name)))
    try:
        yield
    finally:
        for module, name, function in usual:
            setattr(module, name, function)
