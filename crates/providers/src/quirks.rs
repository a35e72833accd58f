//! Quirks as they are written down, in the catalogue and in the configuration.

mod literal;
mod path;
mod sense;

use std::collections::BTreeMap;

use domain::canon::Weight;
use domain::model_pattern::Pattern;
use domain::quirks::{
    Action, AnswerQuirks, CallIds, EarlierThoughts, FieldRule, Quirks, Shown, Step,
};
use serde::{Deserialize, Serialize};

pub use self::literal::Literal;
use self::path::steps;
pub use self::sense::Senseless;

/// The fewest letters of a tool call's id: with less, ids would soon be gone.
const FEWEST_OF_AN_ID: u8 = 4;
/// The shortest limit for names of tools: a mark of nine stands at their end.
const SHORTEST_NAME: usize = 16;

/// Where a provider differs from `OpenAI`'s dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuirksSpec {
    /// Whether the catalogue's quirks hold too, behind these.
    pub inherit: Option<bool>,
    /// Fields of requests.
    pub request: Vec<RuleSpec>,
    /// Ids of tool calls.
    pub tool_call_ids: Option<CallIdSpec>,
    /// The longest name of a tool.
    pub longest_tool_name: Option<usize>,
    /// What becomes of the thoughts of earlier turns.
    pub earlier_thoughts: Option<EarlierSpec>,
    /// Whether it takes tools of free text beside functions.
    pub free_form_tools: Option<bool>,
    /// Whether it takes no schema of an answer: the model is told it in words.
    pub schema_in_words: Option<bool>,
    /// Whether the turns must have the order of Mistral's templates.
    pub strict_turns: Option<bool>,
    /// Where answers show thoughts.
    pub thoughts: Vec<ShownSpec>,
    /// Where answers say what was used.
    pub usage: UsageSpec,
    /// Words for the end of an answer, and `OpenAI`'s for them.
    pub finish_reasons: BTreeMap<String, String>,
    /// Whether streams may begin with chunks that say nothing.
    pub empty_first_chunks: Option<bool>,
    /// Whether streams may begin without a role.
    pub missing_role: Option<bool>,
    /// Where this is known from.
    pub source: Option<String>,
    /// When it was so: a date, `2026-11-26`.
    pub as_of: Option<String>,
}

/// What becomes of fields of a request. One of `drop`, `refuse`, `rename`,
/// `within`, `values`, `allow`, `at_most` and `text` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSpec {
    /// Which: `n`, `messages[].name`; `$` is the whole request.
    pub at: Vec<String>,
    /// Of which models; of all if unset.
    pub models: Vec<Pattern>,
    /// The values that it is about; all if unset.
    pub only: Vec<Literal>,
    /// Values that say what the provider does anyway.
    pub unless: Vec<Literal>,
    /// Left out; and what is lost by that.
    pub drop: Option<LossSpec>,
    /// The request does not go there.
    pub refuse: Option<bool>,
    /// Called so.
    pub rename: Option<String>,
    /// Numbers: brought between these.
    pub within: Option<[Literal; 2]>,
    /// Strings that become others.
    pub values: BTreeMap<String, String>,
    /// Objects: only these members.
    pub allow: Vec<String>,
    /// Lists: so many items.
    pub at_most: Option<usize>,
    /// Parts that are all text: one string.
    pub text: Option<bool>,
    /// What is lost by anything but `drop`.
    pub loss: Option<LossSpec>,
}

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossSpec {
    /// Nothing.
    Nothing,
    /// A hint: the answer is the same without it.
    Hint,
    /// The answer may be another one.
    Meaning,
}

/// The form of a tool call's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallIdSpec {
    /// So many letters and digits.
    Exactly(u8),
    /// So many letters, digits, `_` and `-` at most.
    AtMost(u8),
}

/// What becomes of the thoughts of earlier turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlierSpec {
    /// They stay here.
    Drop,
    /// They go as parts of the content.
    Parts,
    /// They go in front of the text, between these.
    Tags([String; 2]),
    /// They go in this member of the message.
    Member(String),
    /// They go in a member that a message with calls must have.
    Demanded {
        /// Its name.
        member: String,
        /// What it says where there are none.
        missing: String,
    },
}

