"""Vectors, for any purpose and for one."""

import itertools

from harness.bench import case
from suites.natives import EMBEDDER, MINILM


@case
def embeddings_with_and_without_a_purpose(w):
    for model, texts in itertools.product((EMBEDDER, MINILM), ("abc", ["abc", "defgh"])):
        answer = w.openai.embeddings.create(model=model, input=texts)
        assert answer.data[0].embedding == [0.5, -0.25, 3.0] and answer.usage.prompt_tokens == 4, answer
        assert answer.data[-1].embedding[2] == len(texts if texts == "abc" else texts[-1]), answer
    w.openai.embeddings.create(model=EMBEDDER, input="a")
    assert w.cohere.last.json["input_type"] == "search_document"
    answer = w.openai.embeddings.create(model=MINILM, input="abc", dimensions=2, extra_body={"truncate": False})
    assert len(answer.data[0].embedding) == 2 and w.ollama.last.json["truncate"] is False, answer
    more = {"input_type": "search_query", "truncate": "NONE"}
    answer = w.openai.embeddings.create(model=EMBEDDER, input=["a"], dimensions=256, extra_body=more)
    asked = w.cohere.last.json
    assert (asked["input_type"], asked["truncate"], asked["output_dimension"]) == ("search_query", "NONE", 256), asked


@case
def embeddings_of_googles_sdk(w):
    for model in (EMBEDDER, MINILM):
        config = {"task_type": "RETRIEVAL_QUERY"}
        answer = w.google.models.embed_content(model=model, contents=["abc", "defgh"], config=config)
        assert [vector.values for vector in answer.embeddings] == [[0.5, -0.25, 3], [0.5, -0.25, 5]], answer
    assert w.cohere.last.json["input_type"] == "search_query", w.cohere.last.json
