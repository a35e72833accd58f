//! Tools that take free text, at targets that know functions only.

use std::sync::Arc;

use domain::canon::Dialect;
use domain::model::WireFormat;
use domain::quirks::Quirks;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply};

use crate::stage::{Ask, KEY, Stage, play, usual};

const TEXT: &str = "*** Begin \"Patch\"\n+ é";

fn question(is_streamed: &str) -> String {
    let asked = r#"{"model":"m","stream":STREAMED,"messages":[{"role":"user","content":"Hi"}],
        "tools":[{"type":"custom","custom":{"name":"patch","description":"d"}},
        {"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#;
    asked.replace("STREAMED", is_streamed)
}

fn input() -> String {
    json!({ "input": TEXT }).to_string()
}

#[test]
fn a_free_form_call_is_one_again_in_the_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        let whole = json!({"id":"msg_1","type":"message","role":"assistant","model":"claude",
            "content":[
                {"type":"tool_use","id":"toolu_1","name":"patch","input":{"input":TEXT}},
                {"type":"tool_use","id":"toolu_2","name":"f","input":{"input":TEXT}}],
            "stop_reason":"tool_use","stop_sequence":null,
            "usage":{"input_tokens":7,"output_tokens":3}});
        fake.always(Reply::json(whole.to_string()));
        let scene = usual(&fake);
        let scene = scene.with(|it| it.format = WireFormat::Dialect(Dialect::Anthropic));
        let stage = Stage::open(scene);
        let answer = stage.ask(Ask::chat(question("false"))).await.json();
        let calls = &answer["choices"][0]["message"]["tool_calls"];
        assert_eq!(calls[0]["type"], "custom", "{answer}");
        assert_eq!(calls[0]["custom"], json!({"name": "patch", "input": TEXT}));
        assert_eq!(calls[1]["type"], "function");
        let arguments = calls[1]["function"]["arguments"].as_str().expect("text");
        let arguments: Value = serde_json::from_str(arguments).expect("JSON");
        assert_eq!(arguments, json!({ "input": TEXT }));
    });
}

/// Anthropic's stream of one such call.
fn stream() -> Vec<String> {
    let event = |value: Value| {
        format!(
            "event: {}\ndata: {value}\n\n",
            value["type"].as_str().unwrap_or_default()
        )
    };
    let (first, second) = (&input()[..9].to_owned(), &input()[9..].to_owned());
    let delta = |json: &str| {
        event(json!({"type":"content_block_delta","index":0,
            "delta":{"type":"input_json_delta","partial_json":json}}))
    };
    vec![
        event(
            json!({"type":"message_start","message":{"id":"msg_1","type":"message",
            "role":"assistant","model":"claude","content":[],"stop_reason":null,
            "usage":{"input_tokens":7,"output_tokens":1}}}),
        ),
        event(
            json!({"type":"content_block_start","index":0,"content_block":
            {"type":"tool_use","id":"toolu_1","name":"patch","input":{}}}),
        ),
        delta(first),
        delta(second),
        event(json!({"type":"content_block_stop","index":0})),
        event(
            json!({"type":"message_delta","delta":{"stop_reason":"tool_use"},
            "usage":{"output_tokens":3}}),
        ),
        event(json!({"type":"message_stop"})),
    ]
}

#[test]
fn a_free_form_call_is_one_again_in_the_stream() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::sse(stream()));
        let scene = usual(&fake);
        let scene = scene.with(|it| it.format = WireFormat::Dialect(Dialect::Anthropic));
        let stage = Stage::open(scene);
        let answer = stage.ask(Ask::chat(question("true"))).await;
        let text = answer.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let chunks = lines.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        let calls = chunks.map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0].clone());
        let calls: Vec<Value> = calls.filter(|call| !call.is_null()).collect();
        assert_eq!(calls[0]["custom"]["name"], "patch", "{text}");
        let told = calls
            .iter()
            .filter_map(|call| call["custom"]["input"].as_str());
        assert_eq!(told.collect::<String>(), TEXT);
        assert!(text.contains("[DONE]"), "{text}");
    });
}

#[test]
fn a_client_of_responses_reads_its_text_from_the_stream() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::sse(stream()));
        let scene = usual(&fake);
        let scene = scene.with(|it| it.format = WireFormat::Dialect(Dialect::Anthropic));
        let asked = json!({"model":"m","input":"Hi","stream":true,
            "tools":[{"type":"custom","name":"patch"}]});
        let asked = Ask::to("POST", "/v1/responses", asked.to_string());
        let asked = asked.with("authorization", &format!("Bearer {KEY}"));
        let answer = Stage::open(scene).ask(asked).await;
        let text = answer.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = lines
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect();
        let done = |it: &&Value| it["type"] == "response.custom_tool_call_input.done";
        let done = events.iter().find(done).expect("a free-form call");
        assert_eq!(done["input"], TEXT, "{text}");
        let item = &events.last().expect("events")["response"]["output"][0];
        assert_eq!(
            (&item["type"], &item["input"]),
            (&json!("custom_tool_call"), &json!(TEXT))
        );
    });
}

#[test]
fn a_server_of_openais_dialect_gets_a_function_unless_it_takes_free_text() {
    let asked = json!({"model": "m", "input": "Hi", "store": false,
        "tools": [{"type": "custom", "name": "patch", "description": "d"}]});
    for takes_it in [false, true] {
        let asked = asked.to_string();
        play(async move || {
            let fake = FakeProvider::start().await;
            let call = match takes_it {
                true => {
                    json!({"id": "c", "type": "custom", "custom": {"name": "patch", "input": TEXT}})
                }
                false => {
                    json!({"id": "c", "type": "function", "function": {"name": "patch", "arguments": input()}})
                }
            };
            let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            let whole = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
            fake.always(Reply::json(whole.to_string()));
            let stage = Stage::open(usual(&fake).with(|it| {
                let quirks = Quirks {
                    free_form_tools: takes_it,
                    ..Quirks::default()
                };
                it.quirks = Arc::new(quirks);
            }));
            let ask = Ask::to("POST", "/v1/responses", asked).key(KEY);
            let answer = stage.ask(ask).await.json();
            let told = fake.last_request().json();
            let kind = if takes_it { "custom" } else { "function" };
            assert_eq!(told["tools"][0]["type"], kind, "{told}");
            assert_eq!(answer["output"][0]["type"], "custom_tool_call", "{answer}");
            assert_eq!(answer["output"][0]["input"], TEXT);
        });
    }
}
