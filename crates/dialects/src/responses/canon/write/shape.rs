//! What the answer shall look like and how much to think. Written for the
//! provider, and for the client in the answer's echo.

use domain::canon::{Effort, Format, Reasoning, Request, Unknown};
use domain::traits::Efforts;

use super::super::tool::is_carried;
use crate::json::Object;

/// A schema's name, where the client gave none.
const UNNAMED: &str = "answer";

/// The object and the member in it that a name such as `text.format` means.
pub(super) fn inner(name: &str) -> Option<(&str, &str)> {
    let (outer, inner) = name.split_once('.')?;
    matches!(outer, "text" | "reasoning").then_some((outer, inner))
}

/// Members of the rest that belong into this object.
fn within<'a>(
    request: &'a Request,
    wanted: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Unknown)> + Clone {
    let carried = request.rest.iter().filter(|it| is_carried(it));
    carried.filter_map(move |it| {
        let (outer, name) = inner(&it.name)?;
        (outer == wanted).then_some((name, it))
    })
}

/// Writes `text`, where there is something to say.
pub(in super::super) fn write_text(o: &mut Object<'_>, request: &Request) {
    let others = within(request, "text");
    let is_silent = request.format.is_none() && request.verbosity.is_none();
    if is_silent && others.clone().next().is_none() {
        return;
    }
    o.object("text", |o| {
        if let Some(format) = &request.format {
            o.object("format", |o| write_format(o, format));
        }
        if let Some(verbosity) = &request.verbosity {
            o.string("verbosity", verbosity);
        }
        for (name, it) in others {
            o.raw(name, it.raw.as_str());
        }
    });
}

fn write_format(o: &mut Object<'_>, format: &Format) {
    match format {
        Format::Text => {
            o.string("type", "text");
        }
        Format::Json => {
            o.string("type", "json_object");
        }
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => {
            o.string("type", "json_schema");
            o.string("name", &fitting(name.as_deref().unwrap_or(UNNAMED)));
            if let Some(description) = description {
                o.string("description", description);
            }
            o.raw("schema", schema.as_str());
            if let Some(strict) = strict {
                o.bool("strict", *strict);
            }
        }
    }
}

/// A schema's name in the letters that the provider takes.
fn fitting(name: &str) -> String {
    let clean = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') => letter,
        _ => '_',
    };
    let name: String = name.chars().map(clean).take(64).collect();
    if name.is_empty() {
        return UNNAMED.to_owned();
    }
    name
}

/// Whether thinking is asked for.
pub(super) fn is_asked(reasoning: &Reasoning) -> bool {
    let is_none = reasoning.effort == Some(Effort::None) || reasoning.budget == Some(0);
    !is_none && *reasoning != Reasoning::default()
}

/// The effort, in a word.
fn effort_of(reasoning: &Reasoning) -> Option<Effort> {
    let of_budget = reasoning.budget.map(Effort::of_budget);
    reasoning.effort.or(of_budget)
}

/// Writes `reasoning`, where there is something to say: as this model knows it,
/// or as it was asked.
pub(in super::super) fn write_reasoning(
    o: &mut Object<'_>,
    request: &Request,
    known: Option<Efforts>,
) {
    let others = within(request, "reasoning");
    let asked = request.reasoning.as_ref();
    let effort = asked.and_then(effort_of);
    let effort = effort.and_then(|effort| match known {
        Some(known) => known.nearest(effort),
        None => Some(effort),
    });
    let summary = asked.and_then(|asked| asked.summary.as_deref());
    let summary = summary.filter(|summary| *summary != "none");
    if effort.is_none() && summary.is_none() && others.clone().next().is_none() {
        return;
    }
    o.object("reasoning", |o| {
        if let Some(effort) = effort {
            o.string("effort", effort.as_str());
        }
        if let Some(summary) = summary {
            o.string("summary", summary);
        }
        for (name, it) in others {
            o.raw(name, it.raw.as_str());
        }
    });
}
