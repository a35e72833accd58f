//! How much a file may be. Whoever may write it may stop the gateway, but a
//! slip or a file that others made should be told, not take all memory.

use serde_saphyr::Options;

use super::error::Problem;

/// The longest file: ten thousand models are a quarter of it.
pub(crate) const LONGEST: usize = 4 << 20;
/// What all paths together may take that [`super::source`] remembers.
pub(crate) const PATHS: usize = 32 << 20;
/// Problems that are told at once, and warnings.
pub(crate) const TOLD: usize = 100;

/// How YAML is read: `no` in a list of words is a word, as in YAML 1.2, and
/// aliases stand for so much and no more.
#[must_use]
pub fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_depth: 24,
            max_anchors: 1_000,
            max_aliases: 2_000,
            max_recorded_anchor_events: 20_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 4,
        },
    }
}

/// Whether a file is too long to be one.
pub(crate) fn check(file: &str, length: usize) -> Result<(), Problem> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(Problem {
        file: file.to_owned(),
        spot: None,
        path: String::new(),
        message: format!("the file is longer than {} MiB", LONGEST >> 20),
        help: Some("is it the right one?".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn said(text: &str) -> String {
        let error = crate::parse("f.yaml", text).expect_err("too much");
        error.to_string()
    }

    #[test]
    fn a_bomb_of_aliases_is_refused_where_it_goes_off() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}, ", level - 1).repeat(9);
            writeln!(text, "a{level}: &a{level} [{alias}]").expect("written");
        }
        text.push_str("guards: {g: *a11}\n");
        let told = said(&text);
        assert!(told.starts_with("f.yaml:"), "{told}");
        assert!(told.len() < 400, "{told}");
        let bomb = text
            .replace("a0: &a0", "guards:\n  g0: &a0")
            .replace("\na", "\n  a");
        let told = said(&bomb);
        assert!(told.contains("alias"), "{told}");
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let text = format!("{}x{}", open.repeat(100_000), close.repeat(100_000));
            let told = said(&text);
            assert!(told.starts_with("f.yaml:1:") && told.len() < 300, "{told}");
        }
    }

    #[test]
    fn a_long_name_around_much_takes_no_room() {
        let name = "n".repeat(1 << 17);
        let items = "0, ".repeat(20_000);
        let (config, _) = crate::parse(
            "f.yaml",
            &format!("guards:\n  ? {name}\n  : {{kind: size, x: [{items}]}}\n"),
        )
        .expect("right");
        assert_eq!(config.guards.len(), 1);
    }

    #[test]
    fn of_very_many_problems_the_first_are_told() {
        let text = format!("keys: [{}]", "{name: '', key: 'env:K'}, ".repeat(5_000));
        let told = said(&text);
        assert_eq!(
            told.lines()
                .filter(|line| line.contains("f.yaml:1:"))
                .count(),
            TOLD + 1
        );
        assert!(told.contains("more problems are not told"), "{told}");
    }

    #[test]
    fn a_file_that_is_none_is_refused_by_its_length() {
        assert!(said(&"#".repeat(LONGEST + 1)).contains("longer than 4 MiB"));
    }
}
