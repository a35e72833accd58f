//! Writing what a server of Gemini's is to embed.

use domain::canon::{Dialect, Loss, Unknown, Written};
use domain::edit::Edit;
use domain::refusal::Refusal;

use super::super::fields::member;
use super::super::raw;
use super::{Embeds, Form};
use crate::json::{Document, Node, object, write_string};
use crate::translate::vectors::texts;

/// Writes a request of `OpenAI`'s dialect as `batchEmbedContents`. `asked` is
/// what a client of Gemini's has asked, where one has.
///
/// # Errors
/// It holds something that is no text.
pub fn write_embeds(
    pivot: &Document,
    asked: Option<&Embeds>,
    model: &str,
) -> Result<Written<Vec<u8>>, Refusal> {
    let root = pivot.root();
    let texts = texts(root)?;
    let mut losses = Vec::new();
    for (key, _, value) in root.entries() {
        match &*key {
            "model" | "input" | "dimensions" | "encoding_format" => {}
            "user" => losses.push(Loss::hint("user", "Gemini is told nothing about end users")),
            _ if value.is_null() => {}
            name => losses.push(lost(name, value)),
        }
    }
    let dimensions = root.get("dimensions").and_then(Node::u64);
    // Policy changes texts, never how many there are.
    let inputs = asked.filter(|asked| asked.inputs.len() == texts.len());
    let model = of(model);
    let value = object(|out| {
        out.array("requests", |list| {
            for (at, text) in texts.iter().enumerate() {
                let input = inputs.and_then(|asked| asked.inputs.get(at));
                list.object(|out| {
                    out.string("model", &model);
                    out.object("content", |out| {
                        out.array("parts", |parts| {
                            parts.object(|part| {
                                part.string("text", text);
                            });
                        });
                    });
                    if let Some(task) = input.and_then(|input| input.task.as_ref()) {
                        out.string("taskType", task);
                    }
                    if let Some(title) = input.and_then(|input| input.title.as_ref()) {
                        out.string("title", title);
                    }
                    if let Some(dimensions) = dimensions {
                        out.number("outputDimensionality", dimensions);
                    }
                });
            }
        });
    });
    Ok(Written { value, losses })
}

fn lost(name: &str, value: Node<'_>) -> Loss {
    let why = "Gemini's embeddings have no such field";
    match Unknown::new(Dialect::OpenAi, name, raw(value)).is_hint() {
        true => Loss::hint(name, why),
        false => Loss::meaning(name, why),
    }
}

/// A model's name as Google's requests have it.
fn of(model: &str) -> String {
    format!("models/{}", model.strip_prefix("models/").unwrap_or(model))
}

/// The edits that let a client's own request name this model: Google wants the
/// same name in the body as in the path.
#[must_use]
pub fn rename(document: &Document, form: Form, model: &str) -> Vec<Edit> {
    let root = document.root();
    let requests: Vec<_> = match form {
        Form::One => vec![root],
        Form::Many => member(root, "requests")
            .into_iter()
            .flat_map(Node::items)
            .collect(),
    };
    let model = of(model);
    let mut with = Vec::with_capacity(model.len() + 2);
    write_string(&mut with, &model);
    let named = requests
        .into_iter()
        .filter_map(|request| request.get("model"));
    let others = named.filter(|name| name.str().is_some_and(|name| name != model));
    let edit = |name: Node<'_>| Edit {
        span: name.span(),
        with: with.clone().into(),
    };
    others.map(edit).collect()
}
