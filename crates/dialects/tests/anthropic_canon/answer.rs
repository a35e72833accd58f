//! Whole answers.

use super::support::{
    answer, chunks, doc, fixture, fixtures, folded, head, request as read_turn, value, written,
};
use dialects::anthropic::canon::{read_answer, write_answer};
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Choice, Chunk, Dialect, Opened, Request, Signature, Stop, Thinking, Tool,
    ToolCall, ToolKind,
};
use domain::usage::Usage;
use serde_json::json as j;

#[test]
fn an_answer_comes_back_as_it_was() {
    for name in fixtures("answer_") {
        let text = fixture(&name);
        let request = Request::default();
        let written = write_answer(&answer(&text), &head(&request));
        assert_eq!(value(&written), value(text.as_bytes()), "{name}");
    }
}

#[test]
fn usage_is_read_into_disjoint_parts() {
    let usage = answer(&fixture("answer_tools.json")).usage.expect("usage");
    let parts = Usage {
        input: 2095,
        cached_input: 1024,
        cache_write: 500,
        cache_write_1h: 12,
        output: 49,
        reasoning: 40,
        ..Usage::default()
    };
    assert_eq!(usage, parts);
}

#[test]
fn what_is_cached_for_an_hour_is_a_part_of_its_own_and_written_back() {
    let text = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m",
        "content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","stop_sequence":null,
        "usage":{"input_tokens":1,"cache_creation_input_tokens":500,"cache_read_input_tokens":0,
        "cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":300},
        "output_tokens":2}}"#;
    let mut read = answer(text);
    let usage = read.usage.expect("usage");
    assert_eq!((usage.cache_write, usage.cache_write_1h), (200, 300));
    assert_eq!(usage.prompt(), 501);
    let request = Request::default();
    assert_eq!(
        value(&write_answer(&read, &head(&request))),
        value(text.as_bytes())
    );
    // Also where the answer has come another way.
    read.rest.clear();
    let written = value(&write_answer(&read, &head(&request)));
    let creation = &written["usage"]["cache_creation"];
    assert_eq!(creation["ephemeral_1h_input_tokens"], 300);
    assert_eq!(written["usage"]["cache_creation_input_tokens"], 500);
    // More for an hour than there is at all is a provider's mistake.
    let absurd = text.replace("input_tokens\":300", "input_tokens\":9999");
    let usage = answer(&absurd).usage.expect("usage");
    assert_eq!((usage.cache_write, usage.cache_write_1h), (0, 500));
}

#[test]
fn every_reason_to_stop_is_known() {
    let stop = |name: &str| {
        answer(&fixture(name)).choices[0]
            .stop
            .clone()
            .expect("a stop")
    };
    assert_eq!(stop("answer_plain.json"), Stop::End);
    assert_eq!(stop("answer_tools.json"), Stop::ToolCalls);
    assert_eq!(stop("answer_max_tokens.json"), Stop::Length);
    assert_eq!(stop("answer_window.json"), Stop::ContextFull);
    assert_eq!(stop("answer_refusal.json"), Stop::Refused);
    assert_eq!(stop("answer_paused.json"), Stop::Paused);
    let sequence = Stop::Sequence(Some("three".to_owned()));
    assert_eq!(stop("answer_stop_sequence.json"), sequence);
    let text = fixture("answer_plain.json").replace("end_turn", "tired");
    let tired = answer(&text);
    assert_eq!(tired.choices[0].stop, Some(Stop::Other("tired".to_owned())));
    let request = Request::default();
    assert_eq!(
        value(&write_answer(&tired, &head(&request)))["stop_reason"],
        "tired"
    );
}

