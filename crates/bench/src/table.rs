//! A figure as a row: what it should be, what it is, what it was.

use serde::{Deserialize, Serialize};

use crate::numbers::Spread;

/// A measured figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What finds it again in another table.
    pub(crate) id: String,
    /// What it is, for a reader.
    pub(crate) figure: String,
    /// Its unit.
    pub(crate) unit: String,
    /// The gateway's.
    pub(crate) ours: Option<Spread>,
    /// What it is compared with.
    pub(crate) beside: Option<Spread>,
    /// What that is; nginx with its log if it is not said.
    pub(crate) beside_name: String,
    /// Ours over the other, round by round.
    pub(crate) ratio: Option<f64>,
    /// What is wanted.
    pub(crate) bound: Option<Bound>,
    /// What else is to be known.
    pub(crate) note: String,
}

/// What is wanted of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bound {
    /// What is judged.
    pub(crate) of: Judged,
    /// Which way is good.
    pub(crate) sense: Sense,
    /// Beyond it the gateway is not good enough.
    pub(crate) must: f64,
    /// Up to it the gateway could be better.
    pub(crate) goal: f64,
}

/// What a bound judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Judged {
    /// The quotient.
    Ratio,
    /// The gateway's median.
    Ours,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sense {
    /// Less is better.
    AtMost,
    /// More is better.
    AtLeast,
}

/// How a figure does against its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is wanted, it is only reported.
    Reported,
    /// It was not measured.
    NotMeasured,
    /// As good as it should be.
    Ok,
    /// Good enough, no more.
    MissesGoal,
    /// Not good enough.
    MissesMust,
}

impl Verdict {
    /// For a table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Reported => "",
            Self::NotMeasured => "not measured",
            Self::Ok => "ok",
            Self::MissesGoal => "misses goal",
            Self::MissesMust => "MISSES MUST",
        }
    }
}

impl Bound {
    /// A quotient of at most so much.
    pub(crate) fn ratio_at_most(must: f64, goal: f64) -> Self {
        Self {
            of: Judged::Ratio,
            sense: Sense::AtMost,
            must,
            goal,
        }
    }

    /// A quotient of at least so much.
    pub(crate) fn ratio_at_least(must: f64, goal: f64) -> Self {
        Self {
            sense: Sense::AtLeast,
            ..Self::ratio_at_most(must, goal)
        }
    }

    /// A figure of at most so much.
    pub(crate) fn at_most(must: f64, goal: f64) -> Self {
        Self {
            of: Judged::Ours,
            ..Self::ratio_at_most(must, goal)
        }
    }

    fn keeps(self, value: f64, limit: f64) -> bool {
        match self.sense {
            Sense::AtMost => value <= limit,
            Sense::AtLeast => value >= limit,
        }
    }
}

impl Row {
    /// One without values.
    pub(crate) fn new(id: &str, figure: &str, unit: &str) -> Self {
        Self {
            id: id.to_owned(),
            figure: figure.to_owned(),
            unit: unit.to_owned(),
            ours: None,
            beside: None,
            beside_name: String::new(),
            ratio: None,
            bound: None,
            note: String::new(),
        }
    }

    /// With the rounds' values of the gateway.
    pub(crate) fn ours(mut self, values: &[f64]) -> Self {
        self.ours = Spread::of(values);
        self
    }

    /// With the gateway's values and those measured beside, round by round.
    pub(crate) fn pair(mut self, ours: &[f64], beside: &[f64]) -> Self {
        self.beside = Spread::of(beside);
        self.ratio = crate::numbers::paired(ours, beside);
        self.ours(ours)
    }

    /// The same for differences of noisy values, which may be near nothing in
    /// a round: the ratio is that of the medians.
    pub(crate) fn pair_of_medians(self, ours: &[f64], beside: &[f64]) -> Self {
        let mut row = self.pair(ours, beside);
        row.ratio = row
            .ours
            .zip(row.beside)
            .filter(|(_, beside)| beside.median > 0.0)
            .map(|(ours, beside)| ours.median / beside.median);
        row
    }

