"""A strict upstream of Google's `generateContent`: it refuses what Google refuses.

Unknown fields, wrong roles, function responses that do not follow their calls,
a thought signature that did not come back, schema keywords it does not know.
Answers are whole, as events, or as one JSON array.
"""

import json
import re
import urllib.parse

import fake_openai
from fake_openai import FakeOpenAI, Refused, Scripted

MODELS = ["g", "g-3"]
SIGNATURE = "c2lnbmVkLWJ5LWdvb2dsZQ=="
USAGE = {
    "promptTokenCount": 11,
    "cachedContentTokenCount": 5,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 18,
}
FIELDS = {
    "contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings", "cachedContent",
    "labels", "model",
}  # fmt: skip
CONFIG = {
    "candidateCount", "stopSequences", "maxOutputTokens", "temperature", "topP", "topK", "seed", "presencePenalty",
    "frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema", "responseJsonSchema",
    "thinkingConfig", "responseModalities", "mediaResolution", "speechConfig", "enableEnhancedCivicAnswers",
}  # fmt: skip
PART = {"text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse"}
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse"}
SCHEMA = {
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
    "default", "items", "minimum", "maximum",
}  # fmt: skip
STATES = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


class FakeGemini(FakeOpenAI):
    version = "v1beta"

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    unwanted = (fake_openai.Handler.unwanted - {"x-goog-api-key"}) | {"authorization"}

    def authorise(self, headers: dict) -> None:
        if headers.get("x-goog-api-key") != self.owner.key:
            raise refused("API key not valid. Please pass a valid API key.")

    def answer(self, seen) -> None:
        path, _, query = seen.path.partition("?")
        found = re.fullmatch(r"/v1beta/models/([^/:]+):(\w+)", urllib.parse.unquote(path))
        if seen.method != "POST" or not found:
            raise refused("Not Found", 404)
        model, what = found.groups()
        if model not in MODELS:
            raise refused(f"models/{model} is not found", 404)
        asked = camel(json.loads(seen.body))
        if what == "countTokens":
            return self.send_json({"totalTokens": 42})
        check(asked, model)
        answer = answer_for(asked, model)
        if what == "generateContent":
            return self.send_json(answer)
        need(what == "streamGenerateContent" and query == "alt=sse", "unknown method")
        pieces = [f"data: {json.dumps(piece)}\r\n\r\n".encode() for piece in pieces_of(answer)]
        self.send_scripted(Scripted(pieces=pieces))


def refused(message: str, status: int = 400) -> Refused:
    no = Refused(status, message)
    no.body = {"error": {"code": status, "message": message, "status": STATES[status]}}
    return no


def need(is_well, message: str) -> None:
    if not is_well:
        raise refused(message)


def known(at: str, value: dict, fields: set) -> None:
    for name in value:
        need(name in fields, f'Invalid JSON payload received. Unknown name "{name}" at \'{at}\': Cannot find field.')


