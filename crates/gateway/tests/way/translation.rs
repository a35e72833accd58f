//! `OpenAI`'s clients, and targets that speak something else.

use domain::canon::Dialect;
use domain::model::{Losses, Provider, WireFormat};
use domain::record::Outcome;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn scene(fake: &FakeProvider, dialect: Dialect) -> Scene {
    usual(fake).with(speaks(dialect))
}

fn asked(fake: &FakeProvider) -> Value {
    serde_json::from_slice(&fake.last_request().body).expect("JSON")
}

const QUESTION: &str = r#"{"model":"m","max_tokens":50,"messages":[
    {"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#;

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude",
    "content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,
    "usage":{"input_tokens":7,"cache_read_input_tokens":5,"cache_creation_input_tokens":0,"output_tokens":3}}"#;

const MESSAGE_STREAM: &[&str] = &[
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\":\"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo.\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":3}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

/// The texts of a stream's chunks, joined.
fn streamed(text: &str) -> String {
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let chunks = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let texts = chunks.filter_map(|chunk| {
        let text = chunk["choices"][0]["delta"]["content"].as_str();
        text.map(str::to_owned)
    });
    texts.collect()
}

#[test]
fn anthropic_is_asked_in_its_own_dialect_and_answers_in_the_clients() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(MESSAGE)]);
        let stage = Stage::open(scene(&fake, Dialect::Anthropic));
        let answer = stage.ask(Ask::chat(QUESTION)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/messages");
        assert_eq!(seen.headers["anthropic-version"], "2023-06-01");
        let asked = asked(&fake);
        assert_eq!(asked["max_tokens"], 50);
        assert_eq!(asked["messages"][0]["role"], "user");
        assert!(asked["system"].to_string().contains("Be brief."), "{asked}");
        let said = answer.json();
        assert_eq!(said["object"], "chat.completion");
        assert_eq!(said["choices"][0]["message"]["content"], "Hello.");
        assert_eq!(said["choices"][0]["finish_reason"], "stop");
        assert_eq!(said["usage"]["prompt_tokens"], 12);
        let records = stage.settled(1).await;
        let usage = records[0].usage;
        assert_eq!((usage.input, usage.cached_input, usage.output), (7, 5, 3));
    });
}

#[test]
fn an_anthropic_stream_becomes_chunks_and_its_tokens_are_booked() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::sse(MESSAGE_STREAM.iter().copied())]);
        let stage = Stage::open(scene(&fake, Dialect::Anthropic));
        let question = QUESTION.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
        let answer = stage.ask(Ask::chat(question)).await;
        let text = answer.text();
        assert_eq!(streamed(text), "Hello.");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        assert!(
            !text.contains("\"usage\":{"),
            "nobody asked for usage: {text}"
        );
        let records = stage.settled(1).await;
        assert_eq!(records[0].outcome, Outcome::Complete);
        assert_eq!((records[0].usage.input, records[0].usage.output), (7, 3));
    });
}

#[test]
fn an_anthropic_stream_that_is_cut_is_told_to_be_incomplete() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::sse(MESSAGE_STREAM[..5].iter().copied())]);
        let stage = Stage::open(scene(&fake, Dialect::Anthropic));
        let question = QUESTION.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
        let answer = stage.ask(Ask::chat(question)).await;
        assert_eq!(streamed(answer.text()), "Hello.");
        assert!(answer.text().contains("\"error\""), "{}", answer.text());
        assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
        let records = stage.settled(1).await;
        assert_eq!(records[0].outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn a_busy_anthropic_is_a_limit_to_the_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}"#;
        let busy = || {
            Reply::json(body)
                .with_status(429)
                .header("retry-after", "7")
        };
        fake.script((0..5).map(|_| busy()).collect());
        let stage = Stage::open(scene(&fake, Dialect::Anthropic));
        let answer = stage.ask(Ask::chat(QUESTION)).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "7");
        assert!(answer.json()["error"]["message"].is_string());
    });
}

