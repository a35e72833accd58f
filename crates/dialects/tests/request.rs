//! Requests: what is text, what is refused, and edits that change nothing else.

use bytes::Bytes;
use dialects::Operation::{self, Chat, Completion, Embedding};
use dialects::json::Document;
use dialects::openai::{
    Place, View, ask_usage, decode, estimate_prompt, estimate_tokens, set_model, system_rules, view,
};
use domain::edit::{Edit, Edits};
use domain::policy::SystemRule;
use domain::refusal::{Reason, Refusal};

fn doc(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), 128).expect("valid")
}

fn refused(op: Operation, text: &str) -> Refusal {
    view(op, &doc(text)).expect_err(text)
}

fn applied(doc: &Document, edits: impl IntoIterator<Item = Edit>) -> String {
    let mut all = Edits::new();
    for edit in edits {
        all.add(edit).expect("disjoint");
    }
    let out = String::from_utf8(all.apply(doc.bytes()).concat()).expect("utf-8");
    Document::parse(out.clone().into(), 128).expect("still valid");
    out
}

fn texts(doc: &Document, view: &View) -> Vec<(Place, String)> {
    view.texts
        .iter()
        .map(|text| (text.place, decode(doc, text).into_owned()))
        .collect()
}

const VISION: &str = include_str!("../fixtures/openai/request_vision.json");

#[test]
fn a_request_is_read() {
    let doc = doc(VISION);
    let view = view(Chat, &doc).expect("view");
    assert_eq!(
        (view.model.as_str(), view.stream, view.wants_usage),
        ("gpt-4o", true, false)
    );
    assert_eq!(
        (view.n, view.max_tokens, view.tools, view.media),
        (1, Some(50), 1, 4)
    );
    assert_eq!(view.model_span.of(doc.bytes()), b"\"gpt-4o\"");
    assert!(estimate_prompt(&doc, &view) > 4000);
}

#[test]
fn every_string_is_text_unless_the_table_says_otherwise() {
    let doc = doc(VISION);
    let read = texts(&doc, &view(Chat, &doc).expect("view"));
    let read: Vec<(Place, &str)> = read
        .iter()
        .map(|(place, text)| (*place, text.as_str()))
        .collect();
    use Place::{Assistant, Definition, Other, System, Tool, User};
    assert_eq!(
        read,
        [
            (System, "Be brief."),
            (User, "ann"),
            (User, "What is at the door?"),
            (User, "https://example.org/secret.png"),
            (User, "plan.pdf"),
            (Assistant, "look"),
            (Assistant, "{\"at\":\"door\"}"),
            (Tool, "a cat"),
            (Definition, "look"),
            (Definition, "Looks."),
            (Definition, "at"),
            (Definition, "Where."),
            (Definition, "default text"),
            (Definition, "at"),
            (Other, "look"),
            (Definition, "sight"),
            (Definition, "what"),
            (Other, "type"),
            (Other, "unknown fields are text"),
            (Other, "new text"),
        ]
    );
}

#[test]
fn what_stands_where_no_text_is_meant_is_text_unless_it_is_a_plain_name() {
    let doc = doc(
        r#"{"model":"m","messages":[{"role":"\u0075ser","content":"\n"}],"modalities":["text",["a"],{"b":"c"}],"verbosity":{"d":["e"]}}"#,
    );
    let read = texts(&doc, &view(Chat, &doc).expect("view"));
    let read: Vec<_> = read.iter().map(|(place, text)| (*place, &**text)).collect();
    use Place::{Other, User};
    assert_eq!(
        read,
        [(User, "\n"), (Other, "a"), (Other, "c"), (Other, "e")]
    );
}

