//! Conversations that began elsewhere never break Bedrock's rules.

use super::support::{
    CLAUDE, GPT_OSS, LLAMA, NOVA, NOVA_2, call, fields, fixture, fixtures, other, result, talk,
    thought, write,
};
use Role::{Assistant, Developer, System, Tool as Tools, User};
use dialects::json::Document;
use dialects::{anthropic, gemini, openai, responses};
use domain::canon::{Block, Dialect, Effort, Reasoning, Request, Role};
use domain::refusal::Refusal;
use serde_json::Value;

type Reads = fn(&Document) -> Result<Request, Refusal>;

/// Where the other dialects' requests lie: folder, beginning, reader.
const OTHERS: &[(&str, &str, Reads)] = &[
    (
        "anthropic/canon",
        "request_",
        anthropic::canon::read_request,
    ),
    ("openai/canon/requests", "", openai::canon::read_request),
    (
        "responses/canon",
        "request_",
        responses::canon::read_request,
    ),
    ("gemini/canon/requests", "", gemini::canon::read_request),
];

/// Signatures of the fixtures become such as the rules know.
fn signed(mut request: Request) -> Request {
    let blocks = request.messages.iter_mut().flat_map(|it| &mut it.content);
    for block in blocks {
        if let Block::Thinking(thinking) = block
            && let Some(signature) = &mut thinking.signature
            && signature.family == Dialect::Anthropic
        {
            signature.value = "claude00".to_owned();
        }
    }
    request
}

#[test]
fn every_fixture_of_every_dialect_obeys_bedrocks_rules() {
    let mut count = 0;
    for (folder, start, read) in OTHERS {
        for name in fixtures(folder, start) {
            let request = read(&other(folder, &name)).expect(&name);
            let request = signed(request);
            for model in [CLAUDE, NOVA, NOVA_2, GPT_OSS, LLAMA] {
                write(&request, model);
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn fixtures_of_others_are_written_as_they_should_be() {
    let golden = [
        (
            "anthropic/canon",
            "request_tools.json",
            CLAUDE,
            "request_tools.json",
        ),
        (
            "anthropic/canon",
            "request_media.json",
            CLAUDE,
            "request_media.json",
        ),
        (
            "openai/canon/requests",
            "conversation.json",
            NOVA,
            "request_conversation.json",
        ),
        (
            "openai/canon/requests",
            "json_mode.json",
            LLAMA,
            "request_told.json",
        ),
        (
            "openai/canon/requests",
            "format.json",
            CLAUDE,
            "request_format.json",
        ),
        (
            "anthropic/canon",
            "request_thinking_budget.json",
            CLAUDE,
            "request_thinking.json",
        ),
    ];
    for (folder, name, model, expected) in golden {
        let (_, _, read) = OTHERS.iter().find(|it| it.0 == folder).expect("a reader");
        let request = signed(read(&other(folder, name)).expect(name));
        let (written, _) = write(&request, model);
        let expected: Value = serde_json::from_str(&fixture(expected)).expect("JSON");
        assert_eq!(written, expected, "{folder}/{name}");
    }
}

/// The messages as roles and short words.
fn told(request: &Request, model: &str) -> Vec<String> {
    let (written, _) = write(request, model);
    let messages = written["messages"].as_array().expect("messages").iter();
    let word = |block: &Value| {
        let text = block["text"].as_str();
        let call = block["toolUse"]["toolUseId"].as_str();
        let result = block["toolResult"]["toolUseId"].as_str();
        let thought = block["reasoningContent"]["reasoningText"]["text"].as_str();
        let found = text.or(call).or(result).or(thought);
        format!(" {}", found.unwrap_or("?"))
    };
    messages
        .map(|message| {
            let blocks = message["content"].as_array().expect("blocks").iter();
            let said: String = blocks.map(word).collect();
            format!("{}:{said}", message["role"].as_str().expect("a role"))
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
    assert_eq!(told(&request, CLAUDE), expected);
    // Others take no words beside results.
    let (written, losses) = write(&request, LLAMA);
    let content = &written["messages"][2]["content"];
    assert_eq!(content.as_array().map(Vec::len), Some(2));
    assert_eq!(content[1]["toolResult"]["content"][1]["text"], "wait");
    assert!(fields(&losses).contains(&"messages"));
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
    assert_eq!(told(&request, CLAUDE), expected);
    let (written, losses) = write(&request, CLAUDE);
    let lost = [
        "messages[0].content[0]",
        "messages[1].content[0]",
        "messages[2].content[0]",
        "tool_choice",
    ];
    assert_eq!(fields(&losses), lost);
    let made_up = &written["messages"][2]["content"][0]["toolResult"];
    assert_eq!(made_up["status"], "error");
}

#[test]
fn empty_words_and_empty_turns_are_left_out() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![Block::text(" \n")]),
        (User, vec![Block::text(""), Block::text("two")]),
        (Assistant, Vec::new()),
    ]);
    assert_eq!(told(&request, NOVA), ["user: one two"]);
    let empty = told(&talk(Vec::new()), NOVA);
    assert_eq!(empty, ["user: (The conversation goes on.)"]);
}

#[test]
fn the_operator_in_the_middle_is_a_marked_text() {
    let request = talk(vec![
        (System, vec![Block::text("zero")]),
        (Developer, vec![Block::text("one")]),
        (User, vec![Block::text("two")]),
        (Developer, vec![Block::text("three")]),
        (Assistant, vec![Block::text("four")]),
        (System, vec![Block::text("five")]),
    ]);
    let (written, _) = write(&request, CLAUDE);
    let system = serde_json::json!([{"text": "zero"}, {"text": "one"}]);
    assert_eq!(written["system"], system);
    let expected = [
        "user: two <system>\nthree\n</system>",
        "assistant: four",
        "user: <system>\nfive\n</system>",
    ];
    assert_eq!(told(&request, CLAUDE), expected);
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
    let (written, losses) = write(&own, CLAUDE);
    let thinking = |written: &Value| {
        let extra = &written["additionalModelRequestFields"];
        extra["thinking"]["type"].clone()
    };
    assert_eq!(thinking(&written), "enabled");
    assert_eq!(fields(&losses), ["tool_choice"]);
    assert_eq!(told(&own, CLAUDE)[1], "assistant: hm a");
    for foreign in [None, Some(thought("hm", Dialect::Gemini))] {
        let request = thinking_loop(foreign);
        let (written, losses) = write(&request, CLAUDE);
        assert_eq!(thinking(&written), "disabled");
        assert!(fields(&losses).contains(&"reasoning"));
        assert_eq!(told(&request, CLAUDE)[1], "assistant: a");
    }
    // Nobody else takes thoughts back.
    assert_eq!(told(&own, NOVA_2)[1], "assistant: a");
}

#[test]
fn words_to_go_on_with_are_given_where_they_are_taken() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![Block::text("two \n")]),
    ]);
    assert_eq!(told(&request, CLAUDE), ["user: one", "assistant: two"]);
    let asked = ["user: one", "assistant: two \n", "user: Go on."];
    assert_eq!(told(&request, LLAMA), asked);
}
