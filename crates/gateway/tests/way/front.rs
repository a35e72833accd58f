//! Clients that speak Anthropic's or Gemini's dialect.

use domain::canon::Dialect;
use domain::guard::{Action, Direction};
use domain::model::{Losses, Provider, WireFormat};
use domain::record::Outcome;
use serde_json::Value;
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, usual};

const ASK: &str = r#"{"model":"m","max_tokens":50,"x_new":{"deep":[1e400]},"system":"Be brief.",
    "messages":[{"role":"user","content":"Hi"}]}"#;
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","x_new":1e400,
    "content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,
    "usage":{"input_tokens":7,"output_tokens":3}}"#;
const EVENTS: &[&str] = &[
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello.\"}, \"x_new\": 1e400}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":3}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn messages(body: impl Into<bytes::Bytes>) -> Ask {
    Ask::to("POST", "/v1/messages", body)
        .with("x-api-key", KEY)
        .with("anthropic-version", "2026-10-21")
        .with("anthropic-beta", "some-beta")
}

fn streamed() -> String {
    ASK.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"")
}

#[test]
fn anthropics_client_and_anthropic_exchange_their_own_bytes() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::json(MESSAGE),
            Reply::sse(EVENTS.iter().copied()),
        ]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Anthropic)));
        let answer = stage.ask(messages(ASK)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = fake.last_request();
        assert_eq!(
            (seen.path.as_str(), &seen.body[..]),
            ("/v1/messages", ASK.as_bytes())
        );
        assert_eq!(seen.headers["anthropic-version"], "2026-10-21");
        assert_eq!(seen.headers["anthropic-beta"], "some-beta");
        assert_eq!(answer.body, MESSAGE);
        let answer = stage.ask(messages(streamed())).await;
        assert_eq!(answer.text(), EVENTS.concat());
        for record in stage.settled(2).await {
            assert_eq!(record.outcome, Outcome::Complete);
            assert_eq!((record.usage.input, record.usage.output), (7, 3));
        }
    });
}

#[test]
fn anthropics_client_is_answered_by_openais_server() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("Hello."),
            Reply::chat_stream(&["Hel", "lo."]),
            Reply::tool_calls(&[("look", "{\"at\":1}")]),
        ]);
        let stage = Stage::open(usual(&fake));
        let ask = ASK.replace("\"x_new\":{\"deep\":[1e400]},", "");
        let said = stage.ask(messages(ask.clone())).await.json();
        assert_eq!(fake.last_request().path, "/v1/chat/completions");
        assert_eq!(said["type"], "message");
        assert_eq!(said["content"][0]["text"], "Hello.");
        assert_eq!(said["stop_reason"], "end_turn");
        let stream = ask.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
        let answer = stage.ask(messages(stream)).await;
        let text = answer.text();
        assert!(text.starts_with("event: message_start\n"), "{text}");
        assert!(text.contains("\"text\":\"Hel\""), "{text}");
        assert!(
            text.trim_end()
                .ends_with("data: {\"type\":\"message_stop\"}"),
            "{text}"
        );
        let said = stage.ask(messages(ask)).await.json();
        assert_eq!(said["content"][0]["type"], "tool_use");
        assert_eq!(said["content"][0]["input"]["at"], 1);
        assert_eq!(said["stop_reason"], "tool_use");
    });
}

#[test]
fn errors_are_in_the_clients_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let unknown = ASK.replace("\"m\"", "\"nobody\"");
        let answer = stage.ask(messages(unknown)).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert_eq!(answer.json()["type"], "error");
        assert_eq!(answer.json()["error"]["type"], "not_found_error");
        let answer = stage.ask(Ask::to("POST", "/v1/messages", ASK)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"]["type"], "authentication_error");
        let path = "/v1beta/models/nobody:generateContent";
        let asked = Ask::to(
            "POST",
            path,
            "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}]}",
        );
        let answer = stage.ask(asked.with("x-goog-api-key", KEY)).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert_eq!(answer.json()["error"]["status"], "NOT_FOUND");
    });
}

