//! What must not stand twice in a request: names that are given, and members
//! that come from several places. Others decide how many there are, so each is
//! looked up, and none is compared with all before it.

use std::collections::{BTreeMap, BTreeSet};

/// Names of which no two are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distinct {
    taken: BTreeSet<String>,
    /// The first way to write each wanted name that was not tried yet.
    next: BTreeMap<String, u64>,
}

impl Distinct {
    /// A name for who wants this one. `nth` writes it in one way after the
    /// other, from 0 on, each another; none is a way that may not be.
    pub(crate) fn claim(&mut self, wanted: &str, nth: impl Fn(u64) -> Option<String>) -> String {
        let mut way = self.next.get(wanted).copied().unwrap_or_default();
        loop {
            let name = nth(way);
            way += 1;
            let free = name.filter(|name| !self.taken.contains(name));
            if let Some(name) = free {
                self.next.insert(wanted.to_owned(), way);
                self.taken.insert(name.clone());
                return name;
            }
        }
    }
}

/// The first of each name, in the order in which they came.
pub(crate) fn firsts<N: Ord + Clone, V>(mut all: Vec<(N, V)>) -> Vec<(N, V)> {
    let mut seen = BTreeSet::new();
    all.retain(|(name, _)| seen.insert(name.clone()));
    all
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::translate::counted::{Counted, Counter};

    fn numbered(name: &str, way: u64) -> Option<String> {
        Some(match way {
            0 => name.to_owned(),
            way => format!("{name} ({})", way + 1),
        })
    }

    #[test]
    fn names_that_are_wanted_again_are_numbered() {
        let mut names = Distinct::default();
        let wanted = ["a", "a (2)", "a", "b", "a", "a (2)"];
        let given = wanted.map(|name| names.claim(name, |way| numbered(name, way)));
        assert_eq!(given, ["a", "a (2)", "a (3)", "b", "a (4)", "a (2) (2)"]);
    }

    #[test]
    fn a_name_that_many_want_is_not_counted_from_the_start() {
        let mut names = Distinct::default();
        let tries = Cell::new(0);
        let nth = |way| {
            tries.set(tries.get() + 1);
            numbered("a", way)
        };
        for _ in 0..20_000 {
            names.claim("a", nth);
        }
        assert_eq!(tries.get(), 20_000);
    }

    #[test]
    fn the_first_of_each_name_stays_where_it_stood() {
        let all = vec![("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5)];
        assert_eq!(firsts(all), [("b", 1), ("a", 2), ("c", 4)]);
    }

    #[test]
    fn a_name_is_not_compared_with_all_before_it() {
        let compared = Counter::default();
        let all = (0..20_000).map(|name| {
            (
                Counted {
                    name,
                    compared: &compared,
                },
                (),
            )
        });
        assert_eq!(firsts(all.collect()).len(), 20_000);
        let each = compared.get() / 20_000;
        assert!(each < 64, "{each} comparisons for each");
    }
}
