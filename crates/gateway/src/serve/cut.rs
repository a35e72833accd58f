//! A page of a list of models, as each dialect asks for one.

use std::ops::Bound;

use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};

use crate::accept::decoded;

/// The longest page that Anthropic and Google give.
const LONGEST: usize = 1000;

/// Which part of a list is asked for. Names are in their order, so that a place
/// stays one when the model at it is gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    after: Option<String>,
    before: Option<String>,
    most: Option<usize>,
}

/// A page.
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    pub(super) has_more: HasMore,
}

/// Whether there are more behind a page; before it, if it was asked for as the
/// last before a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HasMore {
    Yes,
    No,
}

impl Cut {
    /// What a query of this dialect asks for: all of the list where it says
    /// nothing. OpenAI's has no pages.
    ///
    /// # Errors
    /// A number is none, or is none of a page.
    pub(super) fn of(dialect: Dialect, query: &str) -> Result<Self, Refusal> {
        let said = |name: &str| {
            let mut all = query.split('&').filter_map(|part| part.split_once('='));
            let found = all.find(|(key, value)| *key == name && !value.is_empty());
            found.map(|(_, value)| decoded(value)).transpose()
        };
        match dialect {
            Dialect::Anthropic => Ok(Self {
                after: said("after_id")?,
                before: said("before_id")?,
                most: most("limit", said("limit")?, 1..=LONGEST)?,
            }),
            // Google takes a longer page for its longest, and none for its usual one.
            Dialect::Gemini => {
                let most = most("pageSize", said("pageSize")?, 0..=usize::MAX)?;
                Ok(Self {
                    after: said("pageToken")?,
                    before: None,
                    most: most.filter(|most| *most > 0).map(|it| it.min(LONGEST)),
                })
            }
            _ => Ok(Self::default()),
        }
    }

    /// That part of rows which are in the order of their names.
    pub(super) fn applied<T>(&self, mut rows: Vec<T>, name: impl Fn(&T) -> &String) -> Page<T> {
        let edge = |place: &Option<String>| place.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (edge(&self.after), edge(&self.before));
        rows.retain(|row| std::ops::RangeBounds::contains(&range, name(row)));
        let most = self.most.unwrap_or(usize::MAX);
        let has_more = match rows.len() > most {
            true => HasMore::Yes,
            false => HasMore::No,
        };
        match self.before.is_some() && self.after.is_none() {
            true => drop(rows.drain(..rows.len().saturating_sub(most))),
            false => rows.truncate(most),
        }
        Page { rows, has_more }
    }
}

fn most(
    name: &str,
    said: Option<String>,
    range: std::ops::RangeInclusive<usize>,
) -> Result<Option<usize>, Refusal> {
    let Some(said) = said else {
        return Ok(None);
    };
    let number = said.parse().ok().filter(|number| range.contains(number));
    let wrong = || {
        let sentence = match *range.end() {
            usize::MAX => format!("The query's `{name}` is to be a whole number."),
            end => format!("The query's `{name}` is to be a whole number from 1 to {end}."),
        };
        Refusal::new(Reason::BadField, sentence).at(name)
    };
    number.ok_or_else(wrong).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(dialect: Dialect, query: &str) -> (String, HasMore) {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let cut = Cut::of(dialect, query).expect("a page");
        let page = cut.applied(names, |name| name);
        (page.rows.concat(), page.has_more)
    }

    #[test]
    fn anthropics_clients_go_on_from_an_id_either_way() {
        use HasMore::{No, Yes};
        for (query, wanted) in [
            ("", ("abcde", No)),
            ("limit=2", ("ab", Yes)),
            ("limit=2&after_id=b", ("cd", Yes)),
            ("limit=2&after_id=d", ("e", No)),
            ("limit=2&before_id=d", ("bc", Yes)),
            ("limit=2&before_id=c", ("ab", No)),
            ("after_id=bb", ("cde", No)),
            ("pageSize=1", ("abcde", No)),
        ] {
            let (rows, has_more) = page(Dialect::Anthropic, query);
            assert_eq!((&*rows, has_more), wanted, "{query}");
        }
    }

    #[test]
    fn geminis_clients_go_on_by_a_token() {
        use HasMore::{No, Yes};
        for (query, wanted) in [
            ("pageSize=2&key=x", ("ab", Yes)),
            ("pageSize=2&pageToken=b", ("cd", Yes)),
            ("pageSize=2000&pageToken=%62", ("cde", No)),
            ("pageSize=0", ("abcde", No)),
            ("limit=1", ("abcde", No)),
        ] {
            let (rows, has_more) = page(Dialect::Gemini, query);
            assert_eq!((&*rows, has_more), wanted, "{query}");
        }
    }

    #[test]
    fn a_page_that_cannot_be_is_refused_by_its_name() {
        for (dialect, query, field) in [
            (Dialect::Anthropic, "limit=0", "limit"),
            (Dialect::Anthropic, "limit=1001", "limit"),
            (Dialect::Gemini, "pageSize=-1", "pageSize"),
        ] {
            let refusal = Cut::of(dialect, query).expect_err("no page");
            assert_eq!(refusal.param.as_deref(), Some(field));
        }
        assert!(Cut::of(Dialect::OpenAi, "limit=0").is_ok(), "it has none");
    }
}
