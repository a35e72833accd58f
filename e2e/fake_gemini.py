"""A strict upstream of Gemini's own API: it refuses what Google refuses.

Answers are whole, as events or as one array: texts, calls, thoughts with
signatures, JSON, blocks, usage in all its parts; embeddings too.
"""

import json
import re
import urllib.parse

import fake_gemini_files
import fake_gemini_rules as rules
import fake_openai
from fake_gemini_files import Files
from fake_gemini_rules import SIGNATURE, TYPE, refused
from fake_openai import FakeOpenAI, Scripted, filled

MODELS = {"gemini-2.5-flash", "gemini-3-flash", "gemini-embedding-001"}
USAGE = {
    "promptTokenCount": 16,
    "cachedContentTokenCount": 5,
    "candidatesTokenCount": 7,
    "totalTokenCount": 23,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 16}],
}
THOUGHTS = 9
# Of any prompt.
COUNT = 43
SAFETY = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]


class FakeGemini(FakeOpenAI):
    version = "v1beta"

    def __init__(self, key: str):
        super().__init__(key)
        self.files = Files()

    def handler(self) -> type:
        return _Handler

    def slow_down(self, seconds: int = 33, message: str = "Quota exceeded.") -> None:
        """Answers the next request as Google does where too many came."""
        self.next(status=429, body=json.dumps(too_many(seconds, message)).encode())

    def breaks_after(self, text: str) -> None:
        """Streams this text, and then an error as Google writes it there."""
        error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
        first = response({"content": {"role": "model", "parts": [{"text": text}]}, "index": 0})
        self.next(pieces=[event(first), json.dumps(error, indent=2).encode()])


def too_many(seconds: int, message: str) -> dict:
    retry = {"@type": TYPE + "RetryInfo", "retryDelay": f"{seconds}s"}
    quota = {"@type": TYPE + "QuotaFailure", "violations": [{"quotaId": "RequestsPerMinute"}]}
    error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [quota, retry]}
    return {"error": error}


class _Handler(fake_openai.Handler):
    unwanted = (fake_openai.Handler.unwanted - {"x-goog-api-key"}) | {"authorization"}

    def authorise(self, headers: dict) -> None:
        if headers.get("x-goog-api-key") != self.owner.key:
            info = {"@type": TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            raise refused("API key not valid. Please pass a valid API key.", 400, [info])

    def answer(self, seen) -> None:
        url = urllib.parse.urlsplit(seen.path)
        if seen.method == "POST" and url.path == fake_gemini_files.PATH:
            return self.upload(seen, dict(urllib.parse.parse_qsl(url.query)))
        found = re.fullmatch(r"/v1beta/models/([^/]+):(\w+)", urllib.parse.unquote(url.path))
        operations = {
            "generateContent": self.generate,
            "streamGenerateContent": self.stream,
            "embedContent": self.embed,
            "batchEmbedContents": self.embed_all,
            "countTokens": self.count,
        }
        if seen.method != "POST" or not found or found[2] not in operations:
            raise refused(f"Not found: {seen.method} {seen.path}", 404)
        query = urllib.parse.parse_qs(url.query)
        # A key in a query stands in logs.
        rules.need(set(query) <= {"alt"}, f"Unknown query {query}")
        if found[1] not in MODELS:
            raise refused(f"models/{found[1]} is not found for API version v1beta", 404)
        rules.need(seen.headers.get("content-type") == "application/json", "content-type must be application/json")
        operations[found[2]](rules.spelt(json.loads(seen.body)), found[1], query)

    def upload(self, seen, query: dict) -> None:
        files, headers = self.owner.files, seen.headers
        if headers.get("x-goog-upload-command") == "start":
            origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(self.owner.base_url))
            return self.send_scripted(files.begin(headers, origin, self.owner.key))
        # A key in a query stands in logs.
        rules.need(set(query) == {"upload_id", "upload_protocol"}, f"Unknown query {query}")
        file = files.go_on(headers, query["upload_id"], seen.body)
        status = {"x-goog-upload-status": "final" if file else "active"}
        body = json.dumps(file).encode() if file else b""
        self.send_scripted(Scripted(body=body, headers=status))

    def generate(self, asked: dict, model: str, _query: dict) -> None:
        rules.check(asked, model)
        self.send_json(answer_for(asked, model))

    def stream(self, asked: dict, model: str, query: dict) -> None:
        rules.check(asked, model)
        frames = list(frames_of(answer_for(asked, model)))
        if query.get("alt") == ["sse"]:
            return self.send_scripted(Scripted(pieces=[event(frame) for frame in frames]))
        self.send_scripted(Scripted(body=json.dumps(frames).encode()))

    def count(self, asked: dict, model: str, _query: dict) -> None:
        if "contents" not in asked:
            rules.known(asked, {"generateContentRequest"}, "")
            asked = asked["generateContentRequest"]
            rules.need(asked.pop("model", None) == f"models/{model}", "generateContentRequest.model: the path's is required")
        else:
            rules.known(asked, {"contents"}, "")
        rules.check(asked, model)
        self.send_json({"totalTokens": COUNT})

    def embed(self, asked: dict, model: str, _query: dict) -> None:
        rules.check_embedding(asked, model, "request")
        self.send_json({"embedding": vector_of(asked), "usageMetadata": {"promptTokenCount": 4}})

    def embed_all(self, asked: dict, model: str, _query: dict) -> None:
        rules.known(asked, {"requests"}, "")
        rules.need(asked.get("requests"), "BatchEmbedContentsRequest.requests is not specified")
        rules.need(len(asked["requests"]) <= 100, "at most 100 requests can be in one batch")
        for number, request in enumerate(asked["requests"]):
            rules.check_embedding(request, model, f"requests[{number}]")
            rules.need("model" in request, f"requests[{number}].model is required")
        embeddings = [vector_of(request) for request in asked["requests"]]
        self.send_json({"embeddings": embeddings, "usageMetadata": {"promptTokenCount": 4}})


