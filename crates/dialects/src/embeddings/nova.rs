//! Amazon Nova's models: one text a request, for a purpose. A header counts its
//! tokens.

use std::ops::Range;

use super::{Form, Tasks, Wants};
use crate::json::{Node, object};
use crate::translate::fields::member;

pub(super) static FORM: Form = Form {
    write,
    vectors,
    tokens: |_| None,
    own: &["input_type"],
    tasks: Tasks::Each,
    titles: false,
};

fn write(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    let task = wants.coheres_task(range.start);
    let purpose = match &*task {
        "search_document" => "GENERIC_INDEX",
        "search_query" => "GENERIC_RETRIEVAL",
        "classification" => "CLASSIFICATION",
        "clustering" => "CLUSTERING",
        other => other,
    };
    object(|out| {
        out.string("taskType", "SINGLE_EMBEDDING");
        out.object("singleEmbeddingParams", |out| {
            out.string("embeddingPurpose", purpose);
            if let Some(dimensions) = wants.dimensions {
                out.number("embeddingDimension", dimensions);
            }
            for text in &wants.texts[range] {
                out.object("text", |out| {
                    // A text that is too long is an error, not another text.
                    out.string("truncationMode", "NONE").string("value", text);
                });
            }
        });
    })
}

fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    let all = member(root, "embeddings")?.items();
    all.map(|one| member(one, "embedding")).collect()
}
