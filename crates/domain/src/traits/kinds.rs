//! The kinds of traits that are more than yes or no.

use serde::{Deserialize, Serialize};

use crate::canon::Effort;

/// Whether a model thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Thinks {
    /// Its name does not say.
    #[default]
    Unknown,
    /// It can.
    Yes,
    /// It cannot.
    No,
}

impl Thinks {
    /// What is said, or else this.
    #[must_use]
    pub const fn or(self, known: Option<bool>) -> Option<bool> {
        match self {
            Self::Unknown => known,
            Self::Yes => Some(true),
            Self::No => Some(false),
        }
    }
}

impl From<bool> for Thinks {
    fn from(can: bool) -> Self {
        match can {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

impl From<Thinks> for bool {
    fn from(thinks: Thinks) -> Self {
        thinks == Thinks::Yes
    }
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// By a number of tokens alone.
    Budget,
    /// By a number of tokens, or in a word.
    Either,
    /// In a word alone.
    Word,
    /// Nobody knows: as the client says it.
    AsAsked,
}

/// How thinking is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// It is off unless it is switched on.
    ByItself,
    /// It has to be said; without it the model thinks.
    Said,
    /// Anthropic's `between_tools` is the least there is.
    BetweenTools,
    /// Not at all.
    Never,
}

/// Which tools a model can be made to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// None.
    Nothing,
    /// Any one.
    Any,
    /// Any one, and a certain one.
    Named,
}

/// When a model is to be had by chat completions, where its provider speaks Responses
/// too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chats {
    /// Always.
    Always,
    /// Unless it is to think so much and has tools.
    UnlessToolsAndEffort,
    /// Never.
    Never,
}

/// Whose words a model knows, where one dialect is for the models of all makers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Anthropic's.
    Claude,
    /// Amazon's.
    Nova,
    /// Those of `OpenAI`'s open weights.
    GptOss,
    /// Nobody's.
    Other,
}

/// The vocabulary that a model's texts are cut into tokens by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// `OpenAI`'s of GPT-4o and all since.
    O200k,
    /// `OpenAI`'s of GPT-4, GPT-3.5 and their embeddings.
    Cl100k,
    /// Another one: tokens are estimated by a ratio for each kind of character.
    Unknown,
}

/// Tokens that a provider puts around what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 3]", into = "[u64; 3]")]
pub struct Framing {
    /// Around the whole prompt.
    pub prompt: u64,
    /// Around each message.
    pub message: u64,
    /// To tell the model how to call tools, beside the tools.
    pub tools: u64,
}

impl Framing {
    /// More than any provider is known to put there.
    pub const MOST: Self = Self {
        prompt: 32,
        message: 16,
        tools: 1_000,
    };

    /// Around so many messages, with so many tools.
    #[must_use]
    pub const fn of(self, messages: u32, tools: u32) -> u64 {
        let with_tools = if tools > 0 { self.tools } else { 0 };
        self.prompt + messages as u64 * self.message + with_tools
    }
}

impl From<[u64; 3]> for Framing {
    fn from([prompt, message, tools]: [u64; 3]) -> Self {
        Self {
            prompt,
            message,
            tools,
        }
    }
}

impl From<Framing> for [u64; 3] {
    fn from(framing: Framing) -> Self {
        [framing.prompt, framing.message, framing.tools]
    }
}

/// The least and the most tokens for thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 2]", into = "[u64; 2]")]
pub struct Budget {
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

impl Budget {
    /// As many as the client says.
    pub const ANY: Self = Self {
        least: 0,
        most: u64::MAX,
    };
}

impl From<[u64; 2]> for Budget {
    fn from([least, most]: [u64; 2]) -> Self {
        Self { least, most }
    }
}

impl From<Budget> for [u64; 2] {
    fn from(budget: Budget) -> Self {
        [budget.least, budget.most]
    }
}

/// Words for how much to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Effort>", into = "Vec<Effort>")]
pub struct Efforts(u8);

impl Efforts {
    /// All of them.
    pub const ALL: Self = Self(u8::MAX >> 1);

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, effort: Effort) -> bool {
        self.0 & (1 << effort as u8) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// They, the weakest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Effort> {
        Effort::ALL.into_iter().filter(move |one| self.has(*one))
    }

    /// The nearest to what is asked: the same, else the next stronger one, else
    /// the strongest; none where there are no words.
    #[must_use]
    pub fn nearest(self, asked: Effort) -> Option<Effort> {
        let stronger = self.iter().find(|one| *one >= asked);
        stronger.or_else(|| self.iter().next_back())
    }
}

impl From<Vec<Effort>> for Efforts {
    fn from(all: Vec<Effort>) -> Self {
        Self(all.into_iter().fold(0, |set, one| set | 1 << one as u8))
    }
}

impl From<Efforts> for Vec<Effort> {
    fn from(all: Efforts) -> Self {
        all.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_effort_is_the_next_stronger_or_the_strongest() {
        let some = Efforts::from(vec![Effort::Low, Effort::High, Effort::Max]);
        assert_eq!(some.nearest(Effort::None), Some(Effort::Low));
        assert_eq!(some.nearest(Effort::Medium), Some(Effort::High));
        assert_eq!(some.nearest(Effort::XHigh), Some(Effort::Max));
        let weak = Efforts::from(vec![Effort::Low, Effort::High]);
        assert_eq!(weak.nearest(Effort::Max), Some(Effort::High));
        assert_eq!(Efforts::default().nearest(Effort::Low), None);
        for effort in Effort::ALL {
            assert_eq!(Efforts::ALL.nearest(effort), Some(effort));
        }
    }
}
