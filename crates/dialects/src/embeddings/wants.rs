//! What a client wants embedded, whichever dialect it said it in.

use std::borrow::Cow;

use domain::canon::{Dialect, Loss, Unknown};
use domain::embedding::EmbeddingDoor;
use domain::refusal::Refusal;

use super::{Form, Tasks};
use crate::gemini::canon::embedding::Embeds;
use crate::json::Node;
use crate::translate::fields::{json, member, text, whole};
use crate::translate::vectors::texts;

/// A client's request.
pub(super) struct Wants<'a> {
    /// What is to be embedded.
    pub(super) texts: Vec<Cow<'a, str>>,
    /// How long vectors are to be.
    pub(super) dimensions: Option<u64>,
    /// The request, in `OpenAI`'s dialect.
    pub(super) root: Node<'a>,
    asked: Option<&'a Embeds>,
}

impl<'a> Wants<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// It holds something that is no text.
    pub(super) fn of(root: Node<'a>, asked: Option<&'a Embeds>) -> Result<Self, Refusal> {
        let texts = texts(root)?;
        Ok(Self {
            dimensions: whole(root, "dimensions"),
            // Policy changes texts, never how many there are.
            asked: asked.filter(|asked| asked.tasks().count() == texts.len()),
            texts,
            root,
        })
    }

    /// What models behind this door are not told.
    pub(super) fn losses(&self, form: &Form, door: &EmbeddingDoor) -> Vec<Loss> {
        let mut losses = Vec::new();
        for (key, _, value) in self.root.entries() {
            match &*key {
                "model" | "input" | "encoding_format" => {}
                key if value.is_null() || form.own.contains(&key) => {}
                "dimensions" if door.dimensions => {}
                "dimensions" => {
                    let why = "this model's vectors have one length";
                    losses.push(Loss::meaning("dimensions", why));
                }
                "user" => losses.push(Loss::hint("user", "it is told nothing about end users")),
                name => losses.push(lost(name, value)),
            }
        }
        let Some(asked) = self.asked else {
            return losses;
        };
        let first = asked.tasks().next().flatten();
        let why = match form.tasks {
            Tasks::Never if asked.tasks().any(|task| task.is_some()) => {
                Some("this model's vectors are for any task")
            }
            Tasks::Once if asked.tasks().any(|task| task != first) => {
                Some("this model's vectors of one request are all for one task")
            }
            _ => None,
        };
        losses.extend(why.map(|why| Loss::hint("taskType", why)));
        if !form.titles && asked.has_titles() {
            losses.push(Loss::hint("title", "this model's texts have no titles"));
        }
        losses
    }

    /// What the vector of a text is for, in Google's word.
    pub(super) fn googles_task(&self, at: usize) -> Option<Cow<'a, str>> {
        let own = self.asked.and_then(|asked| asked.task(at));
        own.map(Cow::Borrowed)
            .or_else(|| text(self.root, "task_type"))
            .or_else(|| match &*text(self.root, "input_type")? {
                "query" | "search_query" => Some("RETRIEVAL_QUERY".into()),
                "document" | "passage" | "search_document" => Some("RETRIEVAL_DOCUMENT".into()),
                other => Some(other.to_ascii_uppercase().into()),
            })
    }

    /// The title of a text.
    pub(super) fn title(&self, at: usize) -> Option<Cow<'a, str>> {
        let own = self.asked.and_then(|asked| asked.title(at));
        own.map(Cow::Borrowed).or_else(|| text(self.root, "title"))
    }

    /// What these vectors are for, in Cohere's word: one for all of them.
    pub(super) fn coheres_task(&self, at: usize) -> Cow<'a, str> {
        if let Some(said) = text(self.root, "input_type") {
            return match &*said {
                "query" => "search_query".into(),
                "document" | "passage" => "search_document".into(),
                _ => said,
            };
        }
        let task = self.asked.and_then(|asked| asked.task(at));
        crate::cohere::canon::embedding::of_task(task).into()
    }

    /// A member of the form's own, as it is.
    pub(super) fn own(&self, key: &str) -> Option<String> {
        member(self.root, key).map(|value| json(value).as_str().to_owned())
    }
}

fn lost(name: &str, value: Node<'_>) -> Loss {
    let why = "this model's embeddings have no such field";
    match Unknown::new(Dialect::OpenAi, name, json(value)).is_hint() {
        true => Loss::hint(name, why),
        false => Loss::meaning(name, why),
    }
}
