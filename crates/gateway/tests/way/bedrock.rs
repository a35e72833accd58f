//! AWS Bedrock: Converse, and Claude's own dialect through `InvokeModel`.

#[path = "../../../dialects/tests/support/eventstream.rs"]
mod wire;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::Dialect;
use domain::model::{Known, Paths, Provider, Shape, WireFormat};
use domain::record::Outcome;
use providers::Delivery::{self, Streamed, Whole};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, Stage, play, usual};

const BINARY: &str = "application/vnd.amazon.eventstream";

fn converse(fake: &FakeProvider) -> Scene {
    usual(fake).with(|provider: &mut Provider| {
        provider.format = WireFormat::Dialect(Dialect::Converse);
        provider.base_path = String::new();
    })
}

/// As the catalogue's `bedrock_claude` is.
fn invoke(fake: &FakeProvider) -> Scene {
    usual(fake).with(|provider: &mut Provider| {
        provider.format = WireFormat::Dialect(Dialect::Anthropic);
        provider.base_path = String::new();
        provider.paths = Some(Paths {
            whole: "/model/{model}/invoke".to_owned(),
            stream: "/model/{model}/invoke-with-response-stream".to_owned(),
            embeddings: None,
        });
        let known = Known {
            value: "known-beta".to_owned(),
            ..Known::default()
        };
        let version = r#""bedrock-2023-05-31""#;
        provider.shape = Shape {
            omit: vec!["model".to_owned(), "stream".to_owned()],
            set: vec![("anthropic_version".to_owned(), version.to_owned())],
            lists: vec![("anthropic_beta".to_owned(), vec![known])],
            wants_bytes: true,
            ..Shape::default()
        };
    })
}

fn binary(messages: impl IntoIterator<Item = Vec<u8>>) -> Reply {
    Reply::sse(messages).header("content-type", BINARY)
}

fn body(model: &str, delivery: Delivery) -> String {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let body = json!({"model": model, "stream": delivery == Streamed, "max_tokens": 50, "messages": messages});
    body.to_string()
}

fn asked(delivery: Delivery) -> Ask {
    Ask::chat(body("m", delivery))
}

fn messages(delivery: Delivery) -> Ask {
    Ask::to("POST", "/v1/messages", body("m", delivery))
        .with("x-api-key", "sk-test")
        .with("anthropic-version", "2026-10-21")
        .with("anthropic-beta", "known-beta,other-beta")
}

fn spoken() -> Vec<Vec<u8>> {
    let delta = |text: &str| {
        let payload = json!({"contentBlockIndex": 0, "delta": {"text": text}, "p": "abcd"});
        wire::event("contentBlockDelta", &payload)
    };
    vec![
        wire::event("messageStart", &json!({"role": "assistant"})),
        delta("Hel"),
        delta("lo."),
        wire::event("contentBlockStop", &json!({"contentBlockIndex": 0})),
        wire::event("messageStop", &json!({"stopReason": "end_turn"})),
        wire::event(
            "metadata",
            &json!({"usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 15,
                "cacheReadInputTokens": 5}}),
        ),
    ]
}

#[test]
fn converse_is_asked_at_the_models_own_path_and_answers_in_the_clients_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
            "stopReason": "end_turn", "metrics": {"latencyMs": 5},
            "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 15, "cacheReadInputTokens": 5}});
        fake.script(vec![Reply::json(answer.to_string())]);
        let stage = Stage::open(converse(&fake));
        let model = "fake/arn:aws:bedrock:eu-west-1:1:inference-profile/eu.m-v1:0";
        let answer = stage.ask(Ask::chat(body(model, Whole))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = fake.last_request();
        let path =
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.m-v1%3A0/converse";
        assert_eq!(seen.path, path);
        assert_eq!(
            seen.json(),
            json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}],
                "inferenceConfig": {"maxTokens": 50}})
        );
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello.");
        assert_eq!(answer.json()["usage"]["prompt_tokens"], 12);
        let usage = stage.settled(1).await[0].usage;
        assert_eq!((usage.input, usage.cached_input, usage.output), (7, 5, 3));
    });
}

#[test]
fn a_binary_stream_becomes_events_however_it_is_cut() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stream = spoken().concat();
        let pieces = stream.chunks(7).map(<[u8]>::to_vec);
        fake.script(vec![binary(pieces), binary(spoken())]);
        let stage = Stage::open(converse(&fake));
        for ask in [asked(Streamed), messages(Streamed)] {
            let answer = stage.ask(ask).await;
            assert_eq!(
                answer.header("content-type"),
                "text/event-stream; charset=utf-8"
            );
            let text = answer.text();
            assert!(text.contains("Hel") && text.contains("lo."), "{text}");
            let is_whole = text.ends_with("data: [DONE]\n\n") || text.contains("message_stop");
            assert!(is_whole, "{text}");
            assert_eq!(fake.last_request().path, "/model/m/converse-stream");
        }
        let records = stage.settled(2).await;
        for record in records {
            assert_eq!(record.outcome, Outcome::Complete);
            assert_eq!((record.usage.input, record.usage.output), (7, 3));
        }
    });
}

