//! Answers of Google's in which a call is missing that the model meant to make, or
//! everything: no client takes them for an end.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

fn of_google(provider: &mut Provider) {
    provider.format = WireFormat::Dialect(Dialect::Gemini);
}

fn tries(fake: &FakeProvider, retries: u32) -> Scene {
    let scene = usual(fake).with(of_google);
    scene.adjust(move |snapshot| {
        snapshot.retry.retries = retries;
        snapshot.retry.backoff = std::time::Duration::ZERO;
        snapshot.retry.max_backoff = std::time::Duration::ZERO;
    })
}

fn answer(parts: &Value, word: &str) -> String {
    json!({"candidates":[{"content":{"role":"model","parts":parts},"finishReason":word,
        "finishMessage":"Malformed function call: print(secret)"}],
        "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}})
    .to_string()
}

fn streamed(answer: &str) -> Reply {
    Reply::sse([format!("data: {answer}\r\n\r\n")])
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
const MESSAGES: &str =
    r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
const RESPONSES: &str = r#"{"model":"m","input":"Hi"}"#;

/// The same question in three dialects; what a stream says in each when it fails.
fn asks(more: &str) -> [(Ask, &'static str); 3] {
    let body = |text: &str| text.replacen('{', &format!("{{{more}"), 1);
    let bearer = format!("Bearer {KEY}");
    [
        (Ask::chat(body(CHAT)), "data: {\"error\":"),
        (
            Ask::to("POST", "/v1/messages", body(MESSAGES)).with("x-api-key", KEY),
            "event: error\n",
        ),
        (
            Ask::to("POST", "/v1/responses", body(RESPONSES)).with("authorization", &bearer),
            "event: response.failed\n",
        ),
    ]
}

fn google(word: &str) -> Ask {
    let body = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    Ask::to("POST", &format!("/v1beta/models/m:{word}"), body).with("x-goog-api-key", KEY)
}

const WORDS: [&str; 3] = [
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];

fn kinds_of_parts() -> [Value; 3] {
    [
        json!([{"text":"Hm.","thought":true}]),
        json!([{"text":"Let me look."}]),
        json!([{"text":"Hm.","thought":true}, {"text":"Let me look."}]),
    ]
}

#[test]
fn an_answer_without_the_call_it_meant_is_asked_for_again_and_is_an_error_at_last() {
    play(async || {
        for parts in kinds_of_parts() {
            for word in WORDS {
                let fake = FakeProvider::start().await;
                let stage = Stage::open(tries(&fake, 1));
                fake.always(Reply::json(answer(&parts, word)));
                for (ask, _) in asks("") {
                    let told = stage.ask(ask).await;
                    assert_eq!(told.status, 502, "{}", told.text());
                    assert!(told.text().contains(word), "{}", told.text());
                }
                assert_eq!(fake.count(), 6, "each twice");
                let good = json!([{"functionCall":{"name":"f","args":{}}}]);
                fake.script(vec![
                    Reply::json(answer(&parts, word)),
                    Reply::json(answer(&good, "STOP")),
                ]);
                let told = stage.ask(Ask::chat(CHAT)).await.json();
                assert_eq!(told["choices"][0]["finish_reason"], "tool_calls", "{told}");
            }
        }
    });
}

#[test]
fn a_stream_that_ends_so_ends_with_an_error() {
    play(async || {
        for parts in kinds_of_parts() {
            let fake = FakeProvider::start().await;
            let stage = Stage::open(tries(&fake, 0));
            fake.always(streamed(&answer(&parts, WORDS[0])));
            for (ask, event) in asks(r#""stream":true,"#) {
                let told: Answer = stage.ask(ask).await;
                assert_eq!(told.status, 200, "{}", told.text());
                let text = told.text();
                assert!(text.contains(event), "{text}");
                assert!(text.contains(WORDS[0]), "{text}");
                assert!(!text.contains("secret"), "the model's words: {text}");
                for end in ["[DONE]", "message_stop", "response.completed"] {
                    assert!(!text.contains(end), "{text}");
                }
            }
            for record in stage.settled(3).await {
                assert_eq!(record.outcome, Outcome::UpstreamBroke);
                assert!(record.usage.total() > 0);
            }
        }
    });
}

#[test]
fn googles_own_clients_read_it_as_it_came() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(tries(&fake, 2));
        for parts in kinds_of_parts() {
            let body = answer(&parts, WORDS[0]);
            fake.always(Reply::json(body.clone()));
            let told = stage.ask(google("generateContent")).await;
            assert_eq!((told.status, told.text()), (200, &*body));
            fake.always(streamed(&body));
            let told = stage.ask(google("streamGenerateContent?alt=sse")).await;
            assert_eq!(told.text(), format!("data: {body}\r\n\r\n"));
        }
        assert_eq!(fake.count(), 6, "once each");
        let settled = stage.settled(6).await;
        let is_whole = |outcome: Outcome| outcome == Outcome::Complete;
        assert!(settled.iter().all(|record| is_whole(record.outcome)));
    });
}

#[test]
fn an_answer_without_candidates_is_none() {
    play(async || {
        let usage = r#"{"promptTokenCount":3,"totalTokenCount":3}"#;
        for empty in [
            format!(r#"{{"usageMetadata":{usage},"modelVersion":"g"}}"#),
            format!(r#"{{"candidates":[],"usageMetadata":{usage}}}"#),
        ] {
            let fake = FakeProvider::start().await;
            let stage = Stage::open(tries(&fake, 1));
            for (more, reply) in [
                ("", Reply::json(empty.clone())),
                (r#""stream":true,"#, streamed(&empty)),
            ] {
                fake.always(reply);
                for (ask, _) in asks(more) {
                    let before = fake.count();
                    let told = stage.ask(ask).await;
                    assert_eq!(told.status, 502, "{}", told.text());
                    assert_eq!(fake.count() - before, 2);
                }
            }
            fake.always(Reply::json(empty.clone()));
            let told = stage.ask(google("generateContent")).await;
            assert_eq!((told.status, told.text()), (200, &*empty));
        }
    });
}

#[test]
fn a_blocked_prompt_is_a_filters_doing_in_every_dialect() {
    play(async || {
        let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"},
            "usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}"#;
        let fake = FakeProvider::start().await;
        let stage = Stage::open(tries(&fake, 1));
        fake.always(Reply::json(blocked));
        let [(chat, _), (messages, _), (responses, _)] = asks("");
        let told = stage.ask(chat).await.json();
        assert_eq!(told["choices"][0]["finish_reason"], "content_filter");
        let told = stage.ask(messages).await.json();
        assert_eq!(told["stop_reason"], "refusal", "{told}");
        let told = stage.ask(responses).await.json();
        assert_eq!(
            told["incomplete_details"]["reason"], "content_filter",
            "{told}"
        );
        assert_eq!(fake.count(), 3);
    });
}
