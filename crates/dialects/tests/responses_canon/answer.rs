//! Whole answers.

use dialects::responses::canon as responses;
use dialects::translate::{Customs, Names};
use domain::canon::{Answer, Block, Choice, Request, Signature, Stop, Thinking, ToolCall};
use domain::canon::{Dialect, Json, Unknown};
use domain::usage::Usage;
use serde_json::{Value, json};

use crate::support::{answer, document, fixture, head, read, value};

pub(crate) const ANSWERS: &[&str] = &[
    "text",
    "tools",
    "reasoning",
    "refusal",
    "incomplete",
    "filtered",
    "builtin",
    "logprobs",
];

/// Ids of items are made anew, and mean nothing elsewhere.
fn normal(mut value: Value) -> Value {
    let output = value["output"].as_array_mut().expect("output");
    for item in output {
        let item = item.as_object_mut().expect("an item");
        if item["type"] != "reasoning" {
            item.insert("id".to_owned(), json!("id"));
        }
        // Several texts of a thought are one.
        if let Some(Value::Array(parts)) = item.get("content")
            && item["type"] == "reasoning"
        {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            let text = texts.collect::<Vec<_>>().join("\n\n");
            let parts = json!([{"type": "reasoning_text", "text": text}]);
            item.insert("content".to_owned(), parts);
        }
    }
    value
}

#[test]
fn what_is_read_is_written_again() {
    for name in ANSWERS {
        let before = fixture(&format!("answer_{name}.json"));
        let answer = answer(&before);
        let request = read(&json!({"model": "gpt-5.4", "input": "a", "store": false}));
        let after = responses::write_answer(&answer, &head(&request));
        assert_eq!(normal(value(&after)), normal(value(&before)), "{name}");
    }
}

#[test]
fn stops_are_read_from_status_and_content() {
    let cases = [
        ("text", Stop::End),
        ("tools", Stop::ToolCalls),
        ("refusal", Stop::Refused),
        ("incomplete", Stop::Length),
        ("filtered", Stop::Filtered),
    ];
    for (name, stop) in cases {
        let answer = answer(&fixture(&format!("answer_{name}.json")));
        assert_eq!(answer.choices[0].stop, Some(stop), "{name}");
    }
}

#[test]
fn usage_is_read_into_disjoint_parts() {
    let usage = answer(&fixture("answer_text.json")).usage.expect("usage");
    let wanted = Usage {
        input: 128,
        cached_input: 128,
        cache_write: 64,
        output: 30,
        reasoning: 60,
        ..Usage::default()
    };
    assert_eq!(usage, wanted);
    assert_eq!((usage.prompt(), usage.completion()), (320, 90));
}

#[test]
fn parts_that_are_larger_than_their_whole_are_cut() {
    let body = json!({"output": [], "usage": {"input_tokens": 5, "output_tokens": 2,
        "input_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9},
        "output_tokens_details": {"reasoning_tokens": 7}}});
    let usage = answer(body.to_string().as_bytes()).usage.expect("usage");
    assert_eq!((usage.prompt(), usage.completion()), (5, 2));
}

