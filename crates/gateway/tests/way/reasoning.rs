//! Signed reasoning that a client does not send back is kept, and put back.

use std::time::Duration;

use domain::ability::Ability;
use domain::canon::Dialect;
use domain::guard::Action;
use domain::model::{Deployment, WireFormat};
use domain::party::Level;
use domain::terms::Terms;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::scene::principal_of;
use testkit::{FakeProvider, Reply, Scene};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, usual};

const CLAUDE: &str = "claude-sonnet-4-5";
const HOUR: Duration = Duration::from_secs(3600);

fn thinks(model: &mut Deployment) {
    model.max_output = Some(8000);
    model.abilities = Some([Ability::Tools, Ability::Reasoning].into_iter().collect());
}

/// A model by this name at a provider of this dialect, as `m`.
fn thinker(scene: Scene, dialect: Dialect, model: &'static str) -> Scene {
    let scene = scene.with(|provider| provider.format = WireFormat::Dialect(dialect));
    let scene = scene.model(model).known(thinks);
    let scene = scene.alias("t", model);
    scene.adjust(|snapshot| snapshot.reasoning = HOUR)
}

fn blocks() -> Value {
    json!([{"type": "thinking", "thinking": "Hm.", "signature": "sig-1"},
        {"type": "redacted_thinking", "data": "hidden"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it", "n": 1.0}},
        {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}])
}

fn message() -> Reply {
    saying(&blocks())
}

fn saying(content: &Value) -> Reply {
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": content, "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 3}});
    Reply::json(body.to_string())
}

