//! Cohere's models on AWS: Cohere's own form, but for the model, which the path
//! names, and the tokens, which a header counts.

use std::ops::Range;

use super::{Form, Tasks, Wants};
use crate::json::{Kind, Node, object};
use crate::translate::fields::member;

pub(super) static FORM: Form = Form {
    write,
    vectors,
    tokens: |_| None,
    own: &["input_type", "truncate", "max_tokens"],
    tasks: Tasks::Once,
    titles: false,
};

fn write(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    let task = wants.coheres_task(range.start);
    object(|out| {
        out.string("input_type", &task);
        out.array("texts", |list| {
            for text in &wants.texts[range] {
                list.string(text);
            }
        });
        out.array("embedding_types", |list| {
            list.string("float");
        });
        if let Some(dimensions) = wants.dimensions {
            out.number("output_dimension", dimensions);
        }
        for key in ["truncate", "max_tokens"] {
            if let Some(value) = wants.own(key) {
                out.raw(key, &value);
            }
        }
    })
}

/// By their kind, as they were asked for, or by themselves.
fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    let all = member(root, "embeddings")?;
    let all = match all.kind() {
        Kind::Array => all,
        _ => member(all, "float")?,
    };
    Some(all.items().collect())
}
