//! Answers and errors, through the canonical form.

use crate::support::{call, document, fixture, head, json, target};
use dialects::openai::canon::{
    read_answer, read_fault, read_request, write_answer, write_fault, write_fault_event,
    write_request,
};
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Choice, Dialect, Fault, FaultKind, Json, Request, Stop, Unknown,
};
use serde_json::{Value, json};

const ANSWERS: &[&str] = &[
    "text",
    "tools",
    "custom",
    "refusal",
    "length",
    "filter",
    "n2_logprobs",
    "annotations",
    "audio",
    "thoughts",
];

#[test]
fn an_answer_comes_out_as_it_went_in() {
    let asked = Request::default();
    for name in ANSWERS {
        let before = fixture(&format!("answers/{name}.json"));
        let read = read_answer(&document(before.clone()), &Names::default()).expect(name);
        let after = write_answer(&read, &head(&asked));
        assert_eq!(json(&after), json(&before), "{name}");
    }
}

#[test]
fn a_long_name_goes_out_short_and_comes_back() {
    let long = "mcp__server__".repeat(9);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function", "function": {"name": long}}]});
    let read = read_request(&document(body.to_string())).expect("a request");
    let names = Names::of(&read);
    let out = json(&write_request(&read, &target("m", &names)).value);
    let short = out["tools"][0]["function"]["name"].as_str().expect("name");
    let answer = json!({"choices": [{"message": {"tool_calls": [{"id": "a", "function": {"name": short, "arguments": ""}}]}, "finish_reason": "tool_calls"}]});
    let read = read_answer(&document(answer.to_string()), &names).expect("an answer");
    assert!(matches!(&read.choices[0].content[..], [Block::ToolCall(call)] if call.name == long));
}

#[test]
fn an_answer_that_lacks_everything_gets_what_clients_need() {
    let asked = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    let answer = Answer {
        choices: vec![Choice {
            content: vec![call("", "")],
            stop: None,
            logprobs: None,
        }],
        ..Answer::default()
    };
    let written = json(&write_answer(&answer, &head(&asked)));
    assert_eq!(written["id"], "chatcmpl-own");
    assert_eq!(written["model"], "asked");
    assert_eq!(written["created"], 1_700_000_000);
    let choice = &written["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"]["arguments"],
        "{}"
    );
    assert!(
        !choice["message"]["tool_calls"][0]["id"]
            .as_str()
            .expect("id")
            .is_empty()
    );
}

#[test]
fn citations_of_others_become_annotations() {
    let citation = |dialect, raw: &str| Unknown::new(dialect, "c", Json::trusted(raw));
    let text = |text: &str, citations| Block::Text {
        text: text.to_owned(),
        citations,
        signature: None,
        cache: None,
    };
    let answer = Answer {
        choices: vec![Choice {
            content: vec![
                text("Né. ", vec![]),
                text(
                    "Rain.",
                    vec![
                        citation(
                            Dialect::Anthropic,
                            r#"{"type":"web_search_result_location","url":"https://a.example/","title":"A"}"#,
                        ),
                        citation(
                            Dialect::Gemini,
                            r#"{"startIndex":1,"endIndex":3,"uri":"https://b.example/"}"#,
                        ),
                        citation(
                            Dialect::Anthropic,
                            r#"{"type":"char_location","document_index":0}"#,
                        ),
                        citation(
                            Dialect::Cohere,
                            r#"{"start":0,"end":4,"text":"Rain","sources":[{"type":"tool"},
                                {"type":"document","document":{"url":"https://c.example/","title":"C"}}]}"#,
                        ),
                    ],
                ),
            ],
            stop: Some(Stop::End),
            logprobs: None,
        }],
        ..Answer::default()
    };
    let written = json(&write_answer(&answer, &head(&Request::default())));
    let notes = &written["choices"][0]["message"]["annotations"];
    assert_eq!(notes.as_array().expect("notes").len(), 3);
    assert_eq!(
        notes[0]["url_citation"],
        json!({"start_index": 4, "end_index": 9, "url": "https://a.example/", "title": "A"})
    );
    assert_eq!(notes[1]["url_citation"]["start_index"], 5);
    assert_eq!(
        notes[2]["url_citation"],
        json!({"start_index": 4, "end_index": 8, "url": "https://c.example/", "title": "C"})
    );
}

#[test]
fn what_is_no_answer_is_none() {
    for body in [
        "[]",
        "{}",
        r#"{"error":{"message":"a"},"choices":[]}"#,
        r#"{"choices":{}}"#,
        r#"{"choices":[{"text":"a"}]}"#,
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":"error"}]}"#,
    ] {
        assert_eq!(
            read_answer(&document(body.as_bytes().to_vec()), &Names::default()),
            None,
            "{body}"
        );
    }
}

#[test]
fn errors_are_told_apart() {
    let cases = json(&fixture("errors.json"));
    for case in cases.as_array().expect("cases") {
        let about = case["about"].as_str().expect("about");
        let status = u16::try_from(case["status"].as_u64().expect("status")).expect("small");
        let fault = read_fault(status, case["body"].as_str().expect("body").as_bytes());
        assert_eq!(
            format!("{:?}", fault.kind),
            case["kind"].as_str().expect("kind"),
            "{about}: {fault:?}"
        );
        assert!(!fault.message.is_empty(), "{about}");
        for (key, value) in [
            ("message", Some(&fault.message)),
            ("field", fault.field.as_ref()),
            ("code", fault.code.as_ref()),
        ] {
            if let Some(wanted) = case.get(key) {
                assert_eq!(wanted.as_str(), value.map(String::as_str), "{about}: {key}");
            }
        }
    }
}

#[test]
fn a_written_error_is_read_as_the_same_kind() {
    let all = [
        FaultKind::Invalid,
        FaultKind::ContextTooLong,
        FaultKind::Filtered,
        FaultKind::TooLarge,
        FaultKind::Authentication,
        FaultKind::Permission,
        FaultKind::Billing,
        FaultKind::NotFound,
        FaultKind::RateLimited,
        FaultKind::Overloaded,
        FaultKind::Timeout,
        FaultKind::Server,
    ];
    for kind in all {
        let fault = Fault {
            kind,
            message: "It \"failed\".\n".to_owned(),
            code: None,
            field: Some("messages".to_owned()),
        };
        let body = write_fault(&fault, "req_1");
        let said = json(&body);
        for key in ["message", "type", "param", "code"] {
            assert!(said["error"].as_object().expect("error").contains_key(key));
        }
        let read = read_fault(kind.status(), &body);
        assert_eq!(
            (read.kind, read.message, read.field),
            (kind, fault.message.clone(), fault.field.clone())
        );
        let event = write_fault_event(&fault, "req_1");
        assert!(event.starts_with(b"data: {\"error\":") && event.ends_with(b"\n\n"));
    }
}
