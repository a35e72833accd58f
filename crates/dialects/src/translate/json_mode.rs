//! What a model is told in words where its server makes it write JSON, or
//! cannot.

use domain::canon::{Block, Format, Request};

const ALONE: &str = "Answer with JSON alone: one value, no words around it, no code fence.";

/// For servers that let a model write white space for ever unless the
/// conversation asks for JSON: what asks for it, if nobody does.
pub(crate) fn reminder(request: &Request) -> Option<&'static str> {
    if request.format != Some(Format::Json) {
        return None;
    }
    let mut blocks = request.messages.iter().flat_map(|message| &message.content);
    let says = |block: &Block| match block {
        Block::Text { text, .. } => text.to_ascii_lowercase().contains("json"),
        _ => false,
    };
    (!blocks.any(says)).then_some("Answer with a JSON object.")
}

/// For servers that take no format: what is told instead.
pub(crate) fn told(format: &Format) -> Option<String> {
    match format {
        Format::Text => None,
        Format::Json => Some(ALONE.to_owned()),
        Format::Schema { schema, .. } => Some(schema_told(schema.as_str())),
    }
}

/// For servers that take no schema: how the answer must look.
pub(crate) fn schema_told(schema: &str) -> String {
    format!("{ALONE} It must follow this JSON Schema:\n{schema}")
}
