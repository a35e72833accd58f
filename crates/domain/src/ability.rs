//! What a model is for, and what it can do beside text.

use serde::{Deserialize, Serialize};

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Conversations.
    #[default]
    Chat,
    /// Conversations that its provider has by the Responses API alone.
    Responses,
    /// Vectors of texts.
    Embedding,
}

impl Mode {
    /// Its word in the catalogue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Embedding => "embedding",
        }
    }

    /// Whether it is what most are for.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// One thing that a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Calls tools.
    Tools,
    /// Calls several at once.
    ParallelTools,
    /// Sees images.
    Vision,
    /// Reads PDF documents.
    Pdf,
    /// Hears.
    AudioInput,
    /// Speaks.
    AudioOutput,
    /// Answers by a schema.
    StructuredOutput,
    /// Thinks before it answers.
    Reasoning,
    /// Its provider keeps the beginnings of prompts.
    PromptCaching,
}

impl Ability {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; 9] = [
        Self::Tools,
        Self::ParallelTools,
        Self::Vision,
        Self::Pdf,
        Self::AudioInput,
        Self::AudioOutput,
        Self::StructuredOutput,
        Self::Reasoning,
        Self::PromptCaching,
    ];

    /// Its word in the catalogue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::ParallelTools => "parallel_tools",
            Self::Vision => "vision",
            Self::Pdf => "pdf",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::StructuredOutput => "structured_output",
            Self::Reasoning => "reasoning",
            Self::PromptCaching => "prompt_caching",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of abilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Ability>", into = "Vec<Ability>")]
pub struct Abilities(u16);

impl Abilities {
    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, ability: Ability) -> bool {
        self.0 & ability.bit() != 0
    }

    /// These, and this one.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self(self.0 | ability.bit())
    }

    /// Those of these that `others` has not.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// They, in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(all: I) -> Self {
        all.into_iter().fold(Self::default(), Self::with)
    }
}

impl From<Vec<Ability>> for Abilities {
    fn from(all: Vec<Ability>) -> Self {
        all.into_iter().collect()
    }
}

impl From<Abilities> for Vec<Ability> {
    fn from(all: Abilities) -> Self {
        all.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let set: Abilities = [Ability::PromptCaching, Ability::Tools]
            .into_iter()
            .collect();
        for ability in Ability::ALL {
            let is_in = matches!(ability, Ability::PromptCaching | Ability::Tools);
            assert_eq!(set.has(ability), is_in, "{}", ability.as_str());
        }
        let listed: Vec<_> = set.iter().collect();
        assert_eq!(listed, [Ability::Tools, Ability::PromptCaching]);
        let rest = set.without(Abilities::default().with(Ability::Tools));
        assert_eq!(rest.iter().collect::<Vec<_>>(), [Ability::PromptCaching]);
        assert!(rest.without(set).is_empty());
    }
}
