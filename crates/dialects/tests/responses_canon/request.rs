//! Requests.

use domain::canon::{
    Block, Dialect, Effort, Loss, Media, MediaKind, Role, Signature, Source, ToolChoice, ToolKind,
};
use domain::refusal::Reason;
use serde_json::{Value, json};

use crate::support::{document, fixture, read, value, write};

/// What a request says, whichever way it says it.
fn normal(mut value: Value) -> Value {
    let object = value.as_object_mut().expect("an object");
    // Always asked for, so that reasoning can be sent back.
    let mut include = match object.remove("include") {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    include.retain(|item| item != "reasoning.encrypted_content");
    include.sort_by_key(ToString::to_string);
    object.insert("include".to_owned(), include.into());
    if object.get("background") == Some(&json!(false)) {
        object.remove("background");
    }
    if let Some(text @ Value::String(_)) = object.get("input") {
        let item = json!({"type": "message", "role": "user", "content": text});
        object.insert("input".to_owned(), json!([item]));
    }
    value
}

fn comes_back(name: &str) {
    let before = value(&fixture(name));
    let (after, losses) = write(&read(&before));
    assert_eq!(losses, [], "{name}");
    assert_eq!(normal(after), normal(before), "{name}");
}

#[test]
fn what_is_read_is_written_again_without_losses() {
    comes_back("request_settings.json");
    comes_back("request_content.json");
    comes_back("request_tools.json");
    comes_back("request_state.json");
}

#[test]
fn numbers_keep_their_text() {
    let body = r#"{"model":"m","input":"a","temperature":0.70,"top_p":1e-1,"tools":[{"type":"function",
        "name":"f","parameters":{"minimum": 1e400}}]}"#;
    let request = dialects::responses::canon::read_request(&document(body.as_bytes()));
    let request = request.expect("a request");
    let names = dialects::translate::Names::of(&request);
    let target = dialects::translate::Target {
        model: "m",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Responses, "m"),
        names: &names,
    };
    let written = dialects::responses::canon::write_request(&request, &target);
    let written = String::from_utf8(written.value).expect("text");
    for text in [
        r#""temperature":0.70"#,
        r#""top_p":1e-1"#,
        r#"{"minimum": 1e400}"#,
    ] {
        assert!(written.contains(text), "{written}");
    }
}

#[test]
fn settings_are_read_into_the_canonical_form() {
    let request = read(&value(&fixture("request_settings.json")));
    assert_eq!(request.max_tokens, Some(1000));
    assert_eq!(request.logprobs, Some(true));
    assert_eq!(request.top_logprobs, Some(3));
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    let reasoning = request.reasoning.expect("reasoning");
    assert_eq!(reasoning.effort, Some(Effort::XHigh));
    assert!(request.stream && request.stream_usage);
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[1].role, Role::User);
}

#[test]
fn items_of_one_turn_are_one_message() {
    let request = read(&value(&fixture("request_tools.json")));
    let roles: Vec<Role> = request.messages.iter().map(|it| it.role).collect();
    let wanted = [
        Role::System,
        Role::User,
        Role::Assistant,
        Role::Tool,
        Role::Assistant,
        Role::User,
    ];
    assert_eq!(roles, wanted);
    let turn = &request.messages[2].content;
    assert_eq!(turn.len(), 5);
    let Block::Thinking(thinking) = &turn[0] else {
        panic!("{turn:?}");
    };
    assert_eq!(thinking.id.as_deref(), Some("rs_1"));
    assert_eq!(thinking.text, "**Thinking**");
    assert!(thinking.summary);
    let signature = thinking.signature.as_ref().expect("a signature");
    assert_eq!(signature.family, Dialect::Responses);
    let Block::ToolResult(result) = &request.messages[3].content[2] else {
        panic!();
    };
    assert_eq!(result.name.as_deref(), Some("apply_patch"));
    assert!(result.custom);
    assert!(matches!(
        request.tool_choice,
        Some(ToolChoice::Allowed { must: true, .. })
    ));
    assert!(matches!(request.tools[4].kind, ToolKind::BuiltIn(_)));
}

