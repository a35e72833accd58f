//! How quirks are written down.

use super::*;

fn read(yaml: &str) -> QuirksSpec {
    serde_saphyr::from_str(yaml).expect("a spec")
}

fn rule(yaml: &str) -> FieldRule {
    let quirks = read(&format!("request: [{yaml}]"))
        .quirks()
        .expect("quirks");
    quirks.fields.into_iter().next().expect("a rule")
}

#[test]
fn every_action_is_one_word() {
    for (yaml, action, loss) in [
        ("{at: [n], drop: hint}", Action::Drop, Some(Weight::Hint)),
        ("{at: [n], drop: nothing}", Action::Drop, None),
        (
            "{at: [n], refuse: true}",
            Action::Refuse,
            Some(Weight::Meaning),
        ),
        ("{at: [n], rename: m}", Action::Rename("m".into()), None),
        (
            "{at: [n], within: [0, 1.5]}",
            Action::Within(Some("0".into()), Some("1.5".into())),
            Some(Weight::Hint),
        ),
        (
            "{at: [n], values: {a: b}}",
            Action::Values(vec![("a".into(), "b".into())]),
            None,
        ),
        (
            "{at: [$], allow: [a]}",
            Action::Allow(vec!["a".into()]),
            Some(Weight::Hint),
        ),
        (
            "{at: [n], at_most: 4}",
            Action::AtMost(4),
            Some(Weight::Meaning),
        ),
        (
            "{at: [n], text: true, loss: hint}",
            Action::Text,
            Some(Weight::Hint),
        ),
    ] {
        let rule = rule(yaml);
        assert_eq!((rule.action, rule.loss), (action, loss), "{yaml}");
    }
}

#[test]
fn a_path_leads_through_members_and_lists() {
    let member = |name: &str| Step::Member(name.into());
    assert_eq!(
        rule("{at: ['messages[].a.b[]'], allow: [x]}").path,
        [
            member("messages"),
            Step::Items,
            member("a"),
            member("b"),
            Step::Items
        ]
    );
    for wrong in ["''", "a..b", "'[]'", "'a[0]'"] {
        let quirks = read(&format!("request: [{{at: [{wrong}], drop: hint}}]")).quirks();
        assert_eq!(quirks.expect_err("no path").0, "request[0]", "{wrong}");
    }
}

#[test]
fn values_are_as_json_has_them() {
    let rule = rule("{at: [n], drop: meaning, unless: [1, 0.5, true, auto]}");
    assert_eq!(rule.usual, ["1", "0.5", "true", "\"auto\""]);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (yaml, field) in [
        ("request: [{at: [n]}]", "request[0]"),
        ("request: [{drop: hint}]", "request[0]"),
        ("request: [{at: [n], drop: hint, rename: m}]", "request[0]"),
        ("request: [{at: ['n[]'], drop: hint}]", "request[0]"),
        ("request: [{at: [n], within: [a, 1]}]", "request[0]"),
        ("tool_call_ids: {exactly: 2}", "tool_call_ids"),
        ("longest_tool_name: 3", "longest_tool_name"),
        ("usage: {at: '[]'}", "usage.at"),
        ("thoughts: [{tags: ['', x]}]", "thoughts"),
    ] {
        assert_eq!(read(yaml).quirks().expect_err(yaml).0, field);
    }
}

#[test]
fn an_operators_own_quirks_come_before_the_catalogues() {
    let known = read(
        "request: [{at: [n], drop: hint}]\nthoughts: [parts]\ntool_call_ids: {exactly: 9}\n\
         finish_reasons: {a: stop, b: length}\nusage: {at: x.usage}",
    );
    let own = read("request: [{at: [m], drop: hint}]\nfinish_reasons: {a: length}");
    let both = own.over(Some(&known));
    assert_eq!(both.request.len(), 2);
    assert_eq!(both.request[0].at, ["m"]);
    assert_eq!(both.finish_reasons["a"], "length");
    assert_eq!(both.finish_reasons["b"], "length");
    assert_eq!(both.thoughts, [ShownSpec::Parts]);
    assert!(both.quirks().expect("quirks").answer.usage_at.is_some());
    let alone = read("inherit: false").over(Some(&known));
    assert!(alone.quirks().expect("quirks") == Quirks::default());
}

