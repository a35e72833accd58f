//! Words that a streamed answer writes in escapes.

use domain::canon::Dialect;
use domain::guard::Action;
use domain::model::{Provider, WireFormat};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, usual};

fn chunk(delta: &Value, finish: Option<&str>) -> Vec<u8> {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [choice]});
    format!("data: {chunk}\n\n").into_bytes()
}

/// A call whose arguments come in these pieces.
fn calling(pieces: &[&str]) -> Reply {
    let call = |more: Value| json!({"tool_calls": [more]});
    let begin = json!({"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "f", "arguments": ""}});
    let mut chunks = vec![
        chunk(&json!({"role": "assistant", "content": null}), None),
        chunk(&call(begin), None),
    ];
    for piece in pieces {
        let more = json!({"index": 0, "function": {"arguments": piece}});
        chunks.push(chunk(&call(more), None));
    }
    chunks.push(chunk(&json!({}), Some("tool_calls")));
    chunks.push(b"data: [DONE]\n\n".to_vec());
    Reply::sse(chunks)
}

/// The same question of the clients of every dialect.
fn clients() -> [Ask; 4] {
    let tool = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let messages = json!([{"role": "user", "content": "x"}]);
    let function = json!({"name": "f", "parameters": tool});
    let openai = json!({"model": "m", "stream": true, "messages": messages,
        "tools": [{"type": "function", "function": function}]});
    let responses = json!({"model": "m", "stream": true, "input": "x", "store": false,
        "tools": [{"type": "function", "name": "f", "parameters": tool}]});
    let anthropic = json!({"model": "m", "stream": true, "max_tokens": 9, "messages": messages,
        "tools": [{"name": "f", "input_schema": tool}]});
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "tools": [{"functionDeclarations": [function]}]});
    let to = |path: &str, body: &Value| Ask::to("POST", path, body.to_string());
    let bearer = format!("Bearer {KEY}");
    [
        Ask::chat(openai.to_string()),
        to("/v1/responses", &responses).with("authorization", &bearer),
        to("/v1/messages", &anthropic)
            .with("x-api-key", KEY)
            .with("anthropic-version", "2026-10-21"),
        to("/v1beta/models/m:streamGenerateContent?alt=sse", &gemini).with("x-goog-api-key", KEY),
    ]
}

#[test]
fn a_word_in_the_escapes_of_streamed_arguments_never_leaves_to_any_client() {
    play(async || {
        let whole = r#"{"a":"my \u0073e\u0063ret"}"#;
        for at in 1..whole.len() {
            let (first, second) = whole.split_at(at);
            let fake = FakeProvider::start().await;
            fake.always(calling(&[first, second]));
            let policy = guarded("secret", Action::Block, BOTH);
            let stage = Stage::open(usual(&fake).policy(policy));
            for ask in clients() {
                let text = stage.ask(ask).await.text().to_owned();
                for part in ["secret", "u0073", "u0063", "ret"] {
                    let said = text.replace("guardrail", "").replace("returned", "");
                    assert!(!said.contains(part), "{part} of {first}|{second}: {text}");
                }
                assert!(text.contains("words"), "the guard is named: {text}");
            }
        }
    });
}

#[test]
fn arguments_of_a_provider_of_another_dialect_are_read_as_well() {
    play(async || {
        let fake = FakeProvider::start().await;
        let event = |kind: &str, data: Value| format!("event: {kind}\ndata: {data}\n\n");
        let delta = |text: &str| {
            let delta = json!({"type": "input_json_delta", "partial_json": text});
            let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
            event("content_block_delta", data)
        };
        let usage = json!({"input_tokens": 1, "output_tokens": 1});
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
        let events = [
            event(
                "message_start",
                json!({"type": "message_start", "message": message}),
            ),
            event(
                "content_block_start",
                json!({"type": "content_block_start", "index": 0, "content_block": call}),
            ),
            delta(r#"{"a":"\u00"#),
            delta(r#"73ecret"}"#),
            event(
                "content_block_stop",
                json!({"type": "content_block_stop", "index": 0}),
            ),
        ];
        fake.always(Reply::sse(events.map(String::into_bytes)));
        let scene = usual(&fake).with(|provider: &mut Provider| {
            provider.format = WireFormat::Dialect(Dialect::Anthropic);
        });
        let stage = Stage::open(scene.policy(guarded("secret", Action::Block, BOTH)));
        for ask in clients() {
            let text = stage.ask(ask).await.text().to_owned();
            assert!(
                !text.contains("73ecret") && text.contains("words"),
                "{text}"
            );
        }
    });
}
