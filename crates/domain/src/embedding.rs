//! Forms in which some providers want embeddings asked, model by model, beside
//! those of their dialects.

use crate::model_pattern::{Pattern, are_for};

/// Models of a provider that are asked for embeddings in a form of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingDoor {
    /// Which.
    pub models: Vec<Pattern>,
    /// How they are asked.
    pub form: EmbeddingForm,
    /// Where, behind the base path; `{model}` stands for the model's name.
    pub path: String,
    /// The most texts of one request: of more, several are made.
    pub most: usize,
    /// Whether they can be told how long vectors are to be.
    pub dimensions: bool,
}

impl EmbeddingDoor {
    /// Whether this model is one of its.
    #[must_use]
    pub fn is_of(&self, model: &str) -> bool {
        are_for(&self.models, model)
    }
}

/// What such a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbeddingForm {
    /// Vertex AI's `predict`: instances in, predictions out.
    Predict,
    /// Vertex AI's `embedContent`: as Gemini's, but for its places of settings.
    EmbedContent,
    /// Amazon Titan's for texts.
    Titan,
    /// Amazon Titan's for texts and images.
    TitanImage,
    /// Cohere's of before its version 2, as AWS has it.
    Cohere,
    /// Amazon Nova's.
    Nova,
}

impl EmbeddingForm {
    /// Every form, and its name in the catalogue.
    pub const ALL: [(Self, &str); 6] = [
        (Self::Predict, "predict"),
        (Self::EmbedContent, "embed_content"),
        (Self::Titan, "titan"),
        (Self::TitanImage, "titan_image"),
        (Self::Cohere, "cohere"),
        (Self::Nova, "nova"),
    ];
}
