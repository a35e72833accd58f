//! Calendar periods: a day, a month, a fiscal year, each as a time zone has it.
//!
//! A period is half open, `[start, end)`, in UTC microseconds. Days of 23 and
//! 25 hours are days; an hour that a clock shows twice is two hours.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use crate::time::UnixMicros;

/// A length that calendars know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday on, or another day.
    Week,
    /// From the first on, or another day.
    Month,
    /// Three months from January on, or another month.
    Quarter,
    /// From January on, or another month and day: a fiscal year.
    Year,
    /// One period that never ends.
    Ever,
}

impl Unit {
    /// Every unit, shortest first.
    pub const ALL: [Self; 9] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Ever,
    ];

    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Ever => "ever",
        }
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|unit| unit.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no period"))
    }
}

/// A time zone by its name in the IANA database, which is in the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);
crate::as_text!(Zone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        TimeZone::get(text).map(Self).map_err(|_| {
            format!("`{text}` is no time zone; write one like `UTC` or `Europe/Vienna`")
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// Where a period begins, for those that need not begin where the calendar's
/// does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Begin {
    /// The month of a year, or the first of a quarter: 1 to 12.
    pub month: i8,
    /// The day of a month: 1 to 28, which every month has.
    pub day: i8,
    /// The day of a week: 1 is Monday, 7 Sunday.
    pub weekday: i8,
}

impl Default for Begin {
    fn default() -> Self {
        Self {
            month: 1,
            day: 1,
            weekday: 1,
        }
    }
}

/// A kind of period: every one of them, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// How long one is.
    pub unit: Unit,
    /// Whose clock counts.
    pub zone: Zone,
    /// Where it begins.
    pub begin: Begin,
}

/// One period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// Its first microsecond.
    pub start: UnixMicros,
    /// The first that is not its any more.
    pub end: UnixMicros,
}

impl Period {
    /// All of time.
    pub const EVER: Self = Self {
        start: UnixMicros(i64::MIN),
        end: UnixMicros(i64::MAX),
    };

    /// Whether this moment is in it.
    #[must_use]
    pub fn holds(&self, at: UnixMicros) -> bool {
        self.start <= at && at < self.end
    }
}

impl Calendar {
    /// The period that holds this moment. Moments beyond the years −9999 to
    /// 9999 are in a period without end.
    #[must_use]
    pub fn period(&self, at: UnixMicros) -> Period {
        self.found(at).unwrap_or(Period::EVER)
    }

