//! Clients of Google's: limits, overload, filters and counts.

use domain::canon::Dialect;
use domain::guard::Action;
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, usual};

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn googles(word: &str, body: &str) -> Ask {
    let path = format!("/v1beta/models/m:{word}");
    Ask::to("POST", &path, body.to_owned()).with("x-goog-api-key", KEY)
}

const HELLO: &str = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;

#[test]
fn a_full_provider_is_told_as_such_and_when_to_come_again() {
    play(async || {
        let fake = FakeProvider::start().await;
        let limit = r#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"90s"}]}}"#;
        fake.always(Reply::json(limit).with_status(429));
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        let answer = stage.ask(googles("generateContent", HELLO)).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "90"));
        let error = &answer.json()["error"];
        assert_eq!(error["code"], 429);
        assert!(
            error["details"]
                .to_string()
                .contains("\"retryDelay\":\"90.000s\""),
            "{error}"
        );
        fake.always(Reply::status(503));
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(googles("generateContent", HELLO)).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["code"]), (503, &503.into()));
        assert_eq!(error["status"], "UNAVAILABLE");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::UpstreamFailed);
    });
}

#[test]
fn a_stream_that_a_filter_emptied_is_whole() {
    play(async || {
        let fake = FakeProvider::start().await;
        let blocked = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3}}\r\n\r\n";
        fake.script(vec![Reply::sse([blocked]), Reply::sse([blocked])]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        let answer = stage
            .ask(googles("streamGenerateContent?alt=sse", HELLO))
            .await;
        assert_eq!(answer.text(), blocked);
        let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
        let answer = stage.ask(Ask::chat(body)).await;
        assert!(
            answer.text().contains("content_filter"),
            "{}",
            answer.text()
        );
        for record in stage.settled(2).await {
            assert_eq!(record.outcome, Outcome::Complete);
        }
    });
}

#[test]
fn a_whole_request_is_counted() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let body = format!(r#"{{"generateContentRequest":{HELLO}}}"#);
        let answer = stage.ask(googles("countTokens", &body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), serde_json::json!({"totalTokens": 5}));
    });
}

/// An answer of a model that made a call which nobody can read.
fn malformed() -> String {
    let said = "Malformed function call: call(a=1)";
    let candidate = serde_json::json!({"content": {"role": "model", "parts": []}, "index": 0,
        "finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": said});
    let usage = serde_json::json!({"promptTokenCount": 3, "totalTokenCount": 3});
    format!(r#"{{ "candidates": [{candidate}], "usageMetadata": {usage}, "x": 1e400}}"#)
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;

fn as_event(answer: &str) -> String {
    format!("data: {answer}\r\n\r\n")
}

#[test]
fn an_answer_without_any_is_asked_for_again_and_passes_in_the_end() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        fake.always(Reply::json(malformed()));
        let answer = stage.ask(googles("generateContent", HELLO)).await;
        assert_eq!((answer.status, answer.text()), (200, &*malformed()));
        assert!(fake.count() > 1, "another one may have brought one");
        let attempts = fake.count().to_string();
        assert_eq!(answer.header("x-portcullis-attempts"), attempts);

        let event = as_event(&malformed());
        fake.always(Reply::sse([event.clone()]));
        let word = "streamGenerateContent?alt=sse";
        let answer = stage.ask(googles(word, HELLO)).await;
        assert_eq!((answer.status, answer.text()), (200, &*event));
        let media_type = answer.header("content-type");
        assert!(media_type.starts_with("text/event-stream"), "{media_type}");
        for record in stage.settled(2).await {
            assert_eq!(record.outcome, Outcome::UpstreamFailed);
        }

        let whole =
            r#"{"candidates":[{"content":{"parts":[{"text":"Hello."}]},"finishReason":"STOP"}]}"#;
        fake.script(vec![Reply::json(malformed()), Reply::json(whole)]);
        let answer = stage.ask(googles("generateContent", HELLO)).await;
        assert_eq!((answer.status, answer.text()), (200, whole));
    });
}

#[test]
fn other_clients_hear_why_there_is_no_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
        fake.always(Reply::json(malformed()));
        let array = googles("streamGenerateContent", HELLO);
        let streamed = CHAT.replace("\"messages\"", "\"stream\":true,\"messages\"");
        for (reply, ask) in [
            (Reply::json(malformed()), Ask::chat(CHAT)),
            (Reply::sse([as_event(&malformed())]), Ask::chat(streamed)),
            (Reply::sse([as_event(&malformed())]), array),
        ] {
            fake.always(reply);
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 502, "{}", answer.text());
            for said in ["MALFORMED_FUNCTION_CALL", "call(a=1)"] {
                assert!(answer.text().contains(said), "{}", answer.text());
            }
        }
    });
}

#[test]
fn what_guards_have_not_read_is_not_told_of_an_answer_without_any() {
    play(async || {
        let fake = FakeProvider::start().await;
        let scene = usual(&fake).with(speaks(Dialect::Gemini));
        let stage = Stage::open(scene.policy(guarded("secret", Action::Block, BOTH)));
        let streamed = "streamGenerateContent?alt=sse";
        for (reply, ask) in [
            (Reply::json(malformed()), googles("generateContent", HELLO)),
            (Reply::json(malformed()), Ask::chat(CHAT)),
            (
                Reply::sse([as_event(&malformed())]),
                googles(streamed, HELLO),
            ),
        ] {
            fake.always(reply);
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 502, "{}", answer.text());
            assert!(!answer.text().contains("call(a=1)"), "{}", answer.text());
        }
    });
}
