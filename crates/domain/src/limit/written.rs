//! Limits as they stand in a file, and in the store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Limit, Window};
use crate::calendar::{Begin, Calendar, Unit, Zone};
use crate::counters::Measure;
use crate::money::NanoUsd;

/// Units that are a span of time like any other, without a calendar.
const SPANS: [(Unit, u64); 4] = [
    (Unit::Second, 1),
    (Unit::Minute, 60),
    (Unit::Hour, 3_600),
    (Unit::Day, 86_400),
];

pub(super) fn named(span: Duration) -> Option<Unit> {
    let found = SPANS
        .iter()
        .find(|(_, length)| Duration::from_secs(*length) == span);
    found.map(|(unit, _)| *unit)
}

/// `90s`, `12h`, `30d`: the longest unit that divides it.
pub(super) fn spelled(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let fits = units
        .iter()
        .find(|(_, length)| seconds.is_multiple_of(*length));
    match fits {
        Some((unit, length)) if seconds > 0 => format!("{}{unit}", seconds / length),
        _ => format!("{seconds}s"),
    }
}

fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.len().checked_sub(1)?);
    let length = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(length)?;
    (1..=MOST_SECONDS)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

/// No window is longer than ten years.
pub(super) const MOST_SECONDS: u64 = 3_660 * 86_400;

/// A limit, as it stands in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usd: Option<Dollars>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calendar: Option<Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) begins: Option<Begins>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) models: Vec<String>,
}

/// Where a period begins, as far as it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Begins {
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekday: Option<i8>,
}

impl Begins {
    fn read(self) -> Result<Begin, String> {
        let plain = Begin::default();
        let within = |what, said: Option<i8>, most, usual| match said {
            Some(it) if !(1..=most).contains(&it) => {
                Err(format!("`begins.{what}` is between 1 and {most}, not {it}"))
            }
            said => Ok(said.unwrap_or(usual)),
        };
        Ok(Begin {
            month: within("month", self.month, 12, plain.month)?,
            day: within("day", self.day, 28, plain.day)?,
            weekday: within("weekday", self.weekday, 7, plain.weekday)?,
        })
    }

    fn of(begin: Begin) -> Option<Self> {
        let plain = Begin::default();
        let said = |it, usual| (it != usual).then_some(it);
        let said = Self {
            month: said(begin.month, plain.month),
            day: said(begin.day, plain.day),
            weekday: said(begin.weekday, plain.weekday),
        };
        (said != Self::default()).then_some(said)
    }
}

impl Written {
    fn window(&self) -> Result<Window, String> {
        let Some(per) = self.per.as_deref() else {
            return Err("it says no time; write `per: minute`, `per: month` or `per: 90s`".into());
        };
        let zone = self.calendar.clone();
        if let Some(length) = span(per) {
            return match zone {
                None => Ok(Window::Rolling(length)),
                Some(_) => Err(format!(
                    "`per: {per}` has no place in a calendar; write a unit like `day` or `month`, \
                     or leave `calendar` out"
                )),
            };
        }
        let unit: Unit = per.parse().map_err(|_| {
            let units: Vec<&str> = Unit::ALL.iter().map(|unit| unit.as_str()).collect();
            format!(
                "`{per}` is no time; write one of {}, or a span like `90s`",
                units.join(", ")
            )
        })?;
        let begin = self.begins.unwrap_or_default().read()?;
        let length = SPANS.iter().find(|(its, _)| *its == unit);
        match (length, zone) {
            (Some((_, seconds)), None) => Ok(Window::Rolling(Duration::from_secs(*seconds))),
            (_, zone) => Ok(Window::Calendar(Calendar {
                unit,
                zone: zone.unwrap_or_default(),
                begin,
            })),
        }
    }
}

impl TryFrom<Written> for Limit {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let dollars = written.usd.map(|usd| usd.0);
        let said: Vec<(Measure, u64)> = [
            (Measure::Requests, written.requests),
            (Measure::Tokens, written.tokens),
            (Measure::Cost, dollars),
            (Measure::Parallel, written.parallel),
        ]
        .into_iter()
        .filter_map(|(measure, amount)| Some((measure, amount?)))
        .collect();
        let [(measure, amount)] = said[..] else {
            return Err(
                "a limit counts one thing; write one of `requests`, `tokens`, `usd`, `parallel`"
                    .into(),
            );
        };
        let window = match measure {
            Measure::Parallel if written.per.is_some() || written.calendar.is_some() => {
                return Err("what runs at the same time has no `per` and no `calendar`".into());
            }
            Measure::Parallel => Window::Now,
            _ => written.window()?,
        };
        let is_calendar = matches!(window, Window::Calendar(_));
        if written.begins.is_some() && !is_calendar {
            return Err("`begins` needs a `per` of a calendar, like `month` or `year`".into());
        }
        Ok(Self {
            measure,
            amount,
            window,
            by: written.by.as_deref().map(str::parse).transpose()?,
            models: written.models,
        })
    }
}

