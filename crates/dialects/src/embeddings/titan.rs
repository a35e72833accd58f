//! Amazon Titan's models: one text a request.

use std::ops::Range;

use super::{Form, Tasks, Wants};
use crate::json::{Node, object};
use crate::translate::fields::{member, whole};

/// Of those for texts.
pub(super) static TEXT: Form = Form {
    write: write_text,
    vectors,
    tokens,
    own: &["normalize"],
    tasks: Tasks::Never,
    titles: false,
};

/// Of those for texts and images.
pub(super) static IMAGE: Form = Form {
    write: write_image,
    own: &[],
    ..TEXT
};

fn write_text(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    object(|out| {
        for text in &wants.texts[range] {
            out.string("inputText", text);
        }
        if let Some(dimensions) = wants.dimensions {
            out.number("dimensions", dimensions);
        }
        if let Some(normalize) = wants.own("normalize") {
            out.raw("normalize", &normalize);
        }
    })
}

fn write_image(wants: &Wants<'_>, range: Range<usize>) -> Vec<u8> {
    object(|out| {
        for text in &wants.texts[range] {
            out.string("inputText", text);
        }
        if let Some(dimensions) = wants.dimensions {
            out.object("embeddingConfig", |out| {
                out.number("outputEmbeddingLength", dimensions);
            });
        }
    })
}

fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    Some(vec![member(root, "embedding")?])
}

fn tokens(root: Node<'_>) -> Option<u64> {
    whole(root, "inputTextTokenCount")
}
