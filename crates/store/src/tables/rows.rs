//! Numbers as databases keep them: signed, 64 bits.

/// A count as a column. What does not fit is the largest number there is.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A column as a count; nothing below zero was ever written.
pub(super) fn unsigned(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}