impl From<Limit> for Written {
    fn from(limit: Limit) -> Self {
        let mut written = Self {
            by: limit.by.map(|by| by.to_string()),
            models: limit.models,
            ..Self::default()
        };
        let amount = Some(limit.amount);
        match limit.measure {
            Measure::Requests => written.requests = amount,
            Measure::Tokens => written.tokens = amount,
            Measure::Cost => written.usd = amount.map(Dollars),
            Measure::Parallel => written.parallel = amount,
        }
        match limit.window {
            Window::Now => {}
            Window::Rolling(span) => {
                let unit = named(span).map(|unit| unit.as_str().to_owned());
                written.per = Some(unit.unwrap_or_else(|| spelled(span)));
            }
            Window::Calendar(calendar) => {
                written.per = Some(calendar.unit.as_str().to_owned());
                written.begins = Begins::of(calendar.begin);
                written.calendar = Some(calendar.zone);
            }
        }
        written
    }
}

/// An amount of money, in nano-dollars: `12.50` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dollars(pub(crate) u64);
crate::as_text!(Dollars);

impl std::str::FromStr for Dollars {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let nanos: NanoUsd = text.parse()?;
        Ok(Self(nanos.0.unsigned_abs()))
    }
}

impl std::fmt::Display for Dollars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        NanoUsd(i64::try_from(self.0).unwrap_or(i64::MAX)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Limit, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_read_and_print_the_same() {
        for (json, sentence) in [
            (
                r#"{"requests":600,"per":"minute"}"#,
                "600 requests per minute",
            ),
            (
                r#"{"tokens":10,"per":"36h","by":"tag:env"}"#,
                "10 tokens per 36h and value of the tag `env`",
            ),
            (
                r#"{"usd":"12.5","per":"month","calendar":"Europe/Vienna","begins":{"day":15}}"#,
                "12.5 USD per month",
            ),
            (
                r#"{"usd":"3","per":"ever","calendar":"UTC","models":["gpt-*"]}"#,
                "3 USD in all",
            ),
            (
                r#"{"parallel":5,"by":"end_user"}"#,
                "5 requests at the same time and end user",
            ),
        ] {
            let limit = read(json).expect(json);
            assert_eq!(limit.to_string(), sentence);
            assert_eq!(serde_json::to_string(&limit).expect("JSON"), json);
        }
    }

    #[test]
    fn a_month_is_one_of_the_calendar_and_an_hour_any_sixty_minutes() {
        let month = read(r#"{"usd":"1","per":"month"}"#).expect("a limit");
        assert!(matches!(month.window, Window::Calendar(_)));
        let hour = read(r#"{"usd":"1","per":"hour"}"#).expect("a limit");
        assert_eq!(hour.window, Window::Rolling(Duration::from_secs(3_600)));
    }

    #[test]
    fn what_makes_no_sense_is_told_so() {
        for (json, said) in [
            (r#"{"per":"day"}"#, "counts one thing"),
            (
                r#"{"requests":1,"tokens":1,"per":"day"}"#,
                "counts one thing",
            ),
            (r#"{"requests":1}"#, "says no time"),
            (
                r#"{"requests":1,"per":"fortnight"}"#,
                "`fortnight` is no time",
            ),
            (r#"{"requests":1,"per":"0s"}"#, "no time"),
            (
                r#"{"requests":1,"per":"90s","calendar":"UTC"}"#,
                "no place in a calendar",
            ),
            (
                r#"{"requests":1,"per":"day","calendar":"Mars"}"#,
                "no time zone",
            ),
            (
                r#"{"requests":1,"per":"day","begins":{"day":2}}"#,
                "needs a `per` of a calendar",
            ),
            (
                r#"{"requests":1,"per":"month","begins":{"day":31}}"#,
                "between 1 and 28",
            ),
            (r#"{"parallel":1,"per":"day"}"#, "no `per`"),
            (r#"{"parallel":1,"by":"shoe"}"#, "nothing to count by"),
            (r#"{"usd":"-1","per":"day"}"#, "no amount"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
