"""A strict upstream of Vertex AI: Google's embeddings by `predict` and by
`embedContent`, and Claude by `rawPredict`.
"""

import json
import re
import urllib.parse

import fake_anthropic
import fake_openai
from fake_gemini_rules import known, need, refused
from fake_openai import FakeOpenAI, Scripted

PLACE = "/v1/projects/p/locations/global/publishers"
# How many texts a request may hold.
PREDICTED = {"gemini-embedding-001": 1, "text-embedding-005": 250, "text-multilingual-embedding-002": 250}
EMBEDDED = {"gemini-embedding-2"}
CLAUDES = {"claude-sonnet-4-6", "claude-haiku-4-5"}
TASKS = {"RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING"}
# Of Anthropic's betas those that Google knows.
BETAS = {"context-1m-2025-08-07", "interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19"}
RAW = (fake_anthropic.FIELDS - {"model"}) | {"anthropic_version"}


class FakeVertex(FakeOpenAI):
    def __init__(self, key: str):
        super().__init__(key)
        self.base_url = f"http://127.0.0.1:{self.port}{PLACE}"

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    unwanted = fake_openai.Handler.unwanted - {"anthropic-beta"}

    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise refused("Request had invalid authentication credentials.", 401)

    def answer(self, seen) -> None:
        found = re.fullmatch(PLACE + r"/(google|anthropic)/models/([^/]+):(\w+)", urllib.parse.unquote(seen.path))
        operations = {"predict": self.predict, "embedContent": self.embed, "rawPredict": self.raw}
        if seen.method != "POST" or not found or found[3] not in operations:
            raise refused(f"Not found: {seen.method} {seen.path}", 404)
        operations[found[3]](json.loads(seen.body), found[2], seen.headers)

    def predict(self, asked: dict, model: str, _headers: dict) -> None:
        need(model in PREDICTED, f"{model} does not support predict")
        known(asked, {"instances", "parameters"}, "request")
        parameters = asked.get("parameters", {})
        known(parameters, {"autoTruncate", "outputDimensionality"}, "parameters")
        instances = asked["instances"]
        most = PREDICTED[model]
        need(1 <= len(instances) <= most, f"{most} instance(s) is allowed per prediction. Actual: {len(instances)}")
        for instance in instances:
            known(instance, {"content", "task_type", "title"}, "instances[]")
            need(instance.get("content"), "The text content is empty.")
            need(instance.get("task_type", "CLUSTERING") in TASKS, "Unable to parse task_type")
        dimensions = parameters.get("outputDimensionality", 3)
        predictions = [predicted(instance["content"], dimensions) for instance in instances]
        self.send_json({"predictions": predictions, "metadata": {"billableCharacterCount": 1}})

    def embed(self, asked: dict, model: str, _headers: dict) -> None:
        need(model in EMBEDDED, f"{model} does not support embedContent")
        # The model stands in the path, and no batch has another.
        known(asked, {"content", "embedContentConfig", "taskType", "title", "outputDimensionality"}, "request")
        config = asked.get("embedContentConfig", {})
        known(config, {"taskType", "title", "outputDimensionality", "autoTruncate"}, "embedContentConfig")
        text = "".join(part.get("text", "") for part in asked["content"]["parts"])
        dimensions = (asked | config).get("outputDimensionality", 3)
        usage = {"promptTokenCount": len(text.split())}
        self.send_json({"embedding": {"values": vector(text, dimensions)}, "usageMetadata": usage})

    def raw(self, asked: dict, model: str, headers: dict) -> None:
        need(model in CLAUDES, "Publisher Model was not found.")
        need(asked.get("anthropic_version") == "vertex-2023-10-16", "anthropic_version: unexpected value")
        said = {beta.strip() for beta in headers.get("anthropic-beta", "").split(",")} - {""}
        need(said <= BETAS, f"Unexpected value(s) {sorted(said - BETAS)} for the `anthropic-beta` header")
        is_old = "interleaved-thinking-2025-05-14" in said and "sonnet" not in model
        need(not is_old, "interleaved thinking is not available for this model")
        try:
            fake_anthropic.check(asked | {"model": "c"}, RAW | {"model"})
        except fake_openai.Refused as no:
            raise refused(no.body["error"]["message"], no.status) from None
        body = fake_anthropic.message_for(asked | {"model": model})
        self.send_scripted(Scripted(body=json.dumps(body).encode()))


def vector(text: str, dimensions: int) -> list:
    return [0.5, -0.25, float(len(text)), *[0.0] * dimensions][:dimensions]


def predicted(text: str, dimensions: int) -> dict:
    counted = {"truncated": False, "token_count": len(text.split())}
    return {"embeddings": {"values": vector(text, dimensions), "statistics": counted}}
