//! Embeddings of the clouds' models, which are asked in forms of their own.

use std::time::Duration;

use domain::canon::Dialect;
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::model::{Provider, WireFormat};
use domain::money::NanoUsd;
use domain::record::Outcome;
use domain::usage::UsageSource;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

fn scene(fake: &FakeProvider, dialect: Dialect, form: EmbeddingForm, most: usize) -> Scene {
    usual(fake).with(|provider: &mut Provider| {
        provider.format = WireFormat::Dialect(dialect);
        provider.embeddings = vec![EmbeddingDoor {
            models: Vec::new(),
            form,
            path: "/model/{model}:ask".to_owned(),
            most,
            dimensions: true,
        }];
    })
}

fn titan(fake: &FakeProvider) -> Scene {
    scene(fake, Dialect::Converse, EmbeddingForm::Titan, 1)
}

fn vector(number: f64, tokens: u64) -> Reply {
    let body = json!({"embedding": [number], "inputTextTokenCount": tokens});
    Reply::json(body.to_string())
}

fn openais(input: &Value) -> Ask {
    let body = json!({"model": "m", "input": input});
    Ask::to("POST", "/v1/embeddings", body.to_string()).key(KEY)
}

fn gemini(word: &str, body: &Value) -> Ask {
    let path = format!("/v1beta/models/m:{word}");
    Ask::to("POST", &path, body.to_string()).with("x-goog-api-key", KEY)
}

/// How often each text was asked for, by its own name.
fn texts(fake: &FakeProvider) -> Vec<String> {
    let all = fake.requests();
    let text = |seen: &testkit::fake::Seen| seen.json()["inputText"].to_string();
    all.iter().map(text).collect()
}

#[test]
fn many_texts_become_many_requests_and_one_answer_in_their_order() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script((0..20).map(|at| vector(f64::from(at), 2)).collect());
        let stage = Stage::open(titan(&fake));
        let input: Vec<String> = (0..20).map(|at| format!("t{at:02}")).collect();
        let answer = stage.ask(openais(&json!(input))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            fake.last_request().path,
            "/v1/model/m%3Aask".replace("%3A", ":")
        );
        let asked = texts(&fake);
        let data = answer.json()["data"].as_array().expect("data").clone();
        assert_eq!((asked.len(), data.len()), (20, 20));
        for (at, one) in data.iter().enumerate() {
            assert_eq!(one["index"], at);
            // The fake numbers its answers as it is asked.
            let number = asked
                .iter()
                .position(|text| *text == format!("\"t{at:02}\""));
            let vector = one["embedding"][0].as_f64().expect("a number");
            assert_eq!(number, Some(vector as usize));
        }
        assert_eq!(answer.json()["usage"]["prompt_tokens"], 40);
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].usage.prompt(), 40);
        assert_eq!(settled[0].attempts, 1);
    });
}

#[test]
fn some_are_under_way_at_once_and_never_more_than_the_provider_has_room_for() {
    play(async || {
        let slow = || vector(1.0, 1).delay_head(Duration::from_secs(1));
        for (room, seconds) in [(None, 2), (Some(1), 16)] {
            let fake = FakeProvider::start().await;
            fake.always(slow());
            let scene = titan(&fake).with(|provider| provider.max_parallel = room);
            let stage = Stage::open(scene);
            let began = tokio::time::Instant::now();
            let answer = stage.ask(openais(&json!(vec!["a"; 16]))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(began.elapsed().as_secs(), seconds, "{room:?}");
        }
    });
}

#[test]
fn one_that_fails_is_the_failure_of_all_and_the_others_are_dropped() {
    play(async || {
        let fake = FakeProvider::start().await;
        let throttled = Reply::json(r#"{"message":"Slow down."}"#)
            .with_status(400)
            .header("x-amzn-errortype", "ThrottlingException");
        let waiting = || vector(1.0, 1).delay_head(Duration::from_secs(5));
        fake.script(vec![waiting(), throttled.clone(), waiting()]);
        fake.always(throttled);
        let stage = Stage::open(titan(&fake));
        let answer = stage.ask(openais(&json!(["a", "b", "c"]))).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        fake.until(|fake| fake.running() == 0).await;
        assert!(fake.cancelled() >= 1);
    });
}

/// A model that is asked for one text after the other.
fn one_by_one(fake: &FakeProvider) -> Scene {
    titan(fake).with(|provider| provider.max_parallel = Some(1))
}

#[test]
fn what_was_brought_before_a_failure_is_paid() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![vector(1.0, 5), vector(2.0, 6)]);
        fake.always(Reply::status(500));
        let stage = Stage::open(one_by_one(&fake));
        let answer = stage.ask(openais(&json!(["a", "b", "c", "d"]))).await;
        answer.refusal(502);
        let settled = stage.settled(1).await.remove(0);
        assert_eq!(settled.outcome, Outcome::UpstreamFailed);
        let used = (settled.usage.total(), settled.usage_source);
        assert_eq!(used, (11, UsageSource::Provider));
        assert_eq!(settled.cost, Some(NanoUsd(11_000)));
    });
}

