//! Which of several rules for a member counts.

use super::*;

fn both(first: (&str, Action), then: (&str, Action)) -> Quirks {
    with(vec![rule(first.0, first.1), rule(then.0, then.1)])
}

fn within(least: &str, most: &str) -> Action {
    Action::Within(Some(least.into()), Some(most.into()))
}

fn values(from: &str, to: &str) -> Action {
    Action::Values(vec![(from.into(), to.into())])
}

#[test]
fn what_a_rule_keeps_no_later_rule_drops() {
    for (first, said, wanted) in [
        (Action::Rename("o".into()), r#"{"a":1}"#, r#"{"o":1}"#),
        (values("x", "y"), r#"{"a":"x"}"#, r#"{"a":"y"}"#),
        (within("0", "1"), r#"{"a":2}"#, r#"{"a":1}"#),
        // What is within its bounds already stays like what is brought there.
        (within("0", "1"), r#"{"a":0.5}"#, r#"{"a":0.5}"#),
        (Action::AtMost(1), r#"{"a":[1,2]}"#, r#"{"a":[1]}"#),
        (Action::AtMost(2), r#"{"a":[1,2]}"#, r#"{"a":[1,2]}"#),
        (
            Action::Text,
            r#"{"a":[{"type":"text","text":"x"}]}"#,
            r#"{"a":"x"}"#,
        ),
    ] {
        for then in [Action::Drop, Action::Refuse] {
            let mut quirks = both(("a", first.clone()), ("a", then));
            quirks.fields[0].loss = None;
            let (text, told) = mended(said, &quirks);
            assert_eq!(text, wanted, "{first:?}");
            assert!(told.losses.is_empty() && told.refused.is_none(), "{told:?}");
        }
        let mut root = both(("a", first.clone()), ("x", Action::Allow(vec!["b".into()])));
        root.fields[1].path.clear();
        assert_eq!(mended(said, &root).0, wanted, "{first:?}");
    }
}

#[test]
fn a_rule_that_does_not_fit_leaves_the_member_to_the_next() {
    for (first, said) in [
        (values("x", "y"), r#"{"a":"z"}"#),
        (within("0", "1"), r#"{"a":"z"}"#),
        (Action::AtMost(1), r#"{"a":"z"}"#),
        (Action::Text, r#"{"a":"z"}"#),
    ] {
        let quirks = both(("a", first), ("a", Action::Drop));
        let (text, told) = mended(said, &quirks);
        assert_eq!(text, "{}");
        assert_eq!(told.losses.len(), 1);
    }
}

#[test]
fn what_is_dropped_first_is_dropped() {
    for then in [
        Action::Rename("o".into()),
        within("0", "1"),
        Action::Refuse,
        Action::Drop,
    ] {
        let (text, told) = mended(r#"{"a":2}"#, &both(("a", Action::Drop), ("a", then)));
        assert_eq!(text, "{}");
        assert_eq!(told.losses.len(), 1);
        assert!(told.refused.is_none());
    }
}

#[test]
fn one_rule_speaks_of_the_name_and_another_of_the_value() {
    let rename = || Action::Rename("o".into());
    for quirks in [
        both(("a", rename()), ("a", within("0", "1"))),
        both(("a", within("0", "1")), ("a", rename())),
    ] {
        assert_eq!(mended(r#"{"a":2}"#, &quirks).0, r#"{"o":1}"#);
    }
    let quirks = both(("a", within("0", "3")), ("a", within("0", "1")));
    assert_eq!(mended(r#"{"a":2}"#, &quirks).0, r#"{"a":2}"#);
}
