"""An upstream of what passes through unread: OpenAI's files, batches, images
and audio. It refuses what OpenAI refuses and keeps every byte that it gets.
"""

import email.parser
import email.policy
import secrets

import fake_openai
from fake_openai import CREATED, FakeOpenAI, Refused, Scripted

# Bytes that are no text in any encoding.
SPEECH = bytes(range(256)) * 64
PICTURE = "iVBORw0KGgo" * 40_000
USAGE = {"input_tokens": 50, "output_tokens": 4_000, "total_tokens": 4_050}
USAGE["input_tokens_details"] = {"text_tokens": 10, "image_tokens": 40}
WORDS = "Grüße, Welt."
SRT = f"1\n00:00:00,000 --> 00:00:02,000\n{WORDS}\n\n"


class FakeUnread(FakeOpenAI):
    def __init__(self, key: str):
        super().__init__(key)
        self.files: dict[str, bytes] = {}

    def handler(self) -> type:
        return _Handler


class _Handler(fake_openai.Handler):
    def do_DELETE(self):
        self.handle_any(b"")

    def answer(self, seen) -> None:
        path, _, query = seen.path.removeprefix("/v1/").partition("?")
        name, *rest = path.split("/")
        handler = getattr(self, f"{seen.method.lower()}_{name}", None)
        if not seen.path.startswith("/v1/") or handler is None:
            raise Refused(404, f"Invalid URL ({seen.method} {seen.path})")
        handler(seen, rest)

    # Files and batches

    def post_files(self, seen, rest) -> None:
        parts = parts_of(seen)
        if parts["purpose"] != b"batch":
            raise Refused(400, "'purpose' is not one of ['batch']", "purpose")
        file = f"file-{secrets.token_hex(8)}"
        self.owner.files[file] = parts["file"]
        self.send_json(self.file(file))

    def file(self, file: str) -> dict:
        size = len(self.owner.files[file])
        told = {"id": file, "object": "file", "bytes": size, "created_at": CREATED, "filename": "a.jsonl"}
        return told | {"purpose": "batch", "status": "processed"}

    def get_files(self, seen, rest) -> None:
        if not rest:
            data = [self.file(file) for file in self.owner.files]
            return self.send_json({"object": "list", "data": data, "has_more": False})
        if rest[0] not in self.owner.files:
            raise Refused(404, f"No such File object: {rest[0]}", "id")
        if rest[1:] == ["content"]:
            headers = {
                "content-type": "application/octet-stream",
                "content-disposition": 'attachment; filename="a.jsonl"',
            }
            return self.send_scripted(Scripted(headers=headers, body=self.owner.files[rest[0]]))
        self.send_json(self.file(rest[0]))

    def delete_files(self, seen, rest) -> None:
        del self.owner.files[rest[0]]
        self.send_json({"id": rest[0], "object": "file", "deleted": True})

    def post_batches(self, seen, rest) -> None:
        asked = {} if rest else seen.json
        told = {"id": rest[0] if rest else "batch_1", "object": "batch", "created_at": CREATED}
        told |= {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        told |= {"input_file_id": asked.get("input_file_id", "file-1")}
        self.send_json(told | {"status": "cancelling" if rest else "validating"})

    def get_batches(self, seen, rest) -> None:
        told = {"id": rest[0], "object": "batch", "created_at": CREATED, "endpoint": "/v1/chat/completions"}
        told |= {"completion_window": "24h", "input_file_id": "file-1", "status": "completed"}
        self.send_json(told | {"usage": USAGE | {"output_tokens_details": {"reasoning_tokens": 0}}})

    # Images and audio

    def post_images(self, seen, rest) -> None:
        if rest == ["edits"]:
            parts = parts_of(seen)
            assert parts["image"].startswith(b"\x89PNG"), parts
        data = [{"b64_json": PICTURE}]
        self.send_json({"created": CREATED, "data": data, "usage": USAGE})

    def post_audio(self, seen, rest) -> None:
        if rest == ["speech"]:
            if seen.json.get("stream_format") == "sse":
                events = [b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'] * 3
                return self.send_scripted(Scripted(pieces=events))
            pieces = [SPEECH[:5000], SPEECH[5000:]]
            return self.send_scripted(Scripted(headers={"content-type": "audio/mpeg"}, pieces=pieces))
        parts = parts_of(seen)
        form = parts.get("response_format", b"json").decode()
        told = {"task": "transcribe", "language": "german", "duration": 2.0, "text": WORDS, "segments": []}
        spoken = {"usage": {"type": "duration", "seconds": 2}}
        if form in ("text", "srt"):
            body = (SRT if form == "srt" else WORDS + "\n").encode()
            headers = {"content-type": "text/plain; charset=utf-8"}
            return self.send_scripted(Scripted(headers=headers, body=body))
        self.send_json(told | spoken if form == "verbose_json" else {"text": WORDS} | spoken)

    def post_moderations(self, seen, rest) -> None:
        raise Refused(400, f"Unknown model: {seen.json['model']}", "model")


def parts_of(seen) -> dict:
    """The parts of a form, by name."""
    kind = seen.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data; boundary="):
        raise Refused(415, "content-type must be multipart/form-data")
    head = f"content-type: {kind}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + seen.body)
    name = lambda part: part.get_param("name", header="content-disposition")  # noqa: E731
    return {name(part): part.get_payload(decode=True) for part in form.iter_parts()}
