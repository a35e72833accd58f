//! Conversations that began elsewhere never break Anthropic's rules.

use super::rules;
use super::support::{call, fields, result, talk, thought, write};
use Role::{Assistant, Developer, System, Tool as Tools, User};
use domain::canon::{Block, Dialect, Effort, Reasoning, Request, Role};
use serde_json::{Value, json as j};

/// The messages as roles and short words.
fn told(request: &Request, model: &str) -> Vec<String> {
    let (written, _) = write(request, model);
    rules::check(&written).unwrap_or_else(|why| panic!("{why}: {written:#}"));
    let messages = written["messages"].as_array().expect("messages").iter();
    let blocks = |message: &Value| {
        let blocks = message["content"].as_array().expect("blocks").iter();
        let word = |block: &Value| {
            let keys = ["text", "thinking", "id", "tool_use_id"];
            let found = keys.iter().find_map(|key| block[*key].as_str());
            format!(" {}", found.unwrap_or("?"))
        };
        blocks.map(word).collect::<String>()
    };
    messages
        .map(|message| {
            format!(
                "{}:{}",
                message["role"].as_str().expect("a role"),
                blocks(message)
            )
        })
        .collect()
}

#[test]
fn results_stand_right_behind_their_calls() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![Block::text("two"), call("a"), call("b")]),
        (User, vec![Block::text("wait")]),
        (Tools, vec![result("b", "B")]),
        (Assistant, vec![Block::text("three")]),
        (Tools, vec![result("a", "A")]),
        (User, vec![Block::text("four")]),
    ]);
    let expected = [
        "user: one",
        "assistant: two a b",
        "user: a b wait",
        "assistant: three",
        "user: four",
    ];
    assert_eq!(told(&request, "claude-sonnet-4-5"), expected);
}

#[test]
fn calls_without_results_and_results_without_calls_are_mended() {
    let request = talk(vec![
        (Tools, vec![result("lost", "old news")]),
        (Assistant, vec![call("a")]),
        (Assistant, vec![call("b")]),
        (User, vec![Block::text("never mind")]),
    ]);
    let expected = ["user: old news", "assistant: a b", "user: a b never mind"];
    assert_eq!(told(&request, "claude-sonnet-4-5"), expected);
    let (_, losses) = write(&request, "claude-sonnet-4-5");
    let all = [
        "messages[0].content[0]",
        "messages[1].content[0]",
        "messages[2].content[0]",
    ];
    assert_eq!(fields(&losses), all);
}

#[test]
fn ids_that_are_used_again_find_their_own_results() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![call("functions.f:0")]),
        (Tools, vec![result("functions.f:0", "first")]),
        (Assistant, vec![call("functions.f:0")]),
        (Tools, vec![result("functions.f:0", "second")]),
    ]);
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(losses, []);
    rules::check(&written).expect("fits");
    let text = |at: usize| written["messages"][at]["content"][0]["content"][0]["text"].clone();
    assert_eq!((text(2), text(4)), (j!("first"), j!("second")));
}

#[test]
fn empty_words_and_empty_turns_are_left_out() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![Block::text(" \n")]),
        (User, vec![Block::text(""), Block::text("two")]),
        (Assistant, Vec::new()),
    ]);
    assert_eq!(told(&request, "claude-sonnet-4-5"), ["user: one two"]);
    let empty = told(&talk(Vec::new()), "claude-sonnet-4-5");
    assert_eq!(empty, ["user: (The conversation goes on.)"]);
}

#[test]
fn the_operator_in_the_middle_keeps_place_or_rank() {
    let request = talk(vec![
        (System, vec![Block::text("zero")]),
        (Developer, vec![Block::text("one")]),
        (User, vec![Block::text("two")]),
        (Developer, vec![Block::text("three")]),
        (User, vec![Block::text("four")]),
        (Assistant, vec![Block::text("five")]),
        (System, vec![Block::text("six")]),
    ]);
    let (written, _) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["system"].as_array().map(Vec::len), Some(2));
    let expected = [
        "user: two <system>\nthree\n</system> four",
        "assistant: five",
        "user: <system>\nsix\n</system>",
    ];
    assert_eq!(told(&request, "claude-sonnet-4-5"), expected);
    let expected = [
        "user: two four",
        "system: three",
        "assistant: five",
        "user: <system>\nsix\n</system>",
    ];
    assert_eq!(told(&request, "claude-opus-4-8"), expected);
}

fn thinking_loop(thought: Option<Block>) -> Request {
    let mut turn: Vec<Block> = thought.into_iter().collect();
    turn.push(call("a"));
    Request {
        reasoning: Some(Reasoning {
            effort: Some(Effort::Low),
            ..Reasoning::default()
        }),
        ..talk(vec![
            (User, vec![Block::text("one")]),
            (Assistant, turn),
            (Tools, vec![result("a", "A")]),
        ])
    }
}

#[test]
fn a_loop_that_began_elsewhere_goes_on_without_thinking() {
    let own = thinking_loop(Some(thought("hm", Dialect::Anthropic)));
    let (written, losses) = write(&own, "claude-sonnet-4-5");
    rules::check(&written).expect("fits");
    assert_eq!(written["thinking"]["type"], "enabled");
    assert_eq!(losses, []);
    for foreign in [None, Some(thought("hm", Dialect::Gemini))] {
        let request = thinking_loop(foreign);
        let (written, losses) = write(&request, "claude-sonnet-4-5");
        rules::check(&written).expect("fits");
        assert_eq!(written["thinking"]["type"], "disabled");
        assert_eq!(
            losses.last().map(|loss| loss.field.as_str()),
            Some("reasoning")
        );
        // Thinking in a word wants no thoughts before it.
        let (written, _) = write(&request, "claude-opus-5-5");
        rules::check(&written).expect("fits");
        assert_eq!(written["thinking"]["type"], "adaptive");
    }
}

#[test]
fn words_to_go_on_with_are_given_where_they_are_taken() {
    let mut request = talk(vec![
        (User, vec![Block::text("one")]),
        (
            Assistant,
            vec![thought("hm", Dialect::Anthropic), Block::text("two \n")],
        ),
    ]);
    assert_eq!(
        told(&request, "claude-3-7-sonnet-20250219"),
        ["user: one", "assistant: two"]
    );
    let asked = ["user: one", "assistant: two \n", "user: Go on."];
    assert_eq!(told(&request, "claude-opus-4-6"), asked);
    request.reasoning = thinking_loop(None).reasoning;
    assert_eq!(told(&request, "claude-sonnet-4-5"), asked);
}
