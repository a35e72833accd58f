//! Answers as the chunks of a stream.

use domain::canon::{Block, Chunk, Delta, Opened, Stop, Thinking};
use domain::usage::Usage;

/// A block as chunks: its opening, what it grows by, its close.
fn chunks_of(choice: u32, block: u32, what: &Block) -> Vec<Chunk> {
    let grow = |delta| Chunk::Grow {
        choice,
        block,
        delta,
    };
    let mut out = Vec::new();
    let mut split = |text: &str, make: fn(String) -> Delta| {
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(3) {
            out.push(grow(make(piece.iter().collect())));
        }
    };
    let opened = match what {
        Block::Text { text, .. } => {
            split(text, Delta::Text);
            Opened::Text
        }
        Block::Thinking(thinking) => {
            split(&thinking.text, Delta::Text);
            Opened::Thinking(Thinking {
                text: String::new(),
                signature: None,
                ..thinking.clone()
            })
        }
        Block::ToolCall(call) => {
            split(&call.arguments, Delta::Arguments);
            Opened::ToolCall {
                id: call.id.clone(),
                name: call.name.clone(),
                custom: call.custom,
                signature: call.signature.clone(),
            }
        }
        Block::Refusal(text) => {
            split(text, Delta::Text);
            Opened::Refusal
        }
        Block::Unknown(unknown) => Opened::Unknown(unknown.clone()),
        Block::Media(_) | Block::ToolResult(_) => panic!("not in answers"),
    };
    let signature = match what {
        Block::Text { signature, .. } => signature,
        Block::Thinking(thinking) => &thinking.signature,
        _ => &None,
    };
    if let Some(signature) = signature {
        out.push(grow(Delta::Signature(signature.clone())));
    }
    out.insert(
        0,
        Chunk::Open {
            choice,
            block,
            opened,
        },
    );
    out.push(Chunk::Close { choice, block });
    out
}

/// Chunks of an answer; calls side by side grow by turns.
pub(crate) fn stream_of(choices: &[(Vec<Block>, Stop)], usage: Usage) -> Vec<Chunk> {
    let mut out = vec![Chunk::Start {
        id: "r1".to_owned(),
        model: "m".to_owned(),
        created: None,
    }];
    for (choice, (blocks, stop)) in choices.iter().enumerate() {
        let choice = u32::try_from(choice).expect("few");
        let mut side: Vec<Vec<Chunk>> = Vec::new();
        for (block, what) in blocks.iter().enumerate() {
            let chunks = chunks_of(choice, u32::try_from(block).expect("few"), what);
            if !matches!(what, Block::ToolCall(_)) {
                by_turns(&mut out, &mut side);
                out.extend(chunks);
            } else {
                side.push(chunks);
            }
        }
        by_turns(&mut out, &mut side);
        out.push(Chunk::Stop {
            choice,
            stop: stop.clone(),
        });
    }
    out.extend([Chunk::Ping, Chunk::Usage(usage), Chunk::End]);
    out
}

fn by_turns(out: &mut Vec<Chunk>, side: &mut Vec<Vec<Chunk>>) {
    // All are opened in their order; then each gives one chunk in turn.
    for chunks in side.iter_mut() {
        out.push(chunks.remove(0));
    }
    while !side.is_empty() {
        for chunks in side.iter_mut() {
            out.push(chunks.remove(0));
        }
        side.retain(|chunks| !chunks.is_empty());
    }
}
