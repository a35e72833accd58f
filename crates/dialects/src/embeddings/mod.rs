//! Embeddings in forms of their own, which some models are asked in whatever
//! dialect their providers speak otherwise: a file a form. What is asked and
//! answered is in `OpenAI`'s dialect, which is what the gateway looks at.
//!
//! Where a request of theirs holds fewer texts than the client sends, several
//! are made, and their vectors put together again.

mod bedrock_cohere;
mod embed_content;
mod nova;
mod predict;
mod titan;
mod wants;

use std::ops::Range;

use bytes::Bytes;
use domain::canon::Written;
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::refusal::{Reason, Refusal};

use crate::gemini::canon::embedding::Embeds;
use crate::json::{Document, Node};
use crate::translate::vectors::{Vectors, write_vectors};
pub use embed_content::own;
use wants::Wants;

/// Most requests that are made for one of the client's.
pub const MOST_REQUESTS: usize = 256;

/// A request of a provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its body.
    pub body: Bytes,
    /// How many texts it holds, and so how many vectors are its answer.
    pub texts: usize,
}

/// How a form is written and read.
struct Form {
    /// A request with these of the texts.
    write: fn(&Wants<'_>, Range<usize>) -> Vec<u8>,
    /// The vectors of an answer, each an array of numbers.
    vectors: for<'a> fn(Node<'a>) -> Option<Vec<Node<'a>>>,
    /// The tokens that an answer counts.
    tokens: fn(Node<'_>) -> Option<u64>,
    /// Members of its own that a client of `OpenAI`'s dialect may add.
    own: &'static [&'static str],
    /// How it is told what vectors are for.
    tasks: Tasks,
    /// Whether it is told titles of texts.
    titles: bool,
}

/// How a form is told what vectors are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tasks {
    /// It is not.
    Never,
    /// Once for all texts of a request.
    Once,
    /// For each text by itself.
    Each,
}

fn of(form: EmbeddingForm) -> &'static Form {
    match form {
        EmbeddingForm::Predict => &predict::FORM,
        EmbeddingForm::EmbedContent => &embed_content::FORM,
        EmbeddingForm::Titan => &titan::TEXT,
        EmbeddingForm::TitanImage => &titan::IMAGE,
        EmbeddingForm::Cohere => &bedrock_cohere::FORM,
        EmbeddingForm::Nova => &nova::FORM,
    }
}

/// Writes a request of `OpenAI`'s dialect for models behind `door`, as the
/// requests that it takes. `asked` is what a client of Gemini's has asked,
/// where one has.
///
/// # Errors
/// It holds something that is no text, or more than [`MOST_REQUESTS`] hold.
pub fn write(
    pivot: &Document,
    asked: Option<&Embeds>,
    door: &EmbeddingDoor,
) -> Result<Written<Vec<Part>>, Refusal> {
    let form = of(door.form);
    let wants = Wants::of(pivot.root(), asked)?;
    let losses = wants.losses(form, door);
    let (count, most) = (wants.texts.len(), door.most.max(1));
    if count == 0 {
        let sentence = "The field `input` is empty: send a text, or an array of texts.";
        return Err(Refusal::new(Reason::BadField, sentence).at("input"));
    }
    if count.div_ceil(most) > MOST_REQUESTS {
        return Err(too_many(most, "input"));
    }
    let parts = (0..count).step_by(most).map(|from| {
        let range = from..count.min(from + most);
        Part {
            texts: range.len(),
            body: (form.write)(&wants, range).into(),
        }
    });
    Ok(Written {
        value: parts.collect(),
        losses,
    })
}

fn too_many(most: usize, field: &str) -> Refusal {
    let limit = most * MOST_REQUESTS;
    let sentence = format!(
        "This model takes {most} of the texts at a time, and the gateway asks it \
         {MOST_REQUESTS} times at most for one request: send no more than {limit} as `{field}`."
    );
    Refusal::new(Reason::Untranslatable, sentence).at(field)
}

/// An answer of a provider's.
#[derive(Debug)]
pub struct Answered {
    /// The body, which has a vector of each text.
    pub document: Document,
    /// The tokens that it counts.
    pub tokens: Option<u64>,
}

impl Answered {
    /// Reads an answer to so many texts; `counted` are tokens that a header
    /// counts. None if it has not as many vectors: one too few would give every
    /// later text the vector of another.
    #[must_use]
    pub fn read(
        form: EmbeddingForm,
        document: Document,
        texts: usize,
        counted: Option<u64>,
    ) -> Option<Self> {
        let form = of(form);
        let vectors = (form.vectors)(document.root())?;
        (vectors.len() == texts).then_some(())?;
        let tokens = (form.tokens)(document.root()).or(counted);
        Some(Self { document, tokens })
    }
}

/// The answers to all requests, in their order, as one of `OpenAI`'s dialect to
/// this request in that dialect; none if one of them is no answer.
#[must_use]
pub fn read(
    form: EmbeddingForm,
    answers: &[Answered],
    asked: &Document,
    model: &str,
) -> Option<Vec<u8>> {
    let form = of(form);
    let mut list = Vec::new();
    let mut tokens = Some(0_u64);
    for answer in answers {
        list.extend((form.vectors)(answer.document.root())?);
        tokens = tokens.and_then(|sum| sum.checked_add(answer.tokens?));
    }
    let vectors = Vectors {
        list,
        model,
        tokens,
    };
    write_vectors(asked, &vectors)
}