#[test]
fn what_is_no_answer_is_not_read() {
    let error = doc(r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#);
    assert_eq!(read_answer(&error, &Names::default()), None);
    assert_eq!(read_answer(&doc("[]"), &Names::default()), None);
    let completion = doc(r#"{"object":"chat.completion","choices":[]}"#);
    assert_eq!(read_answer(&completion, &Names::default()), None);
}

fn says(content: Vec<Block>, stop: Option<Stop>) -> Answer {
    Answer {
        choices: vec![Choice {
            content,
            stop,
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "t".to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}

#[test]
fn agents_learn_that_tools_are_called_whatever_the_provider_says() {
    let request = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    let written = |answer: &Answer| value(&write_answer(answer, &head(&request)));
    let called = written(&says(vec![call("a", "")], Some(Stop::End)));
    assert_eq!(called["stop_reason"], "tool_use");
    assert_eq!(called["content"][0]["input"], j!({}));
    assert_eq!(
        (&called["id"], &called["model"]),
        (&j!("msg_own"), &j!("asked"))
    );
    assert_eq!(called["usage"]["input_tokens"], 0);
    let refused = written(&says(vec![Block::Refusal("No.".to_owned())], None));
    assert_eq!(refused["stop_reason"], "refusal");
    assert_eq!(refused["content"], j!([{"type": "text", "text": "No."}]));
    let nothing = written(&Answer::default());
    assert_eq!(
        (&nothing["stop_reason"], &nothing["content"]),
        (&j!("end_turn"), &j!([]))
    );
}

#[test]
fn names_come_back_as_the_client_has_them() {
    let tool = Tool::new(
        "mcp/server.look up".to_owned(),
        ToolKind::Function { schema: None },
    );
    let request = Request {
        tools: vec![tool.clone()],
        ..Request::default()
    };
    let names = Names::of(&request);
    let outward = names.outward(&tool.name);
    let text = fixture("answer_tools.json").replace("get_weather", outward);
    let read = read_answer(&doc(&text), &names).expect("an answer");
    let Block::ToolCall(call) = &read.choices[0].content[2] else {
        panic!("a call");
    };
    assert_eq!(call.name, tool.name);
}

#[test]
fn an_answer_that_came_by_tool_is_text() {
    let block = r#"{"type":"tool_use","id":"x","name":"portcullis_json_answer","input":{"a":1}}"#;
    let text = format!(r#"{{"type":"message","content":[{block}],"stop_reason":"tool_use"}}"#);
    let read = answer(&text);
    assert_eq!(read, says(vec![Block::text(r#"{"a":1}"#)], Some(Stop::End)));
    let stream = [
        r#"{"type":"message_start","message":{"id":"","model":""}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x","name":"portcullis_json_answer","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let stream: String = stream
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    assert_eq!(folded(&chunks(stream.as_bytes())), read);
}

#[test]
fn another_familys_thoughts_come_back_as_theirs() {
    for (family, id) in [(Dialect::Responses, Some("rs_1")), (Dialect::Gemini, None)] {
        let thinking = Thinking {
            text: "hm".to_owned(),
            summary: family == Dialect::Responses,
            signature: Some(Signature {
                family,
                value: "sealed+/=".to_owned(),
            }),
            id: id.map(str::to_owned),
            redacted: false,
        };
        let request = Request::default();
        let said = says(vec![Block::Thinking(thinking.clone())], Some(Stop::End));
        let written = value(&write_answer(&said, &head(&request)));
        let content = &written["content"];
        let turn = j!({"model": "m", "messages": [{"role": "assistant", "content": content}]});
        let read = read_turn(&turn);
        assert_eq!(read.messages[0].content, [Block::Thinking(thinking)]);
    }
}

#[test]
fn a_calls_signature_comes_back_to_its_call() {
    let signature = Some(Signature {
        family: Dialect::Gemini,
        value: "sealed+/=".to_owned(),
    });
    let signed = |id: &str| match call(id, "{}") {
        Block::ToolCall(call) => Block::ToolCall(ToolCall {
            signature: signature.clone(),
            ..call
        }),
        other => other,
    };
    let content = vec![Block::text("I look."), signed("a"), call("b", "{}")];
    let request = Request::default();
    let said = says(content.clone(), Some(Stop::ToolCalls));
    let whole = write_answer(&said, &head(&request));
    let turn = j!({"role": "assistant", "content": value(&whole)["content"]});
    let read = read_turn(&j!({"model": "m", "messages": [turn]}));
    assert_eq!(read.messages[0].content, content);
    let opened = Chunk::Open {
        choice: 0,
        block: 0,
        opened: Opened::ToolCall {
            id: "a".to_owned(),
            name: "t".to_owned(),
            custom: false,
            signature: signature.clone(),
        },
    };
    let stop = Stop::ToolCalls;
    let all = [
        opened,
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        Chunk::Stop { choice: 0, stop },
        Chunk::End,
    ];
    let whole = write_answer(
        &says(vec![signed("a")], Some(Stop::ToolCalls)),
        &head(&request),
    );
    let whole = answer(std::str::from_utf8(&whole).expect("text"));
    assert_eq!(folded(&chunks(&written(&all))).choices, whole.choices);
}
