//! Vertex AI's `predict`: texts are instances, vectors predictions.

use std::ops::Range;

use super::{Form, Tasks, Wants};
use crate::json::{Node, object};
use crate::translate::fields::{member, whole};

pub(super) static FORM: Form = Form {
    write,
    vectors,
    tokens,
    own: &["task_type", "input_type", "title", "auto_truncate"],
    tasks: Tasks::Each,
    titles: true,
};

fn write(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    object(|out| {
        out.array("instances", |list| {
            for at in range {
                list.object(|one| {
                    one.string("content", &wants.texts[at]);
                    if let Some(task) = wants.googles_task(at) {
                        one.string("task_type", &task);
                    }
                    if let Some(title) = wants.title(at) {
                        one.string("title", &title);
                    }
                });
            }
        });
        let truncate = wants.own("auto_truncate");
        if truncate.is_some() || wants.dimensions.is_some() {
            out.object("parameters", |out| {
                if let Some(truncate) = &truncate {
                    out.raw("autoTruncate", truncate);
                }
                if let Some(dimensions) = wants.dimensions {
                    out.number("outputDimensionality", dimensions);
                }
            });
        }
    })
}

fn predictions<'a>(root: Node<'a>) -> Option<impl Iterator<Item = Option<Node<'a>>>> {
    let all = member(root, "predictions")?.items();
    Some(all.map(|one| member(one, "embeddings")))
}

fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    let values = predictions(root)?.map(|one| member(one?, "values"));
    values.collect()
}

fn tokens(root: Node<'_>) -> Option<u64> {
    let mut counts =
        predictions(root)?.map(|one| whole(member(one?, "statistics")?, "token_count"));
    counts.try_fold(0_u64, |sum, count| sum.checked_add(count?))
}
