//! Vectors, from a server of Gemini's and for a client of Gemini's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::fields::{member, whole};
use super::super::raw;
use super::Form;
use crate::json::{Array, Document, Kind, Node, object};
use crate::translate::vectors;

/// A server's answer in `OpenAI`'s dialect, to a request in that dialect; none
/// if it is no answer.
#[must_use]
pub fn read_vectors(answer: &Document, asked: &Document, model: &str) -> Option<Vec<u8>> {
    let root = answer.root();
    let vectors: Vec<_> = match member(root, "embedding") {
        Some(one) => vec![one],
        None => member(root, "embeddings")?.items().collect(),
    };
    let values = vectors.into_iter().map(|vector| member(vector, "values"));
    let tokens = member(root, "usageMetadata").and_then(|usage| member(usage, "promptTokenCount"));
    let vectors = vectors::Vectors {
        list: values.collect::<Option<_>>()?,
        model,
        tokens: tokens.and_then(whole),
    };
    vectors::write_vectors(asked, &vectors)
}

/// An answer of `OpenAI`'s dialect for a client that asked in this form; none
/// if it is no answer.
#[must_use]
pub fn write_vectors(pivot: &Document, form: Form) -> Option<Vec<u8>> {
    let root = pivot.root();
    let data = root.get("data").filter(|data| data.kind() == Kind::Array)?;
    let mut vectors = Vec::new();
    for (at, item) in data.items().enumerate() {
        let index = item.get("index").and_then(Node::u64);
        vectors.push((index.unwrap_or(at as u64), item.get("embedding")?));
    }
    vectors.sort_by_key(|(index, _)| *index);
    if form == Form::One && vectors.len() != 1 {
        return None;
    }
    let tokens = root
        .get("usage")
        .and_then(|usage| usage.get("prompt_tokens"));
    Some(object(|out| {
        match (form, vectors.as_slice()) {
            (Form::One, [(_, vector)]) => {
                out.object("embedding", |out| {
                    out.array("values", |list| put(list, *vector));
                });
            }
            _ => {
                out.array("embeddings", |list| {
                    for (_, vector) in &vectors {
                        list.object(|out| {
                            out.array("values", |list| put(list, *vector));
                        });
                    }
                });
            }
        }
        if let Some(tokens) = tokens.and_then(Node::u64) {
            out.object("usageMetadata", |out| {
                out.number("promptTokenCount", tokens)
                    .number("totalTokenCount", tokens);
            });
        }
    }))
}

/// The numbers of a vector; some servers pack them unasked.
fn put(list: &mut Array<'_>, vector: Node<'_>) {
    if vector.kind() != Kind::String {
        vector.items().for_each(|number| {
            list.raw(raw(number).as_str());
        });
        return;
    }
    let text = vector.str().unwrap_or_default();
    let bytes = STANDARD.decode(text.as_bytes()).unwrap_or_default();
    for number in bytes.as_chunks::<4>().0 {
        let number = f32::from_le_bytes(*number);
        // JSON has no word for what is no number.
        let text = if number.is_finite() {
            number.to_string()
        } else {
            "0".to_owned()
        };
        list.raw(&text);
    }
}
