//! Requests, read and written back.

use super::support::{doc, fixture, fixtures, head, plain, request, value, write};
use dialects::anthropic::canon::{read_answer, read_request, write_answer, write_request};
use dialects::translate::{Names, Target};
use domain::canon::{Block, Effort, Format, Role, ToolChoice};
use domain::refusal::Reason;
use serde_json::{Value, json as j};

#[test]
fn a_request_comes_back_as_it_was() {
    for name in fixtures("request_") {
        let text = fixture(&name);
        let request = read_request(&doc(&text)).expect(&name);
        let (written, losses) = write(&request, &request.model);
        assert_eq!(losses, [], "{name}");
        assert_eq!(plain(written), plain(value(text.as_bytes())), "{name}");
    }
}

#[test]
fn numbers_schemas_and_arguments_keep_their_text() {
    for (name, text) in [
        ("request_plain.json", "0.70"),
        ("request_tools.json", r#""n": 1.50"#),
    ] {
        let request = read_request(&doc(&fixture(name))).expect(name);
        let names = Names::of(&request);
        let target = Target {
            model: "claude-sonnet-4-5",
            output_limit: None,
            reasons: true,
            traits: crate::known::traits(domain::canon::Dialect::Anthropic, "claude-sonnet-4-5"),
            names: &names,
        };
        let written = write_request(&request, &target).value;
        let written = String::from_utf8(written).expect("text");
        assert!(written.contains(text), "{written}");
    }
}

#[test]
fn the_conversation_is_read_in_its_order() {
    let request = read_request(&doc(&fixture("request_tools.json"))).expect("a request");
    let roles: Vec<Role> = request
        .messages
        .iter()
        .map(|message| message.role)
        .collect();
    use Role::{Assistant, System, Tool, User};
    assert_eq!(roles, [System, User, Assistant, Tool, User]);
    let Some(Block::ToolResult(result)) = request.messages[3].content.get(1) else {
        panic!("a result");
    };
    assert_eq!(result.name.as_deref(), Some("get_weather"));
    assert_eq!(result.is_error, Some(true));
    assert_eq!(request.tool_choice, Some(ToolChoice::Any));
    assert_eq!(request.parallel_tools, Some(false));
}

#[test]
fn thinking_is_read_into_effort_and_budget() {
    let read = |thinking: Value, config: Value| {
        let value = j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "thinking": thinking, "output_config": config});
        request(&value).reasoning
    };
    let budget = read(j!({"type": "enabled", "budget_tokens": 2048}), j!({}));
    assert_eq!(budget.expect("reasoning").budget, Some(2048));
    let word = read(
        j!({"type": "adaptive", "display": "omitted"}),
        j!({"effort": "max"}),
    );
    let word = word.expect("reasoning");
    assert!(word.adaptive);
    assert_eq!(
        (word.effort, word.summary.as_deref()),
        (Some(Effort::Max), Some("none"))
    );
    for kind in ["disabled", "between_tools"] {
        let off = read(j!({"type": kind}), j!({"effort": "low"}));
        assert_eq!(off.expect("reasoning").effort, Some(Effort::None));
    }
    let effort = read(Value::Null, j!({"effort": "low"}));
    assert_eq!(effort.expect("reasoning").effort, Some(Effort::Low));
    assert_eq!(read(Value::Null, Value::Null), None);
}

