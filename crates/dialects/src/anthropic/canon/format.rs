//! How a model is brought to answer in JSON.

use domain::canon::{Format, Loss, Request, ToolChoice};
use domain::traits::Off;

use super::{schema, thinking};
use crate::translate::Target;

/// The ways.
#[derive(Debug)]
pub(crate) enum Shape {
    /// No particular one.
    Free,
    /// `output_config.format`, of this schema.
    Native(String),
    /// A tool whose input is the answer, of this schema.
    Tool(String),
    /// In words.
    Told(String),
}

/// Any object.
const ANY: &str = r#"{"type":"object"}"#;

/// Chooses the way.
pub(crate) fn shape(request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) -> Shape {
    let traits = &target.traits;
    let (schema, strict) = match &request.format {
        None | Some(Format::Text) => return Shape::Free,
        Some(Format::Json) => (None, false),
        Some(Format::Schema { schema, strict, .. }) => {
            (Some(schema.as_str()), strict.unwrap_or(false))
        }
    };
    if traits.schemas
        && let Some(adapted) = schema.and_then(schema::adapt)
    {
        if adapted.is_changed {
            let why = "some of the schema is told the model in words alone";
            losses.push(Loss::hint("response_format", why));
        }
        return Shape::Native(adapted.schema);
    }
    let has_tool_call_coming = matches!(
        &request.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Named(_) | ToolChoice::Allowed { must: true, .. })
    ) && !request.tools.is_empty();
    // A model that cannot be forced may answer at once.
    if has_tool_call_coming && traits.answers_by_tool {
        return Shape::Free;
    }
    let thinks = target.reasons && thinking::is_wanted(request);
    let (input, is_bent) = schema::of_input(Some(schema.unwrap_or(ANY)));
    if traits.answers_by_tool && traits.off == Off::ByItself && !thinks && !is_bent {
        return Shape::Tool(input);
    }
    let why = "the model is asked for JSON in words alone";
    losses.push(match strict {
        true => Loss::meaning("response_format", why),
        false => Loss::hint("response_format", why),
    });
    let mut told =
        "Answer with JSON alone: one value, no words around it, no code fence.".to_owned();
    if let Some(schema) = schema {
        told.push_str(" It must follow this JSON Schema:\n");
        told.push_str(schema);
    }
    Shape::Told(told)
}
