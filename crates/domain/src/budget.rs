//! Budgets: limits on money or tokens that are told about before they are
//! reached, and that may be raised for a while.

use serde::{Deserialize, Serialize};

use crate::counters::Measure;
use crate::limit::{Dollars, Limit, Written};
use crate::time::{Moment, UnixMicros};

/// A budget, as somebody has set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenBudget", into = "WrittenBudget")]
pub struct Budget {
    /// How much in which time.
    pub limit: Limit,
    /// At how many per cent it is told about, in order.
    pub alerts: Vec<u8>,
    /// Whether it refuses what would exceed it; else it is told about alone.
    pub hard: bool,
    /// What it is more, and until when.
    pub raises: Vec<Raise>,
    /// What was spent before does not count; `None` leaves that to whoever
    /// puts the budget in force.
    pub since: Option<UnixMicros>,
    /// What was spent of it elsewhere, before it came here.
    pub already: Option<Already>,
}

/// What was spent of a budget elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Already {
    /// How much, in the budget's own measure.
    pub amount: u64,
    /// When the period is over that it was spent in; `None` if it never is.
    pub until: Option<UnixMicros>,
}

/// More of a budget for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// How much more, in the budget's own measure.
    pub by: u64,
    /// When it begins.
    pub from: UnixMicros,
    /// When it ends.
    pub until: UnixMicros,
    /// Why.
    pub reason: String,
}

impl Budget {
    /// What may be spent of it here at this moment: raises are added, what was
    /// spent elsewhere is not there.
    #[must_use]
    pub fn amount(&self, now: UnixMicros) -> u64 {
        let now_raised = self.raises.iter();
        let more = now_raised.filter(|raise| raise.from <= now && now < raise.until);
        let raised = more.fold(self.limit.amount, |sum, raise| sum.saturating_add(raise.by));
        let already = self
            .already
            .filter(|it| it.until.is_none_or(|until| now < until));
        raised.saturating_sub(already.map_or(0, |it| it.amount))
    }
}

/// At how many per cent a budget is told about unless it says otherwise.
const ALERTS: [u8; 3] = [50, 80, 100];

/// A budget, as it stands in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenBudget {
    #[serde(skip_serializing_if = "Option::is_none")]
    usd: Option<Dollars>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<crate::calendar::Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    begins: Option<crate::limit::Begins>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hard: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    raises: Vec<WrittenRaise>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    already: Option<WrittenAlready>,
}

/// What was spent elsewhere, as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAlready {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    usd: Option<Dollars>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    until: Option<Moment>,
}

impl WrittenAlready {
    fn read(self, measure: Measure) -> Result<Already, String> {
        let amount = match (measure, self.usd, self.tokens) {
            (Measure::Cost, Some(usd), None) => usd.0,
            (Measure::Tokens, None, Some(tokens)) => tokens,
            _ => return Err("`already` is in what its budget is in: `usd` or `tokens`".into()),
        };
        Ok(Already {
            amount,
            until: self.until.map(|until| until.0),
        })
    }

    fn of(already: Already, measure: Measure) -> Self {
        let is_money = measure == Measure::Cost;
        Self {
            usd: is_money.then_some(Dollars(already.amount)),
            tokens: (!is_money).then_some(already.amount),
            until: already.until.map(Moment),
        }
    }
}

/// A raise, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRaise {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    usd: Option<Dollars>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    from: Option<Moment>,
    until: Moment,
    reason: String,
}

impl WrittenRaise {
    fn read(self, measure: Measure) -> Result<Raise, String> {
        let by = match (measure, self.usd, self.tokens) {
            (Measure::Cost, Some(usd), None) => usd.0,
            (Measure::Tokens, None, Some(tokens)) => tokens,
            _ => return Err("a raise is in what its budget is in: `usd` or `tokens`".into()),
        };
        if self.reason.trim().is_empty() {
            return Err("a raise says why; write `reason`".into());
        }
        Ok(Raise {
            by,
            from: self.from.map_or(UnixMicros(i64::MIN), |from| from.0),
            until: self.until.0,
            reason: self.reason,
        })
    }

    fn of(raise: Raise, measure: Measure) -> Self {
        let is_money = measure == Measure::Cost;
        Self {
            usd: is_money.then_some(Dollars(raise.by)),
            tokens: (!is_money).then_some(raise.by),
            from: (raise.from.0 != i64::MIN).then_some(Moment(raise.from)),
            until: Moment(raise.until),
            reason: raise.reason,
        }
    }
}

impl TryFrom<WrittenBudget> for Budget {
    type Error = String;