#[test]
fn the_operator_may_speak_within_a_users_message() {
    let text = |text: &str| j!({"type": "text", "text": text});
    let operator = j!({"type": "mid_conv_system", "content": [text("two")]});
    let content = j!([text("one"), operator, text("three")]);
    let value = j!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let read: Vec<(Role, Vec<Block>)> = request(&value)
        .messages
        .into_iter()
        .map(|message| (message.role, message.content))
        .collect();
    let said = |role, text: &str| (role, vec![Block::text(text)]);
    let expected = [
        said(Role::User, "one"),
        said(Role::System, "two"),
        said(Role::User, "three"),
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_schema_is_read_under_both_its_names() {
    let format = j!({"type": "json_schema", "schema": {"type": "object"}});
    for value in [
        j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "output_format": format}),
        j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "output_config": {"format": format}}),
    ] {
        let Some(Format::Schema { schema, .. }) = request(&value).format else {
            panic!("a schema");
        };
        assert_eq!(schema.as_str(), r#"{"type":"object"}"#);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_wrong_is_named() {
    let message =
        |content: Value| j!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let cases = [
        (j!([]), Reason::BadJson, None),
        (
            j!({"messages": [{"role": "user", "content": "Hi"}]}),
            Reason::MissingField,
            Some("model"),
        ),
        (j!({"model": "m"}), Reason::MissingField, Some("messages")),
        (
            j!({"model": "m", "messages": {}}),
            Reason::BadField,
            Some("messages"),
        ),
        (
            j!({"model": "m", "messages": [1]}),
            Reason::BadField,
            Some("messages[0]"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}),
            Reason::BadField,
            Some("messages[0].role"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user"}]}),
            Reason::MissingField,
            Some("messages[0].content"),
        ),
        (
            message(j!(1)),
            Reason::BadField,
            Some("messages[0].content"),
        ),
        (
            message(j!([{"text": "x"}])),
            Reason::MissingField,
            Some("messages[0].content[0].type"),
        ),
        (
            message(j!([{"type": "tool_use", "id": "a", "name": "b", "input": "{}"}])),
            Reason::BadField,
            Some("messages[0].content[0].input"),
        ),
        (
            message(
                j!([{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]}]),
            ),
            Reason::MissingField,
            Some("messages[0].content[0].content[0].text"),
        ),
        (
            message(j!([{"type": "image", "source": {"type": "base64"}}])),
            Reason::MissingField,
            Some("messages[0].content[0].source.data"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": "9"}),
            Reason::BadField,
            Some("max_tokens"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "enabled"}}),
            Reason::MissingField,
            Some("thinking.budget_tokens"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tool_choice": {"type": "tool"}}),
            Reason::MissingField,
            Some("tool_choice.name"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "a"}]}),
            Reason::MissingField,
            Some("tools[0].input_schema"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stop_sequences": [1]}),
            Reason::BadField,
            Some("stop_sequences[0]"),
        ),
    ];
    for (value, reason, param) in cases {
        let refusal = read_request(&doc(&value.to_string())).expect_err(&value.to_string());
        assert_eq!(
            (refusal.reason, refusal.param.as_deref()),
            (reason, param),
            "{value}"
        );
    }
}

/// Every value within, by its path.
fn paths(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &format!("{at}/{index}"), out);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                paths(member, &format!("{at}/{key}"), out);
            }
        }
        _ => {}
    }
}

/// The fixture with each of its values replaced by others, one at a time.
fn spoilt(name: &str) -> impl Iterator<Item = Value> {
    let whole = value(fixture(name).as_bytes());
    let mut all = Vec::new();
    paths(&whole, "", &mut all);
    let others = [
        j!(null),
        j!(1),
        j!("x"),
        j!([]),
        j!({}),
        j!([1]),
        j!({"type": "x"}),
    ];
    all.into_iter().flat_map(move |path| {
        let whole = whole.clone();
        let spoil = move |other: &Value| {
            let mut spoilt = whole.clone();
            *spoilt.pointer_mut(&path).expect("a value") = other.clone();
            spoilt
        };
        others.clone().map(|other| spoil(&other))
    })
}

#[test]
fn whatever_is_wrong_is_refused_by_name_or_written() {
    for value in fixtures("request_").iter().flat_map(|name| spoilt(name)) {
        match read_request(&doc(&value.to_string())) {
            Ok(request) => drop(write(&request, "claude-sonnet-4-5")),
            Err(refusal) => {
                let names_it = refusal.param.is_some() || refusal.reason == Reason::BadJson;
                assert!(names_it, "{value}");
            }
        }
    }
}

#[test]
fn an_answer_that_is_half_wrong_is_read_as_far_as_it_goes() {
    for text in fixtures("answer_").iter().flat_map(|name| spoilt(name)) {
        let request = domain::canon::Request::default();
        if let Some(answer) = read_answer(&doc(&text.to_string()), &Names::default()) {
            value(&write_answer(&answer, &head(&request)));
        }
    }
}
