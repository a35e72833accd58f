//! Embeddings, asked for and answered.

use super::*;
use dialects::ollama::canon::embedding::{read_vectors, write_embeds};

#[test]
fn texts_are_asked_for_with_what_the_client_adds() {
    let asked = r#"{"model":"m","input":"a","dimensions":256,"encoding_format":"base64",
        "truncate":false,"keep_alive":"5m","options":{"num_ctx":512}}"#;
    let written = write_embeds(&document(asked), None, "all-minilm").expect("texts");
    let wanted = r#"{"model":"all-minilm","input":["a"],"dimensions":256,"truncate":false,
        "keep_alive":"5m","options":{"num_ctx":512}}"#;
    assert_eq!(json(&written.value), json(wanted.as_bytes()));
    assert_eq!(written.losses, []);
}

#[test]
fn what_ollama_cannot_embed_is_refused_or_named() {
    for text in [r#"{"input":[1,2]}"#, "{}"] {
        assert!(write_embeds(&document(text), None, "m").is_err(), "{text}");
    }
    let asked = document(r#"{"input":"a","user":"u","task":"x"}"#);
    let losses = write_embeds(&asked, None, "m").expect("texts").losses;
    let fields: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(fields, ["user", "task"]);
}

#[test]
fn vectors_come_back_as_the_client_wants_them() {
    let answer = document(fixture("embeddings", "answer"));
    let packed = document(r#"{"input":["a","b"],"encoding_format":"base64"}"#);
    let read = json(&read_vectors(&answer, &packed, "m").expect("vectors"));
    assert_eq!(read["data"][0]["embedding"], "AAAAPwAAgL8AAIA+");
    assert_eq!(read["usage"]["prompt_tokens"], 8);
    let asked = document("{}");
    for text in ["{}", r#"{"embeddings":[1]}"#] {
        assert_eq!(read_vectors(&document(text), &asked, "m"), None, "{text}");
    }
}