def vector_of(request: dict) -> dict:
    text = "".join(part["text"] for part in request["content"]["parts"])
    values = [0.5, -0.25, float(len(text)), 0.0]
    return {"values": values[: request.get("outputDimensionality", 3)]}


# What is answered


def response(candidate: dict, model: str = "gemini-2.5-flash", usage: dict = USAGE) -> dict:
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "resp-e2e"}


def answer_for(asked: dict, model: str) -> dict:
    """Words in the last text ask for what a model does rarely: BLOCK, LONG, UNSAFE."""
    config = asked.get("generationConfig", {})
    last = asked["contents"][-1]["parts"]
    text = " ".join(part["text"] for part in last if "text" in part)
    usage = dict(USAGE)
    if text == "BLOCK":
        feedback = {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": SAFETY}
        usage = {"promptTokenCount": 16, "totalTokenCount": 16}
        return {"promptFeedback": feedback, "usageMetadata": usage, "modelVersion": model, "responseId": "resp-e2e"}
    if text == "UNSAFE":
        return response({"finishReason": "SAFETY", "index": 0, "safetyRatings": SAFETY}, model)
    thinking = config.get("thinkingConfig", {})
    thinks = "gemini-3" in model or thinking.get("thinkingBudget", 0) != 0
    parts = parts_for(asked, text)
    if thinks:
        usage |= {"thoughtsTokenCount": THOUGHTS, "totalTokenCount": usage["totalTokenCount"] + THOUGHTS}
        # Only the first of parallel calls is signed; a text at its end.
        parts[0 if "functionCall" in parts[0] else -1]["thoughtSignature"] = SIGNATURE
    if thinks and thinking.get("includeThoughts"):
        parts.insert(0, {"text": "Let me think.", "thought": True})
    reason = "MAX_TOKENS" if text == "LONG" else "STOP"
    content = {"role": "model", "parts": parts}
    candidate = {"content": content, "finishReason": reason, "index": 0, "safetyRatings": SAFETY}
    return response(candidate, model, usage)


def parts_for(asked: dict, text: str) -> list:
    last = asked["contents"][-1]["parts"]
    results = [part for part in last if "functionResponse" in part]
    functions = [f for tool in asked.get("tools", []) for f in tool.get("functionDeclarations", [])]
    mode = asked.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode", "AUTO")
    if functions and not results and mode != "NONE":
        schemas = [f.get("parametersJsonSchema") or f.get("parameters") or {} for f in functions]
        return [{"functionCall": {"name": f["name"], "args": filled(s)}} for f, s in zip(functions, schemas)]
    if results:
        return [{"text": f"Results: {len(results)}"}]
    config = asked.get("generationConfig", {})
    if schema := config.get("responseSchema") or config.get("responseJsonSchema"):
        return [{"text": json.dumps(filled(schema))}]
    images = [part["inlineData"]["data"] for part in last if "inlineData" in part]
    size = sum(map(len, images))
    return [{"text": f"You said: {text}" + (f" ({len(images)} images, {size} characters)" if images else "")}]


# The same as a stream


def event(data: dict) -> bytes:
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def frames_of(answer: dict):
    if not answer.get("candidates"):
        yield answer
        return
    candidate = answer["candidates"][0]
    pieces = [piece for part in candidate.get("content", {}).get("parts", []) for piece in pieces_of(part)]
    usage = {"promptTokenCount": 16, "totalTokenCount": 16}
    for piece in pieces[:-1]:
        content = {"role": "model", "parts": [piece]}
        yield answer | {"candidates": [{"content": content, "index": 0}], "usageMetadata": usage}
    last = {"content": {"role": "model", "parts": pieces[-1:]}} if pieces else {}
    yield answer | {"candidates": [candidate | last]}


def pieces_of(part: dict) -> list:
    if "text" not in part:
        return [part]
    words = re.findall(r"\S+\s*", part["text"])
    pieces = [part | {"text": word} for word in words]
    if "thoughtSignature" in part:
        pieces = [{k: v for k, v in piece.items() if k != "thoughtSignature"} for piece in pieces]
        pieces.append({"text": "", "thoughtSignature": part["thoughtSignature"]})
    return pieces