#[test]
fn anthropics_client_finds_the_request_id_under_its_own_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("Hello."), Reply::chat_stream(&["Hello."])]);
        let stage = Stage::open(usual(&fake));
        let ask = ASK.replace("\"x_new\":{\"deep\":[1e400]},", "");
        let models = Ask::to("GET", "/v1/models", "").with("anthropic-version", "2023-06-01");
        for asked in [
            messages(ask.clone()),
            messages(ask.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"")),
            messages(ask.replace("\"m\"", "\"nobody\"")),
            models.with("x-api-key", KEY),
        ] {
            let answer = stage.ask(asked).await;
            let id = answer.header("request-id");
            assert!(id.starts_with("req_"), "{}", answer.text());
            assert_eq!(id, answer.header("x-request-id"));
        }
    });
}

#[test]
fn an_sdk_is_told_to_go_on_without_a_thread_where_none_can_be() {
    play(async || {
        let fake = FakeProvider::start().await;
        for losses in [Losses::Strict, Losses::Drop] {
            let stage = Stage::open(usual(&fake).with(|it| it.losses = losses));
            let thread = "\"thread\":{\"type\":\"create\"}";
            let ask = ASK.replace("\"x_new\":{\"deep\":[1e400]}", thread);
            let answer = stage.ask(messages(ask)).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            let error = &answer.json()["error"];
            assert_eq!(error["type"], "invalid_request_error");
            assert_eq!(error["details"]["error_code"], "thread_unsupported_request");
            assert_eq!(error["details"]["unsupported"][0], "thread");
        }
    });
}

#[test]
fn a_thread_that_anthropic_lost_is_told_by_its_code() {
    play(async || {
        let fake = FakeProvider::start().await;
        let lost = r#"{"type":"error","error":{"type":"not_found_error","message":"Thread not found",
            "details":{"error_code":"thread_not_found"}}}"#;
        fake.script(vec![Reply::json(lost).with_status(404)]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Anthropic)));
        let answer = stage.ask(messages(ASK)).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        let details = &answer.json()["error"]["details"];
        assert_eq!(details["error_code"], "thread_not_found");
    });
}

#[test]
fn a_cut_stream_ends_with_an_error_event_of_the_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::sse(EVENTS[..4].iter().copied())]);
        let stage = Stage::open(usual(&fake).with(speaks(Dialect::Anthropic)));
        let answer = stage.ask(messages(streamed())).await;
        let text = answer.text();
        assert!(text.contains("event: error\n"), "{text}");
        assert!(!text.contains("message_stop"), "{text}");
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn tokens_are_counted_without_asking_anybody() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let asked = Ask::to("POST", "/v1/messages/count_tokens", ASK).with("x-api-key", KEY);
        let counted = stage.ask(asked).await;
        assert_eq!(counted.json(), serde_json::json!({"input_tokens": 11}));
        assert_eq!(counted.header("x-portcullis-counted-by"), "gateway");
        let path = "/v1beta/models/m:countTokens";
        let asked = Ask::to(
            "POST",
            path,
            "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}]}",
        );
        let counted = stage.ask(asked.with("x-goog-api-key", KEY)).await.json();
        assert_eq!(counted, serde_json::json!({"totalTokens": 5}));
        assert_eq!(fake.count(), 0);
        for record in stage.settled(2).await {
            assert_eq!(record.operation, "count_tokens");
            assert_eq!(record.model.as_ref().map(|m| m.as_str()), Some("m"));
            let costs = (record.usage.total(), record.cost, record.price_missing);
            assert_eq!(costs, (0, None, false));
        }
    });
}

