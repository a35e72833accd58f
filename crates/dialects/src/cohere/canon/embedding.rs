//! Embeddings: `embed`, from and into what `OpenAI` has for them.
//!
//! Cohere must know what its vectors are for. Who says nothing wants to find
//! the texts later: that is `search_document`. A client says something else by
//! Cohere's own `input_type`, by the words that others have for it, or by
//! Gemini's task.

use domain::canon::{Dialect, Loss, Unknown, Written};
use domain::refusal::{Reason, Refusal};

use crate::gemini::canon::embedding::Embeds;
use crate::json::{Document, Node, object};
use crate::translate::fields::{json, member, whole};
use crate::translate::vectors::{Vectors, texts, write_vectors};

/// Most texts of one request.
const MOST_TEXTS: usize = 96;
/// What vectors are for if nobody says.
const USUAL: &str = "search_document";
/// Cohere's own members, which a client of `OpenAI`'s dialect may add.
const OWN: &[&str] = &["truncate", "max_tokens", "priority"];

/// Writes a request of `OpenAI`'s dialect. `asked` is what a client of
/// Gemini's has asked, where one has.
///
/// # Errors
/// It holds something that is no text, or too much.
pub fn write_embeds(
    pivot: &Document,
    asked: Option<&Embeds>,
    model: &str,
) -> Result<Written<Vec<u8>>, Refusal> {
    let root = pivot.root();
    let texts = texts(root)?;
    if texts.len() > MOST_TEXTS {
        let sentence = format!(
            "The model's provider embeds {MOST_TEXTS} texts at most at once: send fewer as `input`."
        );
        return Err(Refusal::new(Reason::Untranslatable, sentence).at("input"));
    }
    let mut losses = Vec::new();
    for (key, _, value) in root.entries() {
        match &*key {
            "model" | "input" | "dimensions" | "encoding_format" | "input_type" => {}
            key if value.is_null() || OWN.contains(&key) => {}
            "user" => losses.push(Loss::hint("user", "Cohere is told nothing about end users")),
            name => losses.push(lost(name, value)),
        }
    }
    let task = match member(root, "input_type").and_then(Node::str) {
        Some(said) => of_word(&said).to_owned(),
        None => asked
            .map_or(USUAL, |asked| of_tasks(asked, &mut losses))
            .to_owned(),
    };
    if asked.is_some_and(Embeds::has_titles) {
        losses.push(Loss::hint("title", "Cohere's texts have no titles"));
    }
    let value = object(|out| {
        out.string("model", model).string("input_type", &task);
        out.array("texts", |list| {
            for text in &texts {
                list.string(text);
            }
        });
        out.array("embedding_types", |list| {
            list.string("float");
        });
        if let Some(dimensions) = whole(root, "dimensions") {
            out.number("output_dimension", dimensions);
        }
        for key in OWN {
            if let Some(value) = member(root, key) {
                out.raw(key, json(value).as_str());
            }
        }
    });
    Ok(Written { value, losses })
}

/// Cohere's word; those of other providers of vectors mean the same.
fn of_word(word: &str) -> &str {
    match word {
        "document" | "passage" => "search_document",
        "query" => "search_query",
        other => other,
    }
}

/// What a client of Gemini's wants the vectors for.
fn of_tasks(asked: &Embeds, losses: &mut Vec<Loss>) -> &'static str {
    let mut tasks = asked.tasks().map(of_task);
    let first = tasks.next().unwrap_or(USUAL);
    if tasks.any(|other| other != first) {
        let why = "Cohere's vectors of one request are all for one task";
        losses.push(Loss::hint("taskType", why));
    }
    first
}

/// Cohere's word for one of Google's.
pub(crate) fn of_task(task: Option<&str>) -> &'static str {
    match task {
        Some(
            "RETRIEVAL_QUERY" | "QUESTION_ANSWERING" | "FACT_VERIFICATION" | "CODE_RETRIEVAL_QUERY",
        ) => "search_query",
        Some("CLASSIFICATION") => "classification",
        Some("CLUSTERING" | "SEMANTIC_SIMILARITY") => "clustering",
        _ => USUAL,
    }
}

fn lost(name: &str, value: Node<'_>) -> Loss {
    let why = "Cohere's embeddings have no such field";
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
    let vectors = member(member(root, "embeddings")?, "float")?;
    let meta = member(root, "meta");
    let counted = |key: &str| whole(member(meta?, key)?, "input_tokens");
    write_vectors(
        asked,
        &Vectors {
            list: vectors.items().collect(),
            model,
            tokens: counted("tokens").or_else(|| counted("billed_units")),
        },
    )
}
