//! The tokens of a prompt, by the provider's own count where it has one.

use std::time::Duration;

use domain::canon::Dialect;
use domain::counting::{Counting, CountingForm};
use domain::guard::Action;
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

/// Counts in this form at `/v1/count/{model}`.
fn counts(form: CountingForm, dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| {
        provider.format = WireFormat::Dialect(dialect);
        provider.counting = Some(Counting {
            form,
            path: "/count/{model}".to_owned(),
            models: Vec::new(),
        });
    }
}

/// `m` at Anthropic, and `claude` there by another name.
fn claude(fake: &FakeProvider) -> Scene {
    let scene = usual(fake).with(counts(CountingForm::Messages, Dialect::Anthropic));
    scene.model("claude").alias("c", "claude")
}

fn messages(body: &Value) -> Ask {
    Ask::to("POST", "/v1/messages/count_tokens", body.to_string())
        .with("x-api-key", KEY)
        .with("anthropic-version", "2023-06-01")
}

fn hello(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
}

fn gemini(model: &str, body: &Value) -> Ask {
    let path = format!("/v1beta/models/{model}:countTokens");
    Ask::to("POST", &path, body.to_string()).with("x-goog-api-key", KEY)
}

fn input(body: &Value) -> Ask {
    Ask::to("POST", "/v1/responses/input_tokens", body.to_string()).key(KEY)
}

fn asked(fake: &FakeProvider) -> Value {
    serde_json::from_slice(&fake.last_request().body).expect("JSON")
}

fn by(answer: &Answer) -> &str {
    answer.header("x-portcullis-counted-by")
}

#[test]
fn a_client_of_the_same_dialect_asks_in_its_own_words() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(r#"{"input_tokens":42}"#)]);
        let stage = Stage::open(claude(&fake));
        let mut body = hello("c");
        body["context_management"] = json!({"edits": []});
        let answer = stage.ask(messages(&body)).await;
        assert_eq!(answer.json(), json!({"input_tokens": 42}));
        assert_eq!(by(&answer), "provider");
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/count/claude");
        body["model"] = json!("claude");
        assert_eq!(asked(&fake), body);
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].operation, "count_tokens");
        assert_eq!((settled[0].usage.total(), settled[0].cost), (0, None));
    });
}

#[test]
fn a_client_of_another_dialect_is_answered_in_its_own() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json(r#"{"input_tokens":42}"#));
        let stage = Stage::open(claude(&fake));
        let question = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
        let answer = stage.ask(gemini("c", &question)).await;
        assert_eq!(answer.json(), json!({"totalTokens": 42}));
        let content = json!([{"type": "text", "text": "Hi"}]);
        let expected =
            json!({"model": "claude", "messages": [{"role": "user", "content": content}]});
        assert_eq!(asked(&fake), expected);
        let answer = stage
            .ask(input(&json!({"model": "c", "input": "Hi"})))
            .await;
        let expected = json!({"object": "response.input_tokens", "input_tokens": 42});
        assert_eq!((answer.json(), by(&answer)), (expected, "provider"));
    });
}

#[test]
fn every_provider_is_asked_in_its_form() {
    play(async || {
        let parts = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
        let said = json!([{"role": "user", "content": [{"text": "Hi"}]}]);
        let input = json!([{"type": "message", "role": "user", "content": "Hi"}]);
        for (form, dialect, reply, expected) in [
            (
                CountingForm::Responses,
                Dialect::OpenAi,
                r#"{"object":"response.input_tokens","input_tokens":7}"#,
                json!({"model": "m", "input": input}),
            ),
            (
                CountingForm::Contents,
                Dialect::Gemini,
                r#"{"totalTokens":7,"totalBillableCharacters":2}"#,
                json!({"contents": parts}),
            ),
            (
                CountingForm::GenerateContent,
                Dialect::Gemini,
                r#"{"totalTokens":7}"#,
                json!({"generateContentRequest": {"model": "models/m", "contents": parts}}),
            ),
            (
                CountingForm::Converse,
                Dialect::Converse,
                r#"{"inputTokens":7}"#,
                json!({"input": {"converse": {"messages": said}}}),
            ),
        ] {
            let fake = FakeProvider::start().await;
            fake.script(vec![Reply::json(reply)]);
            let stage = Stage::open(usual(&fake).with(counts(form, dialect)));
            let answer = stage.ask(messages(&hello("m"))).await;
            assert_eq!(answer.json(), json!({"input_tokens": 7}), "{form:?}");
            assert_eq!(asked(&fake), expected, "{form:?}");
        }
    });
}

#[test]
fn a_whole_request_of_googles_names_the_providers_model() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(r#"{"totalTokens":7}"#)]);
        let scene = usual(&fake)
            .with(counts(CountingForm::GenerateContent, Dialect::Gemini))
            .alias("g", "m");
        let stage = Stage::open(scene);
        let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
        let whole =
            |model: &str| json!({"generateContentRequest": {"model": model, "contents": contents}});
        let answer = stage.ask(gemini("g", &whole("models/g"))).await;
        assert_eq!(answer.json(), json!({"totalTokens": 7}));
        assert_eq!(asked(&fake), whole("models/m"));
    });
}

#[test]
fn where_the_provider_does_not_count_the_gateway_does() {
    play(async || {
        for reply in [
            Reply::status(404),
            Reply::status(429),
            Reply::json("{}"),
            Reply::json("x"),
            Reply::hang(),
        ] {
            let fake = FakeProvider::start().await;
            fake.script(vec![reply]);
            let stage = Stage::open(claude(&fake));
            let before = tokio::time::Instant::now();
            let answer = stage.ask(messages(&hello("m"))).await;
            assert!(before.elapsed() <= Duration::from_millis(2100));
            assert_eq!(answer.json(), json!({"input_tokens": 5}));
            assert_eq!(by(&answer), "gateway");
            assert_eq!(fake.count(), 1);
            let settled = stage.settled(1).await;
            assert_eq!(settled[0].outcome, Outcome::Complete);
        }
    });
}

#[test]
fn only_models_that_the_provider_counts_for_are_asked_about() {
    play(async || {
        let fake = FakeProvider::start().await;
        let scene = claude(&fake).with(|provider| {
            let counting = provider.counting.as_mut().expect("it counts");
            counting.models = testkit::scene::models(&["*claude*"]);
        });
        fake.script(vec![Reply::json(r#"{"input_tokens":42}"#)]);
        let stage = Stage::open(scene);
        assert_eq!(by(&stage.ask(messages(&hello("m"))).await), "gateway");
        assert_eq!(by(&stage.ask(messages(&hello("c"))).await), "provider");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn what_may_not_leave_is_not_counted_elsewhere() {
    play(async || {
        let fake = FakeProvider::start().await;
        let policy = guarded("Hi", Action::Block, BOTH);
        let stage = Stage::open(claude(&fake).policy(policy));
        let answer = stage.ask(messages(&hello("c"))).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn a_count_is_a_request_and_takes_no_tokens() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json(r#"{"input_tokens":42}"#));
        let limits = Limits {
            requests_per_minute: Some(2),
            tokens_per_minute: Some(1),
            ..Limits::default()
        };
        let stage = Stage::open(claude(&fake).key("sk-few", limits));
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let body = hello("c").to_string();
            let ask =
                Ask::to("POST", "/v1/messages/count_tokens", body).with("x-api-key", "sk-few");
            statuses.push(stage.ask(ask).await.status);
        }
        assert_eq!(statuses, [200, 200, 429]);
        assert_eq!(fake.count(), 2);
    });
}
