//! Tools' names, as the client and as the target has them.
//!
//! Targets allow other characters and other lengths. A name that does not fit
//! is written in another way, by the name alone and so the same in every turn,
//! and read back in the answer. Nothing is kept between requests.

use std::collections::{BTreeMap, BTreeSet};

use domain::canon::{Block, Request};

/// The longest that every target allows.
const LONGEST: usize = 64;

/// The names of one request that are written in another way.
#[derive(Clone, Debug, Default)]
pub struct Names {
    outward: BTreeMap<String, String>,
    inward: BTreeMap<String, String>,
}

impl Names {
    /// Of all tools that are declared or were called in `request`.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let declared = request.tools.iter().map(|tool| tool.name.as_str());
        let blocks = request.messages.iter().flat_map(|message| &message.content);
        let called = blocks.filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.name.as_str()),
            _ => None,
        });
        Self::within(LONGEST, declared.chain(called))
    }

    /// Of these, where a target takes no longer ones.
    #[must_use]
    pub fn within<'a>(longest: usize, names: impl Iterator<Item = &'a str>) -> Self {
        let all: BTreeSet<&str> = names.collect();
        let mut names = Self::default();
        for name in all.iter().filter(|name| !fits(name, longest)) {
            let is_taken = |other: &str| all.contains(other) || names.inward.contains_key(other);
            let mut written = shortened(name, 0, longest);
            let mut round = 0;
            while is_taken(&written) {
                round += 1;
                written = shortened(name, round, longest);
            }
            names.outward.insert((*name).to_owned(), written.clone());
            names.inward.insert(written, (*name).to_owned());
        }
        names
    }

    /// Whether all are written as they are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outward.is_empty()
    }

    /// As the target has it.
    #[must_use]
    pub fn outward<'a>(&'a self, name: &'a str) -> &'a str {
        self.outward.get(name).map_or(name, String::as_str)
    }

    /// As the client has it.
    #[must_use]
    pub fn inward<'a>(&'a self, name: &'a str) -> &'a str {
        self.inward.get(name).map_or(name, String::as_str)
    }
}

/// Whether every target takes it: letters, digits, `_` and `-`, the first no
/// digit and no `-` (Gemini).
fn fits(name: &str, longest: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.len() <= longest
        && name.bytes().all(is_word)
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// What is left of a name, and a mark of all of it.
fn shortened(name: &str, round: u64, longest: usize) -> String {
    let clean = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') => letter,
        _ => '_',
    };
    let mark = format!("_{:08x}", fnv(name, round) as u32);
    let mut out: String = name.chars().map(clean).collect();
    if !out.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        out.insert(0, '_');
    }
    out.truncate(longest.saturating_sub(mark.len()).max(1));
    out + &mark
}

/// FNV-1a, 64 bits: the same in every process and for ever.
fn fnv(name: &str, round: u64) -> u64 {
    let bytes = name.bytes().chain(round.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::canon::{Tool, ToolKind};

    fn of(names: &[&str]) -> Names {
        let tools = names
            .iter()
            .map(|name| Tool::new(*name, ToolKind::Function { schema: None }));
        Names::of(&Request {
            tools: tools.collect(),
            ..Request::default()
        })
    }

    #[test]
    fn a_name_that_fits_stays() {
        let names = of(&["get_weather"]);
        assert_eq!(names.outward("get_weather"), "get_weather");
        assert_eq!(names.inward("get_weather"), "get_weather");
    }

    #[test]
    fn a_name_that_does_not_fit_comes_back_as_it_was() {
        let long = "mcp__server__".repeat(9);
        let twin = format!("{long}x");
        let names = of(&[&long, &twin, "get.weather", "get/weather", "1st"]);
        let mut written = Vec::new();
        for name in [&*long, &*twin, "get.weather", "get/weather", "1st"] {
            let out = names.outward(name);
            assert!(fits(out, LONGEST), "{out}");
            assert_eq!(names.inward(out), name);
            written.push(out.to_owned());
        }
        written.sort();
        written.dedup();
        assert_eq!(written.len(), 5);
    }

    #[test]
    fn every_turn_writes_a_name_in_the_same_way() {
        let long = "a".repeat(100);
        assert_eq!(
            of(&[&long]).outward(&long),
            of(&["b", &long]).outward(&long)
        );
    }
}
