//! Whether a client's body can go to a provider of its own dialect as it is.

use domain::canon::{Block, Dialect, Request, Signature};

use crate::gemini;

/// Whether all that is signed in it is of the dialect's own family. In a
/// conversation that others have answered, too, there are thoughts that the
/// provider would refuse, and calls without the signature that it demands.
#[must_use]
pub fn is_native(request: &Request, dialect: Dialect, model: &str) -> bool {
    let own = |signature: &Option<Signature>| {
        let family = signature.as_ref().map(|signature| signature.family);
        family.is_none_or(|family| is_kin(family, dialect))
    };
    let mut blocks = request.messages.iter().flat_map(|message| &message.content);
    let is_own = blocks.all(|block| match block {
        // Anthropic takes no thought back that is not signed.
        Block::Thinking(thinking) if dialect == Dialect::Anthropic => {
            thinking.signature.is_some() && own(&thinking.signature)
        }
        Block::Thinking(thinking) => own(&thinking.signature),
        Block::ToolCall(call) => own(&call.signature),
        Block::Text { signature, .. } => own(signature),
        _ => true,
    });
    is_own
        && match dialect {
            Dialect::Gemini => !gemini::canon::misses_signature(request, model),
            Dialect::Anthropic => !misses_thought(request),
            _ => true,
        }
}

/// Whether the client wants thoughts by a budget in a loop of tools whose last
/// calls were made without one: Anthropic refuses that.
fn misses_thought(request: &Request) -> bool {
    let reasoning = request.reasoning.as_ref();
    if reasoning.is_none_or(|reasoning| reasoning.budget.unwrap_or(0) == 0) {
        return false;
    }
    let is_result = |block: &Block| matches!(block, Block::ToolResult(_));
    let mut back = request.messages.iter().rev().peekable();
    let is_loop = back
        .peek()
        .is_some_and(|last| last.content.iter().any(is_result));
    let calling = back.find(|message| !message.content.iter().any(is_result));
    let begins = calling.and_then(|message| message.content.first());
    is_loop && !matches!(begins, Some(Block::Thinking(_)))
}

/// `OpenAI`'s two dialects have one family of models.
fn is_kin(a: Dialect, b: Dialect) -> bool {
    let is_openais = |it| matches!(it, Dialect::OpenAi | Dialect::Responses);
    a == b || is_openais(a) && is_openais(b)
}