#[test]
fn media_are_read_by_url_bytes_and_file() {
    let request = read(&value(&fixture("request_content.json")));
    let media: Vec<&Media> = request.messages[1]
        .content
        .iter()
        .filter_map(|block| match block {
            Block::Media(medium) => Some(medium),
            _ => None,
        })
        .collect();
    assert_eq!(
        media[0].source,
        Source::Url("https://example.com/a.png".into())
    );
    assert_eq!(media[1].source, Source::Base64("/9j/4AAQ".into()));
    assert_eq!(media[1].mime.as_deref(), Some("image/jpeg"));
    assert_eq!(media[2].source, Source::File("file-img".into()));
    assert_eq!(media[3].kind, MediaKind::Document);
    assert_eq!(media[3].name.as_deref(), Some("a.pdf"));
    assert_eq!(media[3].mime.as_deref(), Some("application/pdf"));
}

#[test]
fn messages_need_no_type_and_assistants_may_be_plain_text() {
    let request = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "id": "msg_1", "status": "completed",
         "phase": "commentary"},
        {"role": "developer", "content": [{"type": "input_text", "text": "c"}]},
        {"id": "msg_7"},
    ]}));
    let roles: Vec<Role> = request.messages.iter().map(|it| it.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::Developer,
            Role::Assistant
        ]
    );
    let (written, losses) = write(&request);
    assert_eq!(losses, []);
    assert_eq!(
        written["input"][1],
        json!({"type": "message", "role": "assistant", "content": "b"})
    );
    assert_eq!(written["input"][3], json!({"id": "msg_7"}));
}

#[test]
fn a_namespace_is_tools_with_longer_names() {
    let request = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "a"},
        {"type": "function_call", "call_id": "c1", "namespace": "files", "name": "list", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
    ], "tools": [{"type": "namespace", "name": "files", "description": "d", "tools": [
        {"type": "function", "name": "list", "parameters": {"type": "object"}},
        {"type": "custom", "name": "patch"},
    ]}]}));
    assert_eq!(request.tools.len(), 2);
    let (written, losses) = write(&request);
    assert_eq!(losses, []);
    let name = written["tools"][0]["name"].as_str().expect("a name");
    assert!(name.starts_with("files_list_"), "{name}");
    assert_eq!(written["input"][1]["name"], name);
    let answered = json!({"id": "resp_1", "object": "response", "output": [
        {"type": "function_call", "call_id": "c2", "name": name, "arguments": "{}"}]});
    let names = dialects::translate::Names::of(&request);
    let answer =
        dialects::responses::canon::read_answer(&document(answered.to_string().as_bytes()), &names);
    let answer = answer.expect("an answer");
    let out = dialects::responses::canon::write_answer(&answer, &crate::support::head(&request));
    let item = &value(&out)["output"][0];
    assert_eq!(
        (&item["namespace"], &item["name"]),
        (&json!("files"), &json!("list"))
    );
}

#[test]
fn who_speaks_another_dialect_does_not_expect_that_answers_are_kept() {
    let (written, _) = write(&read(&json!({"model": "m", "input": "a"})));
    assert_eq!(written["store"], json!(false));
    assert_eq!(written["include"], json!(["reasoning.encrypted_content"]));
}

