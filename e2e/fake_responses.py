"""A strict upstream of OpenAI's Responses that keeps conversations itself.

It refuses unknown fields, calls without results and results without calls, ids
that it did not give, and conversations that it does not know.
"""

import json

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted, filled

MODELS = ["r"]
FIELDS = {
    "model", "input", "instructions", "stream", "store", "tools", "tool_choice", "parallel_tool_calls",
    "previous_response_id", "max_output_tokens", "temperature", "top_p", "text", "reasoning", "include", "metadata",
}  # fmt: skip
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}
CALLS = {"function_call", "custom_tool_call"}


class FakeResponses(FakeOpenAI):
    def __init__(self, key: str):
        super().__init__(key)
        # Whole conversations by the id of their last answer.
        self.kept: dict[str, list] = {}
        # Every item that it gave, by its id.
        self.given: dict[str, dict] = {}
        self.count = 0

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    def answer(self, seen) -> None:
        if (seen.method, seen.path) != ("POST", "/v1/responses"):
            raise Refused(404, f"Invalid URL ({seen.method} {seen.path})")
        asked = json.loads(seen.body)
        for name in asked:
            need(name in FIELDS, f"Unknown parameter: '{name}'.", name)
        need(asked.get("model") in MODELS, "The requested model does not exist", "model")
        said = self.said(asked)
        check(said)
        answer = self.response(asked, said)
        self.owner.given |= {item["id"]: item for item in answer["output"]}
        if asked.get("store", True):
            self.owner.kept[answer["id"]] = said + answer["output"]
        if not asked.get("stream"):
            return self.send_json(answer)
        self.send_scripted(Scripted(pieces=[event(n, data) for n, data in enumerate(events_of(answer))]))

    def said(self, asked: dict) -> list:
        """The whole conversation."""
        before = []
        if previous := asked.get("previous_response_id"):
            if previous not in self.owner.kept:
                no = Refused(400, f"Previous response with id '{previous}' not found.", "previous_response_id")
                no.body["error"]["code"] = "previous_response_not_found"
                raise no
            before = self.owner.kept[previous]
        new = asked["input"]
        if isinstance(new, str):
            new = [{"type": "message", "role": "user", "content": new}]
        for item in new:
            need(item.get("id") in {*self.owner.given, None}, f"Item with id '{item.get('id')}' not found.", "input")
        is_name = lambda item: item.get("type") == "item_reference"  # noqa: E731
        return before + [self.owner.given[item["id"]] if is_name(item) else item for item in new]

    def response(self, asked: dict, said: list) -> dict:
        self.owner.count += 1
        number = self.owner.count
        has_results = said[-1].get("type", "").endswith("_output")
        calls = [] if has_results or asked.get("tool_choice") == "none" else asked.get("tools", [])
        output = [
            {
                "type": "function_call", "id": f"fc_{number}_{at}", "call_id": f"call_{number}_{at}",
                "name": tool["name"], "arguments": json.dumps(filled(tool.get("parameters", {}))), "status": "completed",
            }
            for at, tool in enumerate(calls)
        ]  # fmt: skip
        if not calls:
            form = asked.get("text", {}).get("format", {})
            text = json.dumps(filled(form["schema"])) if form.get("type") == "json_schema" else f"Items: {len(said)}"
            part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
            output.append({
                "type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": [part],
            })  # fmt: skip
        return {
            "id": f"resp_up_{number}",
            "object": "response",
            "created_at": fake_openai.CREATED,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "model": asked["model"],
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": asked.get("previous_response_id"),
            "store": asked.get("store", True),
            "tool_choice": "auto",
            "tools": asked.get("tools", []),
            "usage": USAGE,
        }


def need(is_well, message: str, param: str | None = None) -> None:
    if not is_well:
        raise Refused(400, message, param)


def check(said: list) -> None:
    calls, results = [], []
    for item in said:
        kind = item.get("type", "message")
        if kind in CALLS:
            calls.append(item["call_id"])
        elif kind.endswith("_output"):
            need(item["call_id"] in calls, f"No tool call found for call_id {item['call_id']}.", "input")
            results.append(item["call_id"])
        elif kind == "reasoning":
            need("encrypted_content" not in item, "The encrypted content could not be verified.", "input")
        else:
            need(item.get("role") in {"user", "assistant", "system", "developer"}, "Invalid role.", "input")
    need(sorted(calls) == sorted(results), f"No tool output found for function calls {calls}.", "input")


def event(number: int, data: dict) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data | {'sequence_number': number})}\n\n".encode()


def events_of(answer: dict):
    empty = answer | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": empty}
    for index, item in enumerate(answer["output"]):
        at = {"item_id": item["id"], "output_index": index}
        added = item | {"status": "in_progress"}
        if item["type"] == "function_call":
            yield {"type": "response.output_item.added", "output_index": index, "item": added | {"arguments": ""}}
            yield at | {"type": "response.function_call_arguments.delta", "delta": item["arguments"]}
            yield at | {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}
        else:
            yield {"type": "response.output_item.added", "output_index": index, "item": added | {"content": []}}
            [part] = item["content"]
            at |= {"content_index": 0}
            yield at | {"type": "response.content_part.added", "part": part | {"text": ""}}
            yield at | {"type": "response.output_text.delta", "delta": part["text"], "logprobs": []}
            yield at | {"type": "response.output_text.done", "text": part["text"], "logprobs": []}
            yield at | {"type": "response.content_part.done", "part": part}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": answer}
