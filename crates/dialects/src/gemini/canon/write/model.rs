//! What a model's name tells of what it takes.

/// Models that differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Gemini 1 and 2.0: they do not think.
    First,
    /// Gemini 2.5: it thinks by a budget.
    Second,
    /// Gemini 3 and later: they think by levels, and see what tools show.
    Third,
    /// A name that tells nothing.
    Unknown,
}

/// A model, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model<'a> {
    name: &'a str,
    pub(super) generation: Generation,
}

impl<'a> Model<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        let version = name.rsplit_once("gemini-").map(|(_, version)| version);
        let generation = match version {
            None => Generation::Unknown,
            Some(version) if version.starts_with("1") => Generation::First,
            Some(version) if version.starts_with("2.0") => Generation::First,
            Some(version) if version.starts_with('2') => Generation::Second,
            Some(_) => Generation::Third,
        };
        Self { name, generation }
    }

    /// Whether it is one of before Gemini 3.
    pub(super) fn is_older(self) -> bool {
        matches!(self.generation, Generation::First | Generation::Second)
    }

    pub(super) fn is_flash(self) -> bool {
        self.name.contains("flash")
    }

    /// The least and the most that it takes as a budget for thoughts.
    pub(super) fn budgets(self) -> (u64, u64) {
        match self.generation {
            Generation::First | Generation::Unknown => (0, u64::MAX),
            _ if self.name.contains("flash-lite") => (512, 24_576),
            _ if self.is_flash() => (1, 24_576),
            _ => (128, 32_768),
        }
    }

    /// Whether it can be told not to think at all.
    pub(super) fn can_rest(self) -> bool {
        match self.generation {
            Generation::First | Generation::Unknown => true,
            Generation::Second => self.is_flash(),
            Generation::Third => false,
        }
    }

    /// Whether it is known to have the level below low.
    pub(super) fn has_minimal(self) -> bool {
        let versions = ["gemini-3-flash", "gemini-3.1-flash", "gemini-3.5-flash"];
        versions.iter().any(|version| self.name.contains(version))
    }

    /// Whether it knows the level between low and high.
    pub(super) fn has_medium(self) -> bool {
        !self.name.contains("gemini-3-pro")
    }
}
