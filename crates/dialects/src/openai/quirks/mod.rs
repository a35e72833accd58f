//! Requests as one provider wants them, and its answers as the dialect has
//! them: the edits that its quirks ask for. What no rule names stays the same
//! byte.
//!
//! | room | what it mends |
//! |---|---|
//! | this one | the members of a request that rules name |
//! | [`ids`], [`names`], [`earlier`], [`schemas`] | ids of calls, names of tools, thoughts of earlier turns, schemas of answers |
//! | [`order`] | who may speak behind whom |
//! | [`answer`] | answers and streams |

mod answer;
mod changes;
mod earlier;
mod ids;
mod names;
mod order;
mod places;
mod schemas;
mod tags;

use std::collections::HashSet;

use domain::canon::{Loss, Weight};
use domain::edit::{Edits, Span};
use domain::quirks::{Action, EarlierThoughts, FieldRule, Quirks};

pub use self::answer::Mender;
use self::changes::Changes;
use self::places::{Found, each};
use crate::json::{Document, Kind, Node, write_string};
use crate::translate::Names;

/// What a provider's quirks make of a request.
#[derive(Clone, Debug, Default)]
pub struct Mended {
    /// The edits; they fit together.
    pub edits: Edits,
    /// What is not said any more: of each rule the first place.
    pub losses: Vec<Loss>,
    /// The first member that the provider refuses.
    pub refused: Option<Loss>,
    /// The tools' names that are told otherwise.
    pub names: Names,
}

/// Whether `quirks` may ask for anything else than what a client says in
/// `document`, or the gateway in a body of its own, which has no thoughts that
/// are not wanted: quirks that do no more than leave those out mostly do not.
#[must_use]
pub fn concern(document: Option<&Document>, quirks: &Quirks) -> bool {
    let Quirks {
        fields,
        call_ids: None,
        longest_tool_name: None,
        earlier_thoughts: None | Some(EarlierThoughts::Drop),
        schema_in_words: false,
        strict_turns: false,
        ..
    } = quirks
    else {
        return true;
    };
    let has_thoughts = |document: &Document| earlier::stand_in(document.root());
    !fields.is_empty() || quirks.earlier_thoughts.is_some() && document.is_some_and(has_thoughts)
}

/// Works out what `quirks` make of a request for `model`.
#[must_use]
pub fn mend(document: &Document, quirks: &Quirks, model: &str) -> Mended {
    let root = document.root();
    let mut mending = Mending {
        changes: Changes::default(),
        touched: HashSet::new(),
        named: HashSet::new(),
        mended: Mended::default(),
    };
    if quirks.strict_turns {
        let lost = order::rewrite(root, &mut mending.changes, &mut mending.touched);
        mending.mended.losses.extend(lost);
    }
    for rule in quirks.fields.iter().filter(|rule| rule.is_for(model)) {
        let mut is_first = true;
        each(root, &rule.path, &mut |found| {
            if let Some(field) = mending.apply(rule, found)
                && std::mem::take(&mut is_first)
            {
                mending.tell(rule, field);
            }
        });
    }
    let Mending {
        mut changes,
        mut mended,
        ..
    } = mending;
    if let Some(form) = quirks.call_ids {
        ids::rewrite(root, form, &mut changes);
    }
    if let Some(longest) = quirks.longest_tool_name {
        mended.names = names::rewrite(root, longest, &mut changes);
    }
    if let Some(manner) = &quirks.earlier_thoughts {
        mended
            .losses
            .extend(earlier::rewrite(root, manner, &mut changes));
    }
    if quirks.schema_in_words {
        mended.losses.extend(schemas::rewrite(root, &mut changes));
    }
    mended.edits = changes.done();
    mended
}

/// Edits that are being put together. The first rule for a member counts; one
/// may speak of its name and another of its value.
struct Mending<'a> {
    changes: Changes<'a>,
    /// Where the keys and the values begin of which a rule spoke.
    touched: HashSet<u32>,
    /// Names that members got, and the objects they stand in.
    named: HashSet<(u32, String)>,
    mended: Mended,
}

impl<'a> Mending<'a> {
    /// Applies a rule to a value; gives the field that is lost by it.
    fn apply(&mut self, rule: &FieldRule, found: &Found<'a>) -> Option<String> {
        let value = found.value;
        let is_one_of = |values: &[String]| values.iter().any(|it| it.as_bytes() == value.raw());
        if !rule.only.is_empty() && !is_one_of(&rule.only) {
            return None;
        }
        let is_told = says(&value) && !is_one_of(&rule.usual);
        let is_lost = match (&rule.action, found.member) {
            (Action::Refuse, member) => {
                let key = member.map_or(value.span(), |(_, key)| key);
                is_told && self.is_free(key, value)
            }
            (Action::Drop, Some((parent, key))) => {
                let is_first = self.is_free(key, value);
                if is_first {
                    self.drop(parent, key, value);
                }
                is_first && is_told
            }
            (Action::Rename(to), Some((parent, key))) => {
                if !self.touched.insert(key.start) {
                    return None;
                }
                // The provider's own name says it already.
                let is_said = !self.named.insert((parent.span().start, to.clone()));
                if is_said || parent.get(to).is_some() {
                    self.changes.cut(parent, key);
                    return None;
                }
                self.changes.text(key, to);
                is_told
            }
            (Action::Allow(names), _) => return self.allow(names, found),
            (Action::AtMost(most), _) => {
                let is_list = value.kind() == Kind::Array;
                let is_first = is_list && self.touched.insert(value.span().start);
                let is_long = is_first && value.items().nth(*most).is_some();
                if is_long {
                    self.changes.shorten(value, *most);
                }
                is_long
            }
            (action, _) => self.put(action, value),
        };
        is_lost.then(|| found.path())
    }

