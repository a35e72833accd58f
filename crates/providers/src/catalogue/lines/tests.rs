//! What is read of a file of models, and what is told of the rest.

use super::*;

fn read(lines: &[&str]) -> ModelsRead {
    read_models(&lines.join("\n"), &|provider| provider == "openai")
}

const STAMP: &str = r#"{"source":"s","as_of":"2026-11-26"}"#;
const GOOD: &str = r#"{"provider":"openai","id":"a","input":"1","output":"2"}"#;

#[test]
fn a_wrong_line_is_told_with_its_place_and_the_others_are_read() {
    for (wrong, problem, help) in [
        (
            "{\"id\":\"b\"",
            "EOF while parsing an object",
            "one JSON object",
        ),
        (r#"{"id":"b"}"#, "`b` has no `provider`", ""),
        (r#"{"provider":"openai","id":""}"#, "has no name", ""),
        (
            r#"{"provider":"openai","id":"b","contxt":1}"#,
            "unknown field `contxt`",
            "`context`?",
        ),
        (
            r#"{"provider":"openai","id":"b","mode":"chats"}"#,
            "unknown variant `chats`",
            "`chat`?",
        ),
        (
            r#"{"provider":"openai","id":"b","input":"1"}"#,
            "`openai/b`: has a part",
            "",
        ),
        (
            r#"{"provider":"openai","id":"b","as_of":"2026-02-30"}"#,
            "no date `as_of`",
            "2026-11-26",
        ),
        (
            r#"{"provider":"opanai","id":"b"}"#,
            "no provider `opanai`",
            "portcullis.yaml",
        ),
    ] {
        let read = read(&[STAMP, wrong, GOOD]);
        let [one] = read.wrong.as_slice() else {
            panic!("{wrong}: {:?}", read.wrong);
        };
        assert_eq!((one.line, read.models.len()), (2, 1), "{wrong}");
        assert!(one.column >= 1 && one.problem.contains(problem), "{one:?}");
        assert!(one.help.contains(help), "{one:?}");
    }
}

#[test]
fn what_holds_for_many_lines_is_told_once() {
    let own = r#"{"provider":"openai","id":"b","source":"operator","as_of":"2026-11-26"}"#;
    let read = read(&[r#"{"source":"s"}"#, GOOD, GOOD, own, STAMP, GOOD]);
    let names: Vec<&str> = read.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(
        (names.as_slice(), read.wrong.len()),
        (["b", "a"].as_slice(), 1)
    );
    assert!(
        read.wrong[0].problem.contains("all lines below"),
        "{read:?}"
    );
    let stranger = r#"{"provider":"other","id":"b"}"#;
    assert_eq!(
        self::read(&[STAMP, stranger, stranger, GOOD]).wrong.len(),
        1
    );
}
