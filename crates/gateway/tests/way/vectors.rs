//! Embeddings between `OpenAI`'s dialect and Gemini's.

use std::time::Duration;

use domain::canon::Dialect;
use domain::guard::{Action, Direction};
use domain::model::{Provider, WireFormat};
use domain::policy::Policy;
use domain::usage::UsageSource;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::doubles::guarded;
use crate::stage::{Ask, KEY, Stage, play, usual};

const ONE: &str = r#"{ "content":{"parts":[{"text":"hello"}]},"taskType":"CLUSTERING" }"#;
const VECTORS: &str =
    r#"{ "embeddings":[{"values":[0.5,-0.25]}],"usageMetadata":{"promptTokenCount":4},"x_new":1 }"#;

const VECTOR: &str = r#"{ "embedding":{"values":[0.5,-0.25]},"x_new":1e400 }"#;

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn gemini(word: &str, body: &str) -> Ask {
    Ask::to("POST", &format!("/v1beta/models/m:{word}"), body.to_owned())
        .with("x-goog-api-key", KEY)
}

fn openais(body: &Value) -> Ask {
    Ask::to("POST", "/v1/embeddings", body.to_string()).key(KEY)
}

fn cached(fake: &FakeProvider) -> Scene {
    usual(fake).policy(Policy {
        name: "c".to_owned(),
        cache: Some(Duration::from_secs(60)),
        ..Policy::default()
    })
}

#[test]
fn geminis_client_gets_vectors_of_openais_server_and_they_are_booked() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::embeddings(2), Reply::embeddings(2)]);
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(gemini("embedContent", ONE)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["embedding"]["values"], json!([0.0, 0.125]));
        assert_eq!(answer.header("x-portcullis-dropped"), "taskType");
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/embeddings");
        assert_eq!(seen.json(), json!({"model": "m", "input": "hello"}));
        let many = format!(r#"{{"requests":[{ONE},{ONE}]}}"#);
        let answer = stage.ask(gemini("batchEmbedContents", &many)).await;
        assert_eq!(
            answer.json()["embeddings"].as_array().map(Vec::len),
            Some(2)
        );
        for settled in stage.settled(2).await {
            assert_eq!(settled.operation, "embedding");
            assert_eq!(settled.usage.prompt(), 11);
            assert!(settled.cost.is_some());
        }
    });
}

#[test]
fn openais_client_gets_vectors_of_geminis_server() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(VECTORS), Reply::json(VECTORS)]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        let body = json!({"model": "m", "input": "hello", "dimensions": 2});
        let answer = stage.ask(openais(&body)).await;
        assert_eq!(answer.json()["data"][0]["embedding"], json!([0.5, -0.25]));
        assert_eq!(answer.json()["usage"]["prompt_tokens"], 4);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/models/m:batchEmbedContents");
        assert_eq!(seen.json()["requests"][0]["outputDimensionality"], 2);
        let body = json!({"model": "m", "input": "hello", "encoding_format": "base64"});
        let answer = stage.ask(openais(&body)).await;
        assert_eq!(answer.json()["data"][0]["embedding"], "AAAAPwAAgL4=");
        assert_eq!(stage.settled(2).await[0].usage.prompt(), 4);
    });
}

