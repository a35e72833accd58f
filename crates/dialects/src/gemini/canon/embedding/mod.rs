//! Embeddings: `embedContent` and `batchEmbedContents`, from and into what
//! `OpenAI` has for them, which is what the gateway looks at.
//!
//! | what | from Gemini's client | for Gemini's server |
//! |---|---|---|
//! | a request | [`Embeds::read`], [`Embeds::pivot`] | [`write_embeds`] |
//! | an answer | [`write_vectors`] | [`read_vectors`] |

mod answer;
mod read;
mod write;

pub use answer::{read_vectors, write_vectors};
pub use read::Embeds;
pub use write::{rename, write_embeds};

/// How many contents a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One: `embedContent`.
    One,
    /// Any number: `batchEmbedContents`.
    Many,
}
