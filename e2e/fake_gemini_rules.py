"""What Google refuses in a request for Gemini: unknown fields, turns and calls
in a wrong order, calls without their signatures, schemas that it does not know.
"""

import base64
import re

from fake_openai import Refused

TYPE = "type.googleapis.com/google.rpc."
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
SIGNATURE = "c2lnbmVkLWJ5LXRoZS1mYWtl"
# Google's own values for a call whose signature is not there, also as bytes.
SKIPPED = {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
SKIPPED |= {base64.b64encode(value.encode()).decode() for value in SKIPPED}

REQUEST = {
    "contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig",
    "cachedContent", "serviceTier", "labels",
}  # fmt: skip
COUNT = {"contents", "generateContentRequest"}
EMBED = {"model", "content", "taskType", "title", "outputDimensionality"}
CONFIG = {
    "maxOutputTokens", "temperature", "topP", "topK", "presencePenalty", "frequencyPenalty", "candidateCount",
    "seed", "stopSequences", "responseLogprobs", "logprobs", "thinkingConfig", "responseMimeType",
    "responseSchema", "responseJsonSchema", "responseModalities", "speechConfig", "mediaResolution",
}  # fmt: skip
# One of these stands in each part; the others beside it.
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}
BESIDE = {"thought", "thoughtSignature", "videoMetadata"}
# Below these nothing has a name of Google's.
FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"}
OLDER_SCHEMA = {
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
    "default", "items", "minimum", "maximum",
}  # fmt: skip


def refused(message: str, status: int = 400, details=()) -> Refused:
    no = Refused(status, message)
    error = {"code": status, "message": message, "status": STATUS[status]}
    no.body = {"error": error | ({"details": list(details)} if details else {})}
    return no


def need(is_well, message: str) -> None:
    if not is_well:
        raise refused(message)


def known(value, names: set, at: str) -> None:
    need(isinstance(value, dict), f"Invalid value at '{at}'")
    for name in value:
        if name not in names:
            message = f'Invalid JSON payload received. Unknown name "{name}" at \'{at}\': Cannot find field.'
            violation = {"field": at, "description": message}
            raise refused(message, 400, [{"@type": TYPE + "BadRequest", "fieldViolations": [violation]}])


def spelt(value, inside: str = ""):
    """The same in camelCase: Google takes both, and its SDKs mix them. What
    users name themselves stays as it is."""
    if isinstance(value, list):
        return [spelt(item, inside) for item in value]
    if not isinstance(value, dict) or inside in FREE:
        return value
    if inside == "properties":
        return {name: spelt(inner) for name, inner in value.items()}
    out = {}
    for name, inner in value.items():
        camel = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        need(camel not in out, f"{camel} stands twice")
        out[camel] = spelt(inner, camel)
    return out


def check(asked: dict, model: str) -> None:
    known(asked, REQUEST, "")
    if "systemInstruction" in asked:
        system = asked["systemInstruction"]
        known(system, {"parts", "role"}, "system_instruction")
        need(system.get("role", "user") in {"user", "system"}, "Please use a valid role: user, model.")
        need(system.get("parts"), "system_instruction.parts must not be empty")
        need(all(set(part) == {"text"} and part["text"] for part in system["parts"]), "system_instruction: only text")
    check_contents(asked.get("contents"), model)
    names = check_tools(asked.get("tools", []))
    check_choice(asked.get("toolConfig", {}), names)
    config = asked.get("generationConfig", {})
    known(config, CONFIG, "generation_config")
    check_config(config, model)


