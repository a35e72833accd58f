//! Bodies in `OpenAI`'s dialect, as a client sends and a provider answers
//! them, and a reader of event streams.

use bytes::Bytes;
use serde_json::{Value, json};

/// Prompt tokens of every fake answer.
pub const PROMPT_TOKENS: u64 = 11;
/// Answer tokens of every fake answer.
pub const COMPLETION_TOKENS: u64 = 7;

/// A plain chat request with one user message.
#[must_use]
pub fn chat_request(model: &str, text: &str) -> Bytes {
    render(&json!({"model": model, "messages": [{"role": "user", "content": text}]}))
}

/// A streamed chat request with one user message.
#[must_use]
pub fn stream_request(model: &str, text: &str) -> Bytes {
    render(&json!({
        "model": model, "stream": true,
        "messages": [{"role": "user", "content": text}],
    }))
}

/// A streamed chat request that asks for usage.
#[must_use]
pub fn stream_request_with_usage(model: &str, text: &str) -> Bytes {
    render(&json!({
        "model": model, "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": text}],
    }))
}

/// An embeddings request.
#[must_use]
pub fn embeddings_request(model: &str, inputs: &[&str]) -> Bytes {
    render(&json!({"model": model, "input": inputs}))
}

/// An error body.
#[must_use]
pub fn error(message: &str, kind: &str) -> String {
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}}).to_string()
}

/// The usage object of every fake answer.
#[must_use]
pub fn usage() -> Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
    })
}

/// A plain chat answer.
#[must_use]
pub fn chat_answer(model: &str, message: &Value, finish: &str) -> Bytes {
    render(&json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": usage(),
    }))
}

/// A plain answer of the legacy completions endpoint.
#[must_use]
pub fn completion_answer(model: &str, text: &str) -> Bytes {
    render(&json!({
        "id": "cmpl-fake", "object": "text_completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage(),
    }))
}

/// An embeddings answer: one vector for each input, floats unless the request
/// says base64.
#[must_use]
pub fn embeddings_answer(model: &str, asked: &Value, dimensions: usize) -> Bytes {
    let count = asked["input"].as_array().map_or(1, Vec::len);
    let floats: Vec<f32> = (0..dimensions).map(|i| i as f32 / 8.0).collect();
    let embedding = if asked["encoding_format"] == "base64" {
        let bytes: Vec<u8> = floats.iter().flat_map(|f| f.to_le_bytes()).collect();
        json!(base64(&bytes))
    } else {
        json!(floats)
    };
    let data: Vec<Value> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": embedding}))
        .collect();
    render(&json!({
        "object": "list", "model": model, "data": data,
        "usage": {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS},
    }))
}

/// One event of a chat stream.
#[must_use]
pub fn chunk(model: &str, delta: &Value, finish: Option<&str>) -> Bytes {
    let chunk = json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
    });
    Bytes::from(format!("data: {chunk}\n\n"))
}

/// The events of a whole chat stream, `[DONE]` included; with a usage chunk
/// if there is a usage.
#[must_use]
pub fn chat_chunks(
    model: &str,
    deltas: &[Value],
    finish: &str,
    usage: Option<Value>,
) -> Vec<Bytes> {
    let mut out = vec![chunk(
        model,
        &json!({"role": "assistant", "content": ""}),
        None,
    )];
    out.extend(deltas.iter().map(|delta| chunk(model, delta, None)));
    out.push(chunk(model, &json!({}), Some(finish)));
    if let Some(usage) = usage {
        let last = json!({
            "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": model, "choices": [], "usage": usage,
        });
        out.push(Bytes::from(format!("data: {last}\n\n")));
    }
    out.push(Bytes::from_static(b"data: [DONE]\n\n"));
    out
}

/// Tool calls as they stand in a plain message.
pub(crate) fn calls<'a>(calls: &'a [(&str, &str)]) -> impl Iterator<Item = Value> + 'a {
    calls.iter().enumerate().map(|(index, (name, arguments))| {
        json!({
            "id": format!("call_{index}"), "type": "function",
            "function": {"name": name, "arguments": arguments},
        })
    })
}

/// Tool calls as deltas: every call's head, then the halves of the arguments
/// in turn.
pub(crate) fn call_deltas(all: &[(&str, &str)]) -> Vec<Value> {
    let heads = calls(all).enumerate().map(|(index, mut call)| {
        call["index"] = json!(index);
        call["function"]["arguments"] = json!("");
        json!({"tool_calls": [call]})
    });
    let half = |second: bool| {
        all.iter().enumerate().map(move |(index, (_, arguments))| {
            let mut middle = arguments.len() / 2;
            while !arguments.is_char_boundary(middle) {
                middle -= 1;
            }
            let part = if second {
                &arguments[middle..]
            } else {
                &arguments[..middle]
            };
            json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        })
    };
    heads.chain(half(false)).chain(half(true)).collect()
}

/// The data of every event in a stream, `[DONE]` included, in order.
///
/// # Panics
/// If the stream is not UTF-8.
#[must_use]
pub fn read_sse(stream: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(stream).expect("an event stream is UTF-8");
    let text = text.replace("\r\n", "\n");
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let lines: Vec<&str> = block
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| data.strip_prefix(' ').unwrap_or(data))
            .collect();
        if !lines.is_empty() {
            events.push(lines.join("\n"));
        }
    }
    events
}

/// The text that a chat stream carries, all its deltas joined.
#[must_use]
pub fn text_of_stream(stream: &[u8]) -> String {
    read_sse(stream)
        .iter()
        .filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}

fn render(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// Standard base64 with padding; too small a need for a dependency.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            if place <= group.len() {
                let index = (bits >> (18 - 6 * place)) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_it_should() {
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foo"), "Zm9v");
    }

    #[test]
    fn a_stream_is_read_whatever_its_line_ends() {
        let events = read_sse(b": ping\n\ndata: a\r\n\r\ndata:b\ndata: c\n\ndata: [DONE]\n\n");
        assert_eq!(events, ["a", "b\nc", "[DONE]"]);
    }

    #[test]
    fn the_parts_of_a_streamed_call_join_to_its_arguments() {
        let deltas = call_deltas(&[("f", r#"{"é":1}"#), ("g", "{}")]);
        let joined: String = deltas
            .iter()
            .map(|d| &d["tool_calls"][0])
            .filter(|call| call["index"] == 0)
            .filter_map(|call| call["function"]["arguments"].as_str())
            .collect();
        assert_eq!(joined, r#"{"é":1}"#);
    }
}
