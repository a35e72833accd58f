//! `?` as PostgreSQL writes it.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// Statements that were turned already, by where they stand in memory: some
/// are thirty kilobytes long, and reading them again costs more than a lookup.
static TURNED: LazyLock<RwLock<HashMap<(usize, usize), &'static str>>> =
    LazyLock::new(RwLock::default);

/// The statement with `$1`, `$2`… for its values.
pub(super) fn numbered_once(sql: &'static str) -> &'static str {
    let place = (sql.as_ptr() as usize, sql.len());
    let known = TURNED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(turned) = known.get(&place) {
        return turned;
    }
    drop(known);
    let mut known = TURNED.write().unwrap_or_else(PoisonError::into_inner);
    // There are as many as the program has statements.
    known.entry(place).or_insert_with(|| numbered(sql).leak())
}

/// The same, for a statement that does not stay.
pub(super) fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + sql.len() / 8);
    let mut count = 0;
    let mut is_text = false;
    let mut rest = sql.chars().peekable();
    while let Some(next) = rest.next() {
        is_text ^= next == '\'';
        if next != '?' || is_text {
            out.push(next);
            continue;
        }
        out.push('$');
        // `?1` says itself which one.
        if !rest.peek().is_some_and(char::is_ascii_digit) {
            count += 1;
            out.push_str(&count.to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_unless_they_say_their_number() {
        assert_eq!(
            numbered("a = ? AND b IN (?, ?)"),
            "a = $1 AND b IN ($2, $3)"
        );
        assert_eq!(numbered("a = ?2 OR b = ?1"), "a = $2 OR b = $1");
    }

    #[test]
    fn a_question_mark_in_a_text_is_none() {
        assert_eq!(numbered("a = '?''?' AND b = ?"), "a = '?''?' AND b = $1");
    }

    #[test]
    fn a_statement_is_turned_once() {
        let sql = "SELECT ?";
        assert!(std::ptr::eq(numbered_once(sql), numbered_once(sql)));
    }
}
