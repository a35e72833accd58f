//! The built-in demo provider: answers without any network, and says so.

use std::borrow::Cow;

use bytes::Bytes;
use dialects::Operation;
use dialects::json::Document;
use dialects::openai::{self, Place, View};
use http::StatusCode;
use http1::Fields;
use serde_json::{Value, json};

use super::upstream::{Reply, UpstreamBody};

/// Dimensions of a demo embedding.
const DIMENSIONS: usize = 8;

/// Answers a request in process.
pub(super) fn answer(operation: Operation, document: &Document, view: &View) -> Reply {
    let last = view
        .texts
        .iter()
        .rev()
        .find(|text| matches!(text.place, Place::User | Place::Other))
        .map_or(Cow::Borrowed(""), |text| openai::decode(document, text));
    let prompt = openai::estimate_prompt(document, view);
    let body = match operation {
        Operation::Chat => chat(view, &last, prompt),
        Operation::Completion => completion(view, &last, prompt),
        Operation::Embedding => embedding(document, view, prompt),
    };
    let (kind, parts) = if view.stream {
        ("text/event-stream", stream(operation, &body))
    } else {
        ("application/json", vec![Bytes::from(body.to_string())])
    };
    let mut fields = Fields::default();
    fields.add("content-type", kind);
    Reply {
        status: StatusCode::OK,
        fields,
        body: UpstreamBody::canned(parts.into()),
    }
}

/// The same answer as a stream, a word an event, with its usage at the end.
fn stream(operation: Operation, whole: &Value) -> Vec<Bytes> {
    let mut events = Vec::new();
    let mut send = |choices: Value, usage: Value| {
        let mut event = whole.clone();
        if operation == Operation::Chat {
            event["object"] = json!("chat.completion.chunk");
        }
        event["choices"] = choices;
        event["usage"] = usage;
        events.push(Bytes::from(format!("data: {event}\n\n")));
    };
    let piece = |index: &Value, text: &str, end: Value| match operation {
        Operation::Chat if text.is_empty() => {
            json!([{"index": index, "delta": {}, "logprobs": null, "finish_reason": end}])
        }
        Operation::Chat => {
            json!([{"index": index, "delta": {"content": text}, "logprobs": null, "finish_reason": end}])
        }
        _ => json!([{"index": index, "text": text, "logprobs": null, "finish_reason": end}]),
    };
    for choice in whole["choices"].as_array().into_iter().flatten() {
        let index = &choice["index"];
        if operation == Operation::Chat {
            let delta = json!({"role": "assistant", "content": "", "refusal": null});
            let first =
                json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": null}]);
            send(first, Value::Null);
        }
        let text = choice["text"]
            .as_str()
            .or(choice["message"]["content"].as_str());
        for word in text.unwrap_or_default().split_inclusive(' ') {
            send(piece(index, word, Value::Null), Value::Null);
        }
        send(piece(index, "", json!("stop")), Value::Null);
    }
    send(json!([]), whole["usage"].clone());
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

/// What the demo says.
fn sentence(last: &str) -> String {
    let quoted: String = last.chars().take(200).collect();
    let heard = if quoted.is_empty() {
        String::new()
    } else {
        format!(" You wrote: \"{quoted}\".")
    };
    format!(
        "This is Portcullis' built-in demo, not a language model: no network was used.{heard} \
         Set a provider's key, such as OPENAI_API_KEY, and ask for one of its models to get real answers."
    )
}

fn usage(prompt: u64, answer: &str, n: u32) -> Value {
    let completion = openai::estimate_tokens(answer) * u64::from(n.max(1));
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

fn created() -> i64 {
    crate::plane::now().seconds()
}

fn chat(view: &View, last: &str, prompt: u64) -> Value {
    let text = sentence(last);
    let choices: Vec<Value> = (0..view.n.max(1))
        .map(|index| {
            json!({
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": null},
                "logprobs": null,
                "finish_reason": "stop"
            })
        })
        .collect();
    json!({
        "id": "chatcmpl-demo", "object": "chat.completion", "created": created(), "model": view.model,
        "choices": choices, "usage": usage(prompt, &text, view.n), "system_fingerprint": "portcullis-demo"
    })
}

fn completion(view: &View, last: &str, prompt: u64) -> Value {
    let text = sentence(last);
    let choices: Vec<Value> = (0..view.n.max(1))
        .map(|index| json!({"index": index, "text": text, "logprobs": null, "finish_reason": "stop"}))
        .collect();
    json!({
        "id": "cmpl-demo", "object": "text_completion", "created": created(), "model": view.model,
        "choices": choices, "usage": usage(prompt, &text, view.n)
    })
}

/// One small vector per input, made of the text's bytes: the same text gives
/// the same vector, and it means nothing.
fn embedding(document: &Document, view: &View, prompt: u64) -> Value {
    let base64 = document
        .root()
        .get("encoding_format")
        .and_then(|n| n.str())
        .is_some_and(|s| s == "base64");
    let texts: Vec<Cow<'_, str>> = view
        .texts
        .iter()
        .map(|text| openai::decode(document, text))
        .collect();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text);
            let embedding = if base64 {
                json!(encode(&vector))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    json!({
        "object": "list", "data": data, "model": view.model,
        "usage": {"prompt_tokens": prompt, "total_tokens": prompt}
    })
}

fn vector(text: &str) -> [f32; DIMENSIONS] {
    let mut sums = [0_u32; DIMENSIONS];
    for (at, byte) in text.bytes().enumerate() {
        let slot = &mut sums[at % DIMENSIONS];
        *slot = slot.wrapping_mul(31).wrapping_add(u32::from(byte)) % 1009;
    }
    sums.map(|sum| f32::from(u16::try_from(sum).unwrap_or(0)) / 1009.0)
}

fn encode(vector: &[f32]) -> String {
    use base64::Engine;
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
