//! Answers and errors, read.

use super::*;
use dialects::ollama::canon::{read_answer, read_fault};
use dialects::translate::Names;
use domain::canon::{Answer, Block, FaultKind, Stop, ToolCall};

fn of(text: impl Into<Bytes>) -> Option<Answer> {
    read_answer(&document(text), &Names::default())
}

fn answer(name: &str) -> Answer {
    of(fixture("answers", name)).expect("an answer")
}

fn calls(answer: &Answer) -> Vec<&ToolCall> {
    let content = answer.choices[0].content.iter();
    let calls = content.filter_map(|block| match block {
        Block::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.collect()
}

#[test]
fn an_answer_says_its_model_and_what_it_used() {
    let answer = answer("text");
    assert_eq!(answer.model, "gemma4");
    let usage = answer.usage.expect("usage");
    assert_eq!((usage.prompt(), usage.completion()), (26, 7));
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
}

#[test]
fn several_calls_come_in_one_message() {
    let answer = answer("calls");
    let arguments = calls(&answer)
        .into_iter()
        .map(|call| call.arguments.as_str());
    let wanted = [r#"{"city": "Zürich"}"#, "{}"];
    assert_eq!(arguments.collect::<Vec<_>>(), wanted);
    assert_eq!(answer.choices[0].stop, Some(Stop::ToolCalls));
    assert!(matches!(answer.choices[0].content[0], Block::Thinking(_)));
}

#[test]
fn calls_without_ids_get_some_of_their_own() {
    let made = |time: &str| {
        let call = r#"{"function":{"name":"f","arguments":{}}}"#;
        let text = format!(
            r#"{{"created_at":"{time}","message":{{"tool_calls":[{call},{call}]}},"done":true}}"#
        );
        let answer = of(text).expect("an answer");
        let ids = calls(&answer).into_iter().map(|call| call.id.clone());
        ids.collect::<Vec<_>>()
    };
    let (first, later) = (
        made("2026-08-04T19:22:45.1Z"),
        made("2026-08-04T19:22:46.2Z"),
    );
    assert_ne!(first[0], first[1], "two calls of one turn");
    assert_ne!(first[0], later[0], "calls of two turns");
    assert_eq!(
        first,
        made("2026-08-04T19:22:45.1Z"),
        "the same answer again"
    );
}

#[test]
fn log_probabilities_are_openais() {
    let logprobs = answer("thinking").choices[0]
        .logprobs
        .clone()
        .expect("some");
    let read = json(logprobs.as_str().as_bytes());
    assert_eq!(read["content"][1]["token"], "ur");
    assert_eq!(read["refusal"], Value::Null);
}

#[test]
fn what_is_not_whole_is_no_answer() {
    for text in [
        r#"{"message":{"content":"x"},"done":false}"#,
        r#"{"error":"it broke"}"#,
        r#"{"message":{"content":"x"},"done":true,"error":"it broke"}"#,
        "[]",
    ] {
        assert_eq!(of(text), None, "{text}");
    }
}

#[test]
fn errors_are_told_apart() {
    for (name, body) in fixtures("errors") {
        let (status, kind) = name.split_once('_').expect("status_kind");
        let fault = read_fault(status.parse().expect("a status"), &body);
        let wanted = match kind {
            "invalid" | "ability" => FaultKind::Invalid,
            "context" => FaultKind::ContextTooLong,
            "key" => FaultKind::Authentication,
            "model" => FaultKind::NotFound,
            "limit" => FaultKind::RateLimited,
            "server" => FaultKind::Server,
            "overloaded" => FaultKind::Overloaded,
            "timeout" => FaultKind::Timeout,
            other => panic!("{other}"),
        };
        assert_eq!(fault.kind, wanted, "{name}");
        assert!(!fault.message.is_empty(), "{name}");
    }
}
