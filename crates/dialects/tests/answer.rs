//! Answers: usage in parts, errors in shape, plain and streamed forms.

use bytes::Bytes;
use dialects::Operation::{self, Chat, Completion, Embedding};
use dialects::json::{Document, canonical};
use dialects::openai::{
    IncludeUsage, answer_texts, decode, error_body, error_event, model_body, models_body,
    read_answer, read_usage, to_plain, to_stream,
};
use domain::refusal::{Reason, Refusal};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture(name: &str) -> Bytes {
    let path = format!("{}/fixtures/openai/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("fixture").into()
}

fn doc(bytes: &Bytes) -> Document {
    Document::parse(bytes.clone(), 128).expect("valid")
}

fn tree(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("valid")
}

const PLAIN: &[(Operation, &str)] = &[
    (Chat, "chat.json"),
    (Chat, "chat_tools.json"),
    (Chat, "chat_n2_logprobs.json"),
    (Completion, "completion.json"),
];

#[test]
fn an_answer_is_read() {
    let body = doc(&fixture("chat.json"));
    let view = read_answer(Chat, &body);
    let usage = view.usage.expect("usage");
    assert_eq!(
        (usage.input, usage.cached_input, usage.audio_input),
        (15, 1000, 4)
    );
    assert_eq!((usage.output, usage.reasoning), (10, 300));
    assert_eq!((usage.prompt(), usage.completion()), (1019, 310));
    assert_eq!(view.model.as_deref(), Some("gpt-4o-mini-2024-07-18"));
    assert!(view.finished && !view.is_error);
    let texts = answer_texts(&body);
    assert_eq!(texts.len(), 1);
    assert_eq!(decode(&body, &texts[0]), "Hello \"you\" — 日本 😀");
    for (op, name) in PLAIN {
        assert!(read_answer(*op, &doc(&fixture(name))).finished, "{name}");
    }
    for name in ["embedding_float.json", "embedding_base64.json"] {
        let body = doc(&fixture(name));
        let view = read_answer(Embedding, &body);
        assert!(view.finished && answer_texts(&body).is_empty(), "{name}");
        assert_eq!(
            view.usage.map(|usage| (usage.input, usage.total())),
            Some((8, 8))
        );
    }
}

#[test]
fn texts_in_the_quiet_rooms_of_an_answer_are_those_outside_objects() {
    let body = doc(&Bytes::from(
        r#"{"usage":"a","timings":["b",{"c":"d"},["e"]],"data":[{"embedding":["f",["g"]],"x":"h"}]}"#,
    ));
    let texts = answer_texts(&body);
    let read: Vec<_> = texts.iter().map(|text| decode(&body, text)).collect();
    assert_eq!(read, ["a", "b", "e", "g", "h"]);
}

#[test]
fn an_answer_without_an_end_or_with_an_error_is_not_finished() {
    for (body, is_error) in [
        (r#"{"choices":[]}"#, false),
        (
            r#"{"choices":[{"finish_reason":"stop"},{"finish_reason":null}]}"#,
            false,
        ),
        (r#"{"error":{"message":"no"}}"#, true),
        (r#"{"error":null}"#, false),
        ("[1]", false),
    ] {
        let view = read_answer(Chat, &doc(&Bytes::from(body)));
        assert_eq!((view.finished, view.is_error), (false, is_error), "{body}");
    }
}

#[test]
fn odd_usage_is_read_without_going_below_zero() {
    for (body, wanted) in [
        ("null", None),
        ("{}", None),
        (r#"{"prompt_tokens":null,"completion_tokens":null}"#, None),
        (
            r#"{"prompt_tokens":3.0,"completion_tokens":1.5}"#,
            Some((3, 2)),
        ),
        (
            r#"{"prompt_tokens":-5,"completion_tokens":2}"#,
            Some((0, 2)),
        ),
        (r#"{"total_tokens":9,"prompt_tokens":4}"#, Some((4, 5))),
        (
            r#"{"prompt_tokens":2,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9,"audio_tokens":9},"completion_tokens_details":{"reasoning_tokens":7,"audio_tokens":7}}"#,
            Some((2, 1)),
        ),
        (
            r#"{"prompt_tokens":2,"completion_tokens":1,"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":7}}"#,
            Some((2, 8)),
        ),
        (
            r#"{"prompt_tokens":2,"completion_tokens":1,"prompt_tokens_details":null}"#,
            Some((2, 1)),
        ),
    ] {
        let doc = doc(&Bytes::from(body));
        let usage = read_usage(doc.root());
        assert_eq!(
            usage.map(|usage| (usage.prompt(), usage.completion())),
            wanted,
            "{body}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_usage_are_their_whole(
        prompt in 0u64..9, completion in 0u64..9, parts: [u8; 4],
    ) {
        let [cached, audio, reasoning, spoken] = parts.map(|part| part % 12);
        let body = json!({"prompt_tokens": prompt, "completion_tokens": completion,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio},
            "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": spoken}});
        let usage = read_usage(doc(&body.to_string().into()).root()).expect("usage");
        prop_assert_eq!((usage.prompt(), usage.completion()), (prompt, completion));
    }

    #[test]
    fn any_answer_survives_the_way_through_a_stream(
        contents in proptest::collection::vec(proptest::option::of("\\PC{0,12}|[\\x00-\\x7f]{0,9}"), 1..4),
        reasoning in proptest::option::of("\\PC{0,9}"),
        calls in proptest::collection::vec(("[a-z]{1,5}", "\\PC{0,9}"), 0..3),
    ) {
        let choices: Vec<Value> = contents.iter().enumerate().map(|(index, content)| {
            let mut message = json!({"role": "assistant", "content": content});
            if let Some(reasoning) = &reasoning {
                message["reasoning_content"] = json!(reasoning);
            }
            if !calls.is_empty() {
                message["tool_calls"] = calls.iter().enumerate().map(|(at, (name, arguments))| json!({
                    "id": format!("call_{at}"), "type": "function",
                    "function": {"name": name, "arguments": arguments}})).collect();
            }
            json!({"index": index, "message": message, "finish_reason": "stop"})
        }).collect();
        let plain = json!({"id": "x", "object": "chat.completion", "choices": choices,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
        let stream = to_stream(Chat, &plain.to_string().into(), IncludeUsage::Yes).expect("stream");
        prop_assert_eq!(tree(&to_plain(Chat, &stream).expect("plain")), plain);
    }
}

#[test]
fn plain_answers_survive_the_way_through_a_stream() {
    for (op, name) in PLAIN {
        let plain = fixture(name);
        let stream = to_stream(*op, &plain, IncludeUsage::Yes).expect("stream");
        let back = to_plain(*op, &stream).expect("plain");
        assert_eq!(
            canonical(&doc(&back), &[]),
            canonical(&doc(&plain), &[]),
            "{name}"
        );
        let without = to_stream(*op, &plain, IncludeUsage::No).expect("stream");
        assert!(
            memchr::memmem::find(&without, b"\"usage\"").is_none(),
            "{name}"
        );
        assert!(without.ends_with(b"data: [DONE]\n\n"));
    }
    assert_eq!(
        to_stream(
            Embedding,
            &fixture("embedding_float.json"),
            IncludeUsage::No
        ),
        None
    );
    assert_eq!(
        to_stream(
            Chat,
            &Bytes::from_static(b"{\"error\":{}}"),
            IncludeUsage::No
        ),
        None
    );
}

#[test]
fn recorded_streams_fold_into_plain_answers() {
    let folded = |op, name| tree(&to_plain(op, &fixture(name)).expect(name));
    let plain = folded(Chat, "stream_plain.sse");
    assert_eq!(plain["object"], "chat.completion");
    assert_eq!(
        plain["choices"][0]["message"]["content"],
        "Hällo \"usage\" 😀"
    );
    assert_eq!(plain["usage"]["total_tokens"], 17);
    let tools = folded(Chat, "stream_parallel_tools.sse");
    assert_eq!(
        tools["choices"],
        json!([{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function",
                 "function": {"name": "weather", "arguments": "{\"city\":\"Köln\"}"}},
                {"id": "call_2", "type": "function",
                 "function": {"name": "clock", "arguments": "{}"}}]}}])
    );
    let two = folded(Chat, "stream_n2_logprobs.sse");
    assert_eq!(two["choices"][0]["message"]["content"], "Aa");
    assert_eq!(two["choices"][0]["logprobs"]["content"][1]["token"], "a");
    assert_eq!(two["choices"][1]["finish_reason"], "stop");
    let azure = folded(Chat, "stream_azure.sse");
    assert_eq!(
        (&azure["id"], &azure["model"]),
        (&json!("c4"), &json!("gpt-4o-az"))
    );
    let llama = folded(Chat, "stream_llama.sse");
    assert_eq!(llama["choices"][0]["message"]["reasoning_content"], "Hmm.");
    assert_eq!(llama["timings"]["prompt_n"], 9);
    let text = folded(Completion, "stream_completion_cr.sse");
    assert_eq!(text["choices"][0]["text"], " world");
    assert_eq!(to_plain(Chat, &fixture("stream_error.sse")), None);
    let cut = fixture("stream_plain.sse");
    assert_eq!(to_plain(Chat, &cut.slice(..cut.len() - 2)), None);
}

#[test]
fn half_a_surrogate_in_each_of_two_chunks_becomes_a_letter() {
    let chunk = |text: &str, end: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{end}}}]}}\n\n"
        )
    };
    let stream = chunk("\\ud83d", "null") + &chunk("\\ude00", "\"stop\"") + "data: [DONE]\n\n";
    let plain = tree(&to_plain(Chat, &stream.into()).expect("plain"));
    assert_eq!(plain["choices"][0]["message"]["content"], "😀");
}

#[test]
fn every_refusal_has_openais_shape() {
    for reason in Reason::ALL {
        let refusal = Refusal::new(*reason, "Say \"why\".").because("secret");
        let body = tree(&error_body(&refusal));
        assert_eq!(body["error"]["message"], "Say \"why\".");
        assert_eq!(body["error"]["code"], reason.code());
        assert!(body["error"]["type"].is_string() && body["error"]["param"].is_null());
        assert!(!body.to_string().contains("secret"));
    }
    let refusal = Refusal::new(Reason::BadField, "no").at("n");
    let event = error_event(&refusal);
    assert_eq!(&event[..], b"data: {\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":\"n\",\"code\":\"invalid_value\"}}\n\n");
}

#[test]
fn models_are_listed_as_openai_does() {
    let one = json!({"id": "m", "object": "model", "created": 7, "owned_by": "o"});
    assert_eq!(tree(&model_body("m", "o", 7)), one);
    let list = json!({"object": "list", "data": [one, {"id": "n", "object": "model", "created": 0, "owned_by": "p"}]});
    assert_eq!(tree(&models_body(&[("m", "o", 7), ("n", "p", 0)])), list);
    assert_eq!(
        tree(&models_body(&[])),
        json!({"object": "list", "data": []})
    );
}
