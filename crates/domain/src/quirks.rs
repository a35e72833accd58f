//! Quirks: where a provider differs from the dialect that it speaks. Data of
//! the catalogue or of the configuration; what they do is done in one place.

use crate::canon::Weight;
use crate::model_pattern::{Pattern, are_for};

/// Where one provider differs from its dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Members of a request that it wants otherwise, or not at all. The first
    /// rule for a member's name counts, and the first for its value; one of
    /// which a rule spoke is neither dropped nor refused by a later one.
    pub fields: Vec<FieldRule>,
    /// The form in which it wants ids of tool calls.
    pub call_ids: Option<CallIds>,
    /// The longest name of a tool that it takes.
    pub longest_tool_name: Option<usize>,
    /// What becomes of the thoughts of earlier turns.
    pub earlier_thoughts: Option<EarlierThoughts>,
    /// Whether it takes tools of free text beside functions.
    pub free_form_tools: bool,
    /// Whether it takes no schema of an answer: the model is told it in words.
    pub schema_in_words: bool,
    /// Whether the turns must have the order of Mistral's templates.
    pub strict_turns: bool,
    /// How its answers differ.
    pub answer: AnswerQuirks,
}

/// How a provider's answers differ from its dialect's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerQuirks {
    /// Where it says what was used, if not in `usage`.
    pub usage_at: Option<Vec<Step>>,
    /// Whether what was used becomes a chunk of its own at a stream's end: it
    /// tells it with every chunk, or with one that says something else.
    pub usage_in_own_chunk: bool,
    /// Where thoughts stand.
    pub thoughts: Vec<Shown>,
    /// Words for the end of an answer, and the dialect's own for them.
    pub finish_reasons: Vec<(String, String)>,
    /// Whether streams may begin with chunks that say nothing, which are left
    /// out.
    pub empty_first_chunks: bool,
    /// Whether streams may begin without a role, which is put in.
    pub missing_role: bool,
}

/// The form of a tool call's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallIds {
    /// So many letters and digits.
    Exactly(u8),
    /// So many letters, digits, `_` and `-` at most.
    AtMost(u8),
}

/// What becomes of the thoughts of earlier turns, which clients send back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EarlierThoughts {
    /// They stay here.
    Drop,
    /// They go as the text of a member of the assistant's message.
    Member {
        /// Its name.
        name: String,
        /// What it says in a message that calls tools and has none, where the
        /// provider refuses one without.
        missing: Option<String>,
    },
    /// They go as parts of the message's content.
    Parts,
    /// They go in front of the message's text, between these.
    Tags(String, String),
}

/// Where an answer shows its thoughts. Clients read them in
/// `reasoning_content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In a member of the message or the delta.
    Member(String),
    /// At the beginning of the text, between these.
    Tags(String, String),
    /// In parts of the content.
    Parts,
}

/// What becomes of one member of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// Where it stands.
    pub path: Vec<Step>,
    /// Of which models; of all where none is named.
    pub models: Vec<Pattern>,
    /// What becomes of it.
    pub action: Action,
    /// What is lost by it; `None` is nothing.
    pub loss: Option<Weight>,
    /// The values, as JSON has them, that it is about; all where none is named.
    pub only: Vec<String>,
    /// Values that say what the provider does anyway: they go without a word.
    pub usual: Vec<String>,
}

/// One step of a path into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the member of this name.
    Member(String),
    /// To every item.
    Items,
}

/// What becomes of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is left out.
    Drop,
    /// The request does not go to this provider.
    Refuse,
    /// It is called otherwise there, beside its old place.
    Rename(String),
    /// The number is brought between these, as JSON has them.
    Within(Option<String>, Option<String>),
    /// These strings become others.
    Values(Vec<(String, String)>),
    /// Of the object's members only these are told.
    Allow(Vec<String>),
    /// Of the list so many items are told.
    AtMost(usize),
    /// Parts that are all text become one string.
    Text,
}

impl Quirks {
    /// Whether requests are as the dialect has them.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.fields.is_empty()
            && self.call_ids.is_none()
            && self.longest_tool_name.is_none()
            && self.earlier_thoughts.is_none()
            && !self.schema_in_words
            && !self.strict_turns
    }

    /// Whether no model is told this outermost member, under whatever name.
    #[must_use]
    pub fn cuts(&self, member: &str) -> bool {
        let is_it = |rule: &&FieldRule| match rule.path.as_slice() {
            [Step::Member(name)] => name == member,
            _ => false,
        };
        let says = |rule: &FieldRule| match rule.action {
            Action::Rename(_) => Some(false),
            Action::Drop | Action::Refuse => {
                (rule.models.is_empty() && rule.only.is_empty()).then_some(true)
            }
            _ => None,
        };
        let mut rules = self.fields.iter().filter(is_it);
        rules.find_map(says).unwrap_or(false)
    }
}

impl AnswerQuirks {
    /// Whether answers are as the dialect has them.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl FieldRule {
    /// Whether it is about this model.
    #[must_use]
    pub fn is_for(&self, model: &str) -> bool {
        are_for(&self.models, model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action) -> FieldRule {
        FieldRule {
            path: vec![Step::Member("n".into())],
            models: Vec::new(),
            action,
            loss: None,
            only: Vec::new(),
            usual: Vec::new(),
        }
    }

    #[test]
    fn a_member_is_cut_where_no_rule_before_gives_it_another_name() {
        let named = || rule(Action::Rename("m".into()));
        let cuts = |fields: Vec<FieldRule>| {
            let quirks = Quirks {
                fields,
                ..Quirks::default()
            };
            quirks.cuts("n")
        };
        assert!(cuts(vec![rule(Action::Drop), named()]));
        assert!(!cuts(vec![named(), rule(Action::Drop)]));
        let mut some = rule(Action::Drop);
        some.models = vec![Pattern::parse("m-*").expect("a pattern")];
        assert!(!cuts(vec![some.clone()]));
        assert!(cuts(vec![some, rule(Action::Refuse)]));
    }

    #[test]
    fn a_rule_is_for_all_models_or_for_those_that_it_names() {
        let mut rule = rule(Action::Drop);
        assert!(rule.is_for("any"));
        rule.models = ["m-*", "x"]
            .map(|text| Pattern::parse(text).expect("a pattern"))
            .into();
        assert!(rule.is_for("m-1") && rule.is_for("x"));
        assert!(!rule.is_for("n"));
    }
}
