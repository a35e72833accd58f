//! Answers and errors, read.

use super::*;
use dialects::cohere::canon::{read_answer, read_fault};
use dialects::translate::Names;
use domain::canon::{Answer, Block, FaultKind, Stop};

fn answer(name: &str) -> Answer {
    let document = document(fixture("answers", name));
    read_answer(&document, &Names::default()).expect("an answer")
}

fn of(text: &str) -> Option<Answer> {
    read_answer(&document(text.to_owned()), &Names::default())
}

#[test]
fn cached_tokens_stand_apart_from_the_rest_of_the_prompt() {
    let usage = answer("text").usage.expect("usage");
    assert_eq!((usage.input, usage.cached_input, usage.output), (7, 64, 7));
}

#[test]
fn what_is_billed_counts_where_nothing_else_is_told() {
    let usage = r#"{"billed_units":{"input_tokens":5.0,"output_tokens":6}}"#;
    let text = format!(r#"{{"message":{{}},"finish_reason":"COMPLETE","usage":{usage}}}"#);
    let usage = of(&text).and_then(|it| it.usage).expect("usage");
    assert_eq!((usage.input, usage.output), (5, 6));
}

#[test]
fn a_plan_is_a_thought_before_the_calls() {
    let answer = answer("calls");
    let [
        Block::Thinking(plan),
        Block::ToolCall(one),
        Block::ToolCall(other),
    ] = answer.choices[0].content.as_slice()
    else {
        panic!("{answer:?}");
    };
    assert_eq!(plan.text, "I will look at both cities.");
    assert_eq!((&*one.id, &*one.name), ("get_weather_1a2b", "get_weather"));
    assert_eq!(other.arguments, "{}");
    assert_eq!(answer.choices[0].stop, Some(Stop::ToolCalls));
}

#[test]
fn thoughts_come_before_the_text() {
    let answer = answer("thinking");
    let content = answer.choices[0].content.as_slice();
    assert!(matches!(content, [Block::Thinking(_), Block::Text { .. }]));
    assert_eq!(answer.choices[0].stop, Some(Stop::Length));
}

#[test]
fn citations_belong_to_the_text_and_those_of_plans_to_nothing() {
    let answer = answer("cited");
    let [Block::Text { citations, .. }] = answer.choices[0].content.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(citations.len(), 2);
    assert_eq!(json(citations[0].raw.as_str().as_bytes())["text"], "Zug");
}

#[test]
fn probabilities_of_a_piece_are_those_of_all_its_tokens() {
    let logprobs = answer("cited").choices[0].logprobs.clone().expect("some");
    let read = json(logprobs.as_str().as_bytes());
    assert_eq!(read["content"][0]["token"], "Zug");
    assert_eq!(read["content"][0]["logprob"], -0.75);
    assert_eq!(
        read["content"][1]["bytes"].as_array().expect("bytes").len(),
        16
    );
}

#[test]
fn an_answer_that_broke_off_is_none() {
    for reason in ["ERROR", "TIMEOUT"] {
        let text = format!(r#"{{"id":"a","message":{{}},"finish_reason":"{reason}"}}"#);
        assert_eq!(of(&text), None, "{reason}");
    }
    assert_eq!(of(r#"{"message":"an error"}"#), None);
    assert_eq!(of("[]"), None);
}

#[test]
fn who_waits_for_a_call_gets_one() {
    let text =
        r#"{"message":{"content":[{"type":"text","text":"x"}]},"finish_reason":"TOOL_CALL"}"#;
    let answer = of(text).expect("an answer");
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
}

#[test]
fn an_answer_that_a_tool_takes_is_a_text() {
    let call = r#"{"id":"a","type":"function","function":{"name":"portcullis_json_answer","arguments":"{\"a\":1}"}}"#;
    let text = format!(r#"{{"message":{{"tool_calls":[{call}]}},"finish_reason":"TOOL_CALL"}}"#);
    let answer = of(&text).expect("an answer");
    assert_eq!(answer.choices[0].content, [Block::text("{\"a\":1}")]);
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
}

#[test]
fn errors_are_told_apart() {
    for (name, body) in fixtures("errors") {
        let (status, kind) = name.split_once('_').expect("status_kind");
        let fault = read_fault(status.parse().expect("a status"), &body);
        let wanted = match kind {
            "invalid" => FaultKind::Invalid,
            "context" => FaultKind::ContextTooLong,
            "key" => FaultKind::Authentication,
            "billing" | "month" => FaultKind::Billing,
            "model" => FaultKind::NotFound,
            "minute" => FaultKind::RateLimited,
            "filtered" => FaultKind::Filtered,
            "server" => FaultKind::Server,
            "overloaded" => FaultKind::Overloaded,
            "timeout" => FaultKind::Timeout,
            other => panic!("{other}"),
        };
        assert_eq!(fault.kind, wanted, "{name}");
        assert!(
            !fault.message.is_empty() && !fault.message.contains('<'),
            "{name}"
        );
    }
}