def camel(value):
    """Protobuf's JSON takes both spellings of a field's name; schemas and arguments are the client's own."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    own = {"args", "response", "parametersJsonSchema", "responseJsonSchema"}
    out = {}
    for name, inner in value.items():
        name = re.sub("_([a-z])", lambda found: found[1].upper(), name)
        out[name] = inner if name in own else camel(inner)
    return out


# What is refused


def check(asked: dict, model: str) -> None:
    known("request", asked, FIELDS)
    known("generation_config", asked.get("generationConfig", {}), CONFIG)
    config = asked.get("generationConfig", {})
    need(0 <= config.get("temperature", 1) <= 2, "temperature must be in the range [0.0, 2.0]")
    if "responseSchema" in config:
        check_schema("response_schema", config["responseSchema"])
        need(config.get("responseMimeType") == "application/json", "response schema needs application/json")
    check_tools(asked)
    system = asked.get("systemInstruction")
    if system is not None:
        need(system.get("parts"), "system_instruction: parts must not be empty")
        need(all("text" in part for part in system["parts"]), "system_instruction: only text")
    contents = asked.get("contents")
    need(contents, "contents is not specified")
    need(contents[0].get("role", "user") == "user", "the first content must be of the user")
    calls: list = []
    for number, content in enumerate(contents):
        calls = check_content(f"contents[{number}]", content, calls, model)
    need(not calls, "a function call turn must be followed by its function responses")


def check_tools(asked: dict) -> None:
    for tool in asked.get("tools", []):
        known("tools", tool, {"functionDeclarations", "googleSearch", "codeExecution", "urlContext"})
        for declared in tool.get("functionDeclarations", []):
            known("function_declarations", declared, {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"})
            need(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}", declared["name"]), "invalid function name")
            if "parameters" in declared:
                check_schema("parameters", declared["parameters"])
    known("tool_config", asked.get("toolConfig", {}), {"functionCallingConfig", "includeServerSideToolInvocations"})


def check_schema(at: str, schema: dict) -> None:
    known(at, schema, SCHEMA)
    if str(schema.get("type")).upper() == "OBJECT" and "properties" in schema:
        need(schema["properties"], f"{at}.properties: should be non-empty for OBJECT type")
    for name, inner in schema.get("properties", {}).items():
        check_schema(f"{at}.properties[{name}]", inner)
    if "items" in schema:
        check_schema(f"{at}.items", schema["items"])


def check_content(at: str, content: dict, calls: list, model: str) -> list:
    """The names of this content's calls; the one before's must be answered in it."""
    known(at, content, {"role", "parts"})
    role = content.get("role", "user")
    need(role in {"user", "model"}, "Please use a valid role: user, model.")
    need(content.get("parts"), f"{at}.parts must not be empty")
    for part in content["parts"]:
        known(f"{at}.parts", part, PART)
        need(len(DATA & set(part)) == 1, f"{at}.parts: required oneof field 'data' must have one initialized field")
        if "inlineData" in part:
            known(f"{at}.inline_data", part["inlineData"], {"mimeType", "data"})
        if "functionCall" in part:
            known(f"{at}.function_call", part["functionCall"], {"id", "name", "args"})
            need(isinstance(part["functionCall"].get("args", {}), dict), "args must be an object")
        if "functionResponse" in part:
            known(f"{at}.function_response", part["functionResponse"], {"id", "name", "response"})
            need(isinstance(part["functionResponse"]["response"], dict), "response must be an object")
        if "thoughtSignature" in part:
            need(part["thoughtSignature"] in {SIGNATURE, "skip_thought_signature_validator"}, "Thought signature is not valid.")
    answered = [part["functionResponse"]["name"] for part in content["parts"] if "functionResponse" in part]
    need(
        sorted(answered) == sorted(calls),
        "Please ensure that the number of function response parts is equal to the number of function call parts",
    )
    made = [part for part in content["parts"] if "functionCall" in part]
    need(role == "model" or not made, "a function call of the user")
    if made and model == "g-3":
        need("thoughtSignature" in made[0], "Function call is missing a thought_signature in functionCall parts.")
    return [part["functionCall"]["name"] for part in made]


# What is answered


def answer_for(asked: dict, model: str) -> dict:
    last = asked["contents"][-1]["parts"]
    config = asked.get("generationConfig", {})
    said = " ".join(part["text"] for part in last if "text" in part)
    if said == "unsafe":
        return {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE, "modelVersion": model}
    parts = []
    if config.get("thinkingConfig", {}).get("includeThoughts"):
        parts.append({"text": "Let me think.", "thought": True})
    results = [part for part in last if "functionResponse" in part]
    declared = [tool for it in asked.get("tools", []) for tool in it.get("functionDeclarations", [])]
    calls = [] if results else declared
    for number, tool in enumerate(calls):
        part = {"functionCall": {"name": tool["name"], "args": {"city": "Zürich"}}}
        if number == 0:
            part["thoughtSignature"] = SIGNATURE
        parts.append(part)
    if not calls:
        parts.append({"text": text_of(said, last, results, config)})
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": model, "responseId": "resp-e2e"}


def text_of(said: str, parts: list, results: list, config: dict) -> str:
    if results:
        return f"Results: {len(results)}"
    if config.get("responseMimeType") == "application/json":
        return '{"city": "Zürich"}'
    images = [part["inlineData"] for part in parts if "inlineData" in part]
    size = sum(len(image["data"]) for image in images)
    return f"You said: {said}" + (f" ({len(images)} images, {size} characters)" if images else "")


def pieces_of(answer: dict):
    """The same as a stream: texts word by word, usage with the last."""
    if "candidates" not in answer:
        yield answer
        return
    [candidate] = answer["candidates"]
    rest = {name: answer[name] for name in ("modelVersion", "responseId")}
    for part in candidate["content"]["parts"]:
        words = re.findall(r"\S+\s*", part["text"]) if "text" in part else [None]
        for word in words:
            piece = part if word is None else part | {"text": word}
            yield {"candidates": [{"content": {"role": "model", "parts": [piece]}, "index": 0}]} | rest
    last = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": candidate["finishReason"], "index": 0}
    yield {"candidates": [last], "usageMetadata": answer["usageMetadata"]} | rest
