//! Clients of Google's: limits, overload, filters and counts.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use testkit::{FakeProvider, Reply};

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
