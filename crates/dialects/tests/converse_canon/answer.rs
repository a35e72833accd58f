//! A provider's whole answer is read.

use super::support::{answer, doc, fixture};
use dialects::converse::canon::read_answer;
use dialects::translate::Names;
use domain::canon::{Answer, Block, Dialect, Request, Signature, Stop, ToolCall};
use domain::usage::Usage;

fn read(name: &str) -> Answer {
    answer(&fixture(&format!("answer_{name}.json")))
}

fn content(answer: &Answer) -> &[Block] {
    &answer.choices[0].content
}

fn stop(name: &str) -> Option<Stop> {
    read(name).choices[0].stop.clone()
}

#[test]
fn a_text_is_read_with_its_usage() {
    let answer = read("text");
    assert_eq!(content(&answer), [Block::text("Grüße aus Zürich 🌍.")]);
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
    let usage = answer.usage.expect("usage");
    assert_eq!((usage.prompt(), usage.completion()), (11, 7));
    assert_eq!(answer.rest, []);
    // Bedrock says neither.
    assert_eq!((answer.id.as_str(), answer.model.as_str()), ("", ""));
}

#[test]
fn calls_keep_their_arguments_and_get_their_names_back() {
    let calls = |answer: &Answer| {
        let calls = content(answer).iter().filter_map(|block| match block {
            Block::ToolCall(ToolCall {
                name, arguments, ..
            }) => Some((name.clone(), arguments.clone())),
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    let answer = read("tools");
    assert_eq!(answer.choices[0].stop, Some(Stop::ToolCalls));
    let both = calls(&answer);
    assert_eq!(both[0].1, r#"{"city":"Zürich","days":3}"#);
    assert_eq!(both[1], ("now".to_owned(), "{}".to_owned()));

    let long = "mcp__server.tool/".repeat(8);
    let request = Request {
        tools: vec![super::support::tool(&long)],
        ..Request::default()
    };
    let names = Names::of(&request);
    let text = fixture("answer_tools.json").replace("get_weather", names.outward(&long));
    let answer = read_answer(&doc(&text), &names).expect("an answer");
    assert_eq!(calls(&answer)[0].0, long);
}

#[test]
fn thoughts_are_signed_by_claude_shown_or_hidden() {
    let thought = |name: &str| match &content(&read(name))[0] {
        Block::Thinking(thinking) => thinking.clone(),
        other => panic!("{other:?}"),
    };
    let signed = |value: &str| {
        Some(Signature {
            family: Dialect::Anthropic,
            value: value.to_owned(),
        })
    };
    let shown = thought("thinking");
    assert_eq!(shown.text, "The user asks for 2 + 2.");
    assert_eq!(shown.signature, signed("EqMBCkYIARgCKkBw"));
    let hidden = thought("redacted");
    assert!(hidden.redacted && hidden.text.is_empty());
    assert_eq!(hidden.signature, signed("ZW5jcnlwdGVk"));
}

#[test]
fn citations_are_told_in_anthropics_words() {
    let answer = read("citations");
    let Block::Text {
        text, citations, ..
    } = &content(&answer)[1]
    else {
        panic!("a text");
    };
    assert_eq!(text, "the sky is blue");
    let page = r#"{"type":"page_location","cited_text":"The sky is blue.","document_index":0,"start_page_number":3,"end_page_number":4,"document_title":"Sky"}"#;
    let web = r#"{"type":"web_search_result_location","cited_text":"Blue.","title":"On colours","url":"https://example.com/sky"}"#;
    let said: Vec<&str> = citations.iter().map(|it| it.raw.as_str()).collect();
    assert_eq!(said, [page, web, r#"{"title":"No place"}"#]);
    let whose: Vec<Dialect> = citations.iter().map(|it| it.dialect).collect();
    use Dialect::{Anthropic, Converse};
    assert_eq!(whose, [Anthropic, Anthropic, Converse]);
}

#[test]
fn cached_tokens_are_outside_of_the_input_unless_the_total_says_otherwise() {
    let answer = read("cache");
    let expected = Usage {
        input: 9,
        cached_input: 1200,
        cache_write: 350,
        output: 3,
        ..Usage::default()
    };
    assert_eq!(answer.usage, Some(expected));
    let kept =
        r#"{"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":300}}"#;
    assert_eq!(answer.rest[0].raw.as_str(), kept);
    let within = r#"{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"end_turn",
        "usage":{"inputTokens":100,"outputTokens":5,"totalTokens":105,"cacheReadInputTokens":80}}"#;
    let usage = super::support::answer(within).usage.expect("usage");
    assert_eq!((usage.input, usage.cached_input), (20, 80));
}

#[test]
fn every_reason_to_stop_is_known() {
    assert_eq!(stop("guardrail"), Some(Stop::Filtered));
    assert_eq!(stop("filtered"), Some(Stop::Filtered));
    assert_eq!(stop("length"), Some(Stop::Length));
    assert_eq!(stop("window"), Some(Stop::ContextFull));
    let sequence = Some(", three".to_owned());
    assert_eq!(stop("stop_sequence"), Some(Stop::Sequence(sequence)));
    let other = "malformed_tool_use".to_owned();
    assert_eq!(stop("malformed_call"), Some(Stop::Other(other)));
}

#[test]
fn the_forced_answer_is_a_text() {
    let text = fixture("answer_tools.json").replace("get_weather", "portcullis_json_answer");
    let both = answer(&text);
    let said = Block::text(r#"{"city":"Zürich","days":3}"#);
    assert_eq!(content(&both)[1], said);
    assert_eq!(both.choices[0].stop, Some(Stop::ToolCalls));
    let alone = r#"{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"portcullis_json_answer","input":{"a":1}}}]}},"stopReason":"tool_use"}"#;
    let alone = answer(alone);
    assert_eq!(content(&alone), [Block::text(r#"{"a":1}"#)]);
    assert_eq!(alone.choices[0].stop, Some(Stop::End));
}

#[test]
fn what_nobody_knows_stays_beside() {
    let names = |answer: &Answer| {
        let rest = answer.rest.iter();
        rest.map(|it| it.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&read("guardrail")), ["trace"]);
    assert_eq!(names(&read("tier")), ["performanceConfig", "serviceTier"]);
    let answer = read("server_tool");
    let unknown = content(&answer).iter().filter_map(|block| match block {
        Block::Unknown(unknown) => Some(unknown.name.as_str()),
        _ => None,
    });
    assert_eq!(unknown.collect::<Vec<_>>(), ["toolUse", "toolResult"]);
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
}

#[test]
fn what_is_no_answer_is_none() {
    for text in [
        "[]",
        "{}",
        r#"{"message":"no"}"#,
        r#"{"output":{"message":{"content":"text"}}}"#,
        r#"{"output":{"message":null}}"#,
    ] {
        assert_eq!(read_answer(&doc(text), &Names::default()), None, "{text}");
    }
}
