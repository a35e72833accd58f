//! Embeddings in forms of their own: a golden file for each, with its source,
//! and what all of them have in common.

use std::path::Path;

use dialects::embeddings::{Answered, MOST_REQUESTS, own, read, write};
use dialects::gemini::canon::embedding::{Embeds, Form};
use dialects::json::Document;
use domain::canon::Weight;
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use serde_json::{Value, json};

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes().into(), 64).expect("JSON")
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn door(form: EmbeddingForm, most: usize) -> EmbeddingDoor {
    EmbeddingDoor {
        models: Vec::new(),
        form,
        path: "/{model}".to_owned(),
        most,
        dimensions: true,
    }
}

fn golden(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/embeddings");
    value(&std::fs::read(folder.join(format!("{name}.json"))).expect("a golden"))
}

/// The answers of a golden, if each has so many vectors.
fn answers(golden: &Value, form: EmbeddingForm, texts: &[usize]) -> Option<Vec<Answered>> {
    let all = golden["answers"].as_array().expect("answers").iter();
    let counted = golden["counted"].as_array().expect("counts");
    let answers = all.zip(counted).zip(texts);
    answers
        .map(|((answer, counted), texts)| {
            Answered::read(form, document(answer), *texts, counted.as_u64())
        })
        .collect()
}

#[test]
fn every_form_is_written_and_read_as_its_source_has_it() {
    for (form, name) in EmbeddingForm::ALL {
        let golden = golden(name);
        assert!(golden["source"][0].as_str().is_some(), "{name}");
        let most = golden["door"]["most"].as_u64().expect("a number");
        let door = door(form, usize::try_from(most).expect("small"));
        let asked = document(&golden["asked"]);
        let written = write(&asked, None, &door).expect("texts");
        assert_eq!(written.losses, [], "{name}");
        let bodies: Vec<_> = written.value.iter().map(|part| value(&part.body)).collect();
        assert_eq!(Value::from(bodies), golden["requests"], "{name}");
        let texts: Vec<_> = written.value.iter().map(|part| part.texts).collect();
        let answers = answers(&golden, form, &texts).expect("answers");
        let read = read(form, &answers, &asked, "m").expect("vectors");
        let read = value(&read);
        let data = read["data"].as_array().expect("data").iter();
        let vectors: Vec<_> = data.map(|one| one["embedding"].clone()).collect();
        assert_eq!(Value::from(vectors), golden["vectors"], "{name}");
        assert_eq!(read["usage"]["prompt_tokens"], golden["tokens"], "{name}");
    }
}

#[test]
fn vectors_come_packed_where_they_are_wanted_so() {
    let asked = document(&json!({"model": "m", "input": "a", "encoding_format": "base64"}));
    let answer = json!({"embedding": [0.5, -0.25], "inputTextTokenCount": 1});
    let answer = Answered::read(EmbeddingForm::Titan, document(&answer), 1, None);
    let answer = answer.expect("a vector");
    let read = read(EmbeddingForm::Titan, &[answer], &asked, "m").expect("a vector");
    assert_eq!(value(&read)["data"][0]["embedding"], "AAAAPwAAgL4=");
}

#[test]
fn tokens_nothing_and_more_than_can_be_asked_are_refused_clearly() {
    let many = vec!["a"; MOST_REQUESTS * 2 + 1];
    for (form, _) in EmbeddingForm::ALL {
        for (input, said) in [
            (json!([1, 2]), "not tokens"),
            (json!([[1], [2]]), "not tokens"),
            (json!([]), "empty"),
            (json!(many), "512"),
        ] {
            let asked = document(&json!({"model": "m", "input": input}));
            let refusal = write(&asked, None, &door(form, 2)).expect_err("too much");
            assert!(refusal.message.contains(said), "{}", refusal.message);
            assert!(refusal.param.is_some_and(|at| at.starts_with("input")));
        }
    }
}