#[test]
fn a_negative_bound_is_none_as_local_servers_have_it() {
    let text = r#"{"model":"m","messages":[],"max_tokens":-1,"max_completion_tokens":null}"#;
    let seen = view(Chat, &doc(text)).expect("a request");
    assert_eq!(seen.max_tokens, None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_missing_or_wrong_is_named() {
    let cases = [
        (Chat, r#"[]"#, Reason::BadJson, None),
        (
            Chat,
            r#"{"messages":[]}"#,
            Reason::MissingField,
            Some("model"),
        ),
        (
            Chat,
            r#"{"model":1,"messages":[]}"#,
            Reason::BadField,
            Some("model"),
        ),
        (
            Chat,
            r#"{"model":"","messages":[]}"#,
            Reason::BadField,
            Some("model"),
        ),
        (
            Chat,
            r#"{"model":"m"}"#,
            Reason::MissingField,
            Some("messages"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":null}"#,
            Reason::MissingField,
            Some("messages"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":"x"}"#,
            Reason::BadField,
            Some("messages"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[{},1]}"#,
            Reason::BadField,
            Some("messages[1]"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[{"role":1}]}"#,
            Reason::BadField,
            Some("messages[0].role"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"stream":"yes"}"#,
            Reason::BadField,
            Some("stream"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"max_tokens":"9"}"#,
            Reason::BadField,
            Some("max_tokens"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"max_tokens":1.5}"#,
            Reason::BadField,
            Some("max_tokens"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"n":0}"#,
            Reason::BadField,
            Some("n"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"tools":{}}"#,
            Reason::BadField,
            Some("tools"),
        ),
        (
            Chat,
            r#"{"model":"m","messages":[],"stream_options":1}"#,
            Reason::BadField,
            Some("stream_options"),
        ),
        (
            Completion,
            r#"{"model":"m"}"#,
            Reason::MissingField,
            Some("prompt"),
        ),
        (
            Embedding,
            r#"{"model":"m","input":1}"#,
            Reason::BadField,
            Some("input"),
        ),
    ];
    for (op, text, reason, param) in cases {
        let refusal = refused(op, text);
        assert_eq!(
            (refusal.reason, refusal.param.as_deref()),
            (reason, param),
            "{text}"
        );
    }
    let nulls = r#"{"model":"m","messages":[],"stream":null,"n":null,"max_tokens":null,"tools":null,"stream_options":null}"#;
    assert!(view(Chat, &doc(nulls)).is_ok());
}

#[test]
fn another_model_is_asked_for_and_nothing_else_changes() {
    let doc = doc(VISION);
    let view = view(Chat, &doc).expect("view");
    let out = applied(&doc, [set_model(&view, "a \"b\"")]);
    assert_eq!(out, VISION.replacen("\"gpt-4o\"", r#""a \"b\"""#, 1));
}

#[test]
fn usage_is_asked_for_in_every_shape_of_stream_options() {
    let cases = [
        (
            "",
            r#"{"stream_options":{"include_usage":true},"model":"m","#,
        ),
        (
            r#""stream_options":null,"#,
            r#"{"model":"m","stream_options":{"include_usage":true},"#,
        ),
        (
            r#""stream_options":{ },"#,
            r#"{"model":"m","stream_options":{"include_usage":true},"#,
        ),
        (
            r#""stream_options":{"a":1},"#,
            r#"{"model":"m","stream_options":{"include_usage":true,"a":1},"#,
        ),
        (
            r#""stream_options":{"a":1,"include_usage":false},"#,
            r#"{"model":"m","stream_options":{"a":1,"include_usage":true},"#,
        ),
        (
            r#""stream_options":{"include_usage":null},"#,
            r#"{"model":"m","stream_options":{"include_usage":true},"#,
        ),
    ];
    let rest = r#""stream":true,"messages":[]}"#;
    for (options, start) in cases {
        let doc = doc(&format!(r#"{{"model":"m",{options}{rest}"#));
        let view = view(Chat, &doc).expect("view");
        assert_eq!(
            applied(&doc, ask_usage(Chat, &doc, &view)),
            format!("{start}{rest}")
        );
    }
    for text in [
        r#"{"model":"m","messages":[]}"#,
        r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
    ] {
        let doc = doc(text);
        assert_eq!(
            ask_usage(Chat, &doc, &view(Chat, &doc).expect("view")),
            None
        );
    }
}

fn ruled(op: Operation, text: &str) -> String {
    let rules = [
        SystemRule::Append("last".into()),
        SystemRule::Prepend("fi\"rst".into()),
        SystemRule::Prepend("second".into()),
    ];
    let doc = doc(text);
    applied(&doc, system_rules(op, &doc, &rules).expect("fits"))
}

#[test]
fn system_rules_stand_before_and_behind_the_clients_own() {
    let before = r#"{"role":"system","content":"fi\"rst"},{"role":"system","content":"second"}"#;
    let behind = r#"{"role":"system","content":"last"}"#;
    let (own, user) = (
        r#"{"role":"developer","content":"x"}"#,
        r#"{"role":"user","content":"y"}"#,
    );
    let whole = |list: &str| format!(r#"{{"messages":[{list}]}}"#);
    assert_eq!(
        ruled(Chat, &whole("")),
        whole(&format!("{before},{behind}"))
    );
    assert_eq!(
        ruled(Chat, &whole(user)),
        whole(&format!("{before},{behind},{user}"))
    );
    assert_eq!(
        ruled(Chat, &whole(&format!("{own},{user},{own}"))),
        whole(&format!("{before},{own},{behind},{user},{own}"))
    );
    assert_eq!(
        ruled(Chat, &whole(own)),
        whole(&format!("{before},{own},{behind}"))
    );
}

#[test]
fn a_completion_takes_rules_as_text_and_tokens_take_none() {
    let rules = r#"fi\"rst\n\nsecond\n\nlast\n\n"#;
    assert_eq!(
        ruled(Completion, r#"{"prompt":"p"}"#),
        format!(r#"{{"prompt":"{rules}p"}}"#)
    );
    assert_eq!(
        ruled(Completion, r#"{"prompt":["p","q"]}"#),
        format!(r#"{{"prompt":["{rules}p","{rules}q"]}}"#)
    );
    for text in [r#"{"prompt":[1,2]}"#, r#"{"prompt":[[1],[2]]}"#] {
        assert_eq!(ruled(Completion, text), text);
    }
    assert_eq!(ruled(Embedding, r#"{"input":"x"}"#), r#"{"input":"x"}"#);
}

#[test]
fn estimates_are_near_the_real_counts() {
    for (text, low, high) in [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 13),
        ("日本語のテキスト", 6, 9),
        ("1234567890", 3, 4),
        ("{\"a\": [1, 2, 3]}", 6, 12),
    ] {
        let tokens = estimate_tokens(text);
        assert!((low..=high).contains(&tokens), "{text}: {tokens}");
    }
    let doc = doc(r#"{"model":"m","input":[[1,2,3],[4]]}"#);
    assert_eq!(
        estimate_prompt(&doc, &view(Embedding, &doc).expect("view")),
        4
    );
}
