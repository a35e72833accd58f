//! Vertex AI's `embedContent`: one content, as Gemini's own API has it, but with
//! all settings in one place and the model in the path alone.

use std::ops::Range;

use domain::refusal::Refusal;

use super::{Form, MOST_REQUESTS, Part, Tasks, Wants, too_many};
use crate::gemini::canon::embedding;
use crate::json::{Document, Node, object};
use crate::translate::fields::{json, member, whole};

pub(super) static FORM: Form = Form {
    write,
    vectors,
    tokens,
    own: &["task_type", "input_type", "title", "auto_truncate"],
    tasks: Tasks::Each,
    titles: true,
};

fn write(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    let at = range.start;
    object(|out| {
        out.object("content", |out| {
            out.string("role", "user").array("parts", |parts| {
                for text in &wants.texts[range] {
                    parts.object(|part| {
                        part.string("text", text);
                    });
                }
            });
        });
        let (task, title) = (wants.googles_task(at), wants.title(at));
        let truncate = wants.own("auto_truncate");
        let has_settings = task.is_some() || title.is_some() || truncate.is_some();
        if !has_settings && wants.dimensions.is_none() {
            return;
        }
        out.object("embedContentConfig", |out| {
            if let Some(task) = &task {
                out.string("taskType", task);
            }
            if let Some(title) = &title {
                out.string("title", title);
            }
            if let Some(truncate) = &truncate {
                out.raw("autoTruncate", truncate);
            }
            if let Some(dimensions) = wants.dimensions {
                out.number("outputDimensionality", dimensions);
            }
        });
    })
}

fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    Some(vec![member(member(root, "embedding")?, "values")?])
}

fn tokens(root: Node<'_>) -> Option<u64> {
    whole(member(root, "usageMetadata")?, "promptTokenCount")
}

/// The requests that a client of Gemini's has made itself, each as it is but
/// for the model's name: what it embeds may be no text.
///
/// # Errors
/// There are more than [`MOST_REQUESTS`].
pub fn own(asked: &Document, form: embedding::Form) -> Result<Vec<Part>, Refusal> {
    let root = asked.root();
    let requests: Vec<_> = match form {
        embedding::Form::One => vec![root],
        embedding::Form::Many => member(root, "requests")
            .into_iter()
            .flat_map(Node::items)
            .collect(),
    };
    if requests.len() > MOST_REQUESTS {
        return Err(too_many(1, "requests"));
    }
    let body = |request: Node<'_>| {
        object(|out| {
            for (key, _, value) in request.entries().filter(|(key, ..)| *key != "model") {
                out.raw(&key, json(value).as_str());
            }
        })
    };
    let part = |request| Part {
        texts: 1,
        body: body(request).into(),
    };
    Ok(requests.into_iter().map(part).collect())
}
