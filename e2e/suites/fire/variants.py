"""Requests that two readers could read as two things.

Every one in `REFUSED` gets one 4xx and the end of its connection. Those in
`GOOD` have one meaning that the standard gives them: these answers, in order.
"""

from harness.raw import KEY, ask, chat, head

# What must never be executed.
HIDDEN = ask(chat("hidden"))
BODY = chat()
LENGTH = f"content-length: {len(BODY)}"
CHUNKED = "transfer-encoding: chunked"


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


def both(first: str, second: str, body: bytes) -> bytes:
    return head([first, second]) + body


def te(value: str, body: bytes | None = None) -> bytes:
    """Chunked, says this value; a reader of lengths sees another request."""
    return head([value, "content-length: 4"]) + (body or chunks(BODY)) + HIDDEN


def only_te(value: str) -> bytes:
    return head([value]) + chunks(BODY) + HIDDEN


def raw(text: str, body: bytes = BODY) -> bytes:
    """A head in which `{}` stands for the credential and the length."""
    usual = f"authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n{LENGTH}\r\n"
    return text.replace("\n", "\r\n").replace("{}", usual).encode("latin-1") + body + HIDDEN


def size(text: bytes) -> bytes:
    """The one chunk's size is written like this."""
    return head([CHUNKED]) + text + b"\r\n" + BODY + b"\r\n0\r\n\r\n" + HIDDEN


def tail(end: bytes) -> bytes:
    return head([CHUNKED]) + chunks(BODY, end=end) + HIDDEN


POST = "POST /v1/chat/completions HTTP/1.1\n"
N = b"%x" % len(BODY)

