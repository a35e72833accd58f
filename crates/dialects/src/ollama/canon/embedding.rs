//! Embeddings: `embed`, from and into what `OpenAI` has for them.

use domain::canon::{Dialect, Loss, Unknown, Written};
use domain::refusal::Refusal;

use crate::gemini::canon::embedding::Embeds;
use crate::json::{Document, Node, object};
use crate::translate::fields::{json, member, whole};
use crate::translate::vectors::{Vectors, texts, write_vectors};

/// Ollama's own members, which a client of `OpenAI`'s dialect may add.
const OWN: &[&str] = &["truncate", "keep_alive", "options"];

/// Writes a request of `OpenAI`'s dialect. `asked` is what a client of
/// Gemini's has asked, where one has.
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
            key if value.is_null() || OWN.contains(&key) => {}
            "user" => losses.push(Loss::hint("user", "Ollama is told nothing about end users")),
            name => losses.push(lost(name, value)),
        }
    }
    if asked.is_some_and(|asked| asked.tasks().any(|task| task.is_some())) {
        let why = "Ollama's vectors are for any task";
        losses.push(Loss::hint("taskType", why));
    }
    if asked.is_some_and(Embeds::has_titles) {
        losses.push(Loss::hint("title", "Ollama's texts have no titles"));
    }
    let value = object(|out| {
        out.string("model", model);
        out.array("input", |list| {
            for text in &texts {
                list.string(text);
            }
        });
        if let Some(dimensions) = whole(root, "dimensions") {
            out.number("dimensions", dimensions);
        }
        for key in OWN {
            if let Some(value) = member(root, key) {
                out.raw(key, json(value).as_str());
            }
        }
    });
    Ok(Written { value, losses })
}

fn lost(name: &str, value: Node<'_>) -> Loss {
    let why = "Ollama's embeddings have no such field";
    match Unknown::new(Dialect::OpenAi, name, json(value)).is_hint() {
        true => Loss::hint(name, why),
        false => Loss::meaning(name, why),
    }
}

/// A provider's answer in `OpenAI`'s dialect, to a request in that dialect;
/// none if it is no answer.
#[must_use]
pub fn read_vectors(answer: &Document, asked: &Document, model: &str) -> Option<Vec<u8>> {
    let root = answer.root();
    let vectors = member(root, "embeddings")?;
    write_vectors(
        asked,
        &Vectors {
            list: vectors.items().collect(),
            model,
            tokens: whole(root, "prompt_eval_count"),
        },
    )
}
