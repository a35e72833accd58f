//! Embeddings, asked for and answered.

use super::*;
use dialects::cohere::canon::embedding::{read_vectors, write_embeds};
use dialects::gemini::canon::embedding::{Embeds, Form};

fn asked(text: &str) -> Value {
    let written = write_embeds(&document(text.to_owned()), None, "embed-v4.0").expect("texts");
    assert_eq!(written.losses, [], "{text}");
    json(&written.value)
}

#[test]
fn vectors_are_for_documents_unless_somebody_says_otherwise() {
    let written = asked(r#"{"model":"m","input":"a","dimensions":256}"#);
    let wanted = r#"{"model":"embed-v4.0","input_type":"search_document","texts":["a"],"embedding_types":["float"],"output_dimension":256}"#;
    assert_eq!(written, json(wanted.as_bytes()));
}

#[test]
fn a_client_says_what_its_vectors_are_for() {
    for (word, wanted) in [
        ("search_query", "search_query"),
        ("query", "search_query"),
        ("document", "search_document"),
        ("classification", "classification"),
    ] {
        let written = asked(&format!(
            r#"{{"input":["a","b"],"input_type":"{word}","truncate":"NONE"}}"#
        ));
        assert_eq!(written["input_type"], wanted);
        assert_eq!(written["truncate"], "NONE");
    }
}

#[test]
fn a_task_of_geminis_is_told_in_coheres_words() {
    let request = r#"{"requests":[
        {"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY"},
        {"model":"models/m","content":{"parts":[{"text":"b"}]},"taskType":"CLUSTERING"}]}"#;
    let embeds = Embeds::read(&document(request), Form::Many).expect("a request");
    let pivot = document(embeds.pivot("m").value);
    let written = write_embeds(&pivot, Some(&embeds), "m").expect("texts");
    assert_eq!(json(&written.value)["input_type"], "search_query");
    assert_eq!(written.losses[0].field, "taskType");
}

#[test]
fn what_cohere_cannot_embed_is_refused() {
    let many = vec!["\"a\""; 97].join(",");
    for text in [
        r#"{"input":[1,2]}"#.to_owned(),
        r#"{"input":[[1,2]]}"#.to_owned(),
        "{}".to_owned(),
        format!(r#"{{"input":[{many}]}}"#),
    ] {
        assert!(write_embeds(&document(text), None, "m").is_err());
    }
}

#[test]
fn vectors_come_back_as_the_client_wants_them() {
    let answer = document(fixture("embeddings", "answer"));
    let plain = document(r#"{"input":["a","b"]}"#);
    let read = json(&read_vectors(&answer, &plain, "m").expect("vectors"));
    assert_eq!(read["data"][1]["embedding"], json(b"[1e-3,0,2]"));
    assert_eq!(read["usage"]["prompt_tokens"], 4);
    let packed = document(r#"{"input":["a","b"],"encoding_format":"base64"}"#);
    let read = json(&read_vectors(&answer, &packed, "m").expect("vectors"));
    assert_eq!(read["data"][0]["embedding"], "AAAAPwAAgL8AAIA+");
}

#[test]
fn what_is_no_answer_has_no_vectors() {
    let asked = document("{}");
    for text in [
        "{}",
        r#"{"embeddings":{"int8":[[1]]}}"#,
        r#"{"embeddings":{"float":[1]}}"#,
    ] {
        assert_eq!(read_vectors(&document(text), &asked, "m"), None, "{text}");
    }
}
