//! Whether a client's body can go to a provider of its own dialect as it is.

use domain::canon::{Block, Dialect, Request, Role, Signature};

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
            Dialect::Gemini => {
                !gemini::canon::misses_signature(request, model) && !has_empty_part(request)
            }
            Dialect::Anthropic => !misses_thought(request),
            _ => true,
        }
}

/// Whether a turn of the model's has a part that says nothing beside others:
/// streams end with one, applications send it back, and Google refuses it.
fn has_empty_part(request: &Request) -> bool {
    let is_empty = |block: &Block| matches!(block, Block::Text { text, signature: None, .. } if text.is_empty());
    let mut models = request
        .messages
        .iter()
        .filter(|it| it.role == Role::Assistant);
    models.any(|message| message.content.len() > 1 && message.content.iter().any(is_empty))
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

#[cfg(test)]
mod tests {
    use domain::canon::Message;

    use super::*;

    #[test]
    fn a_turn_with_a_part_that_says_nothing_is_written_anew_for_google() {
        let text = |text: &str| Block::text(text);
        let said = |role: Role, content: Vec<Block>| Request {
            messages: vec![Message::new(role, content)],
            ..Request::default()
        };
        let is_google = |request: &Request| is_native(request, Dialect::Gemini, "gemini-2.5-flash");
        assert!(!is_google(&said(
            Role::Assistant,
            vec![text("Hi"), text("")]
        )));
        assert!(is_google(&said(
            Role::Assistant,
            vec![text("Hi"), text("there")]
        )));
        // What a user says stays the user's.
        assert!(is_google(&said(Role::User, vec![text("Hi"), text("")])));
    }
}