    fn try_from(written: WrittenBudget) -> Result<Self, String> {
        let limit = Limit::try_from(Written {
            usd: written.usd,
            tokens: written.tokens,
            per: written.per,
            calendar: written.calendar,
            begins: written.begins,
            by: written.by,
            models: written.models,
            ..Written::default()
        });
        let one_of = |error: String| match error.contains("counts one thing") {
            true => "a budget is money or tokens; write `usd` or `tokens`".to_owned(),
            false => error,
        };
        let limit = limit.map_err(one_of)?;
        let mut alerts = written.alerts.unwrap_or_else(|| ALERTS.to_vec());
        alerts.sort_unstable();
        alerts.dedup();
        if alerts.iter().any(|alert| !(1..=100).contains(alert)) {
            return Err("`alerts` are per cent, between 1 and 100".into());
        }
        let raises = written.raises.into_iter();
        Ok(Self {
            raises: raises
                .map(|it| it.read(limit.measure))
                .collect::<Result<_, _>>()?,
            already: written
                .already
                .map(|it| it.read(limit.measure))
                .transpose()?,
            limit,
            alerts,
            hard: written.hard.unwrap_or(true),
            since: written.since.map(|since| since.0),
        })
    }
}

impl From<Budget> for WrittenBudget {
    fn from(budget: Budget) -> Self {
        let measure = budget.limit.measure;
        let limit = Written::from(budget.limit);
        let raises = budget.raises.into_iter();
        Self {
            usd: limit.usd,
            tokens: limit.tokens,
            per: limit.per,
            calendar: limit.calendar,
            begins: limit.begins,
            by: limit.by,
            models: limit.models,
            alerts: (budget.alerts != ALERTS).then_some(budget.alerts),
            hard: (!budget.hard).then_some(false),
            raises: raises.map(|it| WrittenRaise::of(it, measure)).collect(),
            since: budget.since.map(Moment),
            already: budget.already.map(|it| WrittenAlready::of(it, measure)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Budget, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn budgets_read_and_print_the_same() {
        for json in [
            r#"{"usd":"500","per":"month","calendar":"Europe/Vienna"}"#,
            r#"{"tokens":1000,"per":"ever","calendar":"UTC","by":"user","alerts":[90],"hard":false}"#,
            r#"{"usd":"1","per":"day","calendar":"UTC","raises":[{"usd":"2","until":"2026-12-01T00:00:00Z","reason":"launch"}],"since":"2026-11-27T00:00:00Z"}"#,
        ] {
            let json = json.replace(r#""by":"user""#, r#""by":"end_user""#);
            let budget = read(&json).expect(&json);
            assert_eq!(serde_json::to_string(&budget).expect("JSON"), json);
        }
    }

    #[test]
    fn a_raise_counts_until_it_ends() {
        let budget = read(
            r#"{"tokens":10,"per":"day","raises":[{"tokens":5,"from":"1970-01-01T00:00:01Z","until":"1970-01-01T00:00:02Z","reason":"r"}]}"#,
        )
        .expect("a budget");
        let at = |micros| budget.amount(UnixMicros(micros));
        assert_eq!(
            [at(999_999), at(1_000_000), at(1_999_999), at(2_000_000)],
            [10, 15, 15, 10]
        );
    }

    #[test]
    fn what_was_spent_elsewhere_is_not_there_until_its_period_is_over() {
        let json =
            r#"{"tokens":10,"per":"day","already":{"tokens":7,"until":"1970-01-01T00:00:02Z"}}"#;
        let budget = read(json).expect("a budget");
        let at = |micros| budget.amount(UnixMicros(micros));
        assert_eq!([at(1_999_999), at(2_000_000)], [3, 10]);
        assert_eq!(serde_json::to_string(&budget).expect("JSON"), json);
        let spent = read(r#"{"tokens":10,"per":"ever","already":{"tokens":70}}"#);
        assert_eq!(spent.expect("a budget").amount(UnixMicros(5)), 0);
    }

    #[test]
    fn what_makes_no_sense_is_told_so() {
        for (json, said) in [
            (r#"{"per":"day"}"#, "money or tokens"),
            (r#"{"usd":"1","per":"day","alerts":[0]}"#, "per cent"),
            (
                r#"{"usd":"1","per":"day","raises":[{"tokens":5,"until":"2027-01-01","reason":"r"}]}"#,
                "in what its budget is in",
            ),
            (
                r#"{"usd":"1","per":"day","raises":[{"usd":"5","until":"2027-01-01","reason":" "}]}"#,
                "says why",
            ),
            (
                r#"{"usd":"1","per":"day","already":{"tokens":5}}"#,
                "`already` is in what",
            ),
            (r#"{"requests":1,"per":"day"}"#, "unknown field `requests`"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
