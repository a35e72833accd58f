"""What passes through unread: official SDKs with `/providers/{name}` in their
base URL, files and sounds both ways, and whom a policy keeps from it.
"""

import contextlib
import hashlib
import io
import random
import socket
import threading

import anthropic
import httpx
import openai
from google import genai

from fake_anthropic import FakeAnthropic
from fake_gemini import FakeGemini
from fake_unread import PICTURE, SPEECH, SRT, WORDS, FakeUnread
from harness.bench import case, until
from harness.gateway import KEY, UPSTREAM_KEY
from suites import scripts
from suites.common import fake_and_gateway

GUARDED, COUNTED, LIMITED = (f"sk-e2e-{name}-0123456789abcdefghij" for name in ("guarded", "counted", "limited"))
FLASH = "gemini-2.5-flash"
MANY = random.Random(7).randbytes(6 << 20)


def scene(bench):
    unread = bench.enter(FakeUnread(UPSTREAM_KEY))
    claude = bench.enter(FakeAnthropic(UPSTREAM_KEY))
    gemini = bench.enter(FakeGemini(UPSTREAM_KEY))
    providers = f"""
  openai:
    base_url: {unread.base_url}
    api_key: env:UPSTREAM_KEY
    pass_through: true
  some:
    base_url: {unread.base_url}
    api_key: env:UPSTREAM_KEY
    pass_through: {{paths: [/v1/audio/*, /v1/files]}}
  anthropic:
    base_url: {claude.base_url}
    api_key: env:UPSTREAM_KEY
    pass_through: true
  gemini:
    base_url: {gemini.base_url}
    api_key: env:UPSTREAM_KEY
    pass_through: true
"""
    keys = """
  - {name: guarded, key: env:GUARDED}
  - {name: counted, key: env:COUNTED, limits: {tokens_per_minute: 1000000}}
  - {name: limited, key: env:LIMITED, models: [m]}
"""
    more = """
guards:
  words: {kind: deny, literals: [project-x]}
policies:
  - {name: house-rules, keys: [guarded], guards: [words]}
limits: {body: 9MiB}
"""
    environment = {"GUARDED": GUARDED, "COUNTED": COUNTED, "LIMITED": LIMITED}
    world = fake_and_gateway(bench, more, providers, keys, environment=environment)
    world.unread, world.claude, world.gemini = unread, claude, gemini
    world.client = client_of(world)
    return world


def url(w, name: str = "openai") -> str:
    return f"{w.gateway.origin}/providers/{name}"


def client_of(w, key: str = KEY, name: str = "openai") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url(w, name)}/v1", api_key=key, max_retries=0, timeout=20)


def row_of(w, answer) -> dict:
    return w.gateway.row(answer.headers["x-request-id"])


@case
def a_file_goes_up_and_comes_back_byte_for_byte(w):
    raw = w.client.files.with_raw_response.create(file=("a.jsonl", MANY), purpose="batch")
    file = raw.parse()
    assert file.bytes == len(MANY) and w.unread.files[file.id] == MANY
    row = row_of(w, raw)
    assert (row["operation"], row["outcome"], row["status"]) == ("pass_through", "complete", 200), row
    assert (row["provider"], row["model"], row["usage_source"]) == ("openai", None, "unmetered"), row
    assert row["bytes_in"] == len(w.unread.last.body) > len(MANY), row
    assert row["bytes_out"] == len(raw.content) and row["price_missing"] == 1, row
    back = w.client.files.content(file.id)
    assert hashlib.sha256(back.content).digest() == hashlib.sha256(MANY).digest()
    assert "a.jsonl" in back.response.headers["content-disposition"], back.response.headers
    assert [listed.id for listed in w.client.files.list(limit=5)] == [file.id]
    assert w.unread.last.path == "/v1/files?limit=5", w.unread.last.path
    assert w.client.files.delete(file.id).deleted and not w.unread.files


@case
def a_file_of_unknown_length_is_streamed_through(w):
    def parts():
        for at in range(0, len(MANY), 100_000):
            yield MANY[at : at + 100_000]

    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/octet-stream"}
    answer = httpx.post(f"{url(w)}/v1/uploads", content=parts(), headers=headers, timeout=20)
    assert answer.status_code == 404 and "Invalid URL" in answer.text, answer.text
    assert w.unread.last.body == MANY and w.unread.last.headers["transfer-encoding"] == "chunked"
    assert row_of(w, answer)["bytes_in"] == len(MANY)