#[test]
fn a_length_that_a_model_does_not_know_and_unknown_members_are_losses() {
    let asked = document(&json!({"model": "m", "input": "a", "dimensions": 2, "other": 1}));
    let door = EmbeddingDoor {
        dimensions: false,
        ..door(EmbeddingForm::Titan, 1)
    };
    let losses = write(&asked, None, &door).expect("a text").losses;
    let fields: Vec<_> = losses
        .iter()
        .map(|loss| (&*loss.field, loss.weight))
        .collect();
    assert_eq!(
        fields,
        [("dimensions", Weight::Meaning), ("other", Weight::Meaning)]
    );
}

#[test]
fn what_a_client_of_geminis_says_of_each_text_is_told_where_it_can_be() {
    let one = |text: &str, task: &str| json!({"content": {"parts": [{"text": text}]}, "taskType": task, "title": "T"});
    let body = json!({"requests": [one("a", "RETRIEVAL_QUERY"), one("b", "CLUSTERING")]});
    let asked = Embeds::read(&document(&body), Form::Many).expect("a request");
    let pivot = document(&value(&asked.pivot("m").value));
    let written = |form| write(&pivot, Some(&asked), &door(form, 2)).expect("texts");
    let predicted = written(EmbeddingForm::Predict);
    assert_eq!(predicted.losses, []);
    assert_eq!(
        value(&predicted.value[0].body)["instances"],
        json!([{"content": "a", "task_type": "RETRIEVAL_QUERY", "title": "T"},
            {"content": "b", "task_type": "CLUSTERING", "title": "T"}])
    );
    for (form, lost) in [
        (EmbeddingForm::Titan, vec!["taskType", "title"]),
        (EmbeddingForm::Cohere, vec!["taskType", "title"]),
        (EmbeddingForm::Nova, vec!["title"]),
    ] {
        let losses = written(form).losses;
        let fields: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
        assert_eq!(fields, lost, "{form:?}");
        assert!(losses.iter().all(|loss| loss.weight == Weight::Hint));
    }
    assert_eq!(
        value(&written(EmbeddingForm::Cohere).value[0].body)["input_type"],
        "search_query"
    );
}

#[test]
fn a_clients_own_contents_go_as_they_are_without_the_models_name() {
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    let one = json!({"model": "models/m", "content": {"parts": [image]}, "x_new": 1});
    let parts = own(&document(&one), Form::One).expect("one");
    let mut told = one.clone();
    told.as_object_mut().expect("an object").remove("model");
    assert_eq!(value(&parts[0].body), told);
    let parts = own(&document(&json!({"requests": [one, one]})), Form::Many).expect("two");
    assert_eq!((parts.len(), parts[1].texts), (2, 1));
    assert_eq!(value(&parts[1].body), told);
    let many = json!({"requests": vec![one; MOST_REQUESTS + 1]});
    let refusal = own(&document(&many), Form::Many).expect_err("too many");
    assert!(
        refusal.message.contains("256 as `requests`"),
        "{}",
        refusal.message
    );
}

#[test]
fn an_answer_with_another_number_of_vectors_is_none() {
    for (form, name) in EmbeddingForm::ALL {
        let golden = golden(name);
        let count = golden["answers"].as_array().expect("answers").len();
        assert!(answers(&golden, form, &vec![3; count]).is_none());
        for broken in [
            json!({}),
            json!({"embeddings": 1}),
            json!({"predictions": [{}]}),
        ] {
            let answer = Answered::read(form, document(&broken), 1, Some(1));
            assert!(answer.is_none(), "{name} {broken}");
        }
    }
}

#[test]
fn tokens_that_one_answer_does_not_count_are_not_counted_by_half() {
    let asked = document(&json!({"model": "m", "input": ["a", "b"]}));
    let answer = |counted| {
        let document = document(&json!({"embeddings": [[1]]}));
        Answered::read(EmbeddingForm::Cohere, document, 1, counted).expect("a vector")
    };
    let all = [answer(Some(1)), answer(None)];
    let read = read(EmbeddingForm::Cohere, &all, &asked, "m").expect("vectors");
    assert_eq!(value(&read).get("usage"), None);
}
