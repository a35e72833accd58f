"""Google's files: uploads in pieces by the resumable protocol, as its SDKs send
them, and what it refuses of them.
"""

import urllib.parse

from fake_gemini_rules import need, refused
from fake_openai import Scripted

PATH = "/upload/v1beta/files"


class Files:
    """Uploads of one fake."""

    def __init__(self):
        self.expected = {}
        self.came = {}

    def begin(self, headers: dict, origin: str, key: str) -> Scripted:
        need(headers.get("x-goog-upload-protocol") == "resumable", "X-Goog-Upload-Protocol must be resumable")
        number = str(len(self.expected) + 1)
        self.expected[number] = int(headers["x-goog-upload-header-content-length"])
        self.came[number] = b""
        # A key as well: it is nobody's to see.
        query = urllib.parse.urlencode({"upload_id": number, "upload_protocol": "resumable", "key": key})
        told = {"x-goog-upload-status": "active", "x-goog-upload-url": f"{origin}{PATH}?{query}"}
        return Scripted(headers=told | {"x-goog-upload-chunk-granularity": "8388608"})

    def go_on(self, headers: dict, number: str, body: bytes) -> dict | None:
        """Takes a piece; the file, if it is whole."""
        if number not in self.came:
            raise refused("Upload not found.", 404)
        need(int(headers["x-goog-upload-offset"]) == len(self.came[number]), "Wrong X-Goog-Upload-Offset")
        self.came[number] += body
        if "finalize" not in headers["x-goog-upload-command"]:
            return None
        size = len(self.came[number])
        need(size == self.expected[number], f"{size} bytes came, {self.expected[number]} were announced")
        name = f"files/f{number}"
        uri = f"https://generativelanguage.googleapis.com/v1beta/{name}"
        return {"file": {"name": name, "sizeBytes": str(size), "state": "ACTIVE", "uri": uri}}
