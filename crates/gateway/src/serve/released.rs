//! When a model came out, as its name says it: `gpt-4o-2024-08-06`,
//! `claude-sonnet-4-20250514`.

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day in a model's name, in seconds since 1970.
pub(super) fn of(name: &str) -> Option<i64> {
    let parts: Vec<&str> = name.split(['-', '@', '_', '.', ':', '/']).collect();
    let whole = parts.iter().filter_map(|part| match part.len() {
        8 => day(part.get(..4)?, part.get(4..6)?, part.get(6..)?),
        _ => None,
    });
    let apart = parts.windows(3).filter_map(|parts| match parts {
        [year, month, date] if (year.len(), month.len(), date.len()) == (4, 2, 2) => {
            day(year, month, date)
        }
        _ => None,
    });
    whole.chain(apart).last()
}

fn day(year: &str, month: &str, date: &str) -> Option<i64> {
    let year = year
        .parse()
        .ok()
        .filter(|year| (2018..2100).contains(year))?;
    let day = Date::new(year, month.parse().ok()?, date.parse().ok()?).ok()?;
    let begun = day.to_zoned(TimeZone::UTC).ok()?;
    Some(begun.timestamp().as_second())
}

/// A time in seconds since 1970, as Anthropic writes one.
pub(super) fn date(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_day_says_when() {
        for (name, wanted) in [
            ("gpt-4o-2024-08-06", "2024-08-06T00:00:00Z"),
            ("claude-sonnet-4-20250514", "2025-05-14T00:00:00Z"),
            (
                "us.anthropic.claude-3-haiku-20240307-v1:0",
                "2024-03-07T00:00:00Z",
            ),
            ("claude-opus-4@20250514", "2025-05-14T00:00:00Z"),
        ] {
            assert_eq!(of(name).map(date).as_deref(), Some(wanted), "{name}");
        }
        for name in ["gpt-4-0613", "llama-3-70b", "m-20251399", "a-12345678", ""] {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
    }
}
