//! Quirks: where a provider differs from the dialect that it speaks. Data of
//! the catalogue or of the configuration; what they do is done in one place.

use crate::canon::Weight;
use crate::pattern;

/// Where one provider differs from its dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Members of a request that it wants otherwise, or not at all.
    pub fields: Vec<FieldRule>,
    /// Headers that it wants otherwise, or not at all.
    pub headers: Vec<HeaderRule>,
    /// Ids of tool calls have this many letters and digits there, and nothing
    /// else.
    pub tool_call_ids: Option<u8>,
    /// The member of an assistant's message in which it wants the thoughts of
    /// earlier turns back.
    pub thoughts: Option<String>,
    /// Whether streams may begin with a chunk that says nothing, not even what
    /// it is.
    pub empty_first_chunk: bool,
}

/// What becomes of one member of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// Where it stands.
    pub path: Vec<Step>,
    /// Of which models; of all where none is named. `*` at the end of a name
    /// stands for any rest.
    pub models: Vec<String>,
    /// What becomes of it.
    pub action: Action,
    /// What is lost by it; `None` is nothing.
    pub loss: Option<Weight>,
    /// Values, as JSON has them, that say what the provider does anyway: they
    /// go without a word.
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
    /// Parts that are all text become one string, and `null` an empty one.
    Text,
}

/// What becomes of one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    /// Its name, in lower case.
    pub name: String,
    /// Of which models, as [`FieldRule::models`] has it.
    pub models: Vec<String>,
    /// Values, and what becomes of each: the first that fits counts. The value
    /// of a header is cut at its commas.
    pub values: Vec<(String, Fate)>,
    /// What becomes of every other value.
    pub others: Fate,
    /// The member of the body that has the values instead, as a list.
    pub into: Option<String>,
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes along.
    Forward,
    /// It stays here.
    Drop,
    /// Another one goes instead.
    Translate(String),
}

impl Quirks {
    /// Whether nothing of a request is other than the dialect says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.fields.is_empty() && self.tool_call_ids.is_none()
    }

    /// The rule for a header of this name, its letters small.
    #[must_use]
    pub fn header(&self, name: &[u8], model: &str) -> Option<&HeaderRule> {
        let mut rules = self.headers.iter();
        rules.find(|rule| rule.name.as_bytes() == name && fits(&rule.models, model))
    }
}

impl FieldRule {
    /// Whether it is about this model.
    #[must_use]
    pub fn is_for(&self, model: &str) -> bool {
        fits(&self.models, model)
    }
}

impl HeaderRule {
    /// What becomes of the values of a header, each with what goes instead;
    /// `None` stays here.
    #[must_use]
    pub fn sorted<'a>(&'a self, header: &'a str) -> Vec<(&'a str, Option<&'a str>)> {
        let values = header.split(',').map(str::trim);
        let values = values.filter(|value| !value.is_empty());
        let sort = |value: &'a str| {
            let known = self.values.iter().find(|(of, _)| pattern::fits(of, value));
            match known.map_or(&self.others, |(_, fate)| fate) {
                Fate::Forward => (value, Some(value)),
                Fate::Drop => (value, None),
                Fate::Translate(other) => (value, Some(other.as_str())),
            }
        };
        values.map(sort).collect()
    }
}

fn fits(models: &[String], model: &str) -> bool {
    models.is_empty() || models.iter().any(|of| pattern::fits(of, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_header_are_sorted_one_by_one() {
        let rule = HeaderRule {
            name: "x-beta".into(),
            models: vec!["m-*".into()],
            values: vec![
                ("old-*".into(), Fate::Drop),
                ("a".into(), Fate::Translate("b".into())),
            ],
            others: Fate::Forward,
            into: None,
        };
        let sorted = rule.sorted("a, old-1 ,,c");
        assert_eq!(
            sorted,
            [("a", Some("b")), ("old-1", None), ("c", Some("c"))]
        );
        let quirks = Quirks {
            headers: vec![rule],
            ..Quirks::default()
        };
        assert!(quirks.header(b"x-beta", "m-1").is_some());
        assert!(quirks.header(b"x-beta", "n").is_none());
        assert!(quirks.header(b"x-other", "m-1").is_none());
    }
}
