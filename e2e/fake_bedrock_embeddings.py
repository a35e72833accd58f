"""What AWS takes and answers where a model of embeddings is invoked: a form for
each maker, the fields as their pages have them.
"""

from fake_bedrock_rules import known, need

TITAN = "amazon.titan-embed-text-v2:0"
OLD_TITAN = "amazon.titan-embed-text-v1"
TITAN_IMAGE = "amazon.titan-embed-image-v1"
COHERE = "global.cohere.embed-v4:0"
OLD_COHERE = "cohere.embed-english-v3"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
TASKS = {"search_document", "search_query", "classification", "clustering"}
PURPOSES = {"GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "CLASSIFICATION", "CLUSTERING"}


def vector(text: str, dimensions: int = 3) -> list:
    return [0.5, -0.25, float(len(text)), *[0.0] * dimensions][:dimensions]


def tokens(text: str) -> int:
    return len(text.split())


def titan(asked: dict) -> tuple:
    return titans(asked, {"inputText", "dimensions", "normalize", "embeddingTypes"}, asked.get("dimensions", 3))


def old_titan(asked: dict) -> tuple:
    return titans(asked, {"inputText"}, 3)


def titan_image(asked: dict) -> tuple:
    config = asked.get("embeddingConfig", {})
    known(config, {"outputEmbeddingLength"}, "embeddingConfig")
    answer = titans(asked, {"inputText", "inputImage", "embeddingConfig"}, config.get("outputEmbeddingLength", 3))
    return answer[0] | {"message": None}, answer[1]


def titans(asked: dict, fields: set, dimensions: int) -> tuple:
    known(asked, fields, "request")
    text = asked.get("inputText")
    need(isinstance(text, str) and text, "#/inputText: expected type: String, found: JSONArray")
    return {"embedding": vector(text, dimensions), "inputTextTokenCount": tokens(text)}, tokens(text)


def cohere(asked: dict, fields=frozenset({"output_dimension", "max_tokens", "images", "inputs"})) -> tuple:
    known(asked, {"texts", "input_type", "truncate", "embedding_types"} | fields, "request")
    need(asked.get("input_type") in TASKS, "#: required key [input_type] not found")
    texts = asked.get("texts", [])
    need(1 <= len(texts) <= 96, f"#/texts: expected maximum item count: 96, found: {len(texts)}")
    vectors = [vector(text, asked.get("output_dimension", 3)) for text in texts]
    by_type = "embedding_types" in asked
    answer = {
        "id": "e2e",
        "texts": texts,
        "embeddings": {"float": vectors} if by_type else vectors,
        "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
    }
    return answer, sum(map(tokens, texts))


def old_cohere(asked: dict) -> tuple:
    return cohere(asked, frozenset())


def nova(asked: dict) -> tuple:
    known(asked, {"schemaVersion", "taskType", "singleEmbeddingParams"}, "request")
    need(asked.get("taskType") == "SINGLE_EMBEDDING", "taskType: must be SINGLE_EMBEDDING")
    given = asked["singleEmbeddingParams"]
    known(given, {"embeddingPurpose", "embeddingDimension", "text"}, "singleEmbeddingParams")
    need(given.get("embeddingPurpose") in PURPOSES, "embeddingPurpose: unknown")
    need(given.get("embeddingDimension", 256) in {256, 384, 1024, 3072}, "embeddingDimension: unknown")
    known(given["text"], {"truncationMode", "value"}, "text")
    need(given["text"].get("truncationMode") in {"START", "END", "NONE"}, "text.truncationMode: unknown")
    text = given["text"]["value"]
    made = vector(text, given.get("embeddingDimension", 3))
    return {"embeddings": [{"embeddingType": "TEXT", "embedding": made}]}, tokens(text)


FORMS = {
    TITAN: titan,
    OLD_TITAN: old_titan,
    TITAN_IMAGE: titan_image,
    COHERE: cohere,
    OLD_COHERE: old_cohere,
    NOVA: nova,
}
