//! The chunks that an answer may be streamed as.

use domain::canon::{Answer, Block, Choice, Chunk, Delta, Opened, Thinking};
use proptest::prelude::*;

use super::answer_of;

/// A stream: the answer that it amounts to, and its chunks, cut anywhere, with
/// calls that stand side by side and choices that come in turns.
pub fn stream() -> impl Strategy<Value = (Answer, Vec<Chunk>)> {
    stream_of(1..4)
}

/// A stream of so many choices.
pub fn stream_of(choices: std::ops::Range<usize>) -> impl Strategy<Value = (Answer, Vec<Chunk>)> {
    let dice = prop::collection::vec(any::<u8>(), 1..64);
    (answer_of(choices), dice).prop_map(|(answer, dice)| {
        let chunks = chunks(&answer, Dice(dice, 0));
        (answer, chunks)
    })
}

/// Chance, in an order that a failing test can repeat.
pub struct Dice(Vec<u8>, usize);

impl Dice {
    /// One of so many.
    fn below(&mut self, many: usize) -> usize {
        self.1 += 1;
        usize::from(self.0[self.1 % self.0.len()]) % many.max(1)
    }
}

/// The chunks that an answer may be streamed as.
pub fn chunks(answer: &Answer, mut dice: Dice) -> Vec<Chunk> {
    let mut out = vec![Chunk::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        created: answer.created,
    }];
    let mut sides: Vec<Vec<Chunk>> = Vec::new();
    for (number, choice) in answer.choices.iter().enumerate() {
        let number = u32::try_from(number).expect("few");
        sides.push(of_choice(number, choice, &mut dice));
    }
    merge(sides, &mut dice, &mut out);
    out.extend(answer.usage.map(Chunk::Usage));
    out.push(Chunk::End);
    out
}

/// Several sequences in turns; the order within each stays.
fn merge(sides: Vec<Vec<Chunk>>, dice: &mut Dice, out: &mut Vec<Chunk>) {
    let mut sides: Vec<_> = sides.into_iter().map(Vec::into_iter).collect();
    while !sides.is_empty() {
        let at = dice.below(sides.len());
        match sides[at].next() {
            Some(chunk) => out.push(chunk),
            None => drop(sides.remove(at)),
        }
    }
}

fn of_choice(number: u32, choice: &Choice, dice: &mut Dice) -> Vec<Chunk> {
    let mut out = Vec::new();
    let mut beside: Vec<Vec<Chunk>> = Vec::new();
    for (block, content) in choice.content.iter().enumerate() {
        let block = u32::try_from(block).expect("few");
        let is_call = matches!(content, Block::ToolCall(_));
        if !is_call {
            calls(std::mem::take(&mut beside), dice, &mut out);
        }
        let mut chunks = of_block(number, block, content, dice);
        if is_call {
            // Calls open in their order, and then grow side by side.
            beside.push(chunks);
        } else {
            out.append(&mut chunks);
        }
    }
    calls(beside, dice, &mut out);
    out.extend(choice.stop.clone().map(|stop| Chunk::Stop {
        choice: number,
        stop,
    }));
    out
}

fn calls(mut beside: Vec<Vec<Chunk>>, dice: &mut Dice, out: &mut Vec<Chunk>) {
    if dice.below(2) == 0 {
        out.extend(beside.into_iter().flatten());
        return;
    }
    out.extend(beside.iter_mut().map(|call| call.remove(0)));
    merge(beside, dice, out);
}

fn of_block(choice: u32, block: u32, content: &Block, dice: &mut Dice) -> Vec<Chunk> {
    let (opened, deltas) = match content {
        Block::Text { text, .. } => (Opened::Text, cut(text, dice, Delta::Text)),
        Block::Refusal(text) => (Opened::Refusal, cut(text, dice, Delta::Text)),
        Block::ToolCall(call) => (
            Opened::ToolCall {
                id: call.id.clone(),
                name: call.name.clone(),
                custom: call.custom,
                signature: call.signature.clone(),
            },
            cut(&call.arguments, dice, Delta::Arguments),
        ),
        Block::Thinking(thinking) if thinking.redacted => {
            (Opened::Thinking(thinking.clone()), Vec::new())
        }
        Block::Thinking(thinking) => {
            let mut deltas = cut(&thinking.text, dice, Delta::Text);
            deltas.extend(thinking.signature.clone().map(Delta::Signature));
            let opened = Thinking {
                text: String::new(),
                signature: None,
                ..thinking.clone()
            };
            (Opened::Thinking(opened), deltas)
        }
        Block::Unknown(unknown) => (Opened::Unknown(unknown.clone()), Vec::new()),
        Block::Media(_) | Block::ToolResult(_) => panic!("no answer of this grammar has it"),
    };
    let mut out = vec![Chunk::Open {
        choice,
        block,
        opened,
    }];
    out.extend(deltas.into_iter().map(|delta| Chunk::Grow {
        choice,
        block,
        delta,
    }));
    out.push(Chunk::Close { choice, block });
    out
}

fn cut(text: &str, dice: &mut Dice, delta: fn(String) -> Delta) -> Vec<Delta> {
    let letters: Vec<char> = text.chars().collect();
    let mut rest = &letters[..];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(1 + dice.below(rest.len()));
        out.push(delta(piece.iter().collect()));
        rest = behind;
    }
    out
}
