//! What rules make of requests.

mod first;
mod turns;

use domain::canon::Weight;
use domain::model_pattern::Pattern;
use domain::quirks::{Action, FieldRule, Quirks, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn rule(path: &str, action: Action) -> FieldRule {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        steps.push(Step::Member(name.to_owned()));
        steps.extend((name != part).then_some(Step::Items));
    }
    FieldRule {
        path: steps,
        models: Vec::new(),
        action,
        loss: Some(Weight::Meaning),
        only: Vec::new(),
        usual: Vec::new(),
    }
}

fn with(fields: Vec<FieldRule>) -> Quirks {
    Quirks {
        fields,
        ..Quirks::default()
    }
}

fn document(text: &str) -> Document {
    Document::parse(text.to_owned().into(), 64).expect("JSON")
}

fn mended(text: &str, quirks: &Quirks) -> (String, Mended) {
    let document = document(text);
    let mended = mend(&document, quirks, "model-1");
    let body = mended.edits.apply(document.bytes()).concat();
    (String::from_utf8(body).expect("text"), mended)
}

fn dropped(fields: &[&str]) -> Quirks {
    with(
        fields
            .iter()
            .map(|field| rule(field, Action::Drop))
            .collect(),
    )
}

#[test]
fn a_member_goes_with_its_comma_and_the_rest_keeps_its_bytes() {
    for (fields, wanted) in [
        (&["a"][..], r#"{ "b" : [2] , "c":3 }"#),
        (&["b"], r#"{ "a": 1, "c":3 }"#),
        (&["c"], r#"{ "a": 1, "b" : [2] }"#),
        (&["a", "b"], r#"{ "c":3 }"#),
        (&["c", "b"], r#"{ "a": 1 }"#),
        (&["a", "c"], r#"{ "b" : [2] }"#),
        (&["a", "b", "c"], r"{  }"),
        (&["d"], r#"{ "a": 1, "b" : [2] , "c":3 }"#),
    ] {
        let (text, _) = mended(r#"{ "a": 1, "b" : [2] , "c":3 }"#, &dropped(fields));
        assert_eq!(text, wanted, "{fields:?}");
    }
}

#[test]
fn what_is_dropped_is_told_once_with_its_first_place() {
    let body = r#"{"messages":[{"role":"user"},{"name":"a"},{"name":"b"}]}"#;
    let (text, told) = mended(body, &dropped(&["messages[].name"]));
    assert_eq!(text, r#"{"messages":[{"role":"user"},{},{}]}"#);
    assert_eq!(told.losses.len(), 1);
    assert_eq!(told.losses[0].field, "messages[1].name");
}

#[test]
fn what_says_nothing_new_goes_without_a_word() {
    let mut quirks = dropped(&["n"]);
    quirks.fields[0].usual = vec!["1".into()];
    assert!(mended(r#"{"n":1}"#, &quirks).1.losses.is_empty());
    assert!(mended(r#"{"n":null}"#, &quirks).1.losses.is_empty());
    assert_eq!(mended(r#"{"n":2}"#, &quirks).1.losses.len(), 1);
}

#[test]
fn a_refused_member_is_named() {
    let quirks = with(vec![rule("tools[].function.strict", Action::Refuse)]);
    let (_, told) = mended(r#"{"tools":[{"function":{"strict":true}}]}"#, &quirks);
    assert_eq!(
        told.refused.expect("refused").field,
        "tools[0].function.strict"
    );
    assert!(mended(r#"{"tools":[]}"#, &quirks).1.refused.is_none());
}

#[test]
fn a_member_gets_the_name_that_the_provider_knows() {
    let mut quirks = with(vec![rule(
        "max_completion_tokens",
        Action::Rename("max_tokens".into()),
    )]);
    quirks.fields[0].loss = None;
    let (text, told) = mended(r#"{"max_completion_tokens": 5}"#, &quirks);
    assert_eq!(text, r#"{"max_tokens": 5}"#);
    assert!(told.losses.is_empty());
    // The provider's own name wins where both are there.
    let (text, _) = mended(r#"{"max_tokens":4,"max_completion_tokens":5}"#, &quirks);
    assert_eq!(text, r#"{"max_tokens":4}"#);
}

#[test]
fn a_number_is_brought_within_its_bounds() {
    let bounds = Action::Within(Some("0.01".into()), Some("1".into()));
    let quirks = with(vec![rule("temperature", bounds)]);
    for (said, wanted, losses) in [
        ("1.5", "1", 1),
        ("0", "0.01", 1),
        ("0.70", "0.70", 0),
        ("\"x\"", "\"x\"", 0),
    ] {
        let (text, told) = mended(&format!(r#"{{"temperature":{said}}}"#), &quirks);
        assert_eq!(text, format!(r#"{{"temperature":{wanted}}}"#));
        assert_eq!(told.losses.len(), losses, "{said}");
    }
}

#[test]
fn a_string_becomes_what_the_provider_calls_it() {
    let values = |from: &str, to: &str| Action::Values(vec![(from.into(), to.into())]);
    let quirks = with(vec![
        rule("messages[].role", values("developer", "system")),
        rule("tool_choice", values("required", "any")),
    ]);
    let (text, _) = mended(
        r#"{"tool_choice":"required","messages":[{"role":"developer"},{"role":"user"}]}"#,
        &quirks,
    );
    let wanted = r#"{"tool_choice":"any","messages":[{"role":"system"},{"role":"user"}]}"#;
    assert_eq!(text, wanted);
    let named = r#"{"tool_choice":{"type":"function"}}"#;
    assert_eq!(mended(named, &quirks).0, named);
}

#[test]
fn parts_of_text_become_one_string_and_images_stay() {
    let quirks = with(vec![rule("messages[].content", Action::Text)]);
    let text = r#"{"messages":[{"content":[{"type":"text","text":"a\""},{"type":"text","text":"b"}]},{"content":null}]}"#;
    assert_eq!(
        mended(text, &quirks).0,
        r#"{"messages":[{"content":"a\"\nb"},{"content":null}]}"#
    );
    let image = r#"{"messages":[{"content":[{"type":"image_url"}]}]}"#;
    assert_eq!(mended(image, &quirks).0, image);
}

#[test]
fn a_rule_for_other_models_does_nothing() {
    let mut quirks = dropped(&["n"]);
    quirks.fields[0].models = vec![Pattern::parse("other-*").expect("a pattern")];
    assert_eq!(mended(r#"{"n":2}"#, &quirks).0, r#"{"n":2}"#);
    quirks.fields[0].models = vec![Pattern::parse("model-*").expect("a pattern")];
    assert_eq!(mended(r#"{"n":2}"#, &quirks).0, "{}");
}

#[test]
fn what_lies_in_a_dropped_member_goes_with_it() {
    let mut quirks = dropped(&["a.b", "a"]);
    quirks.fields.push(rule("a.c", Action::Rename("d".into())));
    assert_eq!(
        mended(r#"{"a":{"b":1,"c":2},"e":3}"#, &quirks).0,
        r#"{"e":3}"#
    );
}

#[test]
fn only_members_that_the_provider_knows_are_told() {
    let allow = Action::Allow(vec!["role".into(), "content".into()]);
    let quirks = with(vec![rule("messages[]", allow)]);
    let body = r#"{"messages":[{"role":"user","content":"x","refusal":null,"annotations":[]},{"role":"assistant","audio":{"id":"a"},"x":1}]}"#;
    let (text, told) = mended(body, &quirks);
    let wanted = r#"{"messages":[{"role":"user","content":"x"},{"role":"assistant"}]}"#;
    assert_eq!(text, wanted);
    // What was empty is no loss.
    assert_eq!(told.losses.len(), 1);
    assert_eq!(told.losses[0].field, "messages[1].audio");
    let mut root = with(vec![rule("x", Action::Allow(vec!["model".into()]))]);
    root.fields[0].path.clear();
    let (text, told) = mended(r#"{"model":"m","store":true}"#, &root);
    assert_eq!(text, r#"{"model":"m"}"#);
    assert_eq!(told.losses[0].field, "store");
}

#[test]
fn a_list_is_told_up_to_what_the_provider_takes() {
    let quirks = with(vec![rule("stop", Action::AtMost(2))]);
    let (text, told) = mended(r#"{"stop":["a", "b" , "c", "d"],"n":1}"#, &quirks);
    assert_eq!(text, r#"{"stop":["a", "b"],"n":1}"#);
    assert_eq!(told.losses[0].field, "stop");
    let short = r#"{"stop":["a", "b" ]}"#;
    assert_eq!(mended(short, &quirks).0, short);
    let none = with(vec![rule("stop", Action::AtMost(0))]);
    assert_eq!(mended(r#"{"stop":["a"]}"#, &none).0, r#"{"stop":[]}"#);
}

#[test]
fn a_rule_for_some_values_leaves_the_others() {
    let mut quirks = dropped(&["encoding_format"]);
    quirks.fields[0].only = vec!["\"float\"".into()];
    assert_eq!(mended(r#"{"encoding_format":"float"}"#, &quirks).0, "{}");
    let other = r#"{"encoding_format":"base64"}"#;
    assert_eq!(mended(other, &quirks).0, other);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(1.5)),
        Just(json!("x\u{1F600}\"")),
        Just(json!("developer")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Drop),
        Just(Action::Rename("z".into())),
        Just(Action::Text),
        Just(Action::AtMost(1)),
        Just(Action::Allow(vec!["a".into(), "c".into()])),
        Just(Action::Within(Some("2".into()), None)),
        Just(Action::Values(vec![("developer".into(), "system".into())])),
    ]
}

proptest! {
    #[test]
    fn any_rules_leave_json_and_untouched_members_as_they_were(
        a in value(), b in value(), keep in value(), is_pretty in any::<bool>(),
        rules in prop::collection::vec(
            (prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("a[].b"), Just("b.a.c"), Just("b[].d")], action()),
            0..6,
        ),
    ) {
        let body = json!({"a": a, "b": b, "keep": keep});
        let text = match is_pretty {
            true => serde_json::to_string_pretty(&body),
            false => serde_json::to_string(&body),
        };
        let text = text.expect("text");
        let quirks = with(rules.into_iter().map(|(path, action)| rule(path, action)).collect());
        let (out, _) = mended(&text, &quirks);
        let read = document(&out);
        let before = document(&text);
        prop_assert_eq!(
            read.root().get("keep").map(Node::raw),
            before.root().get("keep").map(Node::raw)
        );
    }
}
