//! A schema of the answer, where a provider makes a model write JSON and takes
//! no schema: the model is told it in words.

use domain::canon::Loss;
use domain::edit::Span;

use super::changes::Changes;
use crate::json::{Kind, Node, object};
use crate::translate::json_mode::schema_told;

/// Asks for JSON, and says in front of the conversation what it must follow.
pub(super) fn rewrite<'a>(root: Node<'a>, changes: &mut Changes<'a>) -> Option<Loss> {
    let form = root.get("response_format")?;
    let schema = form.get("json_schema")?.get("schema")?;
    let messages = root.get("messages")?;
    if messages.kind() != Kind::Array || form.get("type")?.str()? != "json_schema" {
        return None;
    }
    let schema = String::from_utf8_lossy(schema.raw());
    let mut message = object(|out| {
        out.string("role", "system");
        out.string("content", &schema_told(&schema));
    });
    if messages.items().next().is_some() {
        message.push(b',');
    }
    let at = messages.inner_span().start;
    changes.put(Span::new(at, at), message);
    changes.put(form.span(), &br#"{"type":"json_object"}"#[..]);
    let why = "the model is told the schema in words alone";
    Some(Loss::hint("response_format.json_schema".to_owned(), why))
}