def check_contents(contents, model: str) -> None:
    need(isinstance(contents, list) and contents, "* GenerateContentRequest.contents: contents is not specified")
    before: list = []
    role = None
    for number, content in enumerate(turns(contents)):
        at = f"contents[{number}]"
        known(content, {"role", "parts"}, at)
        role = content.get("role", "user")
        need(role in {"user", "model"}, "Please use a valid role: user, model.")
        parts = content.get("parts")
        need(parts, f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty.")
        for part in parts:
            check_part(part, role, at)
        responses = [part["functionResponse"]["name"] for part in parts if "functionResponse" in part]
        check_responses(before, responses)
        before = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
        need(not before or number > 0, "function call turn comes immediately after a user turn")
    need(role == "user", "Please ensure that the conversation ends with a user turn")
    if "gemini-3" in model:
        check_signatures(turns(contents))


def turns(contents: list) -> list:
    """What one side says at once is one turn: SDKs keep the pieces of a stream."""
    out: list = []
    for content in contents:
        role = content.get("role", "user")
        if role == "model" and out and out[-1].get("role") == role:
            out[-1] = out[-1] | {"parts": out[-1].get("parts", []) + content.get("parts", [])}
        else:
            out.append(content)
    return out


def check_responses(calls: list, responses: list) -> None:
    if not responses and not calls:
        return
    message = (
        "Please ensure that the number of function response parts is equal to the number of function call parts "
        "of the function call turn."
    )
    need(len(calls) == len(responses), message)
    need(sorted(calls) == sorted(responses), f"function responses {responses} do not answer {calls}")


def check_signatures(contents: list) -> None:
    """The first call of each step of the current turn is signed."""
    said = [n for n, c in enumerate(contents) if c.get("role", "user") == "user" and any("text" in p for p in c["parts"])]
    for number in range(said[-1] if said else 0, len(contents)):
        calls = [part for part in contents[number]["parts"] if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"]["name"]
            raise refused(f"Function call `{name}` in the {number}. content block is missing a `thought_signature`.")


def check_part(part: dict, role: str, at: str) -> None:
    known(part, DATA | BESIDE, f"{at}.parts")
    kinds = DATA & set(part)
    need(len(kinds) == 1, f"{at}.parts: required oneof field 'data' must have one initialized field")
    [kind] = kinds
    need(part.get("thoughtSignature", SIGNATURE) in {SIGNATURE, *SKIPPED}, "Corrupted thought signature.")
    value = part[kind]
    if kind == "inlineData":
        known(value, {"mimeType", "data"}, f"{at}.parts.inline_data")
        need("/" in value["mimeType"] and not value["data"].startswith("data:"), "Unable to process input image")
    elif kind == "functionCall":
        known(value, {"id", "name", "args"}, f"{at}.parts.function_call")
        need(role == "model", "function calls come from the model")
        need(isinstance(value.get("args", {}), dict), "args must be an object")
    elif kind == "functionResponse":
        known(value, {"id", "name", "response", "parts"}, f"{at}.parts.function_response")
        need(role == "user", "function responses come from the user")
        need(isinstance(value.get("response"), dict), "response must be an object")
    elif kind == "text":
        need(value or "thoughtSignature" in part, "Unable to submit request because it has an empty text parameter.")


def check_tools(tools: list) -> list:
    names = []
    for number, tool in enumerate(tools):
        known(tool, {"functionDeclarations", "googleSearch", "codeExecution", "urlContext"}, f"tools[{number}]")
        for function in tool.get("functionDeclarations", []):
            at = f"tools[{number}].function_declarations"
            schemas = {"parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"}
            known(function, {"name", "description"} | schemas, at)
            need(re.fullmatch(r"[a-zA-Z_][\w.:-]{0,63}", function["name"]), f"{at}: Invalid function name")
            need(not {"parameters", "parametersJsonSchema"} <= set(function), f"{at}: two schemas")
            if "parameters" in function:
                check_schema(function["parameters"], at)
            if "parametersJsonSchema" in function:
                need(function["parametersJsonSchema"].get("type") == "object", f"{at}: schema should be of type object")
            names.append(function["name"])
    need(len(set(names)) == len(names), f"Duplicate function declaration found: {names}")
    return names


def check_schema(schema, at: str) -> None:
    """One in Google's older form."""
    if not isinstance(schema, dict):
        return
    known(schema, OLDER_SCHEMA, at)
    need(schema.get("properties", True), f"{at}.properties: should be non-empty for OBJECT type")
    for inner in [schema.get("items"), *schema.get("anyOf", []), *schema.get("properties", {}).values()]:
        check_schema(inner, at)


def check_choice(config: dict, names: list) -> None:
    known(config, {"functionCallingConfig", "retrievalConfig"}, "tool_config")
    calling = config.get("functionCallingConfig", {})
    known(calling, {"mode", "allowedFunctionNames"}, "tool_config.function_calling_config")
    mode = calling.get("mode", "AUTO")
    need(mode in {"AUTO", "ANY", "NONE", "VALIDATED"}, "Invalid value at 'tool_config.function_calling_config.mode'")
    allowed = calling.get("allowedFunctionNames", [])
    need(not allowed or mode in {"ANY", "VALIDATED"}, "allowed_function_names only with mode ANY")
    need(set(allowed) <= set(names), "allowed_function_names must be declared")


def check_config(config: dict, model: str) -> None:
    need(0 <= config.get("temperature", 1) <= 2, "temperature must be in the range [0.0, 2.0]")
    need(len(config.get("stopSequences", [])) <= 5, "stop_sequences: at most 5")
    need(config.get("maxOutputTokens", 1) > 0, "max_output_tokens must be positive")
    if {"responseSchema", "responseJsonSchema"} & set(config):
        need(config.get("responseMimeType") == "application/json", "response_schema needs application/json")
    check_schema(config.get("responseSchema"), "generation_config.response_schema")
    thinking = config.get("thinkingConfig", {})
    known(thinking, {"thinkingBudget", "thinkingLevel", "includeThoughts"}, "generation_config.thinking_config")
    need(not {"thinkingBudget", "thinkingLevel"} <= set(thinking), "thinking_budget or thinking_level, not both")
    need("2.5" not in model or "thinkingLevel" not in thinking, "Thinking level is not supported for this model.")


def check_embedding(asked: dict, model: str, at: str) -> None:
    known(asked, EMBED, at)
    need(asked.get("model") in {None, f"models/{model}"}, f"{at}.model must be the model of the path")
    need(asked.get("content", {}).get("parts"), f"{at}.content is required")
    for part in asked["content"]["parts"]:
        need(set(part) == {"text"} and part["text"], f"{at}.content.parts: only text")
    tasks = {"RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING"}
    need(asked.get("taskType", "CLUSTERING") in tasks, f"Invalid value at '{at}.task_type'")
    need("title" not in asked or asked.get("taskType") == "RETRIEVAL_DOCUMENT", "title only with RETRIEVAL_DOCUMENT")
