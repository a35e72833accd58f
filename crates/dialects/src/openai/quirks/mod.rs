//! A request as one provider wants it: the edits that its quirks ask for, on a
//! body of this dialect. What no rule names stays the same byte.

mod cuts;
mod ids;
mod places;

use std::collections::HashSet;

use bytes::Bytes;
use domain::canon::{Loss, Weight};
use domain::edit::{Edit, Edits};
use domain::quirks::{Action, FieldRule, Quirks};

use self::cuts::Cuts;
use self::places::{Found, each};
use crate::json::{Document, Kind, Node, write_string};

/// What a provider's quirks make of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// The edits; they fit together.
    pub edits: Edits,
    /// What is not said any more: of each rule the first place.
    pub losses: Vec<Loss>,
    /// The first member that the provider refuses.
    pub refused: Option<Loss>,
}

/// Works out what `quirks` make of a request for `model`.
#[must_use]
pub fn mend(document: &Document, quirks: &Quirks, model: &str) -> Mended {
    let mut mending = Mending {
        cuts: Cuts::default(),
        edits: Vec::new(),
        touched: HashSet::new(),
        mended: Mended::default(),
    };
    for rule in quirks.fields.iter().filter(|rule| rule.is_for(model)) {
        let mut is_first = true;
        each(document.root(), &rule.path, &mut |found| {
            if mending.apply(rule, found) && std::mem::take(&mut is_first) {
                mending.tell(rule, found);
            }
        });
    }
    if let Some(length) = quirks.tool_call_ids {
        ids::rewrite(document.root(), length, &mut mending.edits);
    }
    mending.done()
}

/// Edits that are being put together. The first rule for a member counts.
struct Mending<'a> {
    cuts: Cuts<'a>,
    edits: Vec<Edit>,
    touched: HashSet<u32>,
    mended: Mended,
}

impl<'a> Mending<'a> {
    /// Applies a rule to a member; says whether anything is lost by it.
    fn apply(&mut self, rule: &FieldRule, found: &Found<'a>) -> bool {
        let value = found.value;
        let is_usual = value.is_null() || rule.usual.iter().any(|u| u.as_bytes() == value.raw());
        let with = match &rule.action {
            Action::Refuse => return !is_usual,
            Action::Drop => {
                let is_new = self.touched.insert(found.key.start);
                self.cuts.add(found.parent, found.key);
                return is_new && !is_usual;
            }
            Action::Rename(to) => {
                if !self.touched.insert(found.key.start) {
                    return false;
                }
                if found.parent.get(to).is_some() {
                    self.cuts.add(found.parent, found.key);
                    return false;
                }
                let mut with = Vec::with_capacity(to.len() + 2);
                write_string(&mut with, to);
                self.edits.push(Edit {
                    span: found.key,
                    with: with.into(),
                });
                return !is_usual;
            }
            Action::Within(least, most) => within(value, least.as_deref(), most.as_deref()),
            Action::Values(values) => value.str().and_then(|said| {
                let other = values.iter().find(|(from, _)| *from == said)?;
                let mut with = Vec::with_capacity(other.1.len() + 2);
                write_string(&mut with, &other.1);
                Some(with.into())
            }),
            Action::Text => text(value),
        };
        let Some(with) = with.filter(|_| self.touched.insert(value.span().start)) else {
            return false;
        };
        self.edits.push(Edit {
            span: value.span(),
            with,
        });
        true
    }

    /// Tells what a rule took away.
    fn tell(&mut self, rule: &FieldRule, found: &Found<'_>) {
        let field = found.path();
        if rule.action == Action::Refuse {
            let loss = Loss::meaning(field, "it refuses this");
            self.mended.refused.get_or_insert(loss);
        } else if let Some(weight) = rule.loss {
            let why = match (&rule.action, weight) {
                (Action::Drop, _) => "it refuses this",
                (_, Weight::Hint | Weight::Meaning) => "it takes another value only",
            };
            self.mended.losses.push(Loss {
                field,
                why: why.to_owned(),
                weight,
            });
        }
    }

    /// All edits. What lies in a member that is cut goes with it.
    fn done(self) -> Mended {
        let mut mended = self.mended;
        for edit in self.cuts.edits().into_iter().chain(self.edits) {
            let _goes_with_a_cut = mended.edits.add(edit);
        }
        mended
    }
}

/// The bound that a number is beyond.
fn within(value: Node<'_>, least: Option<&str>, most: Option<&str>) -> Option<Bytes> {
    if value.kind() != Kind::Number {
        return None;
    }
    let number: f64 = std::str::from_utf8(value.raw()).ok()?.parse().ok()?;
    let bound = |text: &str| text.parse::<f64>().ok();
    let too_small = least.filter(|least| bound(least).is_some_and(|least| number < least));
    let too_large = most.filter(|most| bound(most).is_some_and(|most| number > most));
    too_small
        .or(too_large)
        .map(|text| Bytes::copy_from_slice(text.as_bytes()))
}

/// Parts that are all text, as one string; `null` as an empty one.
fn text(value: Node<'_>) -> Option<Bytes> {
    let mut said = String::new();
    match value.kind() {
        Kind::Null => {}
        Kind::Array => {
            for (at, part) in value.items().enumerate() {
                if part.get("type").and_then(Node::str)? != "text" {
                    return None;
                }
                if at > 0 {
                    said.push('\n');
                }
                said.push_str(&part.get("text").and_then(Node::str)?);
            }
        }
        Kind::Bool | Kind::Number | Kind::String | Kind::Object => return None,
    }
    let mut with = Vec::with_capacity(said.len() + 2);
    write_string(&mut with, &said);
    Some(with.into())
}

#[cfg(test)]
mod tests;
