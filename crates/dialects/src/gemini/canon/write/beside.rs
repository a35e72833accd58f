//! The form of an answer beside functions, where a model takes only one of
//! both: a function of its own takes the answer, or words ask for it.

use domain::canon::{Format, Request, ToolChoice, ToolKind};

use super::Writing;
use super::tools::mode;
use crate::json::object;
use crate::translate::functions::{ANSWER_TOOL, Function};
use crate::translate::json_mode::told;

/// The ways.
pub(super) enum Beside {
    /// The form is told as such, or there is none.
    Free,
    /// The answer is to be a call of the client's: it has no form.
    Call,
    /// A function, declared so, takes the answer.
    Function(String),
    /// These words ask for it.
    Words(String),
}

/// Chooses the way.
pub(super) fn way(writing: &mut Writing<'_>) -> Beside {
    let request = writing.request;
    let format = request.format.as_ref();
    let Some(format) = format.filter(|format| **format != Format::Text) else {
        return Beside::Free;
    };
    let mut kinds = request.tools.iter().map(|tool| &tool.kind);
    let has_functions = kinds.any(|kind| !matches!(kind, ToolKind::BuiltIn(_)));
    if !has_functions || writing.target.traits.schemas_beside_tools {
        return Beside::Free;
    }
    if is_call_demanded(request) {
        let why = "what is to be a call has no text that the format could be about";
        writing.hint("response_format", why);
        return Beside::Call;
    }
    if let Some(function) = Function::answer(format, request.tools.len()) {
        return Beside::Function(declared(&function));
    }
    let why = "beside tools the model is asked for JSON in words alone";
    writing.hint("response_format", why);
    told(format).map_or(Beside::Free, Beside::Words)
}

fn is_call_demanded(request: &Request) -> bool {
    matches!(
        &request.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Named(_) | ToolChoice::Allowed { must: true, .. })
    )
}

fn declared(function: &Function<'_>) -> String {
    super::text_of(object(|out| {
        out.string("name", function.name);
        if let Some(description) = &function.description {
            out.string("description", description);
        }
        out.raw("parametersJsonSchema", &function.schema);
    }))
}

/// `functionCallingConfig` where a function takes the answer: it or one of the
/// client's must be called.
pub(super) fn choice(writing: &Writing<'_>) -> String {
    let answer = ANSWER_TOOL.to_owned();
    match &writing.request.tool_choice {
        Some(ToolChoice::None) => mode("ANY", &[answer]),
        Some(ToolChoice::Allowed { names, .. }) => {
            let names = names.iter().map(|name| writing.name(name));
            let names: Vec<_> = names.chain([answer]).collect();
            mode("ANY", &names)
        }
        _ => mode("ANY", &[]),
    }
}
