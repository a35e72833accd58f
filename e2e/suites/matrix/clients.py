"""The official SDKs behind one face: `ask(model, question, is_streamed)`."""

import json

import anthropic
import httpx
import httpx2
import openai
from google import genai
from google.genai import types
from google.genai.errors import APIError as GoogleError

from harness.gateway import KEY
from suites.matrix.question import Answer, Call, Paper, Picture, Question

# An answer's members that only the SDK knows.
OWN = {"parsed", "parsed_arguments"}


def given_of(text: str) -> dict:
    given = json.loads(text)
    assert isinstance(given, dict), text
    return given


def plain(value):
    """An SDK's object as an application would send it back."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_unset=True, mode="json")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in OWN}
    return value


def listed(content) -> list:
    return content if isinstance(content, list) else [content]


class Chat:
    """OpenAI's chat completions."""

    name = "chat"
    error = openai.APIError
    transport = httpx2

    def __init__(self, gateway, http=None):
        self.sdk = openai.OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=20, http_client=http)

    def body(self, model: str, q: Question) -> dict:
        messages = [{"role": "system", "content": q.system}] if q.system is not None else []
        for who, what in q.turns:
            messages += self.turn(who, what)
        settings = {"max_completion_tokens" if name == "max_tokens" else name: value for name, value in q.settings.items()}
        body = {"model": model, "messages": messages} | settings | q.more
        if q.tools:
            body["tools"] = [{"type": "function", "function": self.function(tool)} for tool in q.tools]
        if q.choice in ("none", "required", "auto"):
            body["tool_choice"] = q.choice
        elif q.choice:
            body["tool_choice"] = {"type": "function", "function": {"name": q.choice}}
        if q.schema:
            form = {"name": "person", "schema": q.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if q.thinks:
            body["reasoning_effort"] = "low"
        return body

    def function(self, tool) -> dict:
        function = {"name": tool.name, "description": tool.about}
        return function if tool.schema is None else function | {"parameters": tool.schema}

    def turn(self, who: str, what) -> list:
        if who == "results":
            return [{"role": "tool", "tool_call_id": call.id, "content": self.result(said)} for call, said in what]
        if who == "answer":
            return [what.echo if isinstance(what, Answer) else {"role": "assistant", "content": what}]
        return [{"role": who, "content": what if isinstance(what, str) else [self.part(part) for part in what]}]

    def result(self, said):
        if isinstance(said, Exception):
            return f"Error: {said}"
        return said if isinstance(said, str) else [self.part(part) for part in said]

    def part(self, part) -> dict:
        if isinstance(part, Picture):
            url = part.url or f"data:{part.kind};base64,{part.text}"
            return {"type": "image_url", "image_url": {"url": url}}
        if isinstance(part, Paper):
            data = f"data:application/pdf;base64,{part.text}"
            return {"type": "file", "file": {"filename": part.name, "file_data": data}}
        return {"type": "text", "text": part}

    def ask(self, model: str, q: Question, is_streamed: bool) -> Answer:
        body = self.body(model, q)
        if is_streamed:
            with self.sdk.chat.completions.stream(**body, stream_options={"include_usage": True}) as stream:
                chunks = [event.chunk for event in stream if event.type == "chunk"]
                assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}, chunks
                assert len({chunk.id for chunk in chunks}) == 1 and chunks[0].choices[0].delta.role == "assistant", chunks
                whole = stream.current_completion_snapshot
        else:
            whole = self.sdk.chat.completions.create(**body)
            assert whole.object == "chat.completion" and whole.id, whole
        return self.read(whole)

    def read(self, whole) -> Answer:
        choice = whole.choices[0]
        message = choice.message
        assert message.role == "assistant", whole
        calls = [Call(c.id, c.function.name, given_of(c.function.arguments)) for c in message.tool_calls or []]
        finish = {"tool_calls": "tools", "content_filter": "filter"}.get(choice.finish_reason, choice.finish_reason)
        if message.refusal:
            finish = "refusal"
        usage = whole.usage
        inner, outer = usage.prompt_tokens_details, usage.completion_tokens_details
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage
        used = (usage.prompt_tokens, (inner and inner.cached_tokens) or 0, None,
                usage.completion_tokens, (outer and outer.reasoning_tokens) or 0)  # fmt: skip
        thoughts = getattr(message, "reasoning_content", None) or ""
        return Answer(message.content or "", calls, thoughts, finish, used, plain(message), whole)