@case
def a_picture_is_made_and_its_tokens_are_booked(w):
    raw = w.client.images.with_raw_response.generate(model="gpt-image-1", prompt="a gate")
    assert raw.parse().data[0].b64_json == PICTURE
    row = row_of(w, raw)
    assert (row["input"], row["output"], row["usage_source"]) == (50, 4_000, "provider"), row
    picture = io.BytesIO(b"\x89PNG" + MANY[:100_000])
    picture.name = "a.png"
    edited = w.client.images.edit(model="gpt-image-1", image=picture, prompt="a moat")
    assert edited.data[0].b64_json == PICTURE


@case
def speech_comes_back_as_bytes(w):
    raw = w.client.audio.speech.with_raw_response.create(model="tts-1", voice="alloy", input="hello")
    assert raw.content == SPEECH and raw.headers["content-type"] == "audio/mpeg", raw.headers
    assert row_of(w, raw)["bytes_out"] == len(SPEECH)
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "hello", "stream_format": "sse"}
    with w.client.audio.speech.with_streaming_response.create(**asked) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert b"".join(events.iter_bytes()).count(b"speech.audio.delta") == 3


@case
def transcriptions_come_back_in_every_format(w):
    def of(form: str):
        return w.client.audio.transcriptions.create(
            model="whisper-1", file=("a.mp3", MANY[:200_000]), response_format=form
        )

    assert of("json").text == WORDS
    assert of("text").strip() == WORDS
    assert of("srt") == SRT
    whole = of("verbose_json")
    assert (whole.text, whole.language, whole.duration) == (WORDS, "german", 2.0), whole