REFUSED = {
    # Two lengths
    "CL.TE": te(CHUNKED),
    "TE.CL": both(CHUNKED, f"content-length: {len(BODY)}", chunks(BODY) + HIDDEN),
    "CL.TE, short": head(["content-length: 6", CHUNKED]) + b"0\r\n\r\n" + HIDDEN,
    "CL 0 and TE": head(["content-length: 0", CHUNKED]) + chunks(BODY) + HIDDEN,
    "CL twice, different": both(LENGTH, "content-length: 3", BODY + HIDDEN),
    "CL twice, equal": both(LENGTH, LENGTH, BODY + HIDDEN),
    "CL as a list": head([f"content-length: {len(BODY)}, {len(BODY)}"]) + BODY + HIDDEN,
    "CL as a list, different": head([f"content-length: {len(BODY)}, 3"]) + BODY + HIDDEN,
    "CL with a sign": head([f"content-length: +{len(BODY)}"]) + BODY + HIDDEN,
    "CL negative": head(["content-length: -1"]) + BODY + HIDDEN,
    "CL hexadecimal": head([f"content-length: 0x{len(BODY):x}"]) + BODY + HIDDEN,
    "CL with a fraction": head([f"content-length: {len(BODY)}.0"]) + BODY + HIDDEN,
    "CL with an exponent": head(["content-length: 1e2"]) + BODY + HIDDEN,
    "CL with a blank inside": head(["content-length: 1 0"]) + BODY + HIDDEN,
    "CL with an underscore": head(["content-length: 1_0"]) + BODY + HIDDEN,
    "CL empty": head(["content-length:"]) + BODY + HIDDEN,
    "CL with zeros in front": head([f"content-length: 00{len(BODY)}"]) + BODY + HIDDEN,
    "CL over 64 bits": head(["content-length: 18446744073709551620"]) + BODY + HIDDEN,
    "CL over 32 bits and back": head([f"content-length: {(1 << 64) + len(BODY)}"]) + BODY + HIDDEN,
    "CL with a NUL": head([f"content-length: {len(BODY)}\0"]) + BODY + HIDDEN,
    "CL with other digits": head(["content-length: \xb2"]) + BODY + HIDDEN,
    # Transfer codings
    "TE twice": both(CHUNKED, CHUNKED, chunks(BODY) + HIDDEN),
    "TE twice, the last unknown": both(CHUNKED, "transfer-encoding: x", chunks(BODY) + HIDDEN),
    "TE chunked, chunked": only_te("transfer-encoding: chunked, chunked"),
    "TE chunked, identity": only_te("transfer-encoding: chunked, identity"),
    "TE identity": te("transfer-encoding: identity"),
    "TE identity, chunked": only_te("transfer-encoding: identity, chunked"),
    "TE gzip, chunked": only_te("transfer-encoding: gzip, chunked"),
    "TE xchunked": te("transfer-encoding: xchunked"),
    "TE chunkedx": te("transfer-encoding: chunkedx"),
    "TE quoted": te('transfer-encoding: "chunked"'),
    "TE with a parameter": only_te("transfer-encoding: chunked;q=1"),
    "TE with a comma": only_te("transfer-encoding: ,chunked"),
    "TE empty": te("transfer-encoding:"),
    "TE vertical tab": te("transfer-encoding: \x0bchunked"),
    "TE form feed": te("transfer-encoding: chunked\x0c"),
    "TE with a NUL": te("transfer-encoding: chunked\0"),
    "TE no-break space": te("transfer-encoding:\xa0chunked"),
    "TE blank in front of the colon": te("transfer-encoding : chunked"),
    "TE tab in front of the colon": te("transfer-encoding\t: chunked"),
    "TE blank in front": te(" transfer-encoding: chunked"),
    "TE folded": te("transfer-encoding:\r\n chunked"),
    "TE folded behind a field": te("x-a: b\r\n\ttransfer-encoding: chunked"),
    "TE underscore": te("transfer_encoding: chunked"),
    "TE behind a bare LF": te("x-a: b\ntransfer-encoding: chunked"),
    "TE behind a bare CR": te("x-a: b\rtransfer-encoding: chunked"),
    "TE behind a NUL": te("x-a: b\0\r\ntransfer-encoding: chunked"),
    "TE in HTTP/1.0": head([CHUNKED], version="HTTP/1.0") + chunks(BODY) + HIDDEN,
    "TE in HTTP/1.0, kept alive": head([CHUNKED, "connection: keep-alive"], version="HTTP/1.0") + chunks(BODY) + HIDDEN,
    "Connection names TE": head([CHUNKED, "connection: transfer-encoding"]) + chunks(BODY) + HIDDEN,
    "Connection names CL": head([LENGTH, "connection: content-length"]) + BODY + HIDDEN,
    # Chunks
    "chunk size 0x": size(b"0x" + N),
    "chunk size with a sign": size(b"+" + N),
    "chunk size negative": size(b"-1"),
    "chunk size with a blank in front": size(b" " + N),
    "chunk size with a blank behind": size(N + b" "),
    "chunk size empty": size(b""),
    "chunk size no number": size(b"zz"),
    "chunk size over 64 bits": size(b"1" + b"0" * 16),
    "chunk size over 64 bits and back": size(b"1" + b"0" * 14 + N),
    "chunk size with an underscore": size(b"0_" + N),
    "chunk size ends in LF": head([CHUNKED]) + N + b"\n" + BODY + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunk size ends in CR": head([CHUNKED]) + N + b"\r" + BODY + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunk extension with LF": size(N + b";a\nb"),
    "chunk extension with CR": size(N + b";a\rb"),
    "chunk extension with a NUL": size(N + b";a\0"),
    "chunk extension without end": size(N + b";" + b"a" * 20000),
    "chunk longer than said": head([CHUNKED]) + b"2\r\n" + BODY + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunk data ends in LF": head([CHUNKED]) + N + b"\r\n" + BODY + b"\n0\r\n\r\n" + HIDDEN,
    "chunk data ends in two bytes": head([CHUNKED]) + N + b"\r\n" + BODY + b"xx0\r\n\r\n" + HIDDEN,
    "last chunk ends in LF": tail(b"0\n\n"),
    "trailer content-length": tail(b"0\r\ncontent-length: 5\r\n\r\n"),
    "trailer transfer-encoding": tail(b"0\r\ntransfer-encoding: chunked\r\n\r\n"),
    "trailer host": tail(b"0\r\nhost: other\r\n\r\n"),
    "trailer folded": tail(b"0\r\nx-a: b\r\n c\r\n\r\n"),
    "trailer with a bare LF": tail(b"0\r\nx-a: b\n\r\n"),
    "trailers without end": tail(b"0\r\n" + b"x-a: b\r\n" * 20000 + b"\r\n"),
    # Lines and names
    "bare LF ends every line": head([LENGTH]).replace(b"\r\n", b"\n") + BODY + HIDDEN,
    "bare LF ends the head": head([LENGTH])[:-2] + b"\n" + BODY + HIDDEN,
    "bare CR ends every line": head([LENGTH]).replace(b"\r\n", b"\r") + BODY + b"\r\n\r\n" + HIDDEN,
    "folded": raw(POST + "Host: a\nx-a: b\n c\n{}\n"),
    "first field folded": raw(POST + " Host: a\n{}\n"),
    "name empty": raw(POST + "Host: a\n: b\n{}\n"),
    "name with a blank": raw(POST + "Host: a\nx a: b\n{}\n"),
    "name with a blank behind": raw(POST + "Host: a\nx-a : b\n{}\n"),
    "name with a NUL": raw(POST + "Host: a\nx\0a: b\n{}\n"),
    "name with a high byte": raw(POST + "Host: a\nx\xffa: b\n{}\n"),
    "name with brackets": raw(POST + "Host: a\nx[a]: b\n{}\n"),
    "no colon": raw(POST + "Host: a\nx-a\n{}\n"),
    "value with a NUL": raw(POST + "Host: a\nx-a: b\0c\n{}\n"),
    "value with a bell": raw(POST + "Host: a\nx-a: b\x07c\n{}\n"),
    "content_length": raw(POST + "Host: a\ncontent_length: 3\n{}\n"),
    # Hosts and targets
    "no Host": raw(POST + "{}\n"),
    "two Hosts": raw(POST + "Host: a\nHost: b\n{}\n"),
    "two equal Hosts": raw(POST + "Host: a\nHost: a\n{}\n"),
    "Host with a path": raw(POST + "Host: a/hidden\n{}\n"),
    "Host with a user": raw(POST + "Host: user@a\n{}\n"),
    "Host with a blank": raw(POST + "Host: a b\n{}\n"),
    "Host as a list": raw(POST + "Host: a, b\n{}\n"),
    "absolute form, another host": raw("POST http://other/v1/chat/completions HTTP/1.1\nHost: a\n{}\n"),
    "absolute form with a user": raw("POST http://a@b/v1/chat/completions HTTP/1.1\nHost: b\n{}\n"),
    "absolute form, another scheme": raw("POST ftp://a/v1/chat/completions HTTP/1.1\nHost: a\n{}\n"),
    "authority form": raw("POST a:80 HTTP/1.1\nHost: a\n{}\n"),
    "CONNECT": raw("CONNECT a:80 HTTP/1.1\nHost: a\n{}\n"),
    "target with a blank": raw("POST /v1/chat/completions /hidden HTTP/1.1\nHost: a\n{}\n"),
    "target with a tab": raw("POST /v1/chat/completions\tHTTP/1.1\nHost: a\n{}\n"),
    "target with a NUL": raw("POST /v1/chat\0/completions HTTP/1.1\nHost: a\n{}\n"),
    "target with a fragment": raw("POST /v1/chat/completions#a HTTP/1.1\nHost: a\n{}\n"),
    "two blanks": raw("POST  /v1/chat/completions HTTP/1.1\nHost: a\n{}\n"),
    "no version": raw("POST /v1/chat/completions\nHost: a\n{}\n"),
    "version 0.9": raw("POST /v1/chat/completions HTTP/0.9\nHost: a\n{}\n"),
    "version 1.2": raw("POST /v1/chat/completions HTTP/1.2\nHost: a\n{}\n"),
    "version 2.0": raw("POST /v1/chat/completions HTTP/2.0\nHost: a\n{}\n"),
    "version 1.10": raw("POST /v1/chat/completions HTTP/1.10\nHost: a\n{}\n"),
    "version in small letters": raw("POST /v1/chat/completions http/1.1\nHost: a\n{}\n"),
    "blank behind the version": raw("POST /v1/chat/completions HTTP/1.1 \nHost: a\n{}\n"),
    "method with a blank": raw("PO ST /v1/chat/completions HTTP/1.1\nHost: a\n{}\n"),
    "blank lines in front": b"\r\n" * 20 + ask() + HIDDEN,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    # What is too much
    "200 fields": head([f"x-{at}: b" for at in range(200)] + [LENGTH]) + BODY + HIDDEN,
    "a field of 100 kB": head(["x-a: " + "b" * 100_000, LENGTH]) + BODY + HIDDEN,
    "a target of 100 kB": head([LENGTH], path="/v1/" + "a" * 100_000) + BODY + HIDDEN,
    "Expect the impossible": head([LENGTH, "expect: 200-ok"]) + BODY + HIDDEN,
    # A length that never comes
    "body cut": head(["content-length: 100000"]) + BODY,
    "chunk cut": head([CHUNKED]) + b"ffff\r\n" + BODY,
}