#[test]
fn what_failed_or_is_no_answer_is_none() {
    let names = Names::default();
    let read = |bytes: &[u8]| responses::read_answer(&document(bytes), &names);
    assert_eq!(read(&fixture("answer_failed.json")), None);
    assert_eq!(read(br#"{"error":{"message":"no"}}"#), None);
    assert_eq!(read(br#"{"object":"chat.completion","choices":[]}"#), None);
    assert_eq!(read(b"[]"), None);
}

fn said(content: Vec<Block>, stop: Stop) -> Answer {
    Answer {
        id: "chatcmpl-7".to_owned(),
        model: "claude".to_owned(),
        created: None,
        choices: vec![Choice {
            content,
            stop: Some(stop),
            logprobs: None,
        }],
        usage: None,
        rest: Vec::new(),
    }
}

fn call(name: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: "toolu_1".to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}

#[test]
fn an_answer_repeats_what_was_asked() {
    let asked = value(&fixture("request_settings.json"));
    let request = read(&asked);
    let out = responses::write_answer(&said(vec![Block::text("a")], Stop::End), &head(&request));
    let out = value(&out);
    assert_eq!(
        out["id"], "resp_req_01",
        "another provider's id may come twice"
    );
    assert_eq!(out["created_at"], 1_790_000_001);
    assert_eq!(out["model"], "claude");
    for key in [
        "instructions",
        "max_output_tokens",
        "metadata",
        "parallel_tool_calls",
        "reasoning",
        "service_tier",
        "store",
        "temperature",
        "text",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "max_tool_calls",
    ] {
        assert_eq!(out[key], asked[key], "{key}");
    }
    let asked = value(&fixture("request_tools.json"));
    let request = read(&asked);
    let out = responses::write_answer(&said(vec![], Stop::End), &head(&request));
    let out = value(&out);
    assert_eq!(out["tools"], asked["tools"]);
    assert_eq!(out["tool_choice"], asked["tool_choice"]);
    assert_eq!(out["error"], Value::Null);
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let request = Request::default();
    let out = responses::write_answer(&said(vec![call("f", "")], Stop::ToolCalls), &head(&request));
    assert_eq!(value(&out)["output"][0]["arguments"], "{}");
}

#[test]
fn a_custom_tool_that_was_called_with_an_object_gets_its_text() {
    let request =
        read(&json!({"model": "m", "input": "a", "tools": [{"type": "custom", "name": "patch"}]}));
    let content = vec![
        call("patch", r#"{"input":"*** a\n"}"#),
        call("patch", r#"{"x":"b"}"#),
        call("patch", "c"),
    ];
    let mut answer = said(content, Stop::ToolCalls);
    Customs::of(&request).restore(&mut answer);
    let out = value(&responses::write_answer(&answer, &head(&request)));
    let inputs: Vec<&str> = (0..3)
        .filter_map(|at| out["output"][at]["input"].as_str())
        .collect();
    assert_eq!(inputs, ["*** a\n", "b", "c"]);
    assert_eq!(out["output"][0]["type"], "custom_tool_call");
    assert!(
        out["output"][0]["id"]
            .as_str()
            .expect("id")
            .starts_with("ctc_")
    );
}

#[test]
fn thoughts_stand_where_the_client_looks_for_them() {
    let thinking = |id: Option<&str>| {
        Block::Thinking(Thinking {
            text: "hm".to_owned(),
            id: id.map(str::to_owned),
            signature: Some(Signature {
                family: Dialect::Anthropic,
                value: "sig".to_owned(),
            }),
            ..Thinking::default()
        })
    };
    let content = vec![thinking(None), thinking(Some("rs_1")), Block::text("a")];
    let answer = said(content, Stop::End);
    let asked = read(&json!({"model": "m", "input": "a", "reasoning": {"summary": "auto"}}));
    let item = |request: &Request, at: usize| {
        value(&responses::write_answer(&answer, &head(request)))["output"][at].clone()
    };
    let plain = Request::default();
    // Another provider's.
    assert_eq!(item(&plain, 0)["summary"][0]["text"], "hm");
    assert_eq!(
        item(&plain, 0)["encrypted_content"],
        "portcullis:1:anthropic:sig"
    );
    // One of this dialect.
    assert_eq!(item(&plain, 1)["summary"], json!([]));
    assert_eq!(item(&plain, 1)["content"][0]["text"], "hm");
    assert_eq!(item(&asked, 1)["summary"][0]["text"], "hm");
    assert_eq!(item(&asked, 1).get("content"), None);
}

#[test]
fn texts_that_follow_one_another_are_one_message() {
    let content = vec![
        Block::text("a"),
        Block::text("b"),
        call("f", "{}"),
        Block::text("c"),
    ];
    let request = Request::default();
    let out = value(&responses::write_answer(
        &said(content, Stop::Length),
        &head(&request),
    ));
    assert_eq!(out["output"].as_array().map(Vec::len), Some(3));
    assert_eq!(out["output"][0]["content"][1]["text"], "b");
    assert_eq!(out["output"][0]["status"], "completed");
    assert_eq!(out["output"][2]["status"], "incomplete");
    assert_eq!(out["status"], "incomplete");
    assert_eq!(out["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(out["output"][2]["id"], "msg_req_01_2");
}

#[test]
fn citations_of_others_are_pages_where_they_name_one() {
    let unknown = |dialect, raw: &str| Unknown::new(dialect, "c", Json::trusted(raw));
    let content = vec![Block::Text {
        text: "añb".to_owned(),
        citations: vec![
            unknown(
                Dialect::Anthropic,
                r#"{"type":"web_search_result_location","url":"https://a","title":"A"}"#,
            ),
            unknown(
                Dialect::OpenAi,
                r#"{"type":"url_citation","url_citation":{"url":"https://b","title":"B","start_index":1,"end_index":2}}"#,
            ),
            unknown(Dialect::Gemini, r#"{"uri":"https://c"}"#),
            unknown(
                Dialect::Anthropic,
                r#"{"type":"char_location","document_index":0}"#,
            ),
        ],
        signature: None,
        cache: None,
    }];
    let request = Request::default();
    let out = value(&responses::write_answer(
        &said(content, Stop::End),
        &head(&request),
    ));
    let cite = |url: &str, title: &str, from: u64, to: u64| json!({"type": "url_citation", "url": url, "title": title, "start_index": from, "end_index": to});
    let wanted = [
        cite("https://a", "A", 0, 3),
        cite("https://b", "B", 1, 2),
        cite("https://c", "https://c", 0, 3),
    ];
    assert_eq!(out["output"][0]["content"][0]["annotations"], json!(wanted));
}