/// Where an answer shows thoughts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownSpec {
    /// In this member.
    Member(String),
    /// At the beginning of the text, between these.
    Tags([String; 2]),
    /// In parts of the content.
    Parts,
}

/// Where answers say what was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UsageSpec {
    /// The path, if it is not `usage`: `x_groq.usage`.
    pub at: Option<String>,
    /// Whether it becomes a chunk of its own at a stream's end.
    pub own_chunk: Option<bool>,
}

impl LossSpec {
    fn weight(self) -> Option<Weight> {
        match self {
            Self::Nothing => None,
            Self::Hint => Some(Weight::Hint),
            Self::Meaning => Some(Weight::Meaning),
        }
    }
}

impl QuirksSpec {
    /// These, and behind them those of the catalogue, unless they are not
    /// wanted.
    #[must_use]
    pub fn over(&self, known: Option<&Self>) -> Self {
        let Some(known) = known.filter(|_| self.inherit != Some(false)) else {
            return self.clone();
        };
        let mut all = self.clone();
        all.request.extend(known.request.iter().cloned());
        all.tool_call_ids = all.tool_call_ids.or(known.tool_call_ids);
        all.longest_tool_name = all.longest_tool_name.or(known.longest_tool_name);
        let earlier = known.earlier_thoughts.clone();
        all.earlier_thoughts = all.earlier_thoughts.or(earlier);
        all.free_form_tools = all.free_form_tools.or(known.free_form_tools);
        all.schema_in_words = all.schema_in_words.or(known.schema_in_words);
        all.strict_turns = all.strict_turns.or(known.strict_turns);
        if all.thoughts.is_empty() {
            all.thoughts.clone_from(&known.thoughts);
        }
        all.usage.at = all.usage.at.or_else(|| known.usage.at.clone());
        all.usage.own_chunk = all.usage.own_chunk.or(known.usage.own_chunk);
        for (theirs, own) in &known.finish_reasons {
            let place = all.finish_reasons.entry(theirs.clone());
            place.or_insert_with(|| own.clone());
        }
        all.empty_first_chunks = all.empty_first_chunks.or(known.empty_first_chunks);
        all.missing_role = all.missing_role.or(known.missing_role);
        all
    }

    /// As the gateway reads them.
    ///
    /// # Errors
    /// The field that makes no sense, and why.
    pub fn quirks(&self) -> Result<Quirks, (String, String)> {
        let mut fields = Vec::new();
        for (at, rule) in self.request.iter().enumerate() {
            let place = |why: String| (format!("request[{at}]"), why);
            fields.extend(rule.rules().map_err(place)?);
        }
        let call_ids = self.tool_call_ids.map(|ids| match ids {
            CallIdSpec::Exactly(length) => CallIds::Exactly(length),
            CallIdSpec::AtMost(length) => CallIds::AtMost(length),
        });
        if let Some(CallIds::Exactly(length) | CallIds::AtMost(length)) = call_ids
            && length < FEWEST_OF_AN_ID
        {
            let why = format!("an id has {FEWEST_OF_AN_ID} letters at least");
            return Err(("tool_call_ids".to_owned(), why));
        }
        if self.longest_tool_name.is_some_and(|it| it < SHORTEST_NAME) {
            let why = format!("a name may have {SHORTEST_NAME} letters at least");
            return Err(("longest_tool_name".to_owned(), why));
        }
        let usage_at = self.usage.at.as_deref().map(steps).transpose();
        let usage_at = usage_at.map_err(|why| ("usage.at".to_owned(), why))?;
        let mut thoughts = Vec::new();
        for shown in &self.thoughts {
            thoughts.push(shown.shown().map_err(|why| ("thoughts".to_owned(), why))?);
        }
        Ok(Quirks {
            fields,
            call_ids,
            longest_tool_name: self.longest_tool_name,
            earlier_thoughts: self.earlier_thoughts.as_ref().map(EarlierSpec::manner),
            free_form_tools: self.free_form_tools == Some(true),
            schema_in_words: self.schema_in_words == Some(true),
            strict_turns: self.strict_turns == Some(true),
            answer: AnswerQuirks {
                usage_at,
                usage_in_own_chunk: self.usage.own_chunk == Some(true),
                thoughts,
                finish_reasons: self.finish_reasons.clone().into_iter().collect(),
                empty_first_chunks: self.empty_first_chunks == Some(true),
                missing_role: self.missing_role == Some(true),
            },
        })
    }
}