#[test]
fn geminis_client_is_answered_by_anybody() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("Hello."),
            Reply::chat_stream(&["Hel", "lo."]),
        ]);
        let stage = Stage::open(usual(&fake));
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":9}}"#;
        let to = |path: &str| Ask::to("POST", path, body).with("x-goog-api-key", KEY);
        let said = stage
            .ask(to("/v1beta/models/m:generateContent"))
            .await
            .json();
        assert_eq!(
            said["candidates"][0]["content"]["parts"][0]["text"],
            "Hello."
        );
        assert_eq!(said["candidates"][0]["finishReason"], "STOP");
        let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
        let answer = stage.ask(to(path)).await;
        let events = answer
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let texts: String = events
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|event| {
                let text = &event["candidates"][0]["content"]["parts"][0]["text"];
                text.as_str().map(str::to_owned)
            })
            .collect();
        assert_eq!(texts, "Hello.");
        let records = stage.settled(2).await;
        assert!(
            records
                .iter()
                .all(|record| record.outcome == Outcome::Complete)
        );
    });
}

#[test]
fn a_client_of_responses_is_answered_by_anybody() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("Hello."),
            Reply::chat_stream(&["Hel", "lo."]),
        ]);
        let stage = Stage::open(usual(&fake));
        let ask = |rest: &str| {
            let body = format!(r#"{{"model":"m","input":"Hi"{rest}}}"#);
            Ask::to("POST", "/v1/responses", body).key(KEY)
        };
        let said = stage.ask(ask("")).await.json();
        assert_eq!(said["object"], "response");
        assert_eq!(said["output"][0]["content"][0]["text"], "Hello.");
        assert_eq!(fake.last_request().path, "/v1/chat/completions");
        let answer = stage.ask(ask(",\"stream\":true")).await;
        let text = answer.text();
        assert!(text.starts_with("event: response.created\n"), "{text}");
        assert!(text.contains("event: response.completed\n"), "{text}");
        assert_eq!(stage.settled(2).await.len(), 2);
    });
}

#[test]
fn a_gemini_stream_without_events_is_one_array_and_its_key_may_stand_in_the_query() {
    play(async || {
        let fake = FakeProvider::start().await;
        let deltas = Reply::chat_stream(&["Hel", "lo."]);
        fake.script(vec![
            deltas,
            Reply::sse(["data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"]),
        ]);
        let stage = Stage::open(usual(&fake));
        let path = format!("/v1beta/models/m:streamGenerateContent?key={KEY}");
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
        let answer = stage.ask(Ask::to("POST", &path, body)).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let items = answer.json();
        let items = items.as_array().expect("an array");
        let text = |item: &Value| {
            let text = &item["candidates"][0]["content"]["parts"][0]["text"];
            text.as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(items.iter().map(text).collect::<String>(), "Hello.");
        let cut = stage.ask(Ask::to("POST", &path, body)).await.json();
        let last = cut.as_array().expect("an array").last().cloned();
        assert!(last.is_some_and(|item| item["error"].is_object()), "{cut}");
    });
}

#[test]
fn no_dialect_is_a_way_around_a_guard() {
    play(async || {
        let fake = FakeProvider::start().await;
        let scene = usual(&fake).with(speaks(Dialect::Anthropic));
        let stage = Stage::open(scene.policy(guarded("secret", Action::Block, BOTH)));
        let said = ASK.replace("Be brief.", "A s\\u0065cret.");
        let answer = stage.ask(messages(said)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains("secret"));
        assert_eq!(fake.count(), 0);
        // A field that nobody knows is none either.
        let hidden = ASK.replace("1e400", "\"a secret\"");
        let answer = stage.ask(messages(hidden)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn a_guard_reads_anthropics_streams_before_they_leave() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::sse(
            EVENTS
                .iter()
                .map(|event| event.replace("Hello.", "my secret")),
        )]);
        let scene = usual(&fake).with(speaks(Dialect::Anthropic));
        let reads = &[Direction::Answer];
        let stage = Stage::open(scene.policy(guarded("secret", Action::Block, reads)));
        let answer = stage.ask(messages(streamed())).await;
        let text = answer.text();
        assert!(!text.contains("my"), "{text}");
        assert!(text.contains("event: error\n"), "{text}");
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::GuardEnded);
    });
}
