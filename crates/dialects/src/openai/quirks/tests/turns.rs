//! Calls, tools' names and thoughts over several turns.

use domain::canon::Weight;
use domain::quirks::{Action, CallIds, EarlierThoughts, Quirks};
use serde_json::Value;

use super::super::{concern, ids};
use super::{mended, rule, with};

#[test]
fn a_call_and_its_result_get_the_same_id_in_every_turn() {
    let quirks = Quirks {
        call_ids: Some(CallIds::Exactly(9)),
        ..Quirks::default()
    };
    let body = r#"{"messages":[{"tool_calls":[{"id":"call_abc"},{"id":"Zz3456789"}]},{"tool_call_id":"call_abc"},{"tool_call_id":"Zz3456789"}]}"#;
    let (text, told) = mended(body, &quirks);
    let read: Value = serde_json::from_str(&text).expect("JSON");
    let messages = &read["messages"];
    let id = messages[0]["tool_calls"][0]["id"].as_str().expect("an id");
    assert!(
        id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(messages[1]["tool_call_id"], id);
    assert_eq!(messages[0]["tool_calls"][1]["id"], "Zz3456789");
    assert_eq!(messages[2]["tool_call_id"], "Zz3456789");
    assert!(told.losses.is_empty());
    assert_eq!(mended(body, &quirks).0, text);
    assert_eq!(mended(&text, &quirks).0, text);
}

#[test]
fn ids_that_differ_stay_different() {
    let ids: std::collections::HashSet<_> = (0..20_000)
        .map(|n| ids::made_of(&format!("call_{n}"), CallIds::Exactly(9), 0))
        .collect();
    assert_eq!(ids.len(), 20_000);
}

#[test]
fn long_names_of_tools_are_shortened_everywhere_and_can_be_read_back() {
    let quirks = Quirks {
        longest_tool_name: Some(20),
        ..Quirks::default()
    };
    let long = "mcp__weather__get_forecast";
    let body = format!(
        r#"{{"tools":[{{"function":{{"name":"{long}"}}}},{{"function":{{"name":"time"}}}}],"tool_choice":{{"type":"function","function":{{"name":"{long}"}}}},"messages":[{{"tool_calls":[{{"function":{{"name":"{long}"}}}}]}}]}}"#
    );
    let (text, told) = mended(&body, &quirks);
    assert!(!text.contains(long));
    let read: Value = serde_json::from_str(&text).expect("JSON");
    let short = read["tools"][0]["function"]["name"].as_str().expect("name");
    assert!(short.len() <= 20, "{short}");
    assert_eq!(read["tools"][1]["function"]["name"], "time");
    assert_eq!(read["tool_choice"]["function"]["name"], short);
    let called = &read["messages"][0]["tool_calls"][0];
    assert_eq!(called["function"]["name"], short);
    assert_eq!(told.names.inward(short), long);
}

fn earlier(manner: EarlierThoughts) -> Quirks {
    Quirks {
        earlier_thoughts: Some(manner),
        ..Quirks::default()
    }
}

#[test]
fn thoughts_of_earlier_turns_stay_here_where_nobody_takes_them() {
    let body = r#"{"messages":[{"role":"assistant","content":"a","reasoning_content":"t","thinking_blocks":[{}]},{"role":"assistant","reasoning":null}]}"#;
    let (text, told) = mended(body, &earlier(EarlierThoughts::Drop));
    let wanted = r#"{"messages":[{"role":"assistant","content":"a"},{"role":"assistant"}]}"#;
    assert_eq!(text, wanted);
    assert_eq!(told.losses.len(), 1);
    assert_eq!(told.losses[0].field, "messages[0].reasoning_content");
    assert_eq!(told.losses[0].weight, Weight::Hint);
}

#[test]
fn thoughts_of_earlier_turns_go_where_the_provider_reads_them() {
    let manner = |missing: Option<&str>| EarlierThoughts::Member {
        name: "reasoning".into(),
        missing: missing.map(Into::into),
    };
    let quirks = earlier(manner(Some(" ")));
    for (message, wanted) in [
        (
            r#"{"role":"assistant","reasoning_content":"t"}"#,
            r#"{"role":"assistant","reasoning":"t"}"#,
        ),
        (
            r#"{"reasoning":"t","reasoning_content":"t"}"#,
            r#"{"reasoning":"t"}"#,
        ),
        (
            r#"{"reasoning":null,"reasoning_content":"t"}"#,
            r#"{"reasoning":"t"}"#,
        ),
        (
            r#"{"role":"assistant","tool_calls":[{}]}"#,
            r#"{"reasoning":" ","role":"assistant","tool_calls":[{}]}"#,
        ),
        (r#"{"role":"assistant"}"#, r#"{"role":"assistant"}"#),
        (
            r#"{"role":"assistant","reasoning":"","tool_calls":[{}]}"#,
            r#"{"role":"assistant","reasoning":" ","tool_calls":[{}]}"#,
        ),
    ] {
        let (text, told) = mended(&format!(r#"{{"messages":[{message}]}}"#), &quirks);
        assert_eq!(text, format!(r#"{{"messages":[{wanted}]}}"#));
        assert!(told.losses.is_empty());
    }
    let (text, _) = mended(
        r#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#,
        &earlier(manner(None)),
    );
    assert_eq!(
        text,
        r#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#
    );
}

#[test]
fn thoughts_of_earlier_turns_become_parts_of_the_content() {
    let quirks = earlier(EarlierThoughts::Parts);
    let thought = r#"{"type":"thinking","thinking":[{"type":"text","text":"t"}]}"#;
    for (content, rest) in [
        (r#""a""#, r#",{"type":"text","text":"a"}"#),
        ("null", ""),
        (
            r#"[{"type":"text","text":"a"}]"#,
            r#",{"type":"text","text":"a"}"#,
        ),
    ] {
        let body = format!(r#"{{"messages":[{{"content":{content},"reasoning_content":"t"}}]}}"#);
        let (text, told) = mended(&body, &quirks);
        assert_eq!(
            text,
            format!(r#"{{"messages":[{{"content":[{thought}{rest}]}}]}}"#)
        );
        assert!(told.losses.is_empty());
    }
}

#[test]
fn thoughts_of_earlier_turns_stand_between_tags_in_front_of_the_text() {
    let quirks = earlier(EarlierThoughts::Tags("<think>".into(), "</think>".into()));
    for (content, wanted) in [
        (r#""a""#, r#""<think>t</think>\n\na""#),
        ("null", r#""<think>t</think>\n\n""#),
        (
            r#"[{"type":"text","text":"a"}]"#,
            r#"[{"type":"text","text":"<think>t</think>\n\n"},{"type":"text","text":"a"}]"#,
        ),
    ] {
        let body = format!(r#"{{"messages":[{{"content":{content},"reasoning_content":"t"}}]}}"#);
        let (text, told) = mended(&body, &quirks);
        assert_eq!(text, format!(r#"{{"messages":[{{"content":{wanted}}}]}}"#));
        assert!(told.losses.is_empty());
    }
}

#[test]
fn what_others_signed_stays_here_with_the_thoughts() {
    let quirks = Quirks {
        earlier_thoughts: Some(EarlierThoughts::Drop),
        free_form_tools: true,
        ..Quirks::default()
    };
    let plain = r#"{"messages":[{"role":"user","content":"?"},{"role":"assistant","content":null,"tool_calls":[{"id":"a"}]}]}"#;
    let signed = plain.replace(
        r#"{"id":"a"}"#,
        r#"{"id":"a","extra_content":{"google":{}}}"#,
    );
    let thought = plain.replace(
        r#""content":null"#,
        r#""content":null,"reasoning_content":"Hm.""#,
    );
    for (said, is_concerned) in [(plain, false), (&signed, true), (&thought, true)] {
        let document = super::document(said);
        assert_eq!(concern(Some(&document), &quirks), is_concerned, "{said}");
        assert_eq!(mended(said, &quirks).0, plain);
    }
    assert!(
        !concern(None, &quirks),
        "the gateway's own bodies have none"
    );
}

#[test]
fn quirks_that_do_more_than_leave_thoughts_out_concern_every_request() {
    let document = super::document(r#"{"messages":[]}"#);
    for quirks in [
        Quirks {
            call_ids: Some(CallIds::Exactly(9)),
            ..Quirks::default()
        },
        Quirks {
            schema_in_words: true,
            ..Quirks::default()
        },
        Quirks {
            earlier_thoughts: Some(EarlierThoughts::Parts),
            ..Quirks::default()
        },
    ] {
        assert!(concern(Some(&document), &quirks) && concern(None, &quirks));
    }
    assert!(!concern(Some(&document), &Quirks::default()));
}

#[test]
fn a_schema_is_told_in_words_where_only_json_can_be_asked_for() {
    let quirks = Quirks {
        schema_in_words: true,
        ..Quirks::default()
    };
    let body = r#"{"messages":[{"role":"user","content":"?"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}},"n":1}"#;
    let (text, told) = mended(body, &quirks);
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        read["response_format"],
        serde_json::json!({"type": "json_object"})
    );
    assert_eq!(read["messages"][0]["role"], "system");
    let said = read["messages"][0]["content"].as_str().expect("a text");
    assert!(
        said.contains("JSON") && said.ends_with(r#"{"type":"object"}"#),
        "{said}"
    );
    assert_eq!(read["messages"][1]["content"], "?");
    assert_eq!(told.losses[0].field, "response_format.json_schema");
    assert_eq!(told.losses[0].weight, Weight::Hint);
    let plain = r#"{"messages":[],"response_format":{"type":"json_object"}}"#;
    assert_eq!(mended(plain, &quirks).0, plain);
}

#[test]
fn turns_come_in_the_order_that_mistral_demands() {
    let quirks = Quirks {
        strict_turns: true,
        ..with(vec![rule(
            "messages[].role",
            Action::Values(vec![("developer".to_owned(), "system".to_owned())]),
        )])
    };
    let roles = |body: &str| {
        let (text, told) = mended(body, &quirks);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let messages = read["messages"].as_array().expect("messages").clone();
        let role = |message: &Value| message["role"].as_str().expect("a role").to_owned();
        let roles: Vec<String> = messages.iter().map(role).collect();
        (roles.join(" "), messages, told.losses)
    };
    let call = r#"{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c"}]},{"role":"tool","content":"b"}"#;

    let behind = format!(r#"{{"messages":[{call}, {{"role":"user","content":"c"}}]}}"#);
    let (order, messages, losses) = roles(&behind);
    assert_eq!(order, "user assistant tool assistant user");
    assert_eq!(messages[4]["content"], "c");
    assert!(losses.is_empty());

    let operator = format!(
        r#"{{"messages":[{{"role":"developer","content":"z"}},{call},{{"role":"developer","content":"c"}},{{"role":"assistant","content":"d"}},{{"role":"system","content":"e"}}]}}"#
    );
    let (order, _, losses) = roles(&operator);
    assert_eq!(
        order,
        "system user assistant tool assistant user assistant user"
    );
    assert_eq!(losses[0].field, "messages[4].role");
    assert_eq!(losses[0].weight, Weight::Hint);

    for begun in [
        r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
        r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","prefix":false,"content":"b"}]}"#,
    ] {
        let (_, messages, _) = roles(begun);
        assert_eq!(messages[1]["prefix"], true);
        assert_eq!(messages[1]["content"], "b");
    }
    let fine = format!(r#"{{"messages":[{call}]}}"#);
    assert_eq!(mended(&fine, &quirks).0, fine);
}
