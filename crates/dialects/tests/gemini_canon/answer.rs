//! Gemini's requests and whole answers, from and into the canonical form.

use crate::support::*;
use dialects::gemini::canon::{read_answer, read_as_said, read_request, write_answer};
use dialects::translate::Names;
use domain::canon::{
    Block, Dialect, Effort, Format, MediaKind, Role, Source, Stop, ToolChoice, ToolKind,
};
use domain::refusal::Reason;
use domain::usage::Usage;

#[test]
fn a_request_comes_back_as_it_was() {
    for (name, bytes) in fixtures("requests", "json") {
        if name == "snake_case" {
            continue;
        }
        let request = read_request(&document(&bytes)).expect(&name);
        let written = written(&request, NEWEST);
        assert_eq!(value(&written.value), value(&bytes), "{name}");
        assert_eq!(written.losses, [], "{name}");
        assert_eq!(
            read_request(&document(&written.value)),
            Ok(request),
            "{name}"
        );
    }
}

#[test]
fn fixtures_obey_the_rules_that_others_are_held_to() {
    for (name, bytes) in fixtures("requests", "json") {
        if matches!(name.as_str(), "snake_case" | "rest") {
            continue;
        }
        crate::rules::check(&value(&bytes), NEWEST);
    }
}

#[test]
fn both_spellings_say_the_same() {
    let snake = read_request(&document(&fixture("requests/snake_case.json")));
    let camel = read_request(&document(&fixture("requests/chat.json")));
    assert_eq!(snake, camel);
}

#[test]
fn one_turn_and_one_part_may_stand_without_brackets() {
    let bare = r#"{"systemInstruction":{"parts":{"text":"Be brief."}},"contents":{"parts":{"text":"Hi"}}}"#;
    let listed = r#"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    let read = |text: &str| read_request(&document(text.as_bytes())).expect("a request");
    assert_eq!(read(bare), read(listed));
}

