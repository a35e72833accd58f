"""Secrets stay in: a canary in every slot that could hold one."""

import asyncio
import contextlib
import json

import httpx
from harness.bench import case
from harness.gateway import KEY, UPSTREAM_KEY
from harness.raw import Client, ask, chat, head, once
from harness.upstream import answer, piece, usage_piece
from suites.fire.world import drill

OWN_HEADER = "canary-own-header-2391"
# Where each stands, and what it is called if it turns up.
CANARIES = {
    "client key": KEY,
    "wrong key": "sk-canary-wrong-6113",
    "key in x-api-key": "sk-canary-xapikey-1201",
    "key in api-key": "sk-canary-apikey-4410",
    "key in x-goog-api-key": "sk-canary-goog-7702",
    "key in the query": "sk-canary-query-9937",
    "cookie": "canary-cookie-5521",
    "proxy-authorization": "canary-proxy-8870",
    "provider key": UPSTREAM_KEY,
    "provider header": OWN_HEADER,
    "upstream cookie": "canary-setcookie-3366",
    "upstream header": "canary-upstream-header-1188",
    "prompt": "canary-prompt-7461",
    "answer": "canary-answer-2094",
}
# What may never go to a provider; the prompt and its own credentials must.
CLIENTS = [name for name in CANARIES if name.startswith(("client", "wrong", "key in", "cookie", "proxy"))]
PRIVATE = [
    f"cookie: session={CANARIES['cookie']}",
    f"proxy-authorization: Basic {CANARIES['proxy-authorization']}",
    f"x-forwarded-authorization: {CANARIES['client key']}",
]
FROM_UPSTREAM = (
    "content-type: application/json",
    f"set-cookie: a={CANARIES['upstream cookie']}; Path=/",
    f"www-authenticate: Bearer {CANARIES['upstream header']}",
    f"openai-organization: {CANARIES['upstream header']}",
    f"x-internal-token: {CANARIES['upstream header']}",
    f"authorization: {CANARIES['provider key']}",
)


async def tells_all(exchange):
    """An upstream that says back whatever it was told."""
    told = CANARIES["answer"] + exchange.head + exchange.body.decode()
    wants = exchange.json
    if wants.get("stream"):
        await exchange.stream(FROM_UPSTREAM[1:])
        for event in (piece(CANARIES["answer"]), piece(finish="stop"), usage_piece(), "[DONE]"):
            await exchange.event(event)
        return await exchange.end()
    text = wants["messages"][0]["content"]
    if text.startswith("fail"):
        # An account's fault: what it says is the operator's.
        error = json.dumps({"error": {"message": f"bad key {told}", "type": "x", "code": "invalid_api_key"}})
        return await exchange.plain(error.encode(), "401 No", FROM_UPSTREAM)
    await exchange.plain(answer(CANARIES["answer"]), fields=FROM_UPSTREAM)


def keyed(line: str, path: str = "/v1/chat/completions", text: str = "hello") -> bytes:
    """A request whose only credential stands in this line."""
    body = chat("plain", text)
    fields = [line, *PRIVATE, f"content-length: {len(body)}"]
    usual = f"authorization: Bearer {KEY}".encode()
    return head(fields, path=path).replace(usual, b"x-nothing: a") + body


def requests() -> list:
    text = CANARIES["prompt"]
    plain = [ask(chat("plain", word + text), PRIVATE) for word in ("", "fail ")]
    stream = [ask(chat("plain", text, stream=True), PRIVATE)]
    wrong = [
        keyed(f"authorization: Bearer {CANARIES['wrong key']}"),
        keyed(f"authorization: Basic {CANARIES['wrong key']}"),
        keyed(f"x-api-key: {CANARIES['key in x-api-key']}"),
        keyed(f"api-key: {CANARIES['key in api-key']}"),
        keyed(f"x-goog-api-key: {CANARIES['key in x-goog-api-key']}"),
        keyed("x-b: c", path=f"/v1/chat/completions?key={CANARIES['key in the query']}"),
        # Two at once, one of them right.
        ask(chat("plain", text), [f"x-api-key: {CANARIES['key in x-api-key']}", *PRIVATE]),
    ]
    bad = [
        ask(chat("nothing-" + CANARIES["client key"], text), PRIVATE),
        ask(b'{"model": "plain", "messages": "' + text.encode() + b'"', PRIVATE),
        ask(chat("plain", text), PRIVATE, path=f"/v1/{CANARIES['client key']}"),
        head([f"{CANARIES['wrong key']}{chr(1)}: b"]),
        head([f"x-a: {CANARIES['wrong key']}\0"]),
    ]
    return [*plain, *stream, *wrong, *bad]


@case
def nothing_secret_turns_up_anywhere(w):
    environment = {"OWN_HEADER": OWN_HEADER}
    more = "log: {level: trace, format: json}\nretry: {retries: 0, backoff: 10ms, allowed_fails: 1000000}\n"
    provider = "    headers: {x-own: env:OWN_HEADER}\n"
    gateway = w.another(more=more, provider=provider, environment=environment)
    before = len(w.upstream.seen)
    answers = w.run(ask_all(w, gateway))
    w.settle(gateway)
    # What the client was told: its own answer apart.
    told = "".join(f"{a.status} {a.headers}" + ("" if a.status == 200 else repr(a.body)) for a in answers)
    metrics = httpx.get(gateway.admin_url + "/metrics").text
    gateway.stop(10)
    places = {"the answers' heads and errors": told, "metrics": metrics, "the log": gateway.log.read_text(errors="replace")}
    for file in gateway.data.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file():
                places[f"the file {file.name}"] = file.read_bytes().decode("latin-1")
    seen = w.upstream.seen[before:]
    upstream = "".join(exchange.head + exchange.body.decode() for exchange in seen)
    found = [f"the {name} is in {place}" for place, text in places.items() for name, canary in CANARIES.items()
             if canary in text and not is_echo(name, place)]  # fmt: skip
    found += [f"the {name} went upstream" for name in CLIENTS if CANARIES[name] in upstream]
    found += [f"{line} went upstream" for line in ("cookie:", "proxy-", "x-forwarded") if line in upstream.lower()]
    drill("secrets", f"{len(CANARIES)} canaries, {len(answers)} requests, {len(places)} places, {len(found)} found", "0")
    assert '"DEBUG"' in places["the log"] or '"TRACE"' in places["the log"], "the log is not at its finest"
    assert len(seen) >= 3 and UPSTREAM_KEY in upstream and OWN_HEADER in upstream, len(seen)
    assert not found, "\n".join(found)


def is_echo(name: str, place: str) -> bool:
    """A model's or path's name that a client made up is told to it again."""
    return name == "client key" and place == "the answers' heads and errors"


async def ask_all(w, gateway) -> list:
    w.upstream.on["plain"] = tells_all
    got = [await once(gateway, request, 10) for request in requests()]
    # One that leaves in the middle of it all.
    client = await Client.open(gateway)
    await client.send(ask(chat("plain", CANARIES["prompt"], stream=True), PRIVATE))
    client.reset()
    await asyncio.sleep(0.1)
    w.upstream.on.clear()
    return [answer for answer in got if answer is not None]
