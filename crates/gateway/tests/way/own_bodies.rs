//! Requests and answers of every dialect that have what no other can say.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use serde_json::{Value, json};
use testkit::{FakeProvider, Scene};

use crate::stage::{Ask, KEY, usual};

pub(crate) const OURS: [Dialect; 3] = [Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];

pub(crate) fn speaks(dialect: Dialect) -> impl Fn(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

pub(crate) fn scene(fake: &FakeProvider, dialect: Dialect) -> Scene {
    usual(fake).with(speaks(dialect))
}

pub(crate) fn ask(dialect: Dialect, body: &str) -> Ask {
    let is_streamed = body.contains("\"stream\"");
    match dialect {
        Dialect::Responses => Ask::to("POST", "/v1/responses", body.to_owned()).key(KEY),
        Dialect::Anthropic => Ask::to("POST", "/v1/messages", body.to_owned())
            .with("x-api-key", KEY)
            .with("anthropic-version", "2023-06-01"),
        _ => {
            let verb = match is_streamed {
                true => "streamGenerateContent?alt=sse",
                false => "generateContent",
            };
            let body = body.replace("\"stream\":true,", "");
            Ask::to("POST", &format!("/v1beta/models/m:{verb}"), body).with("x-goog-api-key", KEY)
        }
    }
}

/// A request with much that no other dialect can say, `PLACE` in a field that nobody
/// knows, and numbers that no float holds.
pub(crate) fn request(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Responses => {
            r#"{ "model":"m", "max_tool_calls" : 3,"include":["reasoning.encrypted_content"],"store":false,
            "reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"web_search","search_context_size":"low"},
            {"type":"code_interpreter","container":{"type":"auto"}}],"x_new":{"deep":[1e400,"PLACE"]},
            "input":[{"role":"user","content":[{"type":"input_text","text":"H\u00efi"}]}]}"#
        }
        Dialect::Anthropic => {
            r#"{ "model":"m", "max_tokens" : 100,"mcp_servers":[{"type":"url","url":"https://x.example","name":"x"}],
            "container":"c_1","thinking":{"type":"enabled","budget_tokens":1024},"x_new":{"deep":[1e400,"PLACE"]},
            "messages":[{"role":"user","content":[{"type":"text","text":"H\u00efi","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"c2ln"},
              {"type":"tool_use","id":"t_1","name":"f","input":{"n":1.50}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t_1","content":"ok"}]}],
            "tools":[{"name":"f","input_schema":{"type":"object"}}]}"#
        }
        _ => {
            r#"{ "cachedContent" : "cachedContents/1","safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],
            "generationConfig":{"thinkingConfig":{"thinkingBudget":128,"includeThoughts":true},"x_new":{"deep":[1e400,"PLACE"]}},
            "contents":[{"role":"user","parts":[{"text":"H\u00efi"}]}]}"#
        }
    }
}

/// A whole answer with what only this dialect has; `PLACE` in a call that the
/// provider runs itself.
pub(crate) fn answer(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Responses => {
            r#"{ "id":"resp_1", "object":"response","created_at":1,"status":"completed","model":"m","x":1e400,"instructions":null,
            "output":[{"type":"code_interpreter_call","id":"ci_1","status":"completed","code":"PLACE","container_id":"c","outputs":[]},
            {"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"H\u00ef","annotations":[]}]}],
            "usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}"#
        }
        Dialect::Anthropic => {
            r#"{ "id":"msg_1", "type":"message","role":"assistant","model":"m","x":1e400,
            "content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"PLACE"}},{"type":"text","text":"H\u00ef"}],
            "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#
        }
        _ => {
            r#"{ "responseId":"r", "modelVersion":"m","x":1e400,"candidates":[{"index":0,"finishReason":"STOP",
            "content":{"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"PLACE"}},{"text":"H\u00ef"}]}}],
            "usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}"#
        }
    }
}

/// A stream whose pieces of one text are these; before them comes an event of a kind
/// that nobody knows, or a call that the provider runs, which brings `hosted`, in two
/// pieces where this dialect has such.
pub(crate) fn stream(dialect: Dialect, hosted: (&str, &str), pieces: &[&str]) -> Vec<String> {
    let event = |kind: &str, data: Value| format!("event: {kind}\ndata:  {data}\n\n");
    let mut out = Vec::new();
    match dialect {
        Dialect::Responses => {
            let mut number = 0;
            let mut add = |kind: &str, mut data: Value| {
                data["type"] = kind.into();
                data["sequence_number"] = number.into();
                number += 1;
                out.push(event(kind, data));
            };
            let response = |status: &str, output: Value| {
                json!({"response": {"id": "resp_1", "object": "response", "created_at": 1,
                    "status": status, "model": "m", "output": output, "instructions": null,
                    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}})
            };
            let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
            let with = |more: Value| {
                let mut all = at.clone();
                let members = all.as_object_mut().expect("an object");
                members.extend(more.as_object().expect("an object").clone());
                all
            };
            let item = |status: &str, content: Value| {
                json!({"output_index": 0, "item": {"id": "msg_1", "type": "message",
                    "role": "assistant", "status": status, "content": content}})
            };
            let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
            let whole = pieces.concat();
            add("response.created", response("in_progress", json!([])));
            add(
                "response.x_new.searching",
                json!({"query": format!("{}{}", hosted.0, hosted.1)}),
            );
            add("response.output_item.added", item("in_progress", json!([])));
            add(
                "response.content_part.added",
                with(json!({"part": part("")})),
            );
            for piece in pieces {
                add("response.output_text.delta", with(json!({"delta": piece})));
            }
            add("response.output_text.done", with(json!({"text": whole})));
            add(
                "response.content_part.done",
                with(json!({"part": part(&whole)})),
            );
            let done = item("completed", json!([part(&whole)]));
            let output = json!([done["item"]]);
            add("response.output_item.done", done);
            add("response.completed", response("completed", output));
        }
        Dialect::Anthropic => {
            let mut add = |kind: &str, mut data: Value| {
                data["type"] = kind.into();
                out.push(event(kind, data));
            };
            let block = |at: u64, block: Value| json!({"index": at, "content_block": block});
            let delta = |at: u64, delta: Value| json!({"index": at, "delta": delta});
            add(
                "message_start",
                json!({"message": {"id": "msg_1", "type": "message",
                "role": "assistant", "model": "m", "content": [], "stop_reason": null,
                "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            );
            add(
                "content_block_start",
                block(
                    0,
                    json!({"type": "server_tool_use",
                "id": "srvtoolu_1", "name": "web_search", "input": {}}),
                ),
            );
            for half in [
                format!("{{\"query\":\"{}", hosted.0),
                format!("{}\"}}", hosted.1),
            ] {
                add(
                    "content_block_delta",
                    delta(0, json!({"type": "input_json_delta", "partial_json": half})),
                );
            }
            add("content_block_stop", json!({"index": 0}));
            add(
                "content_block_start",
                block(1, json!({"type": "text", "text": ""})),
            );
            for piece in pieces {
                add(
                    "content_block_delta",
                    delta(1, json!({"type": "text_delta", "text": piece})),
                );
            }
            add("content_block_stop", json!({"index": 1}));
            add(
                "message_delta",
                json!({"delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": 1}}),
            );
            add("message_stop", json!({}));
        }
        _ => {
            let chunk = |part: Value, finish: Value| {
                let data = json!({"responseId": "r", "modelVersion": "m", "candidates": [{"index": 0,
                    "finishReason": finish, "content": {"role": "model", "parts": [part]}}],
                    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1,
                    "totalTokenCount": 2}});
                format!("data:  {data}\r\n\r\n")
            };
            for code in [hosted.0, hosted.1] {
                let code = json!({"executableCode": {"language": "PYTHON", "code": code}});
                out.push(chunk(code, Value::Null));
            }
            for (at, piece) in pieces.iter().enumerate() {
                let finish = match at + 1 == pieces.len() {
                    true => "STOP".into(),
                    false => Value::Null,
                };
                out.push(chunk(json!({"text": piece}), finish));
            }
        }
    }
    out
}

pub(crate) fn streamed(dialect: Dialect) -> String {
    request(dialect).replacen("{ ", "{ \"stream\":true,", 1)
}