#[test]
fn a_stream_that_breaks_never_ends_as_if_it_were_whole() {
    play(async || {
        let fake = FakeProvider::start().await;
        let begun = || spoken().into_iter().take(3);
        let exception = wire::exception("throttlingException", "Too many tokens.");
        let mut half = spoken()[3].clone();
        half.truncate(20);
        let mut wrong = spoken()[3].clone();
        wrong[30] ^= 1;
        let late =
            |messages: Vec<Vec<u8>>| binary(messages).delay_between(Duration::from_millis(20));
        let broken = [
            late(begun().chain([exception]).collect()),
            late(begun().chain([half]).collect()),
            late(begun().chain([wrong]).collect()),
            late(begun().collect()),
        ];
        let count = broken.len() * 2;
        fake.script(broken.iter().cloned().chain(broken.clone()).collect());
        let stage = Stage::open(converse(&fake));
        for number in 0..count {
            let is_openais = number * 2 < count;
            let ask = if is_openais {
                asked(Streamed)
            } else {
                messages(Streamed)
            };
            let answer = stage.ask(ask).await;
            let text = answer.text();
            assert!(text.contains("lo."), "{text}");
            assert!(text.contains("\"error\""), "{text}");
            assert!(
                !text.contains("[DONE]") && !text.contains("message_stop"),
                "{text}"
            );
            assert!(!text.contains("\"finish_reason\":\"stop\""), "{text}");
        }
        for record in stage.settled(count).await {
            assert_eq!(record.outcome, Outcome::UpstreamBroke);
        }
    });
}

#[test]
fn bedrocks_errors_are_told_in_the_clients_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        let refused = |status, said: &str| {
            Reply::json(json!({"message": said}).to_string()).with_status(status)
        };
        let long = "Input is too long for requested model.";
        fake.script(vec![
            refused(400, "Malformed input request."),
            refused(400, long),
            refused(400, long),
        ]);
        let stage = Stage::open(converse(&fake));
        let answer = stage.ask(asked(Whole)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
        let answer = stage.ask(asked(Whole)).await;
        assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
        let answer = stage.ask(messages(Streamed)).await;
        assert_eq!(answer.status, 400);
        let said = answer.json()["error"]["message"].to_string();
        assert!(said.contains("prompt is too long"), "{said}");
        // Before the first content an exception is a status.
        let exception = |kind: &str, said: &str| {
            binary([
                wire::event("messageStart", &json!({"role": "assistant"})),
                wire::exception(kind, said),
            ])
        };
        fake.always(exception("throttlingException", "Too many requests."));
        let answer = stage.ask(asked(Streamed)).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        fake.always(exception("validationException", "Too short."));
        let before = fake.count();
        let answer = stage.ask(messages(Streamed)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
        assert_eq!(answer.json()["error"]["message"], "Too short.");
        assert_eq!(fake.count() - before, 1);
    });
}

/// Claude's events as `InvokeModelWithResponseStream` sends them.
fn chunks(events: &[Value]) -> Vec<Vec<u8>> {
    let chunk = |event: &Value| {
        let bytes = STANDARD.encode(event.to_string());
        wire::event("chunk", &json!({"bytes": bytes, "p": "abc"}))
    };
    events.iter().map(chunk).collect()
}

fn claude() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": {"id": "msg_bdrk_1", "type": "message",
            "role": "assistant", "model": "claude", "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": {"input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 7}}),
    ]
}

#[test]
fn claude_is_invoked_with_the_clients_own_body_and_betas_in_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        let message = json!({"id": "msg_bdrk_1", "type": "message", "role": "assistant",
            "model": "claude", "content": [{"type": "text", "text": "Hello."}],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 7, "output_tokens": 3}});
        fake.always(Reply::json(message.to_string()));
        let stage = Stage::open(invoke(&fake));
        let answer = stage.ask(messages(Whole)).await;
        assert_eq!(answer.json(), message);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/model/m/invoke");
        assert_eq!(
            seen.json(),
            json!({"max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}],
                "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["known-beta"]})
        );
        for header in ["anthropic-version", "anthropic-beta"] {
            assert!(!seen.headers.contains_key(header), "{header}");
        }
        let answer = stage.ask(asked(Whole)).await;
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello.");
        let body = fake.last_request().json();
        assert_eq!(body["anthropic_version"], "bedrock-2023-05-31");
        assert!(body.get("anthropic_beta").is_none(), "{body}");
    });
}

#[test]
fn claudes_stream_is_unwrapped_for_every_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stream = chunks(&claude()).concat();
        let pieces: Vec<_> = stream.chunks(100).map(<[u8]>::to_vec).collect();
        fake.always(binary(pieces));
        let stage = Stage::open(invoke(&fake));
        let answer = stage.ask(messages(Streamed)).await;
        let written: String = claude()
            .iter()
            .map(|event| {
                format!(
                    "event: {}\ndata: {event}\n\n",
                    event["type"].as_str().expect("a type")
                )
            })
            .collect();
        assert_eq!(answer.text(), written);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/model/m/invoke-with-response-stream");
        assert!(seen.json().get("stream").is_none());
        let answer = stage.ask(asked(Streamed)).await;
        let text = answer.text();
        assert!(
            text.contains("Hello.") && text.ends_with("data: [DONE]\n\n"),
            "{text}"
        );
        for record in stage.settled(2).await {
            assert_eq!((record.usage.input, record.usage.output), (7, 3));
        }
    });
}

#[test]
fn an_exception_in_claudes_stream_is_an_error_of_the_clients() {
    play(async || {
        let fake = FakeProvider::start().await;
        let begun = || chunks(&claude()[..3]);
        let exception = wire::exception("modelStreamErrorException", "The model broke.");
        fake.script(vec![
            binary(begun().into_iter().chain([exception.clone()])),
            binary(begun().into_iter().chain([exception])),
            binary(begun()),
        ]);
        let stage = Stage::open(invoke(&fake));
        for ask in [messages(Streamed), asked(Streamed), messages(Streamed)] {
            let answer = stage.ask(ask).await;
            let text = answer.text();
            assert!(
                text.contains("Hello.") && text.contains("\"error\""),
                "{text}"
            );
            assert!(
                !text.contains("[DONE]") && !text.contains("message_stop"),
                "{text}"
            );
        }
        for record in stage.settled(3).await {
            assert_eq!(record.outcome, Outcome::UpstreamBroke);
        }
    });
}
