//! The order of a conversation's turns, where a provider's template is strict
//! about it. Mistral's, wherever they are served, want the model to speak behind
//! the results of its tools, take no system message behind those or behind the
//! model's words, and take the model's words last only as the beginning of its
//! answer.

use std::collections::HashSet;

use domain::canon::Loss;

use super::changes::Changes;
use crate::json::{Kind, Node};

/// What the model says between its tools' results and the user's next words.
const HEARD: &str = r#"{"role":"assistant","content":"Understood."},"#;

/// Who speaks, as the template sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

/// Brings the turns in order. Where a role is another one then, the place is
/// among those in `touched`; gives the first of them.
pub(super) fn rewrite<'a>(
    root: Node<'a>,
    changes: &mut Changes<'a>,
    touched: &mut HashSet<u32>,
) -> Option<Loss> {
    let messages = root.get("messages")?;
    let mut before = None;
    let mut last = None;
    let mut lost = None;
    for (at, message) in messages.items().enumerate() {
        let Some(role) = message.get("role") else {
            continue;
        };
        let Some(mut speaker) = speaker(role) else {
            continue;
        };
        let is_late = matches!(before, Some(Speaker::Assistant | Speaker::Tool));
        if speaker == Speaker::System && is_late {
            speaker = Speaker::User;
            changes.text(role.span(), "user");
            touched.insert(role.span().start);
            lost.get_or_insert_with(|| {
                let why = "behind the model's words and results it takes the user's alone";
                Loss::hint(format!("messages[{at}].role"), why)
            });
        }
        if (before, speaker) == (Some(Speaker::Tool), Speaker::User) {
            let start = message.span().start;
            changes.put(domain::edit::Span::new(start, start), HEARD.as_bytes());
        }
        before = Some(speaker);
        last = Some((message, role));
    }
    if let (Some(Speaker::Assistant), Some((message, role))) = (before, last) {
        begin(message, role, changes);
    }
    lost
}

fn speaker(role: Node<'_>) -> Option<Speaker> {
    Some(match &*role.str()? {
        "system" | "developer" => Speaker::System,
        "user" => Speaker::User,
        "assistant" => Speaker::Assistant,
        "tool" => Speaker::Tool,
        _ => return None,
    })
}

/// Marks the model's last words as the beginning of its answer.
fn begin<'a>(message: Node<'a>, role: Node<'a>, changes: &mut Changes<'a>) {
    let calls = message.get("tool_calls");
    if calls.is_some_and(|calls| calls.items().next().is_some()) {
        return;
    }
    match message.get("prefix") {
        Some(said) if said.kind() == Kind::Bool || said.kind() == Kind::Null => {
            changes.put(said.span(), &b"true"[..]);
        }
        Some(_) => {}
        None => changes.put(role.span(), &br#""assistant","prefix":true"#[..]),
    }
}