#[test]
fn what_the_target_cannot_be_told_is_refused_or_dropped_by_policy() {
    play(async || {
        let question = QUESTION.replace("\"max_tokens\"", "\"logprobs\":true,\"max_tokens\"");
        let fake = FakeProvider::start().await;
        let stage = Stage::open(scene(&fake, Dialect::Anthropic));
        let answer = stage.ask(Ask::chat(question.clone())).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.json()["error"]["param"], "logprobs");
        assert_eq!(fake.requests().len(), 0);

        fake.script(vec![Reply::json(MESSAGE)]);
        let lenient = |provider: &mut Provider| provider.losses = Losses::Drop;
        let stage = Stage::open(scene(&fake, Dialect::Anthropic).with(lenient));
        let answer = stage.ask(Ask::chat(question)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-portcullis-dropped"), "logprobs");
    });
}

#[test]
fn what_a_client_made_up_is_told_back_in_bounds() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(MESSAGE)]);
        let lenient = |provider: &mut Provider| provider.losses = Losses::Drop;
        let stage = Stage::open(scene(&fake, Dialect::Anthropic).with(lenient));
        let members: String = (0..200)
            .map(|n| format!("\"{}{n}\":1,", "x".repeat(300)))
            .collect();
        let question = QUESTION.replace("\"max_tokens\"", &format!("{members}\"max_tokens\""));
        let answer = stage.ask(Ask::chat(question)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.header("x-portcullis-dropped");
        assert!(
            told.len() < 1200 && told.ends_with("and 184 more"),
            "{told}"
        );
    });
}

const CANDIDATE: &str = r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Hello."}]},
    "finishReason":"STOP"}],"modelVersion":"gemini-x","responseId":"r1",
    "usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":3,"thoughtsTokenCount":2,"totalTokenCount":12}}"#;

#[test]
fn gemini_is_asked_by_its_own_path_and_answers_in_the_clients_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(CANDIDATE)]);
        let stage = Stage::open(scene(&fake, Dialect::Gemini));
        let answer = stage.ask(Ask::chat(QUESTION)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(fake.last_request().path, "/v1/models/m:generateContent");
        let asked = asked(&fake);
        assert_eq!(asked["contents"][0]["parts"][0]["text"], "Hi");
        assert_eq!(asked["generationConfig"]["maxOutputTokens"], 50);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello.");
        let records = stage.settled(1).await;
        let usage = records[0].usage;
        assert_eq!((usage.input, usage.output, usage.reasoning), (7, 3, 2));
    });
}

#[test]
fn a_gemini_stream_ends_where_its_finish_reason_came() {
    play(async || {
        let piece = |text: &str, rest: &str| {
            format!(
                "data: {{\"candidates\":[{{\"index\":0,\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":{}}}]}}{rest}}}],\"modelVersion\":\"g\",\"responseId\":\"r1\"}}\r\n\r\n",
                json!(text)
            )
        };
        let fake = FakeProvider::start().await;
        let whole = [piece("Hel", ""), piece("lo.", ",\"finishReason\":\"STOP\"")];
        fake.script(vec![
            Reply::sse(whole.clone()),
            Reply::sse(whole[..1].to_vec()),
        ]);
        let stage = Stage::open(scene(&fake, Dialect::Gemini));
        let question = QUESTION.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
        let answer = stage.ask(Ask::chat(question.clone())).await;
        assert_eq!(
            fake.last_request().path,
            "/v1/models/m:streamGenerateContent?alt=sse"
        );
        assert_eq!(streamed(answer.text()), "Hello.");
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        let cut = stage.ask(Ask::chat(question)).await;
        assert!(cut.text().contains("\"error\""), "{}", cut.text());
        let records = stage.settled(2).await;
        assert_eq!(records[0].outcome, Outcome::Complete);
        assert_eq!(records[1].outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn a_fallback_to_another_dialect_changes_path_and_body() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        first.script((0..5).map(|_| Reply::status(500)).collect());
        second.script(vec![Reply::json(MESSAGE)]);
        let scene = Scene::new()
            .provider_at("first", first.address())
            .provider_at("second", second.address())
            .with(speaks(Dialect::Anthropic))
            .key(KEY, testkit::scene::Limits::default())
            .model_at("m", &["first", "second"]);
        let stage = Stage::open(scene);
        let answer = stage.ask(Ask::chat(QUESTION)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(first.last_request().path, "/v1/chat/completions");
        assert_eq!(second.last_request().path, "/v1/messages");
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello.");
    });
}