@case
def batches_are_made_looked_at_and_cancelled(w):
    made = w.client.batches.create(
        input_file_id="file-7", endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert (made.id, made.input_file_id, made.status) == ("batch_1", "file-7", "validating"), made
    raw = w.client.batches.with_raw_response.retrieve("batch_1")
    assert raw.parse().usage.input_tokens == 50
    # To look at it costs nothing: whoever made it has paid.
    assert row_of(w, raw)["usage_source"] == "unmetered"
    assert w.client.batches.cancel("batch_1").status == "cancelling"


@case
def an_error_of_the_provider_is_its_own(w):
    try:
        w.client.moderations.create(model="nope", input="x")
        raise AssertionError("no error")
    except openai.BadRequestError as error:
        assert "Unknown model: nope" in error.message, error
        assert row_of(w, error.response)["outcome"] == "upstream_failed"


@case
def anthropics_client_passes_through(w):
    client = anthropic.Anthropic(base_url=url(w, "anthropic"), api_key=KEY, max_retries=0, timeout=20)
    asked = {"model": "c", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
    raw = client.messages.with_raw_response.create(**asked)
    assert raw.parse().content[0].text == "You said: hello"
    row = row_of(w, raw)
    assert (row["cached_input"], row["output"], row["usage_source"]) == (5, 7, "provider"), row
    with client.messages.stream(**asked) as stream:
        assert stream.get_final_message().usage.output_tokens == 7
    assert w.claude.last.path == "/v1/messages" and not w.claude.violations, w.claude.violations


@case
def googles_client_passes_through(w):
    for version in ("v1", "v1beta"):
        options = {"base_url": url(w, "gemini"), "api_version": version}
        client = genai.Client(api_key=KEY, http_options=options)
        # The fake has one of them.
        with contextlib.suppress(*([genai.errors.ClientError] if version == "v1" else [])):
            answer = client.models.generate_content(model=FLASH, contents="hello")
            assert "hello" in answer.text, answer
        assert w.gemini.last.path == f"/{version}/models/{FLASH}:generateContent", w.gemini.last
    path = f"{url(w, 'gemini')}/v1beta/models/{FLASH}:generateContent?key={KEY}"
    answer = httpx.post(path, json={"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
    assert answer.status_code == 200, answer.text
    assert "key=" not in w.gemini.last.path and not w.gemini.violations, w.gemini.violations


@case
def googles_client_uploads_a_file_in_pieces(w):
    # A piece of its SDK's is 8 MiB: the second is the rest.
    client = genai.Client(api_key=KEY, http_options={"base_url": url(w, "gemini"), "api_version": "v1beta"})
    many = MANY + MANY[: 3 << 20]
    made = client.files.upload(file=io.BytesIO(many), config={"mime_type": "application/pdf"})
    assert (made.name, made.size_bytes) == ("files/f1", len(many)), made
    assert w.gemini.files.came == {"1": many} and not w.gemini.violations, w.gemini.violations
    pieces = [seen for seen in w.gemini.requests if seen.path.startswith("/upload/")]
    assert len(pieces) == 3, pieces
    assert all(seen.headers["x-goog-api-key"] == UPSTREAM_KEY for seen in pieces)
    headers = {"x-goog-api-key": KEY, "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    headers["x-goog-upload-header-content-length"] = "5"
    begun = httpx.post(f"{url(w, 'gemini')}/upload/v1beta/files", json={}, headers=headers)
    there = begun.headers["x-goog-upload-url"]
    assert there.startswith(f"{url(w, 'gemini')}/upload/v1beta/files?") and UPSTREAM_KEY not in there, there


@case
def googles_client_in_javascript_uploads_a_file_too(w):
    return scripts.run(w, "pass_through.mjs", url(w, "gemini"), gemini=w.gemini)


@case
def whom_a_policy_binds_is_told_which(w):
    for key, named in ((GUARDED, "`house-rules`"), (COUNTED, "1000000 tokens per minute"), (LIMITED, "`models`")):
        before = len(w.unread.requests)
        try:
            client_of(w, key).files.list()
            raise AssertionError(f"{named} let it pass")
        except openai.PermissionDeniedError as error:
            assert error.code == "pass_through_forbidden" and named in error.message, error
        assert len(w.unread.requests) == before


@case
def it_is_off_by_default_and_by_path(w):
    for client in (client_of(w, name="fake"), client_of(w, name="nobody")):
        try:
            client.files.list()
            raise AssertionError("it passed")
        except openai.NotFoundError as error:
            assert error.code == "pass_through_off" and "`pass_through`" in error.message, error
    some = client_of(w, name="some")
    assert some.audio.speech.create(model="tts-1", voice="alloy", input="x").content == SPEECH
    for path in ("/v1/images/generations", "/v1/files/f", "/v1/audio/../images/x", "/v1/audio/%2e%2e/images"):
        # As it is: clients would walk the path themselves.
        status, said = answer_to(w, f"GET /providers/some{path} HTTP/1.1")
        assert status in (400, 404), (path, said)
    stranger = httpx.get(f"{url(w)}/v1/files")
    assert stranger.status_code == 401, stranger.text


def answer_to(w, line: str) -> tuple:
    with socket.create_connection(("127.0.0.1", w.gateway.port), timeout=10) as wire:
        fields = f"host: g\r\nauthorization: Bearer {KEY}\r\nconnection: close"
        wire.sendall(f"{line}\r\n{fields}\r\n\r\n".encode())
        said = b"".join(iter(lambda: wire.recv(1 << 16), b"")).decode()
    return int(said.split()[1]), said


@case
def a_body_above_the_limit_is_refused(w):
    too_much = MANY + MANY
    try:
        w.client.files.create(file=("a.jsonl", too_much), purpose="batch")
        raise AssertionError("it passed")
    except openai.APIStatusError as error:
        assert error.status_code == 413 and error.code == "request_too_large", error


@case
def who_hangs_up_midway_ends_the_exchange(w):
    w.unread.next(pieces=[b"data: 1\n\n", b"data: 2\n\n"], gate=threading.Event())
    hung_up = w.unread.hung_up
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.stream("POST", f"{url(w)}/v1/responses", json={}, headers=headers, timeout=10) as answer:
        assert next(answer.iter_bytes()) == b"data: 1\n\n"
    until(lambda: w.unread.hung_up == hung_up + 1, 5, "the upstream is cancelled")
    row = row_of(w, answer)
    assert (row["outcome"], row["status"], row["bytes_out"]) == ("client_left", 499, 9), row


@case
def an_answer_that_breaks_off_is_no_whole_one(w):
    w.unread.next(pieces=[b"half"], headers={"content-type": "audio/mpeg"}, breaks=True)
    with contextlib.suppress(httpx.HTTPError):
        whole = httpx.post(
            f"{url(w)}/v1/audio/speech", json={}, headers={"authorization": f"Bearer {KEY}"}, timeout=10
        )
        raise AssertionError(f"it looks whole: {whole.content}")


@case
def what_passes_at_a_kill_is_in_the_ledger_with_its_bytes(w):
    w.unread.server.handle_error = lambda *_: None
    w.unread.next(pieces=[MANY[: 3 << 20], b"more"], gate=threading.Event())
    headers = {"authorization": f"Bearer {KEY}"}
    body = MANY[: 1 << 20]
    with contextlib.suppress(httpx.HTTPError):
        with httpx.stream("POST", f"{url(w)}/v1/audio/speech", content=body, headers=headers, timeout=10) as answer:
            came = 0
            for piece in answer.iter_raw():
                came += len(piece)
                if came == 3 << 20:
                    w.gateway.kill()
    w.gateway.start()
    row = row_of(w, answer)
    assert (row["outcome"], row["provider"], row["operation"]) == ("lost", "openai", "pass_through"), row
    assert row["bytes_in"] == len(body) and 1 << 20 <= row["bytes_out"] <= 3 << 20, row


@case
def nothing_of_the_client_came_through(w):
    assert not w.unread.violations, w.unread.violations
    assert "pass_through" in w.gateway.log.read_text()
