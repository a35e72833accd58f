//! The table: which models have which traits, and where.

use super::{Said, Traits};
use crate::canon::Dialect;
use crate::model_pattern::{Pattern, are_for};

/// What is said of some models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// In which dialects they are spoken to.
    pub dialects: Vec<Dialect>,
    /// At which of the catalogue's providers; at all if there are none.
    pub at: Vec<String>,
    /// Which: those that one of these fits; all if there are none.
    pub models: Vec<Pattern>,
    /// What they take.
    pub said: Said,
}

/// All rules. Of those that fit a model, the first that says something of a
/// trait counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(pub Vec<Rule>);

impl Table {
    /// The rules for models at a provider of the catalogue that speaks this
    /// dialect; for one that is not in it, those that hold anywhere.
    #[must_use]
    pub fn at(&self, dialect: Dialect, provider: &str) -> Rules {
        let is_its = |rule: &&Rule| {
            rule.dialects.contains(&dialect)
                && (rule.at.is_empty() || rule.at.iter().any(|at| at == provider))
        };
        Rules(self.0.iter().filter(is_its).cloned().collect())
    }
}

/// The rules of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// The traits of the model of this name.
    #[must_use]
    pub fn of(&self, model: &str) -> Traits {
        self.under(Said::default(), model)
    }

    /// The same, below what is said of a model already.
    #[must_use]
    pub fn under(&self, said: Said, model: &str) -> Traits {
        let is_its = |rule: &&Rule| are_for(&rule.models, model);
        let fitting = self.0.iter().filter(is_its);
        fitting.fold(said, |said, rule| said.or(rule.said)).whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(at: &[&str], models: &[&str], samplings: u8) -> Rule {
        let parsed = models.iter().map(|text| Pattern::parse(text).expect("one"));
        Rule {
            dialects: vec![Dialect::Anthropic],
            at: at.iter().map(|&at| at.to_owned()).collect(),
            models: parsed.collect(),
            said: Said {
                samplings: Some(samplings),
                ..Said::default()
            },
        }
    }

    #[test]
    fn the_first_rule_of_its_place_and_name_counts() {
        let table = Table(vec![
            rule(&["cloud"], &["m-*"], 0),
            rule(&[], &["m-1"], 1),
            rule(&[], &[], 2),
        ]);
        let samplings = |provider, model| {
            let rules = table.at(Dialect::Anthropic, provider);
            rules.of(model).samplings
        };
        assert_eq!(samplings("cloud", "m-1"), 0);
        assert_eq!(samplings("house", "m-1"), 1);
        assert_eq!(samplings("house", "m-2"), 2);
        assert_eq!(table.at(Dialect::Gemini, "cloud"), Rules::default());
        let said = Said {
            samplings: Some(1),
            ..Said::default()
        };
        let rules = table.at(Dialect::Anthropic, "cloud");
        assert_eq!(rules.under(said, "m-1").samplings, 1);
    }
}