    /// Whether no rule spoke of a member yet, neither of its name nor of its
    /// value.
    fn is_free(&self, key: Span, value: Node<'a>) -> bool {
        let mut places = [key.start, value.span().start].into_iter();
        !places.any(|at| self.touched.contains(&at))
    }

    /// Leaves a member out; no later rule speaks of it.
    fn drop(&mut self, parent: Node<'a>, key: Span, value: Node<'a>) {
        self.changes.cut(parent, key);
        self.touched.extend([key.start, value.span().start]);
    }

    /// Puts another value there, if the action says so. A number that is
    /// within its bounds is settled by them too: a later rule must not drop it
    /// where it would have kept one beyond them.
    fn put(&mut self, action: &Action, value: Node<'a>) -> bool {
        let span = value.span();
        if self.touched.contains(&span.start) {
            return false;
        }
        let (is_settled, other) = match action {
            Action::Within(least, most) => {
                let bound = within(value, least.as_deref(), most.as_deref());
                let bound = bound.map(|bound| bound.as_bytes().to_vec());
                (value.kind() == Kind::Number, bound)
            }
            Action::Values(values) => {
                let said = value.str();
                let mut known = values.iter();
                let other = known.find(|(from, _)| said.as_deref() == Some(from));
                (other.is_some(), other.map(|(_, to)| written(to)))
            }
            Action::Text => {
                let text = joined(value);
                (text.is_some(), text.map(|text| written(&text)))
            }
            _ => (false, None),
        };
        if is_settled {
            self.touched.insert(span.start);
        }
        let is_put = other.is_some();
        if let Some(other) = other {
            self.changes.put(span, other);
        }
        is_put
    }

    /// Cuts all members but these; gives the first that said anything.
    fn allow(&mut self, names: &[String], found: &Found<'a>) -> Option<String> {
        let mut lost = None;
        for (name, key, value) in found.value.entries() {
            if names.iter().any(|known| *known == name) || !self.is_free(key, value) {
                continue;
            }
            self.drop(found.value, key, value);
            if lost.is_none() && says(&value) {
                let path = found.path();
                lost = Some(match path.as_str() {
                    "" => name.into_owned(),
                    _ => format!("{path}.{name}"),
                });
            }
        }
        lost
    }

    /// Tells what a rule took away.
    fn tell(&mut self, rule: &FieldRule, field: String) {
        if rule.action == Action::Refuse {
            let loss = Loss::meaning(field, "it refuses this");
            self.mended.refused.get_or_insert(loss);
            return;
        }
        let why = match &rule.action {
            Action::Drop | Action::Allow(_) => "it refuses this".to_owned(),
            Action::AtMost(most) => format!("it takes {most} at most"),
            _ => "it takes another value only".to_owned(),
        };
        if let Some(weight) = rule.loss {
            self.mended.losses.push(match weight {
                Weight::Hint => Loss::hint(field, why),
                Weight::Meaning => Loss::meaning(field, why),
            });
        }
    }
}

/// Whether a member says anything: SDKs send what they got back with all its
/// empty places.
fn says(value: &Node<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::Array => value.items().next().is_some(),
        Kind::Object => value.entries().next().is_some(),
        Kind::Bool | Kind::Number | Kind::String => true,
    }
}

/// The bound that a number is beyond.
fn within<'b>(value: Node<'_>, least: Option<&'b str>, most: Option<&'b str>) -> Option<&'b str> {
    if value.kind() != Kind::Number {
        return None;
    }
    let number: f64 = std::str::from_utf8(value.raw()).ok()?.parse().ok()?;
    let bound = |text: &str| text.parse::<f64>().ok();
    let too_small = least.filter(|least| bound(least).is_some_and(|least| number < least));
    let too_large = most.filter(|most| bound(most).is_some_and(|most| number > most));
    too_small.or(too_large)
}

/// This string, as JSON has it.
fn written(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

/// Parts that are all text, as one string.
fn joined(value: Node<'_>) -> Option<String> {
    let mut said = String::new();
    match value.kind() {
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
        _ => return None,
    }
    Some(said)
}

#[cfg(test)]
mod tests;
