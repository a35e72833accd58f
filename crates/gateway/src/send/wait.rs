//! How long an upstream says to wait.

use std::time::Duration;

use http1::Fields;

/// A longer wait is taken for nonsense.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(super) fn retry_after(fields: &Fields) -> Option<Duration> {
    let number = |name: &str| fields.text(name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))
        .or_else(|| {
            let date = fields.text("retry-after")?;
            seconds_until(date, crate::plane::now().seconds())
        })?;
    (0.0..=LONGEST_WAIT.as_secs_f64())
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// The seconds from `now` until an HTTP date; none for one that is past.
fn seconds_until(date: &str, now: i64) -> Option<f64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let at = parser.parse_timestamp(date.trim()).ok()?.as_second();
    Some(at.saturating_sub(now).max(0) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_after_may_be_a_date() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(seconds_until(date, 784_111_770), Some(7.0));
        assert_eq!(seconds_until(date, 784_111_790), Some(0.0));
        assert_eq!(seconds_until("soon", 0), None);
    }
}
