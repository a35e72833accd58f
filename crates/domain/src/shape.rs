//! Where a provider's requests differ from its dialect's: their paths, members
//! and headers.

use crate::model_pattern::{Pattern, are_for};

/// The paths of a provider that has others than its dialect's own. `{model}`
/// stands for the model's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Of a conversation whose answer comes whole.
    pub whole: String,
    /// Of one whose answer is streamed.
    pub stream: String,
    /// Of embeddings, where there are any.
    pub embeddings: Option<String>,
}

impl Paths {
    /// All of them, each made into another.
    #[must_use]
    pub fn map(self, change: impl Fn(String) -> String) -> Self {
        Self {
            whole: change(self.whole),
            stream: change(self.stream),
            embeddings: self.embeddings.map(change),
        }
    }
}

/// What a provider wants otherwise in every body than its dialect has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Members that it refuses, since the path says them.
    pub omit: Vec<String>,
    /// Members that it demands, and their JSON, where the body has none.
    pub set: Vec<(String, String)>,
    /// Members that stand for headers of the dialect, and which of a header's
    /// values may go there.
    pub lists: Vec<(String, Vec<Known>)>,
    /// Headers of the dialect of which some values only may go.
    pub headers: Vec<(String, Vec<Known>)>,
    /// Whether images and documents that lie at a URL have to come as bytes,
    /// although other servers of the dialect fetch them.
    pub wants_bytes: bool,
}

/// A value of a header that a provider knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// As clients say it.
    pub value: String,
    /// As the provider has it, where that is another word.
    pub told: Option<String>,
    /// Which models know it; all if there are none.
    pub models: Vec<Pattern>,
}

impl Known {
    /// What this model is told for a client's value; none if it is another
    /// one, or one that the model does not know.
    #[must_use]
    pub fn told(&self, value: &[u8], model: &str) -> Option<&str> {
        let is_said = self.value.as_bytes() == value && are_for(&self.models, model);
        is_said.then(|| self.told.as_deref().unwrap_or(&self.value))
    }
}

impl Shape {
    /// Whether it wants nothing otherwise in what is written.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.omit.is_empty() && self.set.is_empty() && self.lists.is_empty()
    }

    /// Whether a client's header does not go as it is: the bodies say what
    /// elsewhere it does (`anthropic_version` is `anthropic-version`), or only
    /// some of its values may go.
    #[must_use]
    pub fn says(&self, header: &[u8]) -> bool {
        let set = self.set.iter().map(|(member, _)| member);
        let lists = self.lists.iter().map(|(member, _)| member);
        set.chain(lists).any(|member| stands_for(member, header))
            || self
                .headers
                .iter()
                .any(|(name, _)| name.as_bytes() == header)
    }
}

/// Whether a member of a body stands for a header.
#[must_use]
pub fn stands_for(member: &str, header: &[u8]) -> bool {
    let dashed = |byte| if byte == b'_' { b'-' } else { byte };
    member.bytes().map(dashed).eq(header.iter().copied())
}