/// The same as events.
fn message_events() -> Vec<String> {
    let event = |body: Value| {
        let kind = body["type"].as_str().expect("a type").to_owned();
        format!("event: {kind}\ndata: {body}\n\n")
    };
    let start = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}});
    let mut events = vec![event(json!({"type": "message_start", "message": start}))];
    for (index, block) in blocks().as_array().expect("blocks").iter().enumerate() {
        let mut begun = block.clone();
        let deltas = match block["type"].as_str() {
            Some("thinking") => {
                (begun["thinking"], begun["signature"]) = (json!(""), json!(""));
                vec![
                    json!({"type": "thinking_delta", "thinking": "H"}),
                    json!({"type": "thinking_delta", "thinking": "m."}),
                    json!({"type": "signature_delta", "signature": "sig-1"}),
                ]
            }
            Some("text") => {
                begun["text"] = json!("");
                vec![json!({"type": "text_delta", "text": "I look."})]
            }
            Some("tool_use") => {
                begun["input"] = json!({});
                let input = block["input"].to_string();
                vec![json!({"type": "input_json_delta", "partial_json": input})]
            }
            _ => Vec::new(),
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": begun});
        events.push(event(start));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push(event(delta));
        }
        events.push(event(json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({"stop_reason": "tool_use"});
    let usage = json!({"output_tokens": 3});
    events.push(event(
        json!({"type": "message_delta", "delta": delta, "usage": usage}),
    ));
    events.push(event(json!({"type": "message_stop"})));
    events
}

/// A question, or the next of its loop with nothing but the calls sent back.
fn question(calls: &[(&str, &str)]) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "Hi"})];
    if !calls.is_empty() {
        let told = calls.iter().map(|(id, arguments)| {
            let function = json!({"name": "look", "arguments": arguments});
            json!({"id": id, "type": "function", "function": function})
        });
        let calling: Vec<Value> = told.collect();
        messages.push(json!({"role": "assistant", "content": "I look.",
            "reasoning_content": "Hm.", "tool_calls": calling}));
        let results = calls
            .iter()
            .map(|(id, _)| json!({"role": "tool", "tool_call_id": id, "content": "Seen."}));
        messages.extend(results);
    }
    let tool = json!({"type": "function", "function": {"name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}});
    json!({"model": "t", "messages": messages, "tools": [tool], "reasoning_effort": "low"})
}

const CALLS: &[(&str, &str)] = &[
    ("toolu_1", r#"{ "n": 1.0, "at": "it" }"#),
    ("toolu_2", "{}"),
];

fn asked(fake: &FakeProvider) -> Value {
    serde_json::from_slice(&fake.last_request().body).expect("JSON")
}

async fn ask(stage: &Stage, key: &str, body: Value) {
    let answer = stage.ask(Ask::chat(body.to_string()).key(key)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Whether Claude was told to think, and the turn of its that it was told of.
fn told(fake: &FakeProvider) -> (bool, Value) {
    let asked = asked(fake);
    let thinks = asked["thinking"]["type"] == "enabled";
    (thinks, asked["messages"][1]["content"].clone())
}

fn bare() -> Value {
    let blocks = blocks();
    let bare = blocks.as_array().expect("blocks").iter().skip(2);
    bare.cloned().collect()
}

/// Asks once, and again with what came; gives what Claude was told then.
async fn looped(
    scene: impl FnOnce(Scene) -> Scene,
    (first, is_streamed): (Reply, bool),
    calls: &[(&str, &str)],
    again_as: &str,
) -> (bool, Value) {
    let fake = FakeProvider::start().await;
    fake.script(vec![first, message()]);
    let stage = Stage::open(scene(thinker(usual(&fake), Dialect::Anthropic, CLAUDE)));
    let mut begins = question(&[]);
    begins["stream"] = is_streamed.into();
    ask(&stage, KEY, begins).await;
    ask(&stage, again_as, question(calls)).await;
    told(&fake)
}

fn same(scene: Scene) -> Scene {
    scene
}

#[test]
fn claude_goes_on_thinking_though_the_client_lost_its_thoughts() {
    play(async || {
        for first in [(message(), false), (Reply::sse(message_events()), true)] {
            let told = looped(same, first, CALLS, KEY).await;
            assert_eq!(told, (true, blocks()));
        }
    });
}

#[test]
fn an_answer_that_was_cut_leaves_no_reasoning() {
    play(async || {
        let mut events = message_events();
        events.truncate(events.len() - 2);
        let told = looped(same, (Reply::sse(events), true), CALLS, KEY).await;
        assert_eq!(told, (false, bare()));
    });
}

#[test]
fn no_other_key_gets_what_was_kept() {
    play(async || {
        let other = |scene: Scene| {
            scene
                .key("sk-other", Limits::default())
                // The same id as the first, in another tenant.
                .principal(
                    "sk-elsewhere",
                    principal_of(
                        "key_1",
                        &[("elsewhere", Level::Tenant, Terms::default())],
                        Terms::default(),
                    ),
                )
        };
        for key in ["sk-other", "sk-elsewhere"] {
            let told = looped(other, (message(), false), CALLS, key).await;
            assert_eq!(told, (false, bare()), "{key}");
        }
    });
}

#[test]
fn a_call_that_is_another_gets_no_reasoning() {
    play(async || {
        let calls = [("toolu_1", r#"{"at":"that"}"#), ("toolu_2", "{}")];
        let (thinks, content) = looped(same, (message(), false), &calls, KEY).await;
        assert!(!thinks);
        assert_eq!(content[0], json!({"type": "text", "text": "I look."}));
    });
}

#[test]
fn where_policy_keeps_nothing_the_loop_goes_on_without_thinking() {
    play(async || {
        let never = |scene: Scene| scene.adjust(|snapshot| snapshot.reasoning = Duration::ZERO);
        let told = looped(never, (message(), false), CALLS, KEY).await;
        assert_eq!(told, (false, bare()));
    });
}

#[test]
fn reasoning_is_forgotten_once_nobody_has_used_it_for_so_long() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![message(), message(), message(), message()]);
        let stage = Stage::open(thinker(usual(&fake), Dialect::Anthropic, CLAUDE));
        ask(&stage, KEY, question(&[])).await;
        for (wait, thinks) in [(HOUR / 2, true), (HOUR * 2 / 3, true), (HOUR, false)] {
            tokio::time::sleep(wait).await;
            ask(&stage, KEY, question(CALLS)).await;
            assert_eq!(told(&fake).0, thinks, "{wait:?}");
        }
    });
}

#[test]
fn claudes_reasoning_goes_to_its_other_provider_unless_a_policy_reads() {
    play(async || {
        for is_read in [false, true] {
            let (one, other) = (FakeProvider::start().await, FakeProvider::start().await);
            one.script(vec![message(), Reply::status(503), message()]);
            let done = json!([{"type": "text", "text": "Done."}]);
            other.script(vec![saying(&done)]);
            let scene = thinker(usual(&one), Dialect::Anthropic, "x")
                .provider_at("other", other.address())
                .with(|provider| provider.format = WireFormat::Dialect(Dialect::Anthropic))
                .model_at(CLAUDE, &["fake", "other"])
                .known(thinks)
                .adjust(|snapshot| snapshot.retry.retries = 1)
                .alias("t", CLAUDE);
            let stage = Stage::open(match is_read {
                true => scene.policy(guarded("forbidden", Action::Block, BOTH)),
                false => scene,
            });
            ask(&stage, KEY, question(&[])).await;
            ask(&stage, KEY, question(CALLS)).await;
            let expected = match is_read {
                true => (false, bare()),
                false => (true, blocks()),
            };
            assert_eq!(told(&other), expected, "{is_read}");
            ask(&stage, KEY, question(CALLS)).await;
            assert_eq!(told(&one), (true, blocks()), "{is_read}");
        }
    });
}

#[test]
fn gemini_gets_the_signature_that_it_made() {
    play(async || {
        let call = json!({"functionCall": {"name": "look", "args": {"at": "it"}},
            "thoughtSignature": "c2ln"});
        let body = json!({"candidates": [{"content": {"role": "model", "parts": [call]},
            "finishReason": "STOP", "index": 0}], "responseId": "r1",
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}});
        for is_streamed in [false, true] {
            let fake = FakeProvider::start().await;
            fake.script(vec![
                match is_streamed {
                    true => Reply::sse([format!("data: {body}\n\n")]),
                    false => Reply::json(body.to_string()),
                },
                Reply::json(body.to_string()),
            ]);
            let stage = Stage::open(thinker(usual(&fake), Dialect::Gemini, "gemini-3-flash"));
            let mut begins = question(&[]);
            begins["stream"] = is_streamed.into();
            let answer = stage.ask(Ask::chat(begins.to_string())).await;
            let id = answer
                .text()
                .split("\"id\":\"call_")
                .nth(1)
                .expect("a call");
            let id = format!("call_{}", id.split('"').next().expect("its id"));
            ask(&stage, KEY, question(&[(&id, r#"{"at":"it"}"#)])).await;
            let parts = &asked(&fake)["contents"][1]["parts"];
            let call = parts.as_array().expect("parts").last().expect("a call");
            assert_eq!(call["thoughtSignature"], "c2ln", "{parts}");
        }
    });
}

#[test]
fn encrypted_reasoning_stands_before_its_call_again() {
    play(async || {
        let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"});
        let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1",
            "name": "look", "arguments": "{}", "status": "completed"});
        let body = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.1",
            "status": "completed", "output": [thought, call],
            "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}});
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::json(body.to_string()),
            Reply::json(body.to_string()),
        ]);
        let stage = Stage::open(thinker(usual(&fake), Dialect::Responses, "gpt-5.1"));
        ask(&stage, KEY, question(&[])).await;
        ask(&stage, KEY, question(&[("call_1", "{}")])).await;
        let asked = asked(&fake);
        let input = asked["input"].as_array().expect("items");
        let at = input.iter().position(|item| item["type"] == "reasoning");
        let at = at.unwrap_or_else(|| panic!("no reasoning in {asked}"));
        assert_eq!(input[at]["encrypted_content"], "sealed");
        let behind = input[at..].iter().map(|item| item["type"].as_str());
        let expected = [Some("reasoning"), Some("message"), Some("function_call")];
        assert_eq!(behind.take(3).collect::<Vec<_>>(), expected, "{asked}");
    });
}
