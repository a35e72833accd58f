//! What a model answers.

use domain::canon::{Answer, Block, Choice, Dialect, Signature, Stop, Thinking, ToolCall};
use domain::usage::Usage;
use proptest::prelude::*;

use super::text;

/// Arguments of a call: none, some, and what is no JSON at all.
const ARGUMENTS: &[&str] = &[
    "",
    "{}",
    "{\"city\":\"Zürich\",\"days\":3}",
    "{\"nested\":{\"list\":[1,2.50,1e400],\"none\":null}}",
    "{\"text\":\"a \\\"b\\\" \\u00e9 \\n\"}",
    "{\"cut\":\"of",
];

/// A dialect, for signatures.
pub fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(&Dialect::ALL[..])
}

/// Somebody's signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    (dialect(), "[A-Za-z0-9+/]{8,40}={0,2}").prop_map(|(family, value)| Signature { family, value })
}

/// Thoughts: shown, signed, hidden.
pub fn thinking() -> impl Strategy<Value = Thinking> {
    let shown = (text(), prop::option::of(signature())).prop_map(|(text, signature)| Thinking {
        text,
        signature,
        ..Thinking::default()
    });
    let silent = signature().prop_map(|signature| Thinking {
        signature: Some(signature),
        ..Thinking::default()
    });
    let hidden = "[A-Za-z0-9+/]{8,40}".prop_map(|value| Thinking {
        redacted: true,
        signature: Some(Signature {
            family: Dialect::Anthropic,
            value,
        }),
        ..Thinking::default()
    });
    prop_oneof![4 => shown, 1 => silent, 1 => hidden]
}

/// A call; its id is set by [`numbered`].
pub fn call() -> impl Strategy<Value = ToolCall> {
    let name = prop::sample::select(vec!["get_weather", "search", "apply-patch", "_x"]);
    let arguments = prop::sample::select(ARGUMENTS);
    (name, arguments, prop::option::weighted(0.2, signature())).prop_map(
        |(name, arguments, signature)| ToolCall {
            id: String::new(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            signature,
            cache: None,
        },
    )
}

/// Gives every call an id of its own.
pub fn numbered(blocks: &mut [Block], from: &mut usize) {
    for block in blocks {
        if let Block::ToolCall(call) = block {
            *from += 1;
            call.id = format!("call_{from:06}");
        }
    }
}

/// What an answer says: thinking, texts, calls in any order, or a refusal.
pub fn said() -> impl Strategy<Value = Vec<Block>> {
    let block = prop_oneof![
        2 => thinking().prop_map(Block::Thinking),
        3 => text().prop_map(Block::text),
        3 => call().prop_map(Block::ToolCall),
    ];
    let refused = text().prop_map(|words| vec![Block::Refusal(words)]);
    prop_oneof![
        8 => prop::collection::vec(block, 0..6),
        1 => refused,
    ]
}

/// One of the answers, with an end that fits.
pub fn choice() -> impl Strategy<Value = Choice> {
    let stop = prop::sample::select(vec![Stop::End, Stop::End, Stop::Length, Stop::Filtered]);
    (said(), stop).prop_map(|(content, stop)| {
        let calls = content
            .iter()
            .any(|block| matches!(block, Block::ToolCall(_)));
        let refused = content
            .iter()
            .any(|block| matches!(block, Block::Refusal(_)));
        let stop = match (calls, refused, stop) {
            (_, true, _) => Stop::Refused,
            (true, _, Stop::End) => Stop::ToolCalls,
            (_, _, stop) => stop,
        };
        Choice {
            content,
            stop: Some(stop),
            logprobs: None,
        }
    })
}

/// What was used.
pub fn usage() -> impl Strategy<Value = Usage> {
    let part = || prop_oneof![Just(0_u64), 1..100_000_u64];
    (part(), part(), part(), part(), part()).prop_map(
        |(input, cached_input, cache_write, output, reasoning)| Usage {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
            ..Usage::default()
        },
    )
}

/// A whole answer of one to three choices.
pub fn answer() -> impl Strategy<Value = Answer> {
    answer_of(1..4)
}

/// A whole answer of so many choices.
pub fn answer_of(choices: std::ops::Range<usize>) -> impl Strategy<Value = Answer> {
    let choices = prop::collection::vec(choice(), choices);
    (choices, prop::option::of(usage())).prop_map(|(mut choices, usage)| {
        let mut calls = 0;
        for choice in &mut choices {
            numbered(&mut choice.content, &mut calls);
        }
        Answer {
            id: "answer-1".to_owned(),
            model: "model-1".to_owned(),
            created: Some(1_790_000_000),
            choices,
            usage,
            rest: Vec::new(),
        }
    })
}
