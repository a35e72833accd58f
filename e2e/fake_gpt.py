"""OpenAI itself, and Azure's two surfaces, as strict as they are known to be.

Words in the last text ask for what a model does rarely: LONG, REFUSE, FILTER.
"""

import json
import re

import fake_gpt_rules as rules
import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted

PLAIN, THINKER = "gpt-4.1", "gpt-5.1"
MODELS = {PLAIN, THINKER}
USAGE = {
    "prompt_tokens": 16,
    "completion_tokens": 7,
    "total_tokens": 23,
    "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
    },
}  # fmt: skip
THOUGHTS = 9
# Of any prompt.
COUNT = 45
COUNTED = {
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "previous_response_id", "reasoning",
    "text", "truncation",
}  # fmt: skip
FILTERED = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
DEPLOYED = r"/openai/deployments/([^/?]+)/chat/completions\?api-version=2024-10-21"


class FakeGPT(FakeOpenAI):
    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    path_of = r"/v1/chat/completions"

    def answer(self, seen) -> None:
        if (seen.method, seen.path) == ("POST", "/v1/responses/input_tokens"):
            return self.count(json.loads(seen.body))
        found = re.fullmatch(self.path_of, seen.path)
        if seen.method != "POST" or not found:
            raise Refused(404, f"Invalid URL ({seen.method} {seen.path})")
        if not seen.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "content-type must be application/json")
        asked = json.loads(seen.body)
        # A deployment's name stands in the path.
        model = found[1] if found.groups() else asked.get("model")
        if model not in MODELS:
            no = Refused(404, f"The model `{model}` does not exist or you do not have access to it.")
            no.body["error"]["code"] = "model_not_found"
            raise no
        asked["model"] = model
        if "stream_options" in asked and not asked.get("stream"):
            raise Refused(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
        rules.check(asked)
        answer = answer_for(asked)
        if not asked.get("stream"):
            return self.send_json(self.marked(answer))
        datas = [json.dumps(chunk, ensure_ascii=False) for chunk in self.chunks(asked, answer)] + ["[DONE]"]
        self.send_scripted(Scripted(pieces=[f"data: {data}\n\n".encode() for data in datas]))

    def count(self, asked: dict) -> None:
        for name in asked:
            if name not in COUNTED:
                raise Refused(400, f"Unknown parameter: '{name}'.", name)
        if asked.get("model") not in MODELS:
            raise Refused(404, "The requested model does not exist", "model")
        self.send_json({"object": "response.input_tokens", "input_tokens": COUNT})

    def marked(self, answer: dict) -> dict:
        return answer

    def chunks(self, asked: dict, answer: dict):
        return stream_of(asked, answer)


class FakeAzure(FakeOpenAI):
    """The v1 surface, and the older one with deployments in the path."""

    def __init__(self, key: str):
        super().__init__(key)
        self.v1_url = f"http://127.0.0.1:{self.port}/openai/v1"
        self.deployments_url = f"http://127.0.0.1:{self.port}/openai"

    def handler(self) -> type:
        return _Azure


class _Azure(_Handler):
    path_of = rf"/openai/v1/chat/completions|{DEPLOYED}"
    unwanted = (fake_openai.Handler.unwanted - {"api-key"}) | {"authorization"}

    def authorise(self, headers: dict) -> None:
        if headers.get("api-key") != self.owner.key:
            raise Refused(401, "Access denied due to invalid subscription key or wrong API endpoint.")

    def answer(self, seen) -> None:
        if "/deployments/" not in seen.path:
            self.path_of = "/openai/v1/chat/completions"
        try:
            super().answer(seen)
        finally:
            self.path_of = _Azure.path_of

    def marked(self, answer: dict) -> dict:
        choices = [choice | {"content_filter_results": FILTERED} for choice in answer["choices"]]
        return answer | {"choices": choices, "prompt_filter_results": [prompt_filter()]}

    def chunks(self, asked: dict, answer: dict):
        empty = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
        yield empty | {"prompt_filter_results": [prompt_filter()]}
        for chunk in stream_of(asked, answer):
            yield chunk | {"choices": [choice | {"content_filter_results": FILTERED} for choice in chunk["choices"]]}


def prompt_filter() -> dict:
    return {"prompt_index": 0, "content_filter_results": FILTERED}


# What is answered


def answer_for(asked: dict) -> dict:
    answer = fake_openai.chat(asked)
    last = asked["messages"][-1]
    text = last["content"] if last["role"] == "user" else ""
    text = text if isinstance(text, str) else " ".join(p["text"] for p in text if p["type"] == "text")
    for choice in answer["choices"]:
        message = choice["message"] = {"annotations": [], "refusal": None} | choice["message"]
        if last["role"] == "tool" and (message["content"] or "").startswith("You said: "):
            message["content"] = f"Results: {results_of(asked['messages'])}"
        if text == "FILTER":
            choice["finish_reason"] = "content_filter"
        elif text == "REFUSE":
            message |= {"content": None, "refusal": "I will not do that."}
    count = len(answer["choices"])
    usage = USAGE | {"completion_tokens": 7 * count, "total_tokens": 16 + 7 * count}
    if asked["model"] == THINKER and asked.get("reasoning_effort") != "none":
        details = USAGE["completion_tokens_details"] | {"reasoning_tokens": THOUGHTS}
        usage |= {"completion_tokens": 7 + THOUGHTS, "total_tokens": 23 + THOUGHTS, "completion_tokens_details": details}
    return answer | {"usage": usage, "service_tier": "default"}


def results_of(messages: list) -> int:
    """How many results stand at the end."""
    count = 0
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        count += 1
    return count


def stream_of(asked: dict, answer: dict):
    """OpenAI pads every chunk, and says null of usage where it was asked for."""
    refusals = [choice["message"].get("refusal") for choice in answer["choices"]]
    is_asked = asked.get("stream_options", {}).get("include_usage")
    strict = asked | {"model": "strict"}
    for chunk in fake_openai.stream_of(strict, answer):
        more = {"obfuscation": "abc", "service_tier": "default"} | ({"usage": None} if is_asked else {})
        if refusals[0] and chunk["choices"] and chunk["choices"][0]["finish_reason"]:
            for word in ("I will ", "not do that."):
                choice = chunk["choices"][0] | {"delta": {"refusal": word}, "finish_reason": None}
                yield more | chunk | {"choices": [choice]}
        yield more | chunk
