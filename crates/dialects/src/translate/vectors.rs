//! Embeddings of providers that do not speak `OpenAI`'s dialect: the table of
//! them, and what they have in common.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::{Dialect, Written};
use domain::refusal::{Reason, Refusal};

use crate::gemini::canon::embedding::Embeds;
use crate::json::{Document, Kind, Node, Object, object};
use crate::translate::fields::json;
use crate::{cohere, gemini, ollama};

/// Writes a request of `OpenAI`'s dialect for a model of this name; what a
/// client of Gemini's has asked is there, too, where one has.
type Write = fn(&Document, Option<&Embeds>, &str) -> Result<Written<Vec<u8>>, Refusal>;

/// How a dialect of providers asks for embeddings.
#[derive(Clone, Copy, Debug)]
pub struct Embedder {
    /// Whose.
    pub dialect: Dialect,
    /// Writes a request of `OpenAI`'s dialect. Refuses what is no text.
    pub write_embeds: Write,
    /// An answer in `OpenAI`'s dialect, to this request, by this model; none if
    /// it is no answer.
    pub read_vectors: fn(&Document, &Document, &str) -> Option<Vec<u8>>,
}

/// A line of the table.
macro_rules! embedders {
    ($($dialect:ident in $folder:ident;)*) => {
        static EMBEDDERS: &[Embedder] = &[$(Embedder {
            dialect: Dialect::$dialect,
            write_embeds: $folder::canon::embedding::write_embeds,
            read_vectors: $folder::canon::embedding::read_vectors,
        },)*];
    };
}

embedders! {
    Gemini in gemini;
    Cohere in cohere;
    Ollama in ollama;
}

/// How providers of this dialect are asked for embeddings; none if they have
/// none, or speak `OpenAI`'s.
#[must_use]
pub fn embedder(dialect: Dialect) -> Option<&'static Embedder> {
    EMBEDDERS.iter().find(|it| it.dialect == dialect)
}

/// The texts that a request of `OpenAI`'s dialect wants embedded.
pub(crate) fn texts(root: Node<'_>) -> Result<Vec<Cow<'_, str>>, Refusal> {
    let Some(input) = root.get("input") else {
        let sentence =
            "The field `input` has a wrong value: expected a text, or an array of texts.";
        return Err(Refusal::new(Reason::BadField, sentence).at("input"));
    };
    let items: Vec<_> = match input.kind() {
        Kind::Array => input.items().collect(),
        _ => vec![input],
    };
    let texts = items.into_iter().enumerate().map(|(at, item)| {
        let sentence = "The model's provider embeds texts, not tokens: send texts as `input`.";
        let refusal = || Refusal::new(Reason::Untranslatable, sentence).at(format!("input[{at}]"));
        item.str().ok_or_else(refusal)
    });
    texts.collect()
}

/// What a provider answered.
pub(crate) struct Vectors<'a> {
    /// Each an array of numbers.
    pub(crate) list: Vec<Node<'a>>,
    pub(crate) model: &'a str,
    /// The tokens that it counted.
    pub(crate) tokens: Option<u64>,
}

/// Vectors in `OpenAI`'s dialect, as this request wants them; none if they are
/// no vectors.
pub(crate) fn write_vectors(asked: &Document, vectors: &Vectors<'_>) -> Option<Vec<u8>> {
    let is_vector = |vector: &Node<'_>| vector.kind() == Kind::Array;
    if !vectors.list.iter().all(is_vector) {
        return None;
    }
    let format = asked.root().get("encoding_format").and_then(Node::str);
    let is_packed = format.as_deref() == Some("base64");
    Some(object(|out| {
        out.string("object", "list");
        out.array("data", |list| {
            for (at, vector) in vectors.list.iter().enumerate() {
                let packed = is_packed.then(|| pack(*vector)).flatten();
                list.object(|out| {
                    out.string("object", "embedding").number("index", at as u64);
                    match packed {
                        Some(packed) => out.string("embedding", &packed),
                        None => out.raw("embedding", json(*vector).as_str()),
                    };
                });
            }
        });
        out.string("model", vectors.model);
        if let Some(tokens) = vectors.tokens {
            out.object("usage", |out| put_usage(out, tokens));
        }
    }))
}

fn put_usage(out: &mut Object<'_>, tokens: u64) {
    out.number("prompt_tokens", tokens)
        .number("total_tokens", tokens);
}

/// Vectors in `OpenAI`'s dialect that tell no usage, with so many tokens: its
/// clients count on some.
#[must_use]
pub fn with_usage(vectors: &Document, tokens: u64) -> Vec<u8> {
    object(|out| {
        for (key, _, value) in vectors.root().entries() {
            if key != "usage" {
                out.raw(&key, json(value).as_str());
            }
        }
        out.object("usage", |out| put_usage(out, tokens));
    })
}

/// A vector as `OpenAI`'s clients like it: 32 bits a number, the least byte
/// first, in base64.
fn pack(vector: Node<'_>) -> Option<String> {
    let mut bytes = Vec::new();
    for item in vector.items() {
        let number: f32 = std::str::from_utf8(item.raw()).ok()?.parse().ok()?;
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Some(STANDARD.encode(bytes))
}
