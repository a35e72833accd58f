//! What a model is told in words where its server makes it write JSON, or
//! cannot.

use domain::canon::{Block, Format, Request};

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
    let mut told =
        "Answer with JSON alone: one value, no words around it, no code fence.".to_owned();
    match format {
        Format::Text => return None,
        Format::Json => {}
        Format::Schema { schema, .. } => {
            told.push_str(" It must follow this JSON Schema:\n");
            told.push_str(schema.as_str());
        }
    }
    Some(told)
}