GOOD = {
    "chunked": (head([CHUNKED]) + chunks(BODY) + ask(), [200, 200]),
    "chunked in capitals": (head(["Transfer-Encoding: CHUNKED"]) + chunks(BODY) + ask(), [200, 200]),
    "every byte a chunk": (head([CHUNKED]) + chunks(*(bytes([b]) for b in BODY)), [200]),
    "a chunk extension": (size(N + b";a=b").removesuffix(HIDDEN), [200]),
    "chunk size with zeros in front": (size(b"000" + N).removesuffix(HIDDEN), [200]),
    "a harmless trailer": (tail(b"0\r\nx-a: b\r\n\r\n").removesuffix(HIDDEN), [200]),
    "a blank line in front": (b"\r\n" + ask(), [200]),
    "absolute form, the same host": (
        raw("POST http://a/v1/chat/completions HTTP/1.1\nHost: a\n{}\n").removesuffix(HIDDEN),
        [200],
    ),
    "close, and bytes behind it": (ask(fields=["connection: close"]) + HIDDEN, [200]),
    "HTTP/1.0, and bytes behind it": (ask(version="HTTP/1.0") + HIDDEN, [200]),
    "an Upgrade to HTTP/2 is not taken": (
        ask(fields=["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAARAAAAAAAIAAAAA"]),
        [200],
    ),
    "an Upgrade to WebSocket is not taken": (
        ask(fields=["connection: upgrade", "upgrade: websocket", "sec-websocket-key: x"]) + ask(),
        [200, 200],
    ),
    "100-continue": (ask(fields=["expect: 100-continue"]), [200]),
    "a credential in a trailer counts for nothing": (
        tail(b"0\r\nauthorization: Bearer x\r\n\r\n").removesuffix(HIDDEN),
        [200],
    ),
}
