//! Traits: what a model takes beyond what its dialect says. They are data
//! (`config/traits.yaml`, and a deployment's own `traits`), found once when the
//! configuration is read; who writes a request looks at nothing else.

mod kinds;
mod rules;

use serde::{Deserialize, Serialize};

pub use kinds::{Budget, Chats, Efforts, Family, Forced, Form, Framing, Off, Thinks, Vocabulary};
pub use rules::{Rule, Rules, Table};

/// Declares every trait once: its name, its kind, and what holds where nothing
/// is said of a model.
macro_rules! traits {
    ($($(#[$doc:meta])+ $name:ident: $kind:ty = $usual:expr;)+) => {
        /// What a model takes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Traits {
            $($(#[$doc])+ pub $name: $kind,)+
        }

        /// What is said of some traits.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Said {
            $($(#[$doc])+ #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<$kind>,)+
        }

        impl Said {
            /// These, and where they say nothing, `others`.
            #[must_use]
            pub fn or(self, others: Self) -> Self {
                Self { $($name: self.$name.or(others.$name),)+ }
            }

            /// All traits: what is said, and what is usual.
            #[must_use]
            pub fn whole(self) -> Traits {
                Traits { $($name: self.$name.unwrap_or($usual),)+ }
            }
        }

        impl From<Traits> for Said {
            fn from(all: Traits) -> Self {
                Self { $($name: Some(all.$name),)+ }
            }
        }
    };
}

traits! {
    /// Whether it thinks, where its name says more than the catalogue.
    thinks: Thinks = Thinks::Unknown;
    /// How it is told to think.
    form: Form = Form::AsAsked;
    /// How it is told not to.
    off: Off = Off::ByItself;
    /// The words that it knows for how much to think; none if it knows no words.
    efforts: Efforts = Efforts::ALL;
    /// The least and the most tokens that it takes as a budget for thoughts.
    budget: Budget = Budget::ANY;
    /// How many of temperature and `top_p` it takes at once: 0, 1 or 2.
    samplings: u8 = 2;
    /// When it is asked by chat completions, where its provider speaks Responses too.
    chats: Chats = Chats::Always;
    /// Whether it takes penalties for what it said before.
    penalties: bool = true;
    /// Whether it takes stop sequences.
    stops: bool = true;
    /// Which tools it can be made to call.
    forces: Forced = Forced::Named;
    /// Whether an answer by a schema may be asked for as a tool that it must call.
    answers_by_tool: bool = true;
    /// Whether the conversation may end with the model's own words.
    prefill: bool = true;
    /// Whether the operator may speak in the middle.
    system_turns: bool = false;
    /// Whether it knows schemas for answers, and strict tools.
    schemas: bool = true;
    /// Whether it takes a schema of the answer beside tools.
    schemas_beside_tools: bool = true;
    /// Whether its provider searches the web for it.
    searches: bool = true;
    /// Whether it takes cache points in messages and system prompts.
    caches: bool = true;
    /// Whether it demands the signatures of its calls.
    signed_calls: bool = false;
    /// Whether it sees media within the results of tools.
    media_in_results: bool = true;
    /// Whose own words it knows behind Bedrock's Converse.
    family: Family = Family::Other;
    /// Which vocabulary its texts are cut into tokens by.
    vocabulary: Vocabulary = Vocabulary::Unknown;
    /// The most tokens around a prompt, around each message, and with tools.
    framing: Framing = Framing::MOST;
}

impl Default for Traits {
    fn default() -> Self {
        Said::default().whole()
    }
}

impl Said {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// The trait that does not, why, and what to write.
    pub fn check(&self) -> Result<(), [&'static str; 3]> {
        if self.samplings.is_some_and(|most| most > 2) {
            let why = "there are two of them, temperature and top_p";
            return Err(["samplings", why, "write 0, 1 or 2"]);
        }
        if self.budget.is_some_and(|budget| budget.least > budget.most) {
            let why = "the least is more than the most";
            return Err(["budget", why, "write the least first: `[128, 32768]`"]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_first_counts_and_what_nobody_says_is_usual() {
        let first = Said {
            prefill: Some(false),
            ..Said::default()
        };
        let second = Said {
            prefill: Some(true),
            samplings: Some(1),
            ..Said::default()
        };
        let all = first.or(second).whole();
        assert_eq!((all.prefill, all.samplings), (false, 1));
        assert_eq!(all.forces, Traits::default().forces);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let bounds = Budget { least: 2, most: 1 };
        let said = |samplings, budget| Said {
            samplings: Some(samplings),
            budget: Some(budget),
            ..Said::default()
        };
        assert_eq!(said(3, Budget::ANY).check().unwrap_err()[0], "samplings");
        assert_eq!(said(2, bounds).check().unwrap_err()[0], "budget");
        assert_eq!(said(0, Budget::ANY).check(), Ok(()));
    }
}
