"""What goes wrong, and streams that end where they should not."""

import itertools
import json

import anthropic
import openai

import fake_cohere
import fake_ollama
from harness.bench import case
from suites.natives import GEMMA, MODELS, OLLAMAS, PLAIN, USER, ask, claude, claude_stream, refused, server_of


@case
def a_bad_request_names_what_is_wrong(w):
    for model in MODELS:
        error = refused(openai.BadRequestError, lambda model=model: ask(w, model, n=2))
        assert "`n`" in error.message and error.code == "unsupported_by_target", error
        error = refused(anthropic.NotFoundError, lambda: claude(w, "nope"))


@case
def errors_keep_their_kind(w):
    kinds = [
        (400, "too many tokens: size limit exceeded by 3 tokens.", openai.BadRequestError, anthropic.BadRequestError),
        (429, "You are using a Trial key: 20 API calls / minute.", openai.RateLimitError, anthropic.RateLimitError),
        (503, "the service is busy", openai.InternalServerError, anthropic.InternalServerError),
    ]
    for (status, message, ours, theirs), model in itertools.product(kinds, (PLAIN, GEMMA)):
        server = server_of(w, model)
        if model == GEMMA:
            message = message.replace("too many tokens: size", "the input length exceeds the context length")
        body = json.dumps({"error" if model == GEMMA else "message": message}).encode()
        for kind, function in ((ours, ask), (theirs, claude)):
            for _ in range(3):
                server.next(status=status, headers={"retry-after": "7"}, body=body)
            try:
                error = refused(kind, lambda function=function, model=model: function(w, model))
            finally:
                server.script.clear()
            if status == 400 and kind is ours:
                assert error.code == "context_length_exceeded" and "3 tokens" in error.message, error


@case
def a_stream_that_is_cut_never_ends_clean(w):
    for model in MODELS:
        server = server_of(w, model)
        whole = pieces_of(w, model)
        for breaks in (True, False):
            for count in range(3, len(whole)):
                server.next(pieces=whole[:count], breaks=breaks, headers=kind_of(model))
                error = refused(openai.APIError, lambda model=model: list(ask(w, model, stream=True)))
                assert not isinstance(error, openai.APIStatusError) or error.status_code >= 500, error
                server.next(pieces=whole[:count], breaks=breaks, headers=kind_of(model))
                refused(anthropic.APIError, lambda model=model: claude_stream(w, model))
                server.script.clear()


def kind_of(model: str) -> dict:
    return {"content-type": "application/x-ndjson" if model in OLLAMAS else "text/event-stream"}


def pieces_of(w, model: str) -> list:
    """The events or lines of a stream, as the server sends them."""
    asked = {"model": model, "messages": USER}
    if model in OLLAMAS:
        return [json.dumps(line).encode() + b"\n" for line in fake_ollama.lines_of(asked, w.ollama.now)]
    return [fake_cohere.event(data) for data in fake_cohere.events_of(fake_cohere.answer_for(asked))]


@case
def a_line_that_is_cut_is_no_end(w):
    whole = pieces_of(w, GEMMA)
    for end in (1, 20, len(whole[-1]) - 2):
        w.ollama.next(pieces=[*whole[:-1], whole[-1][:end]], headers=kind_of(GEMMA))
        refused(openai.APIError, lambda: list(ask(w, GEMMA, stream=True)))


@case
def an_answer_that_breaks_off_is_an_error(w):
    broken = [{"role": "user", "content": "BROKEN"}]
    for model in MODELS:
        refused(openai.APIError, lambda model=model: list(ask(w, model, broken, stream=True)))
        refused(openai.InternalServerError, lambda model=model: ask(w, model, broken))