    /// Compared with something else than nginx.
    pub(crate) fn against(mut self, name: &str) -> Self {
        name.clone_into(&mut self.beside_name);
        self
    }

    /// With what is wanted.
    pub(crate) fn wants(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// With a remark.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// What a bound judges; without one, the gateway's median.
    pub(crate) fn judged(&self) -> Option<f64> {
        match self.bound.map(|bound| bound.of) {
            Some(Judged::Ratio) => self.ratio,
            Some(Judged::Ours) | None => self.ours.map(|ours| ours.median),
        }
    }

    /// How it does.
    pub(crate) fn verdict(&self) -> Verdict {
        let Some(bound) = self.bound else {
            return Verdict::Reported;
        };
        let Some(value) = self.judged() else {
            return Verdict::NotMeasured;
        };
        if !bound.keeps(value, bound.must) {
            Verdict::MissesMust
        } else if !bound.keeps(value, bound.goal) {
            Verdict::MissesGoal
        } else {
            Verdict::Ok
        }
    }

    /// The change against the same figure of an earlier table, in percent.
    pub(crate) fn change(&self, last: &Self) -> Option<f64> {
        let (now, then) = (self.judged()?, last.judged()?);
        (then > 0.0).then(|| (now / then - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, beside: f64, bound: Bound) -> Row {
        Row::new("a", "a figure", "µs")
            .pair(&[ours], &[beside])
            .wants(bound)
    }

    #[test]
    fn a_quotient_is_judged_against_must_and_goal() {
        let bound = Bound::ratio_at_most(1.15, 1.0);
        assert_eq!(row(9.0, 10.0, bound).verdict(), Verdict::Ok);
        assert_eq!(row(10.0, 10.0, bound).verdict(), Verdict::Ok);
        assert_eq!(row(11.0, 10.0, bound).verdict(), Verdict::MissesGoal);
        assert_eq!(row(12.0, 10.0, bound).verdict(), Verdict::MissesMust);
    }

    #[test]
    fn noisy_differences_are_compared_by_their_medians() {
        let row = |beside: &[f64]| {
            Row::new("a", "a", "µs")
                .pair_of_medians(&[30.0, 40.0, 50.0], beside)
                .ratio
        };
        assert_eq!(row(&[-1.0, 20.0, 90.0]), Some(2.0));
        assert_eq!(row(&[-9.0, -1.0, 90.0]), None);
    }

    #[test]
    fn where_more_is_better_less_is_a_miss() {
        let bound = Bound::ratio_at_least(0.75, 1.0);
        assert_eq!(row(11.0, 10.0, bound).verdict(), Verdict::Ok);
        assert_eq!(row(8.0, 10.0, bound).verdict(), Verdict::MissesGoal);
        assert_eq!(row(7.0, 10.0, bound).verdict(), Verdict::MissesMust);
    }

    #[test]
    fn a_figure_of_its_own_is_judged_by_its_median() {
        let row = Row::new("idle", "idle memory", "MB")
            .ours(&[20.0, 30.0, 31.0])
            .wants(Bound::at_most(40.0, 25.0));
        assert_eq!(row.verdict(), Verdict::MissesGoal);
    }

    #[test]
    fn what_was_not_measured_is_not_ok() {
        let empty = Row::new("a", "a", "µs").wants(Bound::ratio_at_most(1.0, 1.0));
        assert_eq!(empty.verdict(), Verdict::NotMeasured);
        assert_eq!(Row::new("a", "a", "µs").verdict(), Verdict::Reported);
    }

    #[test]
    fn a_change_compares_what_is_judged() {
        let bound = Bound::ratio_at_most(1.15, 1.0);
        let (now, then) = (row(22.0, 20.0, bound), row(10.0, 10.0, bound));
        let change = now.change(&then).expect("a change");
        assert!((change - 10.0).abs() < 1e-9, "{change}");
    }
}