impl EarlierSpec {
    fn manner(&self) -> EarlierThoughts {
        match self {
            Self::Drop => EarlierThoughts::Drop,
            Self::Parts => EarlierThoughts::Parts,
            Self::Tags([open, close]) => EarlierThoughts::Tags(open.clone(), close.clone()),
            Self::Member(name) => EarlierThoughts::Member {
                name: name.clone(),
                missing: None,
            },
            Self::Demanded { member, missing } => EarlierThoughts::Member {
                name: member.clone(),
                missing: Some(missing.clone()),
            },
        }
    }
}

impl ShownSpec {
    fn shown(&self) -> Result<Shown, String> {
        Ok(match self {
            Self::Member(name) => Shown::Member(name.clone()),
            Self::Parts => Shown::Parts,
            Self::Tags([open, close]) if open.is_empty() || close.is_empty() => {
                return Err("a tag is not empty".to_owned());
            }
            Self::Tags([open, close]) => Shown::Tags(open.clone(), close.clone()),
        })
    }
}

impl RuleSpec {
    /// One rule for each path.
    fn rules(&self) -> Result<Vec<FieldRule>, String> {
        let (action, loss) = self.action()?;
        if self.at.is_empty() {
            return Err("`at` names no field".to_owned());
        }
        let texts = |all: &[Literal]| all.iter().map(|it| it.text().to_owned()).collect();
        let mut rules = Vec::new();
        for at in &self.at {
            let path = steps(at)?;
            let is_member = matches!(path.last(), Some(Step::Member(_)));
            if !is_member && matches!(action, Action::Drop | Action::Rename(_)) {
                return Err(format!(
                    "`{at}` is no member that could be left out or renamed"
                ));
            }
            rules.push(FieldRule {
                path,
                models: self.models.clone(),
                action: action.clone(),
                loss: self.loss.unwrap_or(loss).weight(),
                only: texts(&self.only),
                usual: texts(&self.unless),
            });
        }
        Ok(rules)
    }

    /// What is done, and what is usually lost by it.
    fn action(&self) -> Result<(Action, LossSpec), String> {
        let mut all = Vec::new();
        if let Some(loss) = self.drop {
            all.push((Action::Drop, loss));
        }
        if self.refuse == Some(true) {
            all.push((Action::Refuse, LossSpec::Meaning));
        }
        if let Some(name) = &self.rename {
            all.push((Action::Rename(name.clone()), LossSpec::Nothing));
        }
        if let Some([least, most]) = &self.within {
            let bound = |it: &Literal| match it.text().parse::<f64>() {
                Ok(_) => Ok(Some(it.text().to_owned())),
                Err(_) => Err("`within` takes two numbers".to_owned()),
            };
            let action = Action::Within(bound(least)?, bound(most)?);
            all.push((action, LossSpec::Hint));
        }
        if !self.values.is_empty() {
            let values = self.values.clone().into_iter().collect();
            all.push((Action::Values(values), LossSpec::Nothing));
        }
        if !self.allow.is_empty() {
            all.push((Action::Allow(self.allow.clone()), LossSpec::Hint));
        }
        if let Some(most) = self.at_most {
            all.push((Action::AtMost(most), LossSpec::Meaning));
        }
        if self.text == Some(true) {
            all.push((Action::Text, LossSpec::Nothing));
        }
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(
                "say one of `drop`, `refuse`, `rename`, `within`, `values`, `allow`, `at_most`, \
                 `text`"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
