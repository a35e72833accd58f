//! Limits and budgets of everybody above a key, put in one list when the world
//! changes: a request walks it and does nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::budget::Budget;
use crate::calendar::{Calendar, Period, Unit};
use crate::counters::{Ask, Measure, Span};
use crate::limit::{By, Limit, Window};
use crate::terms::WhenFull;
use crate::time::UnixMicros;

/// A limit or budget that holds for a key.
#[derive(Debug)]
pub struct Bound {
    /// Whose it is, as a sentence has it: "the team `core`", "this key".
    pub holder: Arc<str>,
    /// What it is counted under, what is counted apart left out.
    subject: Arc<str>,
    /// The limit.
    pub limit: Limit,
    /// The budget that it is of.
    pub budget: Option<Budget>,
    /// What to do when it is reached.
    pub when_full: WhenFull,
    /// The period that was last asked about.
    current: Mutex<Option<Period>>,
}

/// What of a request says under which name a bound counts it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subjects<'a> {
    /// The model, by the name of the configuration.
    pub model: &'a str,
    /// The end user that the application names.
    pub end_user: Option<&'a str>,
    /// The session that it names.
    pub session: Option<&'a str>,
    /// Its tags, inherited ones included, by name.
    pub tags: &'a [(Arc<str>, Arc<str>)],
}

impl Clone for Bound {
    fn clone(&self) -> Self {
        Self {
            holder: Arc::clone(&self.holder),
            subject: Arc::clone(&self.subject),
            limit: self.limit.clone(),
            budget: self.budget.clone(),
            when_full: self.when_full.clone(),
            current: Mutex::default(),
        }
    }
}

/// Stands between the parts of a subject: no id or name holds it.
pub const BETWEEN: char = '\u{1f}';

impl Bound {
    /// A limit of this party, counted under its id.
    #[must_use]
    pub fn of_limit(id: &Arc<str>, holder: &Arc<str>, limit: &Limit, when_full: WhenFull) -> Self {
        Self {
            holder: Arc::clone(holder),
            subject: named(id, limit, "limit"),
            limit: limit.clone(),
            budget: None,
            when_full,
            current: Mutex::default(),
        }
    }

    /// A budget of this party.
    #[must_use]
    pub fn of_budget(
        id: &Arc<str>,
        holder: &Arc<str>,
        budget: &Budget,
        when_full: WhenFull,
    ) -> Self {
        let kind = if budget.hard { "budget" } else { "soft budget" };
        Self {
            subject: named(id, &budget.limit, kind),
            limit: budget.limit.clone(),
            budget: Some(budget.clone()),
            ..Self::of_limit(id, holder, &budget.limit, when_full)
        }
    }

    /// What it is counted under, what is counted apart left out: it stays the
    /// same when the amount is changed.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.subject
    }

    /// Whether it may refuse anything.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.budget.as_ref().is_none_or(|budget| budget.hard)
    }

    /// Whether nothing may exceed it: what it counts is reserved by an upper bound
    /// of what a request may use. So are hard budgets, and all that counts money.
    #[must_use]
    pub fn is_wall(&self) -> bool {
        match &self.budget {
            Some(budget) => budget.hard,
            None => self.limit.measure == Measure::Cost,
        }
    }

    /// Whether it needs what is used to be counted.
    #[must_use]
    pub fn needs_usage(&self) -> bool {
        matches!(self.limit.measure, Measure::Tokens | Measure::Cost)
    }

    /// What it is counted under for this request; `None` if it does not count
    /// it.
    #[must_use]
    pub fn subject(&self, of: &Subjects<'_>) -> Option<Arc<str>> {
        match self.apart(of)? {
            None => Some(Arc::clone(&self.subject)),
            Some(apart) => Some(format!("{}{BETWEEN}{apart}", self.subject).into()),
        }
    }

    /// Whether it counts this request.
    #[must_use]
    pub fn counts(&self, of: &Subjects<'_>) -> bool {
        self.apart(of).is_some()
    }

    /// What of this request is counted apart, if anything is; `None` if it does
    /// not count it.
    fn apart<'a>(&self, of: &Subjects<'a>) -> Option<Option<&'a str>> {
        let models = &self.limit.models;
        if !models.is_empty() && !models.iter().any(|it| crate::pattern::fits(it, of.model)) {
            return None;
        }
        let apart = match &self.limit.by {
            None => return Some(None),
            Some(By::Model) => of.model,
            Some(By::EndUser) => of.end_user?,
            Some(By::Session) => of.session?,
            Some(By::Tag(tag)) => {
                let found = of.tags.iter().find(|(name, _)| **name == **tag);
                &found?.1
            }
        };
        Some(Some(apart))
    }

    /// What it asks for room for a request that costs so much of its measure.
    #[must_use]
    pub fn ask(&self, of: &Subjects<'_>, cost: u64, now: UnixMicros) -> Option<Ask> {
        let capacity = match &self.budget {
            // It is told about, and refuses nothing.
            Some(budget) if !budget.hard => u64::MAX,
            Some(budget) => budget.amount(now),
            None => self.limit.amount,
        };
        Some(Ask {
            subject: self.subject(of)?,
            measure: self.limit.measure,
            capacity,
            window: self.span(now),
            cost,
        })
    }

    /// In which time it counts at this moment.
    #[must_use]
    pub fn span(&self, now: UnixMicros) -> Span {
        match &self.limit.window {
            Window::Now => Span::Rolling(Duration::ZERO),
            Window::Rolling(span) => Span::Rolling(*span),
            Window::Calendar(calendar) => Span::Period {
                unit: calendar.unit,
                period: self.period(calendar, now),
            },
        }
    }

    fn period(&self, calendar: &Calendar, now: UnixMicros) -> Period {
        if calendar.unit == Unit::Ever {
            return Period::EVER;
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match *current {
            Some(period) if period.holds(now) => period,
            _ => *current.insert(calendar.period(now)),
        }
    }
}

/// Under which name a limit of this party counts. Two that count different
/// things have different names, and one that was only raised keeps its own.
fn named(id: &Arc<str>, limit: &Limit, kind: &str) -> Arc<str> {
    let by = limit.by.as_ref().map(ToString::to_string);
    let calendar = match &limit.window {
        Window::Calendar(it) => format!("{} {:?}", it.zone, it.begin),
        _ => String::new(),
    };
    if by.is_none() && limit.models.is_empty() && calendar.is_empty() && kind == "limit" {
        return Arc::clone(id);
    }
    let parts = [
        kind,
        by.as_deref().unwrap_or_default(),
        &limit.models.join(","),
        &calendar,
    ];
    format!("{id}{BETWEEN}{}", parts.join(&BETWEEN.to_string())).into()
}
