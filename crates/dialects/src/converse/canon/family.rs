//! What the models behind Converse take, as far as their names tell.
//!
//! The table follows AWS' guides of autumn 2026. A name that says nothing (an
//! application inference profile, an imported model) gets what every model
//! takes, and what a client asks for in so many words: only AWS knows better.

use crate::anthropic::canon::abilities::{Abilities, Form, Off};

/// Who made a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// Anthropic.
    Claude,
    /// Amazon; the second generation can think.
    Nova {
        /// Whether it can.
        thinks: bool,
    },
    /// `OpenAI`'s open weights.
    GptOss,
    /// Mistral.
    Mistral,
    /// Others' open weights that AWS runs itself.
    Open,
    /// Makers whose models take little.
    Other,
    /// Whoever: the name says nothing.
    Unknown,
}

/// What a model takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) maker: Maker,
    /// Of Claude what Anthropic says, of others what is like it.
    pub(super) abilities: Abilities,
    /// Whether it takes cache points in messages and system prompts.
    pub(super) caches: bool,
    /// Whether it must take any one tool.
    pub(super) forces_any: bool,
    /// Whether it can be made to take a certain tool.
    pub(super) forces_named: bool,
}

/// Makers whose models answer by a schema, beside Claude.
const OPEN: &[&str] = &[
    "qwen", "deepseek", "kimi", "minimax", "gemma", "nemotron", "glm",
];
const MISTRAL: &[&str] = &[
    "mistral",
    "ministral",
    "magistral",
    "mixtral",
    "pixtral",
    "voxtral",
    "devstral",
];
/// Makers whose models know neither choices of tools nor schemas.
const OTHERS: &[&str] = &[
    "meta",
    "llama",
    "cohere",
    "ai21",
    "titan",
    "writer",
    "palmyra",
    "stability",
];
/// Claude before there was a cache.
const UNCACHED: &[&str] = &[
    "claude-v2",
    "claude-instant",
    "claude-3-haiku",
    "claude-3-sonnet",
    "claude-3-opus",
    "claude-3-5-sonnet-20240620",
];
/// Open weights from before there were schemas.
const SHAPELESS: &[&str] = &[
    "deepseek.r1",
    "deepseek-r1",
    "mistral-7b",
    "mixtral",
    "pixtral",
];

impl Family {
    /// Of the model of this name, or of this ARN.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let maker = match () {
            () if says(&["claude"]) => Maker::Claude,
            () if says(&["nova"]) => Maker::Nova {
                thinks: says(&["nova-2"]),
            },
            () if says(&["gpt-oss"]) => Maker::GptOss,
            () if says(MISTRAL) => Maker::Mistral,
            () if says(OPEN) => Maker::Open,
            () if says(OTHERS) => Maker::Other,
            () => Maker::Unknown,
        };
        let is_nova = matches!(maker, Maker::Nova { .. });
        let abilities = match maker {
            Maker::Claude => Abilities::of(model),
            _ => Abilities {
                form: Form::AsAsked,
                off: Off::ByItself,
                effort: None,
                samplings: 2,
                forces: is_nova,
                prefill: false,
                system_turns: false,
                schemas: matches!(maker, Maker::GptOss | Maker::Open | Maker::Mistral)
                    && !says(SHAPELESS),
                searches: false,
            },
        };
        let forces = abilities.forces;
        Self {
            maker,
            abilities,
            caches: is_nova || maker == Maker::Claude && !says(UNCACHED),
            forces_any: forces || matches!(maker, Maker::Mistral | Maker::Unknown),
            forces_named: forces || maker == Maker::Unknown,
        }
    }

    /// Whether it is Claude.
    pub(super) fn is_claude(&self) -> bool {
        self.maker == Maker::Claude
    }

    /// Whether it is Claude of a generation that came with schemas, caches of
    /// an hour and calls one by one.
    pub(super) fn is_new_claude(&self) -> bool {
        self.is_claude() && self.abilities.schemas
    }

    /// Whether tools may be cached, too.
    pub(super) fn caches_tools(&self) -> bool {
        self.caches && self.is_claude()
    }

    /// Whether a result may say that it failed, and words may stand beside it.
    pub(super) fn knows_results(&self) -> bool {
        matches!(self.maker, Maker::Claude | Maker::Nova { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maker_is_known_by_the_name() {
        let maker = |name: &str| Family::of(name).maker;
        assert_eq!(
            maker("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            Maker::Claude
        );
        assert_eq!(
            maker(
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
            ),
            Maker::Claude
        );
        assert_eq!(maker("amazon.nova-pro-v1:0"), Maker::Nova { thinks: false });
        assert_eq!(
            maker("global.amazon.nova-2-lite-v1:0"),
            Maker::Nova { thinks: true }
        );
        assert_eq!(maker("openai.gpt-oss-120b-1:0"), Maker::GptOss);
        assert_eq!(maker("mistral.mistral-large-2407-v1:0"), Maker::Mistral);
        assert_eq!(maker("qwen.qwen3-32b-v1:0"), Maker::Open);
        assert_eq!(maker("us.meta.llama3-3-70b-instruct-v1:0"), Maker::Other);
        let profile = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x1y2z3";
        assert_eq!(maker(profile), Maker::Unknown);
        assert!(Family::of(profile).forces_named && !Family::of(profile).caches);
    }

    #[test]
    fn what_came_later_is_for_later_models() {
        let old = Family::of("anthropic.claude-3-haiku-20240307-v1:0");
        assert!(!old.caches && !old.is_new_claude());
        let new = Family::of("eu.anthropic.claude-opus-4-6-v1");
        assert!(new.caches && new.is_new_claude() && new.abilities.schemas);
        assert!(!Family::of("us.deepseek.r1-v1:0").abilities.schemas);
        assert!(!Family::of("amazon.nova-pro-v1:0").abilities.schemas);
    }
}
