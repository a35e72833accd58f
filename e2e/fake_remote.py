"""How a suite in another language tells a fake what to answer, and sees what came.

Each is a PUT, which no provider has: `/script` puts an answer before those that
follow by themselves, `/look` tells the last request's body and how many hung up,
`/forget` drops scripted answers that nobody fetched.
"""

import json
import threading


class Remote:
    """A mixin for a fake's handler."""

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        acts = {"/script": self.script_one, "/look": self.look_back, "/forget": self.forget}
        answer = json.dumps(acts[self.path](json.loads(body))).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def script_one(self, told: dict) -> dict:
        """`body` is JSON, `pieces` are texts; one that `holds` stops after the first."""
        told = dict(told)
        holds = told.pop("holds", False)
        if "body" in told:
            told["body"] = json.dumps(told["body"]).encode()
        if "pieces" in told:
            told["pieces"] = [piece.encode() for piece in told["pieces"]]
        for _ in range(told.pop("times", 1)):
            self.owner.next(**told, gate=threading.Event() if holds else None)
        return {}

    def look_back(self, _told: dict) -> dict:
        last = self.owner.requests[-1] if self.owner.requests else None
        return {
            "path": last and last.path,
            "headers": last and last.headers,
            "body": last and last.body and last.json,
            "count": len(self.owner.requests),
            "hungUp": self.owner.hung_up,
        }

    def forget(self, _told: dict) -> dict:
        self.owner.script.clear()
        return {}
