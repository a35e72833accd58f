//! Calls of other models in a request that otherwise passes as it came.

use bytes::Bytes;
use domain::edit::{Edit, Span};

use super::SKIP_SIGNATURE;
use super::fields::{member, string};
use super::write::Model;
use crate::json::{Document, Node};

/// The edits that let a model of Gemini 3 take a conversation that other
/// models began: it refuses calls without a signature of its own kind.
#[must_use]
pub fn sign(document: &Document, model: &str) -> Vec<Edit> {
    if Model::of(model).is_older() {
        return Vec::new();
    }
    let contents = member(document.root(), "contents");
    let contents = contents.into_iter().flat_map(Node::items);
    contents.filter_map(unsigned).map(edit).collect()
}

/// The first call of a model's turn, if nothing signs it. Google signs no
/// others of parallel calls.
fn unsigned(content: Node<'_>) -> Option<Node<'_>> {
    if string(content, "role").as_deref() != Some("model") {
        return None;
    }
    let mut parts = member(content, "parts")?.items();
    let first = parts.find(|part| member(*part, "functionCall").is_some())?;
    let is_signed =
        first.get("thoughtSignature").is_some() || first.get("thought_signature").is_some();
    (!is_signed).then_some(first)
}

fn edit(part: Node<'_>) -> Edit {
    let at = part.inner_span().start;
    let member = format!("\"thoughtSignature\":\"{SKIP_SIGNATURE}\",");
    Edit {
        span: Span::new(at, at),
        with: Bytes::from(member),
    }
}
