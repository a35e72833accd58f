//! What guards promise, as sentences.

use std::sync::Arc;

use domain::guard::{Action, Direction, Finding, Guard};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::build;

fn guard(kind: &str, spec: Value) -> Arc<dyn Guard> {
    build(kind, "words", &spec).unwrap()
}

fn error(kind: &str, spec: Value) -> String {
    build(kind, "words", &spec).unwrap_err()
}

fn spans(guard: &dyn Guard, text: &str) -> Vec<std::ops::Range<usize>> {
    let findings = guard.screen(Direction::Answer, &[text]);
    findings.into_iter().map(|finding| finding.span).collect()
}

/// Streams the pieces; gives the findings and, after each piece, how many
/// bytes had left by then.
fn stream(guard: &dyn Guard, pieces: &[&str]) -> (Vec<Finding>, Vec<usize>) {
    let mut stream = guard.stream().unwrap();
    let (mut findings, mut left, mut read) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        read += piece.len();
        let verdict = stream.push(piece);
        let free = read - verdict.hold;
        let blocks = |finding: &Finding| finding.action == Action::Block;
        if !verdict.findings.iter().any(blocks) {
            left.push(free);
        }
        findings.extend(verdict.findings);
    }
    findings.extend(stream.finish().findings);
    (findings, left)
}

fn pieces<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    at.retain(|cut| text.is_char_boundary(*cut));
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

#[test]
fn a_word_is_found_in_any_case_and_script() {
    let guard = guard("deny", json!({"literals": ["Straße", "a.b"]}));
    assert_eq!(spans(&*guard, "die STRAßE axb A.B"), [4..11, 16..19]);
}

#[test]
fn a_pattern_is_found_with_its_word_boundaries() {
    let guard = guard("deny", json!({"patterns": [r"\bsecret-\d+\b"]}));
    assert_eq!(
        spans(&*guard, "secret-1 xsecret-2 secret-3x secret-45"),
        [0..8, 29..38]
    );
}

#[test]
fn boundaries_at_the_edge_of_a_piece_wait_for_the_next() {
    let guard = guard("deny", json!({"patterns": [r"\bab\b", "^x", "y$"]}));
    let found = |pieces: &[&str]| stream(&*guard, pieces).0.len();
    assert_eq!(found(&["ab", "c"]), 0);
    assert_eq!(found(&["ab", " c"]), 1);
    assert_eq!(found(&["c", "ab"]), 0);
    assert_eq!(found(&["a", "x"]), 0);
    assert_eq!(found(&["x", "a"]), 1);
    assert_eq!(found(&["y", "a"]), 0);
    assert_eq!(found(&["ay"]), 1);
}

#[test]
fn text_that_begins_nothing_is_not_held() {
    let guard = guard("deny", json!({"literals": ["project-x"]}));
    let mut stream = guard.stream().unwrap();
    assert_eq!(stream.push("hello wor").hold, 0);
    assert_eq!(stream.push("ld, pro").hold, 3);
    assert_eq!(stream.push("ject-").hold, 8);
    assert_eq!(stream.push("y").hold, 0);
    assert_eq!(stream.push(" propr").hold, 2);
}

#[test]
fn a_guard_that_observes_never_holds() {
    let guard = guard("deny", json!({"literals": ["abc"], "action": "observe"}));
    let (findings, left) = stream(&*guard, &["a", "b", "c", "d"]);
    assert_eq!(left, [1, 2, 3, 4]);
    assert_eq!(findings[0].span, 0..3);
}

#[test]
fn no_more_than_the_cap_is_held_and_a_long_finding_still_found() {
    let guard = guard("deny", json!({"patterns": ["(?s)begin.*end"]}));
    let long = "-".repeat(10_000);
    let mut stream = guard.stream().unwrap();
    assert_eq!(stream.push("begin").hold, 5);
    assert_eq!(stream.push(&long).hold, 4096);
    stream.push("end");
    assert_eq!(stream.finish().findings[0].span, 10_008 - 4096..10_008);
}

#[test]
fn a_guard_reads_only_the_way_it_is_told() {
    let guard = guard("deny", json!({"literals": ["a"], "on": ["request"]}));
    assert!(guard.stream().is_none());
    assert!(guard.screen(Direction::Answer, &["a"]).is_empty());
    assert_eq!(guard.screen(Direction::Request, &["a", "ba"]).len(), 2);
}

