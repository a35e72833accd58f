//! What a model takes, as far as its name tells.
//!
//! Claude's generations refuse what others demand: budgets of thought, a
//! temperature, a forced tool. A name that says no generation gets what the
//! client asked for. The table follows Anthropic's migration guides of autumn
//! 2026.

use domain::canon::Effort;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// It is off unless it is switched on.
    ByItself,
    /// `disabled`; without it the model thinks.
    Said,
    /// `between_tools` is the least there is.
    BetweenTools,
    /// Not at all.
    Never,
}

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// How it is told to think.
    pub(crate) form: Form,
    /// How it is told not to.
    pub(crate) off: Off,
    /// The strongest effort it knows; none if it knows no effort.
    pub(crate) effort: Option<&'static str>,
    /// How many of temperature and `top_p` it takes at once.
    pub(crate) samplings: u8,
    /// Whether a tool may be forced.
    pub(crate) forces: bool,
    /// Whether the conversation may end with the model's own words.
    pub(crate) prefill: bool,
    /// Whether the operator may speak in the middle.
    pub(crate) system_turns: bool,
    /// Whether it knows schemas for answers, and strict tools.
    pub(crate) schemas: bool,
    /// Whether its provider searches the web for it.
    pub(crate) searches: bool,
}

impl Abilities {
    /// Of the model of this name.
    pub(crate) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        // AWS runs no tools; so its models are called, and its profiles.
        let is_on_aws = name.contains("anthropic.") || name.starts_with("arn:aws");
        let Some(at) = name.find("claude") else {
            return Self {
                schemas: false,
                searches: !is_on_aws,
                ..Self::unknown()
            };
        };
        let parts = name
            .get(at..)
            .unwrap_or_default()
            .split(['-', '.', '@', ':']);
        let (mut numbers, mut tier) = (Vec::new(), "");
        for part in parts.skip(1) {
            match part {
                "opus" | "sonnet" | "haiku" | "fable" | "mythos" | "instant" => tier = part,
                _ if part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                    numbers.extend(part.parse::<u32>());
                }
                _ if part.starts_with('v') => break,
                _ => {}
            }
        }
        let mut numbers = numbers.into_iter();
        // Only Anthropic's own API lets the operator speak in the middle;
        // Bedrock's and Vertex' names look otherwise.
        let is_own = name.starts_with("claude") && !name.contains('@');
        let mut abilities = match (numbers.next(), numbers.next().unwrap_or(0)) {
            (Some(major), minor) => Self::known(tier, major * 100 + minor),
            (None, _) if tier == "mythos" => Self::known(tier, 407),
            (None, _) => Self::unknown(),
        };
        abilities.system_turns &= is_own;
        abilities.searches = !is_on_aws;
        abilities
    }

    const fn unknown() -> Self {
        Self {
            form: Form::AsAsked,
            off: Off::ByItself,
            effort: Some("xhigh"),
            samplings: 2,
            forces: true,
            prefill: true,
            system_turns: false,
            schemas: true,
            searches: true,
        }
    }

    /// Of a tier's version: 406 is 4.6.
    fn known(tier: &str, version: u32) -> Self {
        let is_top = matches!(tier, "opus" | "fable" | "mythos");
        let form = match version {
            ..406 => Form::Budget,
            406 => Form::Either,
            _ => Form::Word,
        };
        let off = match tier {
            _ if version < 500 => Off::ByItself,
            "fable" | "mythos" if version > 500 => Off::Never,
            "opus" if version >= 505 => Off::Never,
            _ if version >= 505 => Off::BetweenTools,
            _ => Off::Said,
        };
        Self {
            form,
            off,
            effort: match version {
                ..406 => None,
                406 => Some("max"),
                _ => Some("xhigh"),
            },
            samplings: match version {
                ..=400 => 2,
                401..=406 => 1,
                _ => 0,
            },
            forces: off != Off::Never,
            prefill: version < 406,
            system_turns: version >= 505 || is_top && version >= 408,
            schemas: version >= 405,
            searches: true,
        }
    }

    /// The word for an effort.
    pub(crate) fn word(&self, effort: Effort) -> Option<&'static str> {
        let strongest = self.effort?;
        Some(match effort {
            Effort::None | Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::XHigh => strongest,
            Effort::Max => "max",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_known_by_the_name() {
        let form = |name: &str| Abilities::of(name).form;
        assert_eq!(form("claude-3-7-sonnet-20250219"), Form::Budget);
        assert_eq!(form("claude-sonnet-4-20250514"), Form::Budget);
        assert_eq!(
            form("us.anthropic.claude-opus-4-5-20251101-v1:0"),
            Form::Budget
        );
        assert_eq!(form("anthropic/claude-sonnet-4.6"), Form::Either);
        assert_eq!(form("claude-opus-4-7"), Form::Word);
        assert_eq!(form("claude-mythos-preview"), Form::Word);
        assert_eq!(form("claude-sonnet-5-5"), Form::Word);
        assert_eq!(form("claude-latest"), Form::AsAsked);
        assert_eq!(form("kimi-k2"), Form::AsAsked);
    }

    #[test]
    fn the_newest_cannot_be_kept_from_thinking() {
        let off = |name: &str| Abilities::of(name).off;
        assert_eq!(off("claude-opus-4-8"), Off::ByItself);
        assert_eq!(off("claude-opus-5"), Off::Said);
        assert_eq!(off("claude-opus-5-5"), Off::Never);
        assert_eq!(off("claude-fable-5-1"), Off::Never);
        assert_eq!(off("claude-haiku-5-5"), Off::BetweenTools);
    }

    #[test]
    fn nobody_searches_the_web_on_aws() {
        let searches = |name: &str| Abilities::of(name).searches;
        assert!(searches("claude-opus-4-8") && searches("claude-opus-4-8@20260528"));
        assert!(!searches("eu.anthropic.claude-haiku-4-5-20251001-v1:0"));
        assert!(!searches(
            "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x"
        ));
    }

    #[test]
    fn the_operator_speaks_in_the_middle_to_anthropic_alone() {
        let takes = |name: &str| Abilities::of(name).system_turns;
        assert!(takes("claude-opus-4-8"));
        assert!(takes("claude-sonnet-5-5"));
        assert!(!takes("claude-sonnet-5"));
        assert!(!takes("claude-opus-4-8@20260528"));
        assert!(!takes("anthropic.claude-opus-5"));
    }
}