#[test]
fn another_attempt_asks_for_nothing_that_is_there() {
    play(async || {
        let fake = FakeProvider::start().await;
        let failing = || Reply::status(503);
        fake.script(vec![vector(1.0, 5), failing(), vector(2.0, 6), failing()]);
        fake.always(vector(3.0, 7));
        let stage = Stage::open(one_by_one(&fake));
        let answer = stage.ask(openais(&json!(["a", "b", "c"]))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let asked = ["\"a\"", "\"b\"", "\"b\"", "\"c\"", "\"c\""];
        assert_eq!(texts(&fake), asked);
        let vectors = answer.json()["data"].as_array().expect("data").clone();
        let first = |one: &Value| one["embedding"][0].as_f64();
        let firsts: Vec<_> = vectors.iter().map(first).collect();
        assert_eq!(firsts, [Some(1.0), Some(2.0), Some(3.0)]);
        let settled = stage.settled(1).await.remove(0);
        assert_eq!((settled.usage.total(), settled.attempts), (18, 3));
        assert_eq!(settled.cost, Some(NanoUsd(18_000)));
    });
}

#[test]
fn what_one_target_brought_is_paid_beside_the_other_that_answers() {
    play(async || {
        let (fake, spare) = (FakeProvider::start().await, FakeProvider::start().await);
        fake.script(vec![vector(1.0, 5)]);
        fake.always(Reply::status(500));
        let vectors = json!({"object": "list", "model": "m", "usage": {"prompt_tokens": 9, "total_tokens": 9},
            "data": [{"object": "embedding", "index": 0, "embedding": [1.5]},
                {"object": "embedding", "index": 1, "embedding": [2.5]}]});
        spare.always(Reply::json(vectors.to_string()));
        let scene = one_by_one(&fake)
            .fallback("spare")
            .provider_at("b", spare.address())
            .model_at("spare", &["b"]);
        let stage = Stage::open(scene);
        let answer = stage.ask(openais(&json!(["a", "b"]))).await;
        assert_eq!(
            answer.json()["data"][0]["embedding"][0],
            1.5,
            "{}",
            answer.text()
        );
        let settled = stage.settled(1).await.remove(0);
        assert_eq!(
            (settled.usage.total(), settled.cost),
            (14, Some(NanoUsd(14_000)))
        );
    });
}

#[test]
fn a_header_counts_the_tokens_where_the_body_does_not() {
    play(async || {
        let fake = FakeProvider::start().await;
        let body = json!({"embeddings": {"float": [[1], [2]]}}).to_string();
        fake.always(Reply::json(body).header("x-amzn-bedrock-input-token-count", "9"));
        let scene = scene(&fake, Dialect::Converse, EmbeddingForm::Cohere, 96);
        let stage = Stage::open(scene);
        let answer = stage.ask(openais(&json!(["a", "b"]))).await;
        assert_eq!(
            answer.json()["usage"]["total_tokens"],
            9,
            "{}",
            answer.text()
        );
        assert_eq!(stage.settled(1).await[0].usage.prompt(), 9);
    });
}

#[test]
fn tokens_and_too_many_texts_are_refused_and_nothing_is_sent() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(titan(&fake));
        for (input, said) in [
            (json!([1, 2]), "not tokens"),
            (json!(vec!["a"; 257]), "256"),
        ] {
            let answer = stage.ask(openais(&input)).await;
            assert_eq!(answer.status, 400);
            assert!(answer.text().contains(said), "{}", answer.text());
        }
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn geminis_clients_get_vectors_by_predict_and_by_embed_content() {
    play(async || {
        let fake = FakeProvider::start().await;
        let one = |text: &str| json!({"content": {"parts": [{"text": text}]}, "x_new": 1});
        let embedded =
            r#"{ "embedding":{"values":[5e-1]},"usageMetadata":{"promptTokenCount":4} }"#;
        fake.always(Reply::json(embedded));
        let scene_of = |form, most| scene(&fake, Dialect::Gemini, form, most);
        let stage = Stage::open(scene_of(EmbeddingForm::EmbedContent, 1));
        // Their own bytes, both ways.
        let answer = stage.ask(gemini("embedContent", &one("a"))).await;
        assert_eq!(answer.text(), embedded);
        assert_eq!(fake.last_request().json(), one("a"));
        let body = json!({"requests": [one("a"), one("b")]});
        let answer = stage.ask(gemini("batchEmbedContents", &body)).await;
        let vectors = json!([{"values": [5e-1]}, {"values": [5e-1]}]);
        assert_eq!(answer.json()["embeddings"], vectors, "{}", answer.text());
        assert_eq!(answer.json()["usageMetadata"]["promptTokenCount"], 8);
        let predicted = json!({"embeddings": {"values": [0.5], "statistics": {"token_count": 3}}});
        let predicted = json!({"predictions": [predicted]});
        fake.always(Reply::json(predicted.to_string()));
        let stage = Stage::open(scene_of(EmbeddingForm::Predict, 1));
        let plain = json!({"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"});
        let answer = stage.ask(gemini("embedContent", &plain)).await;
        assert_eq!(
            answer.json()["embedding"]["values"],
            json!([0.5]),
            "{}",
            answer.text()
        );
        assert_eq!(
            fake.last_request().json(),
            json!({"instances": [{"content": "a", "task_type": "CLUSTERING"}]})
        );
    });
}

#[test]
fn a_dry_run_says_what_such_a_model_would_not_be_told_and_asks_nobody() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(titan(&fake));
        let body = json!({"model": "m", "input": "a", "user": "u"}).to_string();
        let ask = Ask::to("POST", "/v1/embeddings", body).key(KEY);
        let answer = stage.ask(ask.with("x-portcullis-dry-run", "true")).await;
        assert_eq!(answer.json()["targets"][0]["dropped"], json!(["user"]));
        assert_eq!(fake.count(), 0);
    });
}