    fn found(&self, at: UnixMicros) -> Option<Period> {
        let moment = Timestamp::from_microsecond(at.0).ok()?;
        let local = moment.to_zoned(self.zone.0.clone());
        let seconds = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            _ => return self.of_days(&local),
        };
        // As the clock on the wall shows it, counted in time that passes.
        let offset = i64::from(local.offset().seconds()) * 1_000_000;
        let length = seconds * 1_000_000;
        let start = (at.0 + offset).div_euclid(length) * length - offset;
        Some(Period {
            start: UnixMicros(start),
            end: UnixMicros(start + length),
        })
    }

    fn of_days(&self, local: &Zoned) -> Option<Period> {
        let (first, next) = self.days(local.date())?;
        let midnight = |day: Date| {
            let start = day
                .to_zoned(self.zone.0.clone())
                .ok()?
                .start_of_day()
                .ok()?;
            Some(UnixMicros(start.timestamp().as_microsecond()))
        };
        Some(Period {
            start: midnight(first)?,
            end: midnight(next)?,
        })
    }

    /// The first day of the period that holds this one, and of the next.
    fn days(&self, day: Date) -> Option<(Date, Date)> {
        let Begin {
            month,
            day: first,
            weekday,
        } = self.begin;
        let months = match self.unit {
            Unit::Day => return Some((day, day.tomorrow().ok()?)),
            Unit::Week => {
                let wanted = Weekday::from_monday_one_offset(weekday).ok()?;
                let since = day.weekday().since(wanted);
                let start = day.checked_sub(i64::from(since).days()).ok()?;
                return Some((start, start.checked_add(7.days()).ok()?));
            }
            Unit::Month => 1,
            Unit::Quarter => 3,
            Unit::Year => 12,
            _ => return None,
        };
        // Months since the one that it begins in, whose day may be to come.
        let passed = (day.month() - month).rem_euclid(months);
        let this = day.first_of_month();
        let mut start = this.checked_sub(i64::from(passed).months()).ok()?;
        start = start.with().day(first).build().ok()?;
        if start > day {
            start = start.checked_sub(i64::from(months).months()).ok()?;
        }
        Some((start, start.checked_add(i64::from(months).months()).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> UnixMicros {
        let moment: Timestamp = text.parse().expect(text);
        UnixMicros(moment.as_microsecond())
    }

    fn period(unit: Unit, zone: &str, begin: Begin, moment: &str) -> [String; 2] {
        let zone = zone.parse().expect(zone);
        let period = Calendar { unit, zone, begin }.period(at(moment));
        [period.start, period.end].map(|UnixMicros(it)| {
            let it = Timestamp::from_microsecond(it).expect("a moment");
            it.to_string()
        })
    }

    #[test]
    fn a_day_is_as_long_as_its_clock_says() {
        let plain = Begin::default();
        let spring = period(Unit::Day, "Europe/Vienna", plain, "2026-03-29T12:00:00Z");
        assert_eq!(spring, ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        let autumn = period(Unit::Day, "Europe/Vienna", plain, "2026-10-25T12:00:00Z");
        assert_eq!(autumn, ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
        let half = period(Unit::Hour, "Asia/Kolkata", plain, "2026-03-29T12:10:00Z");
        assert_eq!(half, ["2026-03-29T11:30:00Z", "2026-03-29T12:30:00Z"]);
    }

    #[test]
    fn weeks_and_months_begin_where_they_are_told_to() {
        let begin = Begin {
            day: 15,
            weekday: 7,
            ..Begin::default()
        };
        let week = period(Unit::Week, "UTC", begin, "2026-11-27T01:00:00Z");
        assert_eq!(week, ["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]);
        let before = period(Unit::Month, "UTC", begin, "2026-01-14T01:00:00Z");
        assert_eq!(before, ["2025-12-15T00:00:00Z", "2026-01-15T00:00:00Z"]);
        let behind = period(Unit::Month, "UTC", begin, "2026-01-15T00:00:00Z");
        assert_eq!(behind, ["2026-01-15T00:00:00Z", "2026-02-15T00:00:00Z"]);
    }

    #[test]
    fn a_fiscal_year_has_its_own_quarters() {
        let april = Begin {
            month: 4,
            day: 6,
            ..Begin::default()
        };
        let year = period(Unit::Year, "UTC", april, "2026-04-05T23:00:00Z");
        assert_eq!(year, ["2025-04-06T00:00:00Z", "2026-04-06T00:00:00Z"]);
        let quarter = period(Unit::Quarter, "UTC", april, "2026-11-27T01:00:00Z");
        assert_eq!(quarter, ["2026-10-06T00:00:00Z", "2027-01-06T00:00:00Z"]);
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_without_a_gap(
            seconds in 0_i64..4_000_000_000,
            unit in prop::sample::select(&Unit::ALL[..]),
            zone in prop::sample::select(&["UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"][..]),
            (month, day, weekday) in (1_i8..=12, 1_i8..=28, 1_i8..=7),
        ) {
            let calendar = Calendar {
                unit,
                zone: zone.parse().expect(zone),
                begin: Begin { month, day, weekday },
            };
            let now = UnixMicros(seconds * 1_000_000 + 17);
            let period = calendar.period(now);
            prop_assert!(period.holds(now), "{period:?}");
            if unit != Unit::Ever {
                prop_assert_eq!(calendar.period(period.start), period);
                prop_assert_eq!(calendar.period(period.end).start, period.end);
                prop_assert_eq!(calendar.period(UnixMicros(period.start.0 - 1)).end, period.start);
            }
        }
    }
}