#[test]
fn geminis_client_and_geminis_server_exchange_their_own_bytes() {
    play(async || {
        let fake = FakeProvider::start().await;
        let single = r#"{ "embedding":{"values":[1e0]},"usageMetadata":{"promptTokenCount":4} }"#;
        fake.script(vec![Reply::json(single), Reply::json(VECTORS)]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        let answer = stage.ask(gemini("embedContent", ONE)).await;
        assert_eq!(answer.text(), single);
        let seen = fake.last_request();
        assert_eq!(
            (seen.path.as_str(), &seen.body[..]),
            ("/v1/models/m:embedContent", ONE.as_bytes())
        );
        let many = format!(r#"{{ "requests":[{ONE}] }}"#);
        let answer = stage.ask(gemini("batchEmbedContents", &many)).await;
        assert_eq!(answer.text(), VECTORS);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/models/m:batchEmbedContents");
        assert_eq!(&seen.body[..], many.as_bytes());
        for settled in stage.settled(2).await {
            assert_eq!(settled.usage.prompt(), 4);
        }
    });
}

#[test]
fn kept_vectors_serve_the_same_question_and_no_other() {
    play(async || {
        for dialect in [Dialect::OpenAi, Dialect::Gemini] {
            let fake = FakeProvider::start().await;
            let reply = || match dialect {
                Dialect::Gemini => Reply::json(
                    VECTORS
                        .replace("embeddings\":[", "embedding\":")
                        .replace("}],", "},"),
                ),
                _ => Reply::embeddings(2),
            };
            fake.script(vec![reply(), reply(), Reply::json(VECTORS)]);
            let stage = Stage::open(cached(&fake).with(speaks(dialect)));
            let miss = stage.ask(gemini("embedContent", ONE)).await;
            assert_eq!(miss.header("x-portcullis-cache"), "miss", "{}", miss.text());
            let hit = stage.ask(gemini("embedContent", ONE)).await;
            assert_eq!(hit.header("x-portcullis-cache"), "hit", "{}", hit.text());
            assert_eq!(hit.json()["embedding"], miss.json()["embedding"]);
            let other = ONE.replace("CLUSTERING", "CLASSIFICATION");
            let other = stage.ask(gemini("embedContent", &other)).await;
            assert_eq!(other.header("x-portcullis-cache"), "miss");
            assert_eq!(fake.count(), 2);
        }
    });
}

#[test]
fn guards_and_limits_stand_before_vectors_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(VECTOR)]);
        let scene = Scene::new().provider(&fake).with(speaks(Dialect::Gemini));
        let limits = Limits {
            requests_per_minute: Some(2),
            ..Limits::default()
        };
        let scene = scene.key(KEY, limits).model("m");
        let policy = guarded("secret", Action::Block, &[Direction::Request]);
        let stage = Stage::open(scene.policy(policy));
        let answer = stage.ask(gemini("embedContent", ONE)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.text(), VECTOR);
        assert_eq!(fake.last_request().body, ONE);
        let secret = ONE.replace("hello", "a secret");
        let blocked = stage.ask(gemini("embedContent", &secret)).await;
        assert_eq!(blocked.status, 400, "{}", blocked.text());
        assert_eq!(fake.count(), 1);
        let refused = stage.ask(gemini("embedContent", ONE)).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        let details = refused.json()["error"]["details"].to_string();
        assert!(details.contains("retryDelay"), "{details}");
    });
}

#[test]
fn what_no_target_can_embed_is_refused_with_its_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let image =
            r#"{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}"#;
        let answer = stage.ask(gemini("embedContent", image)).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.text().contains("content.parts[0]"),
            "{}",
            answer.text()
        );
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Anthropic)));
        let answer = stage
            .ask(openais(&json!({"model": "m", "input": "a"})))
            .await;
        assert_eq!(answer.refusal(400), "unsupported_by_target");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn openais_client_gets_an_estimated_usage_where_nobody_counts() {
    play(async || {
        let fake = FakeProvider::start().await;
        let uncounted = VECTORS.replace(r#","usageMetadata":{"promptTokenCount":4}"#, "");
        fake.script(vec![Reply::json(uncounted), Reply::json(VECTORS)]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        let asked = json!({"model": "m", "input": "how many tokens are these?"});
        let answer = stage.ask(openais(&asked)).await.json();
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.usage_source, UsageSource::Estimated);
        let tokens = record.usage.input;
        assert!(tokens > 0, "{record:?}");
        let wanted = json!({"prompt_tokens": tokens, "total_tokens": tokens});
        assert_eq!(answer["usage"], wanted);
        assert_eq!(answer["data"][0]["embedding"], json!([0.5, -0.25]));

        let answer = stage.ask(openais(&asked)).await.json();
        assert_eq!(answer["usage"]["prompt_tokens"], 4);
        let records = stage.settled(2).await;
        assert_eq!(records[1].usage_source, UsageSource::Provider);
    });
}
