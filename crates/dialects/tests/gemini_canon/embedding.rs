//! Embeddings of Gemini's dialect, from and into `OpenAI`'s.

use crate::support::*;
use dialects::gemini::canon::embedding::{
    Embeds, Form, read_vectors, rename, write_embeds, write_vectors,
};
use domain::canon::Weight;
use domain::edit::Edits;
use serde_json::{Value, json};

fn embeds(body: &Value, form: Form) -> Embeds {
    Embeds::read(&document(body.to_string().as_bytes()), form).expect("a request")
}

fn pivot(body: &Value) -> dialects::json::Document {
    document(body.to_string().as_bytes())
}

fn one(text: &str) -> Value {
    json!({"content": {"parts": [{"text": text}]}})
}

#[test]
fn one_text_and_many_are_openais_input() {
    let written = embeds(&one("hi"), Form::One).pivot("m");
    assert_eq!(value(&written.value), json!({"model": "m", "input": "hi"}));
    assert_eq!(written.losses, []);
    let many = json!({"requests": [one("a"), one("b")]});
    let written = embeds(&many, Form::Many).pivot("m");
    assert_eq!(value(&written.value)["input"], json!(["a", "b"]));
}

#[test]
fn either_spelling_and_either_place_of_the_settings_is_read() {
    let body = json!({
        "content": {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        "output_dimensionality": 8,
        "embed_content_config": {"taskType": "CLUSTERING"},
    });
    let written = embeds(&body, Form::One).pivot("m");
    let expected = json!({"model": "m", "input": "a\nb", "dimensions": 8});
    assert_eq!(value(&written.value), expected);
    assert_eq!(written.losses.len(), 1);
}

#[test]
fn what_openai_cannot_say_is_a_loss_of_its_weight() {
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    let body = json!({"requests": [
        {"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING", "title": "T"},
        {"content": {"parts": [image]}, "outputDimensionality": 3, "newThing": 1},
    ]});
    let losses = embeds(&body, Form::Many).pivot("m").losses;
    let told: Vec<_> = losses
        .iter()
        .map(|loss| (loss.field.as_str(), loss.weight))
        .collect();
    let expected = [
        ("requests[0].taskType", Weight::Hint),
        ("requests[0].title", Weight::Hint),
        ("requests[1].outputDimensionality", Weight::Meaning),
        ("requests[1].content.parts[0]", Weight::Meaning),
        ("requests[1].newThing", Weight::Meaning),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (json!({}), Form::One, "content"),
        (json!({"content": 1}), Form::One, "content"),
        (json!({}), Form::Many, "requests"),
        (json!({"requests": []}), Form::Many, "requests"),
        (json!({"requests": [{}]}), Form::Many, "requests[0].content"),
        (json!({"requests": [1]}), Form::Many, "requests[0]"),
    ];
    for (body, form, field) in cases {
        let refusal = Embeds::read(&pivot(&body), form).expect_err("wrong");
        assert_eq!(refusal.param.as_deref(), Some(field), "{body}");
    }
}

#[test]
fn a_server_is_told_what_its_clients_alone_can_say() {
    let asked = embeds(
        &json!({"requests": [{"content": {"parts": [{"text": "a"}]}, "taskType": "X", "title": "T"}]}),
        Form::Many,
    );
    let body = json!({"model": "m", "input": ["masked"], "dimensions": 2, "user": "u"});
    let written = write_embeds(&pivot(&body), Some(&asked), "models/e-1").expect("texts");
    let expected = json!({"requests": [{
        "model": "models/e-1",
        "content": {"parts": [{"text": "masked"}]},
        "taskType": "X", "title": "T", "outputDimensionality": 2,
    }]});
    assert_eq!(value(&written.value), expected);
    let losses: Vec<_> = written.losses.iter().map(|loss| loss.weight).collect();
    assert_eq!(losses, [Weight::Hint]);
}

#[test]
fn ready_made_tokens_are_refused_and_unknown_members_are_losses() {
    for input in [json!([1, 2]), json!([[1], [2]]), json!(["a", 1])] {
        let body = json!({"model": "m", "input": input});
        assert!(write_embeds(&pivot(&body), None, "m").is_err(), "{body}");
    }
    let body = json!({"model": "m", "input": "a", "truncate": "END", "encoding_format": "float"});
    let losses = write_embeds(&pivot(&body), None, "m")
        .expect("a text")
        .losses;
    assert_eq!(losses.len(), 1);
    assert_eq!(
        (losses[0].field.as_str(), losses[0].weight),
        ("truncate", Weight::Meaning)
    );
}

#[test]
fn vectors_come_back_as_they_were_asked_for() {
    let answer = pivot(&json!({
        "embeddings": [{"values": [0.5, -1]}, {"values": [2, 3e-1]}],
        "usageMetadata": {"promptTokenCount": 4},
    }));
    let plain = pivot(&json!({"model": "m", "input": ["a", "b"]}));
    let read = value(&read_vectors(&answer, &plain, "e-1").expect("vectors"));
    assert_eq!(
        read["data"][1],
        json!({"object": "embedding", "index": 1, "embedding": [2, 3e-1]})
    );
    assert_eq!(
        read["usage"],
        json!({"prompt_tokens": 4, "total_tokens": 4})
    );
    let packed = pivot(&json!({"model": "m", "input": ["a"], "encoding_format": "base64"}));
    let read = read_vectors(&answer, &packed, "e-1").expect("vectors");
    assert_eq!(value(&read)["data"][0]["embedding"], "AAAAPwAAgL8=");
    // And a client of Gemini's gets numbers, packed or not.
    let written = write_vectors(&document(&read), Form::Many).expect("vectors");
    let expected = json!([{"values": [0.5, -1]}, {"values": [2, 0.3]}]);
    assert_eq!(
        value(&written)["embeddings"][0]["values"],
        expected[0]["values"]
    );
    let single = pivot(&json!({"embedding": {"values": [1]}}));
    let read = read_vectors(&single, &plain, "e-1").expect("a vector");
    assert_eq!(value(&read).get("usage"), None);
    let written = write_vectors(&document(&read), Form::One).expect("a vector");
    assert_eq!(value(&written), json!({"embedding": {"values": [1]}}));
}

#[test]
fn vectors_out_of_order_are_put_in_order_and_what_is_none_is_none() {
    let data = json!([{"index": 1, "embedding": [1]}, {"index": 0, "embedding": [0]}]);
    let answer = pivot(&json!({"data": data, "usage": {"prompt_tokens": 2}}));
    let written = value(&write_vectors(&answer, Form::Many).expect("vectors"));
    assert_eq!(
        written["embeddings"],
        json!([{"values": [0]}, {"values": [1]}])
    );
    assert_eq!(written["usageMetadata"]["promptTokenCount"], 2);
    assert_eq!(write_vectors(&answer, Form::One), None);
    for body in [json!({}), json!({"data": [{}]}), json!({"data": 1})] {
        assert_eq!(write_vectors(&pivot(&body), Form::Many), None, "{body}");
        assert_eq!(read_vectors(&pivot(&body), &answer, "m"), None, "{body}");
    }
    let broken = pivot(&json!({"embeddings": [{"values": [1]}, {}]}));
    assert_eq!(read_vectors(&broken, &answer, "m"), None);
}

#[test]
fn a_body_that_passes_names_the_models_of_its_path() {
    let text = r#"{ "requests" : [{"model":"models/nick", "x":1e400},{"model":"models/e-1"},{}] }"#;
    let document = document(text.as_bytes());
    let mut edits = Edits::new();
    for edit in rename(&document, Form::Many, "e-1") {
        edits.add(edit).expect("apart");
    }
    let renamed = edits.apply(document.bytes()).concat();
    let expected = text.replace("models/nick", "models/e-1");
    assert_eq!(String::from_utf8(renamed).expect("text"), expected);
}