#[test]
fn errors_say_what_to_write() {
    let deny = |spec| error("deny", spec);
    assert!(deny(json!({})).contains("write `literals: [a word]`"));
    assert!(deny(json!({"literal": ["a"]})).contains("did you mean `literals`?"));
    assert!(deny(json!({"literals": "a"})).contains("a list of texts"));
    assert!(deny(json!({"literals": [""]})).contains("`literals[0]` is empty"));
    assert!(deny(json!({"patterns": ["a", "b*"]})).contains("`patterns[1]` matches the empty"));
    assert!(deny(json!({"patterns": ["("]})).contains("`patterns[0]` is no regular expression"));
    assert!(deny(json!({"patterns": [r"\bä"]})).contains("a word boundary"));
    assert!(deny(json!({"patterns": [r"(\w{900}){900}"]})).contains("smaller repetitions"));
    assert!(deny(json!({"literals": ["a"], "on": ["anser"]})).contains("`answer`?"));
    assert!(deny(json!({"literals": ["a"], "action": "blok"})).contains("`block`?"));
    assert!(error("size", json!({})).contains("write `max_characters: 200000`"));
    assert!(error("dney", json!({})).contains("`deny`"));
}

#[test]
fn size_counts_characters_over_all_texts() {
    let guard = guard("size", json!({"max_characters": 4}));
    assert!(guard.screen(Direction::Request, &["äö", "üß"]).is_empty());
    let found = guard.screen(Direction::Request, &["äö", "üßx", "y"]);
    assert_eq!((found.len(), found[0].kind), (1, "too_long"));
    assert_eq!(found[0].span, 4..5);
}

fn rules() -> impl Strategy<Value = Value> {
    let some = prop::sample::subsequence(
        vec![
            r"\bab\b",
            "a+c",
            "^b",
            "c$",
            r"b\Ba",
            "(?m)^a b$",
            "a.*ä",
            r"ä(?-u:\b)a",
            "[^a]{3}c",
            "(?i)k",
        ],
        1..5,
    );
    (some, prop::collection::vec("[abcä]{1,4}", 0..3))
        .prop_map(|(patterns, literals)| json!({"patterns": patterns, "literals": literals}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn cuts_change_no_finding(
        rules in rules(),
        text in "[abcäK \n-]{0,40}",
        cuts in prop::collection::vec(0usize..100, 0..12),
    ) {
        let guard = guard("deny", rules);
        let whole = guard.screen(Direction::Answer, &[&text]);
        prop_assert_eq!(stream(&*guard, &pieces(&text, &cuts)).0, whole);
    }

    #[test]
    fn nothing_of_the_first_blocked_match_leaves(
        rules in rules(),
        text in "[abcäK \n-]{0,40}",
        cuts in prop::collection::vec(0usize..100, 0..12),
    ) {
        let guard = guard("deny", rules);
        let mut stream = guard.stream().unwrap();
        let (mut read, mut free) = (0, 0);
        for piece in pieces(&text, &cuts) {
            read += piece.len();
            let verdict = stream.push(piece);
            if let Some(first) = verdict.findings.first() {
                prop_assert!(free <= first.span.start);
                return Ok(());
            }
            free = read - verdict.hold;
            prop_assert!(text.is_char_boundary(free));
        }
        if let Some(first) = stream.finish().findings.first() {
            prop_assert!(free <= first.span.start);
        }
    }

    #[test]
    fn a_place_is_held_only_if_something_may_begin_there(
        word in "[abc]{1,5}", text in "[abc]{0,20}",
    ) {
        let guard = guard("deny", json!({"literals": [word]}));
        prop_assume!(!text.contains(&word));
        let held = guard.stream().unwrap().push(&text).hold;
        let longest = (0..=text.len()).rev().find(|n| word.starts_with(&text[text.len() - n..]));
        prop_assert_eq!(Some(held), longest);
    }

    #[test]
    fn size_finds_the_same_however_the_text_is_cut(
        text in "[aä]{0,20}", max in 1usize..20, cuts in prop::collection::vec(0usize..60, 0..6),
    ) {
        let guard = guard("size", json!({"max_characters": max}));
        let whole = guard.screen(Direction::Answer, &[&text]);
        prop_assert_eq!(stream(&*guard, &pieces(&text, &cuts)).0, whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn long_texts_are_read_the_same_however_they_are_cut(
        gaps in prop::collection::vec(0usize..6000, 1..5),
        cuts in prop::collection::vec(0usize..30_000, 0..8),
    ) {
        let words = ["begin", "end", "äb", "end"];
        let parts = gaps.iter().zip(words.iter().cycle());
        let text: String = parts.map(|(gap, word)| "ä-".repeat(gap / 3) + word).collect();
        let rules = json!({"patterns": ["(?s)begin.*end", r"b-ä", "ä(?-u:\\b)b$"]});
        let guard = guard("deny", rules);
        let whole = guard.screen(Direction::Answer, &[&text]);
        let cut = pieces(&text, &cuts);
        prop_assert_eq!(stream(&*guard, &cut).0, whole);
        let mut stream = guard.stream().unwrap();
        prop_assert!(cut.iter().all(|piece| stream.push(piece).hold <= 4096));
    }
}
