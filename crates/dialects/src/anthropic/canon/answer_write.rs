//! An answer, written for Anthropic's clients.

use domain::canon::{Answer, Block, Choice, Dialect};

use super::Head;
use super::ending::Closing;
use super::pieces::{input, put_citations};
use super::{signature, usage};
use crate::json::{Array, Object};

/// Writes an answer. Where there are several choices, the first is written.
#[must_use]
pub fn write_answer(answer: &Answer, head: &Head<'_>) -> Vec<u8> {
    let nothing = Choice::default();
    let choice = answer.choices.first().unwrap_or(&nothing);
    let has = |is: fn(&Block) -> bool| choice.content.iter().any(is);
    let closing = Closing {
        stop: choice.stop.clone(),
        calls: has(|block| matches!(block, Block::ToolCall(_))),
        refused: has(|block| matches!(block, Block::Refusal(text) if !text.is_empty())),
    };
    crate::json::object(|o| {
        put_head(o, &answer.id, &answer.model, head);
        o.array("content", |a| {
            for block in &choice.content {
                put(a, block);
            }
        });
        closing.put(o, &answer.rest);
        usage::put(o, answer.usage, usage::others_of(&answer.rest));
    })
}

/// Writes what a message begins with.
pub(super) fn put_head(o: &mut Object<'_>, id: &str, model: &str, head: &Head<'_>) {
    let or = |said: &str, else_: &str| if said.is_empty() { else_ } else { said }.to_owned();
    o.string("id", &or(id, head.id));
    o.string("type", "message").string("role", "assistant");
    o.string("model", &or(model, &head.request.model));
}

fn put(a: &mut Array<'_>, block: &Block) {
    match block {
        Block::Text {
            text, citations, ..
        } if !text.is_empty() => {
            a.object(|o| {
                o.string("type", "text").string("text", text);
                put_citations(o, citations);
            });
        }
        Block::Refusal(text) if !text.is_empty() => {
            a.object(|o| {
                o.string("type", "text").string("text", text);
            });
        }
        Block::Thinking(thinking) if !signature::is_nothing(thinking) => {
            let signature = signature::outward(thinking);
            a.object(|o| match thinking.redacted {
                true => {
                    o.string("type", "redacted_thinking");
                    o.string("data", &signature);
                }
                false => {
                    o.string("type", "thinking");
                    o.string("thinking", &thinking.text);
                    o.string("signature", &signature);
                }
            });
        }
        Block::ToolCall(call) => {
            if let Some(signature) = signature::before_call(call.signature.as_ref()) {
                a.object(|o| {
                    o.string("type", "thinking").string("thinking", "");
                    o.string("signature", &signature);
                });
            }
            a.object(|o| {
                o.string("type", "tool_use").string("id", &call.id);
                o.string("name", &call.name).raw("input", &input(call));
            });
        }
        Block::Unknown(own) if own.dialect == Dialect::Anthropic => {
            a.raw(own.raw.as_str());
        }
        // Claude's clients know no pictures or sounds of an assistant's.
        Block::Text { .. }
        | Block::Thinking(_)
        | Block::Refusal(_)
        | Block::Media(_)
        | Block::ToolResult(_)
        | Block::Unknown(_) => {}
    }
}
