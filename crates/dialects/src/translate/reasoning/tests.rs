//! Kept reasoning, from an answer into the next request.

use domain::canon::{Signature, ToolResult};

use super::*;

fn signature(value: &str) -> Option<Signature> {
    Some(Signature {
        family: Dialect::Anthropic,
        value: value.to_owned(),
    })
}

fn thought(value: &str) -> Block {
    Block::Thinking(Thinking {
        text: "Hm.".to_owned(),
        signature: signature(value),
        ..Thinking::default()
    })
}

fn told(text: &str) -> Block {
    Block::Thinking(Thinking {
        text: text.to_owned(),
        ..Thinking::default()
    })
}

fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}

fn result(id: &str) -> Message {
    let result = Block::ToolResult(ToolResult {
        call: id.to_owned(),
        name: None,
        content: Vec::new(),
        is_error: None,
        custom: false,
        cache: None,
    });
    Message::new(Role::Tool, vec![result])
}

fn says(content: Vec<Block>) -> Message {
    Message::new(Role::Assistant, content)
}

fn kept(content: Vec<Block>) -> BTreeMap<String, Arc<KeptReasoning>> {
    let answer = Answer {
        choices: vec![Choice {
            content,
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let all = of_answer(&answer, "p").into_iter();
    all.map(|(id, kept)| (id, Arc::new(kept))).collect()
}

/// What becomes of these messages.
fn completed(
    messages: Vec<Message>,
    found: &BTreeMap<String, Arc<KeptReasoning>>,
) -> (Vec<Vec<Block>>, bool) {
    let mut request = Request {
        messages,
        ..Request::default()
    };
    let is_changed = put_back(&mut request, found);
    let contents = request.messages.into_iter().map(|message| message.content);
    (contents.collect(), is_changed)
}

#[test]
fn every_thought_comes_back_where_the_model_had_it() {
    let answer = vec![
        thought("1"),
        thought("2"),
        Block::text("I look."),
        thought("3"),
        call("a", r#"{"x": 1, "y": [2]}"#),
        call("b", ""),
        thought("4"),
        call("c", "{}"),
    ];
    let found = kept(answer.clone());
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "c"]);
    let bare = vec![
        Block::text("I look."),
        call("a", r#"{"y":[2],"x":1}"#),
        call("b", "{}"),
        call("c", ""),
    ];
    let (contents, is_changed) = completed(vec![says(bare), result("a")], &found);
    assert!(is_changed);
    let thoughts = |content: &[Block]| -> Vec<Option<Block>> {
        let told = content.iter().map(|block| match block {
            Block::ToolCall(_) => None,
            block => Some(block.clone()),
        });
        told.collect()
    };
    assert_eq!(thoughts(&contents[0]), thoughts(&answer));
}

#[test]
fn what_a_client_told_without_signature_is_not_told_twice() {
    let found = kept(vec![thought("1"), call("a", "{}")]);
    let (contents, _) = completed(vec![says(vec![told("Hm."), call("a", "{}")])], &found);
    assert_eq!(contents[0], [thought("1"), call("a", "{}")]);
}

#[test]
fn a_turn_in_several_messages_begins_with_its_thoughts() {
    let found = kept(vec![thought("1"), Block::text("I look."), call("a", "{}")]);
    let turn = vec![
        says(vec![Block::text("I look.")]),
        says(vec![call("a", "{}")]),
    ];
    let (contents, _) = completed(turn, &found);
    assert_eq!(contents[0], [thought("1"), Block::text("I look.")]);
    assert_eq!(contents[1], [call("a", "{}")]);
}

#[test]
fn a_calls_own_signature_comes_back_to_it() {
    let signed = |value: Option<Signature>| match call("a", "{}") {
        Block::ToolCall(call) => Block::ToolCall(ToolCall {
            signature: value,
            ..call
        }),
        _ => unreachable!("a call"),
    };
    let found = kept(vec![signed(signature("s"))]);
    let (contents, _) = completed(vec![says(vec![told("Hm."), signed(None)])], &found);
    assert_eq!(contents[0], [told("Hm."), signed(signature("s"))]);
}

#[test]
fn who_kept_it_itself_gets_nothing() {
    let found = kept(vec![thought("1"), call("a", "{}"), call("b", "{}")]);
    let own = || says(vec![thought("own"), call("a", "{}")]);
    let request = Request {
        messages: vec![own(), result("a"), says(vec![call("b", "{}")])],
        ..Request::default()
    };
    assert_eq!(lost(&request), BTreeSet::from(["b".to_owned()]));
    let (contents, is_changed) = completed(vec![own()], &found);
    assert!(!is_changed);
    assert_eq!(contents[0], own().content);
}

#[test]
fn another_call_by_the_same_id_gets_nothing() {
    let found = kept(vec![thought("1"), call("a", r#"{"x":1}"#)]);
    for arguments in ["{}", r#"{"x":2}"#, r#"{"x":"1"}"#, "x"] {
        let (contents, is_changed) = completed(vec![says(vec![call("a", arguments)])], &found);
        assert!(!is_changed, "{arguments}");
        assert_eq!(contents[0], [call("a", arguments)]);
    }
}

#[test]
fn what_nobody_signed_is_not_kept() {
    assert!(kept(vec![told("Hm."), call("a", "{}")]).is_empty());
    assert!(kept(vec![thought("1"), Block::text("Done.")]).is_empty());
}

#[test]
fn claudes_signatures_hold_wherever_claude_runs() {
    let claude = Some(Scope::Claude);
    assert_eq!(scope(Dialect::Anthropic, "claude-sonnet-4-5"), claude);
    assert_eq!(
        scope(Dialect::Converse, "eu.anthropic.claude-opus-4-8"),
        claude
    );
    assert_eq!(scope(Dialect::Converse, "amazon.nova-2-lite-v1:0"), None);
    for (dialect, model) in [
        (Dialect::Anthropic, "MiniMax-M3"),
        (Dialect::Gemini, "gemini-3-pro"),
        (Dialect::Responses, "gpt-5.1"),
    ] {
        assert_eq!(scope(dialect, model), Some(Scope::Provider), "{model}");
    }
    assert_eq!(scope(Dialect::OpenAi, "deepseek-reasoner"), None);
}
