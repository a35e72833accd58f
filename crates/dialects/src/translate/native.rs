//! Whether a client's body can go to a provider of its own dialect as it is.

use domain::canon::{Block, Dialect, Request, Role, Signature};
use domain::traits::{Form, Traits};

use crate::gemini;

/// Whether all that is signed in it is of the dialect's own family. In a
/// conversation that others have answered, too, there are thoughts that the
/// provider would refuse, and calls without the signature that it demands.
///
/// And whether the model with these traits takes what was meant for
/// the one that the client believes to ask: Claude Code tells a name that it does
/// not know what only the newest models take.
#[must_use]
pub fn is_native(request: &Request, dialect: Dialect, traits: &Traits) -> bool {
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
                !gemini::canon::misses_signature(request, traits) && !has_empty_part(request)
            }
            Dialect::Anthropic => !misses_thought(request) && is_taken(request, traits),
            _ => true,
        }
}

/// Whether this generation of Claude's lets the operator speak in the middle, and
/// knows the words by which thinking is asked for.
fn is_taken(request: &Request, traits: &Traits) -> bool {
    let is_operator = |role| matches!(role, Role::System | Role::Developer);
    let mut roles = request.messages.iter().map(|message| message.role);
    let speaks_again = {
        let mut behind = roles.by_ref().skip_while(|role| is_operator(*role));
        behind.any(is_operator)
    };
    if !speaks_again && request.reasoning.is_none() {
        return true;
    }
    let is_heard = !speaks_again || traits.system_turns;
    is_heard
        && request
            .reasoning
            .as_ref()
            .is_none_or(|said| match traits.form {
                Form::Budget => !said.adaptive,
                Form::Word => said.budget.is_none(),
                Form::Either | Form::AsAsked => true,
            })
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
    use domain::canon::{Effort, Message, Reasoning};

    use super::*;

    const OLD: &str = "claude-haiku-4-5";
    const NEW: &str = "claude-opus-4-8";

    fn is_native_at(request: &Request, dialect: Dialect, model: &str) -> bool {
        let table = providers::traits::builtin().expect("a table");
        is_native(request, dialect, &table.at(dialect, "").of(model))
    }

    fn asks(roles: &[Role]) -> Request {
        let said = |role: &Role| Message::new(*role, vec![Block::text("hi")]);
        Request {
            messages: roles.iter().map(said).collect(),
            ..Request::default()
        }
    }

    #[test]
    fn the_operator_speaks_in_the_middle_where_the_model_listens() {
        let is_native =
            |roles: &[Role], model| is_native_at(&asks(roles), Dialect::Anthropic, model);
        let again = [Role::System, Role::User, Role::System];
        assert!(is_native(&again, NEW));
        assert!(!is_native(&again, OLD));
        assert!(!is_native(&again, "anthropic.claude-opus-4-8"));
        assert!(!is_native(&again[1..], "m"));
        assert!(is_native(&again[..2], OLD));
    }

    #[test]
    fn thinking_is_asked_for_as_the_model_knows_it() {
        let is_native = |reasoning: &Reasoning, model| {
            let request = Request {
                reasoning: Some(reasoning.clone()),
                ..asks(&[Role::User])
            };
            is_native_at(&request, Dialect::Anthropic, model)
        };
        let adaptive = Reasoning {
            adaptive: true,
            ..Reasoning::default()
        };
        let by_tokens = Reasoning {
            budget: Some(2000),
            ..Reasoning::default()
        };
        let off = Reasoning {
            effort: Some(Effort::None),
            ..Reasoning::default()
        };
        assert!(is_native(&adaptive, NEW) && !is_native(&adaptive, OLD));
        assert!(is_native(&by_tokens, OLD) && !is_native(&by_tokens, NEW));
        assert!(is_native(&adaptive, "m") && is_native(&by_tokens, "m"));
        assert!(is_native(&off, OLD) && is_native(&off, NEW));
    }

    #[test]
    fn a_turn_with_a_part_that_says_nothing_is_written_anew_for_google() {
        let text = |text: &str| Block::text(text);
        let said = |role: Role, content: Vec<Block>| Request {
            messages: vec![Message::new(role, content)],
            ..Request::default()
        };
        let is_google =
            |request: &Request| is_native_at(request, Dialect::Gemini, "gemini-2.5-flash");
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