#[test]
fn a_member_in_both_spellings_is_refused() {
    let text =
        r#"{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{},"generation_config":{}}"#;
    let refusal = read_request(&document(text.as_bytes())).expect_err("twice");
    assert_eq!(refusal.reason, Reason::DuplicateKey);
    assert_eq!(refusal.param.as_deref(), Some("generationConfig"));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (r#"[]"#, None),
        (r#"{}"#, Some("contents")),
        (r#"{"contents":{}}"#, Some("contents")),
        (r#"{"contents":[1]}"#, Some("contents[0]")),
        (
            r#"{"contents":[{"role":"robot","parts":[]}]}"#,
            Some("contents[0].role"),
        ),
        (
            r#"{"contents":[{"parts":[{"text":1}]}]}"#,
            Some("contents[0].parts[0].text"),
        ),
        (
            r#"{"contents":[{"parts":[{"functionCall":{"args":{}}}]}]}"#,
            Some("contents[0].parts[0].functionCall.name"),
        ),
        (
            r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","response":"x"}}]}]}"#,
            Some("contents[0].parts[0].functionResponse.response"),
        ),
        (
            r#"{"contents":[{"parts":[{"text":"Hi"}]}],"generation_config":{"max_output_tokens":"x"}}"#,
            Some("generationConfig.maxOutputTokens"),
        ),
        (
            r#"{"contents":[{"parts":[{"text":"Hi"}]}],"toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}"#,
            Some("toolConfig.functionCallingConfig.mode"),
        ),
        (
            r#"{"contents":[{"parts":[{"text":"Hi"}]}],"tools":[{"functionDeclarations":[{}]}]}"#,
            Some("tools[0].functionDeclarations[0].name"),
        ),
    ];
    for (text, at) in cases {
        let refusal = read_request(&document(text.as_bytes())).expect_err(text);
        assert_eq!(refusal.param.as_deref(), at, "{text}");
        assert!(refusal.message.ends_with('.'), "{text}");
    }
}

#[test]
fn calls_without_ids_are_paired_by_name_and_order() {
    let request = request(
        r#"{"contents":[{"parts":[{"text":"go"}]},
        {"role":"model","parts":[{"functionCall":{"name":"a","args":{"n":1}}},
            {"functionCall":{"name":"b"}},{"functionCall":{"name":"a","args":{"n":2}}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"b","response":{"output":"B"}}},
            {"functionResponse":{"name":"a","response":{"output":"A1"}}},
            {"functionResponse":{"name":"a","response":{"output":"A2"}}}]}]}"#,
    );
    let ids = request.messages[1].content.iter().map(|block| match block {
        Block::ToolCall(call) => call.id.clone(),
        other => panic!("{other:?}"),
    });
    let ids: Vec<String> = ids.collect();
    let results = request.messages[2].content.iter().map(|block| match block {
        Block::ToolResult(result) => result.call.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(request.messages[2].role, Role::Tool);
    let results: Vec<String> = results.collect();
    assert_eq!(results, [ids[1].clone(), ids[0].clone(), ids[2].clone()]);
    crate::rules::check(&value(&written(&request, NEWEST).value), NEWEST);
}

#[test]
fn an_older_schema_becomes_json_schema() {
    let request = read_request(&document(&fixture("requests/tools_openapi.json"))).expect("one");
    let ToolKind::Function { schema } = &request.tools[0].kind else {
        panic!("a function");
    };
    let schema = value(schema.as_ref().expect("a schema").as_str().as_bytes());
    let wanted = serde_json::json!({
        "type": "object",
        "properties": {
            "seats": {"type": "integer", "format": "int32", "minimum": 1},
            "class": {"type": ["string", "null"], "enum": ["first", "second", null]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
        "required": ["seats"],
    });
    assert_eq!(schema, wanted);
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Named("book".to_owned()))
    );
}

#[test]
fn what_other_dialects_know_is_understood() {
    let read = |name: &str| read_request(&document(&fixture(name))).expect("a request");
    let chat = read("requests/chat.json");
    assert_eq!(chat.messages[0].role, Role::System);
    assert_eq!(
        (chat.n, chat.max_tokens, chat.top_logprobs),
        (Some(2), Some(512), Some(3))
    );
    let thinking = read("requests/thinking_level.json")
        .reasoning
        .expect("some");
    assert_eq!(thinking.effort, Some(Effort::High));
    assert_eq!(thinking.summary.as_deref(), Some("none"));
    let structured = read("requests/structured_openapi.json");
    assert!(matches!(structured.format, Some(Format::Schema { .. })));
    let media = read("requests/media.json");
    let kinds: Vec<_> = media.messages[0].content[1..7]
        .iter()
        .map(|block| match block {
            Block::Media(media) => (media.kind, matches!(media.source, Source::File(_))),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = [
        (MediaKind::Image, false),
        (MediaKind::Audio, false),
        (MediaKind::Document, false),
        (MediaKind::Video, true),
        (MediaKind::Image, false),
        (MediaKind::Document, true),
    ];
    assert_eq!(kinds, wanted);
}

#[test]
fn an_answer_comes_back_as_it_was() {
    let curious = curious();
    for (name, bytes) in fixtures("answers", "json") {
        let answer = read_as_said(&document(&bytes), &Names::default()).expect(&name);
        let written = write_answer(&answer, &head(&curious));
        assert_eq!(value(&written), value(&bytes), "{name}");
    }
}

#[test]
fn an_error_or_nonsense_is_no_answer() {
    for text in [
        r#"{"error":{"code":500}}"#,
        "{}",
        "[]",
        "1",
        r#"{"choices":[]}"#,
    ] {
        let document = document(text.as_bytes());
        assert_eq!(read_answer(&document, &Names::default()), None, "{text}");
    }
}

fn answer(name: &str) -> domain::canon::Answer {
    let bytes = fixture(&format!("answers/{name}.json"));
    read_answer(&document(&bytes), &Names::default()).expect(name)
}

#[test]
fn reasons_to_end_are_understood() {
    let stop = |name: &str| answer(name).choices[0].stop.clone();
    assert_eq!(stop("text"), Some(Stop::End));
    assert_eq!(stop("calls"), Some(Stop::ToolCalls));
    assert_eq!(stop("length"), Some(Stop::Length));
    assert_eq!(stop("blocked"), Some(Stop::Filtered));
    assert_eq!(stop("filtered"), Some(Stop::Filtered));
    assert_eq!(stop("unsafe"), Some(Stop::Filtered));
    let malformed = Stop::Other("MALFORMED_FUNCTION_CALL".to_owned());
    let cut = document(&fixture("answers/malformed_call.json"));
    let said = read_as_said(&cut, &Names::default()).expect("Google's clients read it");
    assert_eq!(said.choices[0].stop, Some(malformed));
    assert_eq!(read_answer(&cut, &Names::default()), None, "no others do");
}

#[test]
fn usage_is_in_disjoint_parts() {
    let usage = answer("thoughts").usage.expect("usage");
    let wanted = Usage {
        input: 6,
        cached_input: 4,
        output: 5,
        reasoning: 20,
        ..Usage::default()
    };
    assert_eq!(usage, wanted);
    let heard = answer("audio").usage.expect("usage");
    let wanted = Usage {
        input: 40,
        cached_input: 20,
        audio_input: 40,
        audio_output: 30,
        ..Usage::default()
    };
    assert_eq!(heard, wanted);
    assert_eq!(answer("grounded").usage.expect("usage").prompt(), 17);
}

#[test]
fn log_probabilities_have_openais_shape() {
    let logprobs = answer("logprobs").choices[0]
        .logprobs
        .clone()
        .expect("some");
    let logprobs = value(logprobs.as_str().as_bytes());
    assert_eq!(
        logprobs["content"][0]["bytes"],
        serde_json::json!([72, 105])
    );
    assert_eq!(logprobs["content"][0]["top_logprobs"][1]["logprob"], -2.5);
}

#[test]
fn a_call_without_an_id_gets_the_same_one_each_time() {
    let text = br#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}},
        {"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"responseId":"r"}"#;
    let read = || read_answer(&document(text), &Names::default()).expect("an answer");
    assert_eq!(read(), read());
    let answer = read();
    let ids = answer.choices[0].content.iter().map(|block| match block {
        Block::ToolCall(call) => {
            assert_eq!(call.arguments, "{}");
            call.id.clone()
        }
        other => panic!("{other:?}"),
    });
    let ids: Vec<String> = ids.collect();
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn signatures_are_googles() {
    let answer = answer("calls");
    let Block::ToolCall(call) = &answer.choices[0].content[1] else {
        panic!("a call");
    };
    let signature = call.signature.as_ref().expect("signed");
    assert_eq!(signature.family, Dialect::Gemini);
}

#[test]
fn thoughts_are_shown_only_to_who_asks() {
    let plain = domain::canon::Request::default();
    let written = value(&write_answer(&answer("thoughts"), &head(&plain)));
    let parts = written["candidates"][0]["content"]["parts"].as_array();
    assert_eq!(parts.expect("parts").len(), 1);
}

#[test]
fn what_the_model_said_in_pieces_is_one_message_and_its_calls_are_answered() {
    let call = |name: &str| {
        format!(r#"{{"role":"model","parts":[{{"functionCall":{{"name":"{name}"}}}}]}}"#)
    };
    let result = |name: &str| {
        format!(r#"{{"functionResponse":{{"name":"{name}","response":{{"output":"x"}}}}}}"#)
    };
    let text = format!(
        r#"{{"contents":[{{"parts":[{{"text":"go"}}]}},{},{},{{"role":"model","parts":[{{"text":""}}]}},
            {{"role":"user","parts":[{},{}]}}]}}"#,
        call("one"),
        call("two"),
        result("two"),
        result("one"),
    );
    let request = request(&text);
    let roles: Vec<_> = request
        .messages
        .iter()
        .map(|message| message.role)
        .collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool]);
    let ids = |blocks: &[Block]| -> Vec<String> {
        let ids = blocks.iter().map(|block| match block {
            Block::ToolCall(call) => call.id.clone(),
            Block::ToolResult(result) => result.call.clone(),
            other => panic!("{other:?}"),
        });
        ids.collect()
    };
    let mut results = ids(&request.messages[2].content);
    results.reverse();
    assert_eq!(ids(&request.messages[1].content), results);
}