#[test]
fn proofs_of_other_families_travel_in_reasoning_items() {
    let sealed = "portcullis:1:anthropic:EqQBCg:x==";
    let request = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_pc_1_0", "summary": [{"type": "summary_text", "text": "t"}],
         "encrypted_content": sealed},
        {"type": "reasoning", "id": "rs_pc_1_1", "summary": [],
         "encrypted_content": "portcullis:1:anthropic!:zzz"},
        {"role": "assistant", "content": "b"},
    ]}));
    let Block::Thinking(thinking) = &request.messages[1].content[0] else {
        panic!();
    };
    let family = Dialect::Anthropic;
    let value = "EqQBCg:x==".to_owned();
    assert_eq!(thinking.signature, Some(Signature { family, value }));
    assert_eq!(thinking.id, None);
    let Block::Thinking(hidden) = &request.messages[1].content[1] else {
        panic!();
    };
    assert!(hidden.redacted);
    // The provider of this dialect does not get them, and the client is told so.
    let (written, losses) = write(&request);
    let why = "it is of use to another provider only";
    let lost = [0, 1].map(|block| format!("messages[1].content[{block}].signature"));
    assert_eq!(losses, lost.map(|field| Loss::hint(field, why)));
    assert_eq!(written["input"].as_array().map(Vec::len), Some(2));
}

fn refused(cases: &[(Value, &str)]) {
    for (body, param) in cases {
        let bytes = body.to_string();
        let refusal = dialects::responses::canon::read_request(&document(bytes.as_bytes()));
        let refusal = refusal.expect_err(&bytes);
        assert_eq!(refusal.param.as_deref(), Some(*param), "{bytes}");
        assert!(matches!(
            refusal.reason,
            Reason::BadField | Reason::MissingField
        ));
        assert!(refusal.message.ends_with('.'), "{}", refusal.message);
    }
}

#[test]
fn a_refusal_names_the_item_and_says_what_to_do() {
    refused(&[
        (json!({"input": "a"}), "model"),
        (json!({"model": 1, "input": "a"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": 1}), "input"),
        (json!({"model": "m", "input": [1]}), "input[0]"),
        (
            json!({"model": "m", "input": [{"role": "robot", "content": "a"}]}),
            "input[0].role",
        ),
        (
            json!({"model": "m", "input": [{"role": "user"}]}),
            "input[0].content",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
            "input[0].content[0].image_url",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [
            {"type": "input_image", "image_url": "data:text/plain,hello"}]}]}),
            "input[0].content[0].image_url",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call", "name": "a", "arguments": "{}"}]}),
            "input[0].call_id",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "a"}]}),
            "input[0].output",
        ),
        (json!({"model": "m", "input": [{}]}), "input[0].type"),
    ]);
}

#[test]
fn a_refusal_names_the_setting_and_says_what_to_do() {
    refused(&[
        (json!({"model": "m", "input": "a", "tools": {}}), "tools"),
        (
            json!({"model": "m", "input": "a", "tools": [{"type": "function"}]}),
            "tools[0].name",
        ),
        (
            json!({"model": "m", "input": "a", "tool_choice": "some"}),
            "tool_choice",
        ),
        (
            json!({"model": "m", "input": "a", "tool_choice": {"type": "function"}}),
            "tool_choice.name",
        ),
        (
            json!({"model": "m", "input": "a", "temperature": "hot"}),
            "temperature",
        ),
        (
            json!({"model": "m", "input": "a", "max_output_tokens": -1}),
            "max_output_tokens",
        ),
        (
            json!({"model": "m", "input": "a", "text": {"format": {"type": "json_schema"}}}),
            "text.format.schema",
        ),
        (
            json!({"model": "m", "input": "a", "reasoning": {"effort": 3}}),
            "reasoning.effort",
        ),
        (
            json!({"model": "m", "input": "a", "stream": "yes"}),
            "stream",
        ),
        (
            json!({"model": "m", "input": "a", "include": ["a", 1]}),
            "include[1]",
        ),
    ]);
}

#[test]
fn null_is_as_if_it_were_not_there() {
    let request = read(
        &json!({"model": "m", "input": "a", "tools": null, "temperature": null,
        "previous_response_id": null, "text": {"format": null}, "reasoning": null,
        "reasoning_effort": null, "instructions": null, "conversation": null}),
    );
    assert_eq!(request.rest, []);
    assert_eq!(request.messages.len(), 1);
}
