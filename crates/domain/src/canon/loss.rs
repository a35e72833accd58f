//! What a dialect could not carry.

/// How much a loss matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A hint: the answer is the same without it (a cache mark, a user's id
    /// for the provider's abuse reports).
    Hint,
    /// The answer may be another one without it (an image, a seed, a schema).
    Meaning,
}

/// One thing that the written form does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Which field, as a path in the client's terms: `logit_bias`,
    /// `messages[2].content[0]`.
    pub field: String,
    /// Why, in half a sentence: *Anthropic has no log probabilities*.
    pub why: String,
    /// How much it matters.
    pub weight: Weight,
}

impl Loss {
    /// A loss that changes the meaning.
    #[must_use]
    pub fn meaning(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
            weight: Weight::Meaning,
        }
    }

    /// A loss that changes nothing but a hint.
    #[must_use]
    pub fn hint(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            weight: Weight::Hint,
            ..Self::meaning(field, why)
        }
    }
}

/// Something written in a dialect, and what it lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What was written.
    pub value: T,
    /// What is not in it; empty where everything is.
    pub losses: Vec<Loss>,
}
