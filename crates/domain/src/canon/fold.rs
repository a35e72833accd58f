//! The whole answer that a stream amounts to.

use super::joined::joined;
use super::{Answer, Block, Choice, Chunk, Delta, Json, Opened, ToolCall};

/// Puts an answer together from its chunks.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    answer: Answer,
    /// Log probabilities as they came, by their choice.
    logprobs: Vec<Vec<Json>>,
    /// Whether [`Chunk::End`] came.
    is_complete: bool,
}

impl Fold {
    /// Takes the next chunk. What belongs to no open block is passed over.
    pub fn push(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Start { id, model, created } => {
                self.answer.id.clone_from(id);
                self.answer.model.clone_from(model);
                self.answer.created = *created;
            }
            Chunk::Open {
                choice,
                block,
                opened,
            } => {
                let content = &mut self.choice(*choice).content;
                if content.len() == *block as usize {
                    content.push(begun(opened));
                }
            }
            Chunk::Grow {
                choice,
                block,
                delta,
            } => {
                if let Some(block) = self.choice(*choice).content.get_mut(*block as usize) {
                    grow(block, delta);
                }
            }
            Chunk::Logprobs { choice, logprobs } => {
                self.choice(*choice);
                let came = &mut self.logprobs[place(*choice)];
                came.push(logprobs.clone());
            }
            Chunk::Stop { choice, stop } => self.choice(*choice).stop = Some(stop.clone()),
            Chunk::Usage(usage) => self.answer.usage = Some(*usage),
            Chunk::Unknown(unknown) => self.answer.rest.push(unknown.clone()),
            Chunk::Close { .. } | Chunk::Ping | Chunk::Error(_) => {}
            Chunk::End => self.is_complete = true,
        }
    }

    /// Whether the stream came to its own end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// What came.
    #[must_use]
    pub fn finish(mut self) -> Answer {
        for (choice, pieces) in self.answer.choices.iter_mut().zip(&self.logprobs) {
            choice.logprobs = joined(pieces);
        }
        self.answer
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let index = place(index);
        let choices = &mut self.answer.choices;
        if choices.len() <= index {
            choices.resize_with(index + 1, Choice::default);
            self.logprobs.resize_with(index + 1, Vec::new);
        }
        &mut choices[index]
    }
}

/// A provider that invents a thousand millionth choice gets the last.
fn place(choice: u32) -> usize {
    (choice as usize).min(127)
}

fn begun(opened: &Opened) -> Block {
    match opened {
        Opened::Text => Block::text(""),
        Opened::Thinking(thinking) => Block::Thinking(thinking.clone()),
        Opened::ToolCall {
            id,
            name,
            custom,
            signature,
        } => Block::ToolCall(ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: String::new(),
            custom: *custom,
            signature: signature.clone(),
            cache: None,
        }),
        Opened::Refusal => Block::Refusal(String::new()),
        Opened::Unknown(unknown) => Block::Unknown(unknown.clone()),
    }
}

fn grow(block: &mut Block, delta: &Delta) {
    match (block, delta) {
        (Block::Text { text, .. } | Block::Refusal(text), Delta::Text(more)) => text.push_str(more),
        (Block::Thinking(thinking), Delta::Text(more)) => thinking.text.push_str(more),
        (Block::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (Block::Text { signature, .. }, Delta::Signature(whole)) => {
            *signature = Some(whole.clone())
        }
        (Block::Thinking(thinking), Delta::Signature(whole)) => {
            thinking.signature = Some(whole.clone());
        }
        (Block::ToolCall(call), Delta::Signature(whole)) => call.signature = Some(whole.clone()),
        (Block::Text { citations, .. }, Delta::Citation(citation)) => {
            citations.push(citation.clone());
        }
        _ => {}
    }
}
