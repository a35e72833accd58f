"""Vertex AI: Gemini's models and Claude's at Google's cloud, as strict as each is."""

import json
import re

import fake_anthropic
import fake_gemini
import fake_gemini_rules as rules
import fake_openai
from fake_gemini_rules import refused
from fake_openai import FakeOpenAI, Scripted

# Of any prompt.
COUNT = 44
PLACE = "v1/projects/p/locations/global/publishers"


class FakeVertex(FakeOpenAI):
    version = f"{PLACE}/google"

    def handler(self) -> type:
        return _Gemini


class _Gemini(fake_gemini._Handler):
    unwanted = fake_openai.Handler.unwanted

    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise refused("Request had invalid authentication credentials.", 401)

    def answer(self, seen) -> None:
        prefix = f"/{PLACE}/google/"
        if not seen.path.startswith(prefix):
            raise refused(f"Not found: {seen.path}", 404)
        for content in json.loads(seen.body).get("contents", []):
            # Where the developers' API takes the user for granted.
            rules.need("role" in content, "Please use a valid role: user, model.")
        seen.path = "/v1beta/" + seen.path.removeprefix(prefix)
        super().answer(seen)

    def count(self, asked: dict, model: str, _query: dict) -> None:
        rules.known(asked, {"contents", "systemInstruction", "tools", "generationConfig"}, "")
        rules.check(asked, model)
        self.send_json({"totalTokens": COUNT, "totalBillableCharacters": 3})


class FakeVertexClaude(FakeOpenAI):
    version = f"{PLACE}/anthropic"

    def handler(self) -> type:
        return _Claude


class _Claude(fake_openai.Handler):
    unwanted = fake_openai.Handler.unwanted | {"anthropic-version"}

    def authorise(self, headers: dict) -> None:
        if headers.get("authorization") != f"Bearer {self.owner.key}":
            raise refused("Request had invalid authentication credentials.", 401)

    def answer(self, seen) -> None:
        found = re.fullmatch(rf"/{PLACE}/anthropic/models/([^/]+):(rawPredict|streamRawPredict)", seen.path)
        if seen.method != "POST" or not found:
            raise refused(f"Not found: {seen.path}", 404)
        asked = json.loads(seen.body)
        if asked.get("anthropic_version") != "vertex-2023-10-16":
            raise fake_anthropic.refused("anthropic_version: Input should be 'vertex-2023-10-16'")
        fields = (fake_anthropic.FIELDS - {"model", "service_tier"}) | {"anthropic_version", "anthropic_beta"}
        fake_anthropic.check({"model": found[1]} | asked, fields | ({"model"} - set(asked)))
        answer = fake_anthropic.message_for(asked | {"model": found[1]})
        is_stream = found[2] == "streamRawPredict"
        fake_anthropic.need(is_stream == bool(asked.get("stream")), "stream: does not fit the method")
        if is_stream:
            pieces = [fake_anthropic.event(data) for data in fake_anthropic.events_of(answer)]
            return self.send_scripted(Scripted(pieces=pieces))
        self.send_json(answer)