#[test]
fn a_spec_is_written_as_it_is_read() {
    let spec = read(
        "request: [{at: [a, b], drop: hint, unless: [1, x, 0.5, true]}]\n\
         earlier_thoughts: {demanded: {member: r, missing: ' '}}\n\
         thoughts: [{member: reasoning}, {tags: ['<a>', '</a>']}, parts]",
    );
    let text = serde_saphyr::to_string(&spec).expect("YAML");
    assert_eq!(read(&text), spec, "{text}");
}

#[test]
fn a_path_as_others_write_it_is_answered_with_ours() {
    for (wrong, ours) in [
        ("'$.n'", "n"),
        ("'messages[*].name'", "messages[].name"),
        ("'messages[0].name'", "messages[].name"),
        ("/messages/name", "messages.name"),
        ("'a[\"b\"].c'", "a.b.c"),
        ("'a b'", "messages[].name"),
    ] {
        let quirks = read(&format!("request: [{{at: [{wrong}], drop: hint}}]")).quirks();
        let (_, why) = quirks.expect_err("no path");
        assert!(why.ends_with(&format!("write it like `{ours}`")), "{why}");
    }
}

/// Quirks, the field that has no sense, why, and what to write.
const SENSELESS: &[(&str, &str, &str, &str)] = &[
    (
        "request: [{at: [n], rename: n}]",
        "request[0].rename",
        "called `n` already",
        "leave",
    ),
    (
        "request: [{at: [n], rename: a.b}]",
        "request[0].rename",
        "no name",
        "alone",
    ),
    (
        "request: [{at: [n], values: {a: a}}]",
        "request[0].values",
        "itself",
        "leave",
    ),
    (
        "request: [{at: [n], within: [2, 1.5]}]",
        "request[0].within",
        "nothing",
        "[1.5, 2]",
    ),
    (
        "request: [{at: [stop], at_most: 0}]",
        "request[0].at_most",
        "nothing",
        "drop",
    ),
    (
        "request: [{at: [n], drop: hint, loss: meaning}]",
        "request[0].loss",
        "itself",
        "drop: meaning",
    ),
    (
        "request: [{at: [n], drop: hint, only: [1], unless: [1]}]",
        "request[0].unless",
        "only",
        "one",
    ),
    (
        "request: [{at: [messages.name], drop: hint}]",
        "request[0].at",
        "a list",
        "messages[].name",
    ),
    (
        "request: [{at: [n.x], drop: hint}]",
        "request[0].at",
        "neither",
        "`n`",
    ),
    (
        "request: [{at: [contents], drop: hint}]",
        "request[0].at",
        "Gemini's",
        "messages",
    ),
    (
        "request: [{at: [n], drop: hint}, {at: [m, n], refuse: true}]",
        "request[1].at",
        "request[0]",
        "one",
    ),
    (
        "request: [{at: [n], rename: m}, {at: [n], drop: hint}]",
        "request[1].at",
        "request[0]",
        "one",
    ),
    (
        "finish_reasons: {stop: stop}",
        "finish_reasons.stop",
        "stays",
        "leave",
    ),
    (
        "finish_reasons: {eos: stopp}",
        "finish_reasons.eos",
        "no client",
        "`stop`?",
    ),
];

#[test]
fn a_quirk_that_does_nothing_is_told() {
    for &(yaml, at, why, help) in SENSELESS {
        let spec = read(yaml);
        assert!(spec.quirks().is_ok(), "{yaml}");
        let told = spec.senseless();
        let [one] = told.as_slice() else {
            panic!("{yaml}: {told:?}");
        };
        assert_eq!(one.at, at, "{yaml}");
        assert!(one.why.contains(why) && one.help.contains(help), "{one:?}");
    }
}

#[test]
fn rules_that_leave_something_to_each_other_are_right() {
    for yaml in [
        "request: [{at: [n], models: [a*], drop: hint}, {at: [n], refuse: true}]",
        "request: [{at: [n], only: [2], refuse: true}, {at: [n], drop: hint}]",
        "request: [{at: [n], refuse: true, unless: [1]}, {at: [n], drop: nothing}]",
        "request: [{at: [n], rename: m}, {at: [n], within: [1, 2]}]",
        "request: [{at: [top_k], drop: hint}, {at: [nvext.x], drop: hint}]",
    ] {
        assert_eq!(read(yaml).senseless(), [], "{yaml}");
    }
}