class Responses(Chat):
    """OpenAI's Responses; the application keeps the conversation."""

    name = "responses"

    def body(self, model: str, q: Question) -> dict:
        items = []
        for who, what in q.turns:
            items += self.turn(who, what)
        renamed = {"max_tokens": "max_output_tokens"}
        settings = {renamed.get(name, name): value for name, value in q.settings.items() if name != "stop"}
        body = {"model": model, "input": items, "store": False} | settings | q.more
        if q.system is not None:
            body["instructions"] = q.system
        if q.tools:
            body["tools"] = [{"type": "function", "strict": False, "parameters": None} | self.function(tool) for tool in q.tools]
        if q.choice in ("none", "required", "auto"):
            body["tool_choice"] = q.choice
        elif q.choice:
            body["tool_choice"] = {"type": "function", "name": q.choice}
        if q.schema:
            body["text"] = {"format": {"type": "json_schema", "name": "person", "schema": q.schema, "strict": True}}
        if q.thinks:
            body |= {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        return body

    def turn(self, who: str, what) -> list:
        if who == "results":
            kind = {"type": "function_call_output"}
            return [kind | {"call_id": call.id, "output": self.result(said)} for call, said in what]
        if who == "answer" and isinstance(what, Answer):
            return what.echo
        return super().turn("assistant" if who == "answer" else who, what)

    def part(self, part) -> dict:
        if isinstance(part, Picture):
            url = part.url or f"data:{part.kind};base64,{part.text}"
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        if isinstance(part, Paper):
            data = f"data:application/pdf;base64,{part.text}"
            return {"type": "input_file", "filename": part.name, "file_data": data}
        return {"type": "input_text", "text": part}

    def ask(self, model: str, q: Question, is_streamed: bool) -> Answer:
        body = self.body(model, q)
        if not is_streamed:
            return self.read(self.sdk.responses.create(**body))
        with self.sdk.responses.stream(**body) as stream:
            events = list(stream)
        numbers = [event.sequence_number for event in events]
        assert numbers == list(range(len(numbers))), numbers
        last = events[-1]
        assert last.type in ("response.completed", "response.incomplete", "response.failed"), last
        done = [event.item for event in events if event.type == "response.output_item.done"]
        assert [item.id for item in done] == [item.id for item in last.response.output], events
        return self.read(last.response)

    def read(self, whole) -> Answer:
        text, thoughts, refusal, calls = "", "", "", []
        for item in whole.output:
            if item.type == "message":
                text += "".join(part.text for part in item.content if part.type == "output_text")
                refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
            elif item.type == "reasoning":
                thoughts += "".join(part.text for part in [*item.summary, *(item.content or [])])
            elif item.type == "function_call":
                calls.append(Call(item.call_id, item.name, given_of(item.arguments)))
        finish = "tools" if calls else "refusal" if refusal else "stop"
        if whole.status == "incomplete":
            finish = {"max_output_tokens": "length", "content_filter": "filter"}[whole.incomplete_details.reason]
        else:
            assert whole.status == "completed", whole
        usage = whole.usage
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens, usage
        used = (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.input_tokens_details.cache_write_tokens,
                usage.output_tokens, usage.output_tokens_details.reasoning_tokens)  # fmt: skip
        return Answer(text, calls, thoughts, finish, used, plain(whole.output), whole)


class Messages:
    """Anthropic's Messages."""

    name = "messages"
    error = anthropic.APIError
    transport = httpx2

    def __init__(self, gateway, http=None):
        self.sdk = anthropic.Anthropic(base_url=gateway.origin, api_key=KEY, max_retries=0, timeout=20, http_client=http)

    def body(self, model: str, q: Question) -> dict:
        messages = [self.turn(who, what) for who, what in q.turns]
        body = {"model": model, "messages": messages, "max_tokens": 4000} | q.settings | q.more
        if "stop" in body:
            body["stop_sequences"] = body.pop("stop")
        # Gone from its newest types, and still known to its servers.
        old = {name: body.pop(name) for name in ("temperature", "top_p", "top_k") if name in body}
        body |= {"extra_body": old} if old else {}
        if q.system is not None:
            body["system"] = q.system
        if q.tools:
            about = {"type": "object", "properties": {}}
            body["tools"] = [{"name": t.name, "description": t.about, "input_schema": t.schema or about} for t in q.tools]
        if q.choice:
            words = {"none": {"type": "none"}, "required": {"type": "any"}, "auto": {"type": "auto"}}
            body["tool_choice"] = words.get(q.choice) or {"type": "tool", "name": q.choice}
        if q.schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": q.schema}}
        if q.thinks:
            body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return body

    def turn(self, who: str, what) -> dict:
        if who == "results":
            return {"role": "user", "content": [self.result(call, said) for call, said in what]}
        if who == "answer":
            return {"role": "assistant", "content": what.echo if isinstance(what, Answer) else what}
        return {"role": who, "content": what if isinstance(what, str) else [self.part(part) for part in what]}

    def result(self, call, said) -> dict:
        block = {"type": "tool_result", "tool_use_id": call.id}
        if isinstance(said, Exception):
            return block | {"content": str(said), "is_error": True}
        return block | {"content": said if isinstance(said, str) else [self.part(part) for part in said]}

    def part(self, part) -> dict:
        if isinstance(part, Picture):
            inside = {"type": "base64", "media_type": part.kind, "data": part.text}
            return {"type": "image", "source": {"type": "url", "url": part.url} if part.url else inside}
        if isinstance(part, Paper):
            source = {"type": "base64", "media_type": "application/pdf", "data": part.text}
            return {"type": "document", "source": source, "title": part.name}
        return {"type": "text", "text": part}

    def ask(self, model: str, q: Question, is_streamed: bool) -> Answer:
        body = self.body(model, q)
        if not is_streamed:
            return self.read(self.sdk.messages.create(**body))
        with self.sdk.messages.stream(**body) as stream:
            events = [event for event in stream if event.type in ("message_start", "message_stop")]
            assert [event.type for event in events] == ["message_start", "message_stop"], events
            return self.read(stream.get_final_message())

    def read(self, whole) -> Answer:
        assert whole.type == "message" and whole.role == "assistant" and whole.id, whole
        text = "".join(block.text for block in whole.content if block.type == "text")
        thoughts = "".join(block.thinking for block in whole.content if block.type == "thinking")
        calls = [Call(b.id, b.name, b.input) for b in whole.content if b.type == "tool_use"]
        words = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tools"}
        finish = words.get(whole.stop_reason, whole.stop_reason)
        usage = whole.usage
        cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        used = (usage.input_tokens + cached + written, cached, written, usage.output_tokens, None)
        return Answer(text, calls, thoughts, finish, used, plain(whole.content), whole)


class Gemini:
    """Google's own."""

    name = "gemini"
    error = GoogleError
    transport = httpx

    def __init__(self, gateway, http=None):
        options = {"base_url": gateway.origin, "timeout": 20_000} | ({"httpx_client": http} if http else {})
        self.sdk = genai.Client(api_key=KEY, http_options=options)

    def body(self, model: str, q: Question) -> dict:
        contents = [self.turn(who, what) for who, what in q.turns]
        names = {"max_tokens": "max_output_tokens", "stop": "stop_sequences"}
        config = {names.get(name, name): value for name, value in q.settings.items()} | q.more
        if q.system is not None:
            config["system_instruction"] = q.system
        if q.tools:
            named = [{"name": t.name, "description": t.about, "parameters_json_schema": t.schema} for t in q.tools]
            functions = [types.FunctionDeclaration(**one) for one in named]
            config["tools"] = [types.Tool(function_declarations=functions)]
        if q.choice:
            mode = {"none": "NONE", "required": "ANY", "auto": "AUTO"}.get(q.choice)
            calling = {"mode": mode} if mode else {"mode": "ANY", "allowed_function_names": [q.choice]}
            config["tool_config"] = {"function_calling_config": calling}
        if q.schema:
            config |= {"response_mime_type": "application/json", "response_json_schema": q.schema}
        if q.thinks:
            config["thinking_config"] = {"include_thoughts": True, "thinking_budget": 1024}
        config["automatic_function_calling"] = {"disable": True}
        return {"model": model, "contents": contents, "config": config}

    def turn(self, who: str, what) -> types.Content:
        if who == "results":
            parts = [self.result(call, said) for call, said in what]
            return types.Content(role="user", parts=parts)
        if who == "answer":
            return what.echo if isinstance(what, Answer) else types.ModelContent(what)
        return types.UserContent([self.part(part) for part in listed(what)])

    def result(self, call, said) -> types.Part:
        if isinstance(said, Exception):
            response = {"error": str(said)}
        else:
            response = {"result": said if isinstance(said, str) else "".join(p for p in said if isinstance(p, str))}
        # Google's ids are kept where the model gave one.
        response = types.FunctionResponse(id=call.id, name=call.name, response=response)
        return types.Part(function_response=response)

    def part(self, part) -> types.Part:
        if isinstance(part, Picture):
            if part.url:
                return types.Part.from_uri(file_uri=part.url, mime_type=part.kind)
            return types.Part.from_bytes(data=part.data, mime_type=part.kind)
        if isinstance(part, Paper):
            return types.Part.from_bytes(data=part.data, mime_type="application/pdf")
        return types.Part(text=part)

    def ask(self, model: str, q: Question, is_streamed: bool) -> Answer:
        body = self.body(model, q)
        if not is_streamed:
            whole = self.sdk.models.generate_content(**body)
            return self.read([whole])
        return self.read(list(self.sdk.models.generate_content_stream(**body)))

    def read(self, chunks: list) -> Answer:
        parts, finish = [], None
        for chunk in chunks:
            for candidate in (chunk.candidates or [])[:1]:
                parts += (candidate.content and candidate.content.parts) or []
                finish = candidate.finish_reason or finish
            if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                finish = "filter"
        text = "".join(part.text for part in parts if part.text and not part.thought)
        thoughts = "".join(part.text for part in parts if part.text and part.thought)
        calls = [Call(p.function_call.id, p.function_call.name, p.function_call.args or {}) for p in parts if p.function_call]
        words = {"STOP": "tools" if calls else "stop", "MAX_TOKENS": "length"}
        finish = finish if finish == "filter" else words.get(finish and finish.value, "filter")
        usage = chunks[-1].usage_metadata
        out, thought = usage.candidates_token_count or 0, usage.thoughts_token_count or 0
        assert usage.total_token_count == usage.prompt_token_count + out + thought, usage
        used = (usage.prompt_token_count, usage.cached_content_token_count or 0, None, out + thought, thought)
        return Answer(text, calls, thoughts, finish, used, types.Content(role="model", parts=parts), chunks)


CLIENTS = (Chat, Responses, Messages, Gemini)
