//! All limits of one subject.

use std::time::Duration;

use domain::calendar::{Period, Unit};
use domain::counters::{Ask, Measure, Room, Span};
use domain::time::{Now, UnixMicros};

use super::super::window::Window;

/// All limits of one subject: one lock, so that a request takes from all of
/// them or from none.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    pub(crate) running: u64,
    // Few, and looked for in order; none ever goes, so that a request that
    // holds room knows its window by position.
    pub(crate) windows: Vec<Rolling>,
    pub(crate) periods: Vec<Counted>,
    /// Whether anything was used or refused since somebody last looked.
    pub(crate) is_changed: bool,
}

/// What counts in any span of a length.
#[derive(Debug)]
pub(crate) struct Rolling {
    pub(crate) measure: Measure,
    pub(crate) window: Window,
    /// How much of it is reserved and not yet used.
    pub(crate) pending: u64,
    /// Whether a request was refused by it since somebody last looked.
    pub(crate) has_refused: bool,
}

/// What counts in one period of a calendar, and then in the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) measure: Measure,
    pub(crate) unit: Unit,
    pub(crate) period: Period,
    /// What is reserved and not yet used included.
    pub(crate) amount: u64,
    pub(crate) pending: u64,
    /// Whether a request was refused by it since somebody last looked.
    pub(crate) has_refused: bool,
}

impl Counted {
    /// A window begins empty. What comes late for a period that is over stays
    /// in the present one: clocks of two cores may differ.
    pub(crate) fn enter(&mut self, period: Period) {
        if period.start > self.period.start {
            (self.amount, self.pending) = (0, 0);
            self.period = period;
        }
    }
}

/// Where a limit is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Among the requests that run now.
    #[default]
    Running,
    Window(u32),
    Period(u32),
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Subject {
    /// Where the ask's limit is counted.
    pub(super) fn place(&mut self, ask: &Ask) -> Place {
        match ask.window {
            _ if ask.measure == Measure::Parallel => Place::Running,
            Span::Rolling(span) => Place::Window(self.position(ask.measure, micros(span)) as u32),
            Span::Period { unit, period } => {
                let at = self.period_at(ask.measure, unit, period);
                self.periods[at].enter(period);
                Place::Period(at as u32)
            }
        }
    }

    /// Which window is this one; made if it is not there.
    pub(crate) fn position(&mut self, measure: Measure, length_us: u64) -> usize {
        let is_it = |it: &Rolling| it.measure == measure && it.window.is_of(length_us);
        self.windows.iter().position(is_it).unwrap_or_else(|| {
            self.windows.push(Rolling {
                measure,
                window: Window::new(length_us),
                pending: 0,
                has_refused: false,
            });
            self.windows.len() - 1
        })
    }

    /// Which count of periods is this one; made if it is not there.
    pub(crate) fn period_at(&mut self, measure: Measure, unit: Unit, period: Period) -> usize {
        let is_it = |it: &Counted| it.measure == measure && it.unit == unit;
        self.periods.iter().position(is_it).unwrap_or_else(|| {
            self.periods.push(Counted {
                measure,
                unit,
                period,
                amount: 0,
                pending: 0,
                has_refused: false,
            });
            self.periods.len() - 1
        })
    }

    fn rolling(&mut self, at: u32) -> &mut Rolling {
        &mut self.windows[at as usize]
    }

    fn counted(&mut self, at: u32) -> &mut Counted {
        &mut self.periods[at as usize]
    }

    pub(super) fn used(&mut self, place: Place, now: Now) -> u64 {
        match place {
            Place::Running => self.running,
            Place::Window(at) => self.rolling(at).window.sum(now.ticks.0),
            Place::Period(at) => self.counted(at).amount,
        }
    }

    /// How much of it others hold who may yet give it back.
    pub(super) fn pending(&mut self, place: Place) -> u64 {
        match place {
            Place::Running => self.running,
            Place::Window(at) => self.rolling(at).pending,
            Place::Period(at) => self.counted(at).pending,
        }
    }

    pub(super) fn room(&mut self, place: Place, ask: &Ask, now: Now) -> Room {
        let used = self.used(place, now);
        let reset = match place {
            Place::Running => Duration::ZERO,
            Place::Window(at) => {
                Duration::from_micros(self.rolling(at).window.until_empty(now.ticks.0))
            }
            Place::Period(at) => until(self.counted(at).period.end, now),
        };
        Room {
            measure: ask.measure,
            capacity: ask.capacity,
            remaining: ask.capacity.saturating_sub(used),
            reset,
        }
    }

    /// When the ask will fit; `None` if it never does, or nobody knows.
    pub(super) fn wait(&mut self, place: Place, ask: &Ask, now: Now) -> Option<Duration> {
        let rest = ask.capacity.checked_sub(ask.cost)?;
        match place {
            // Nobody knows when a running request ends.
            Place::Running => Some(Duration::from_secs(1)),
            Place::Window(at) => {
                let window = &mut self.rolling(at).window;
                Some(Duration::from_micros(
                    window.until(rest, now.ticks.0).max(1),
                ))
            }
            Place::Period(at) => {
                let end = self.counted(at).period.end;
                (end.0 != i64::MAX).then(|| until(end, now))
            }
        }
    }

    /// Takes it; gives what corrects it later.
    pub(super) fn take(&mut self, place: Place, ask: &Ask, now: Now) -> u64 {
        let reserves = matches!(ask.measure, Measure::Tokens | Measure::Cost);
        let pending = if reserves { ask.cost } else { 0 };
        match place {
            Place::Running => {
                self.running = self.running.saturating_add(ask.cost);
                0
            }
            Place::Window(at) => {
                let rolling = self.rolling(at);
                rolling.pending = rolling.pending.saturating_add(pending);
                rolling.window.take(ask.cost, now.ticks.0)
            }
            Place::Period(at) => {
                let counted = self.counted(at);
                counted.pending = counted.pending.saturating_add(pending);
                counted.amount = counted.amount.saturating_add(ask.cost);
                counted.period.start.0.cast_unsigned()
            }
        }
    }

    /// Reserves so much more where `slot` says, if that still counts.
    pub(super) fn grow(&mut self, place: Place, slot: u64, more: u64) {
        match place {
            Place::Running => {}
            Place::Window(at) => {
                let rolling = self.rolling(at);
                rolling.pending = rolling.pending.saturating_add(more);
                rolling.window.correct(slot, 0, more);
            }
            Place::Period(at) => {
                let counted = self.counted(at);
                if counted.period.start.0.cast_unsigned() == slot {
                    counted.pending = counted.pending.saturating_add(more);
                    counted.amount = counted.amount.saturating_add(more);
                }
            }
        }
    }

    /// Corrects what was taken at `slot`, if that still counts, to `used`.
    pub(super) fn settle(&mut self, place: Place, slot: u64, took: u64, used: u64) {
        self.is_changed = true;
        match place {
            Place::Running => {}
            Place::Window(at) => {
                let rolling = self.rolling(at);
                rolling.pending = rolling.pending.saturating_sub(took);
                rolling.window.correct(slot, took, used);
            }
            Place::Period(at) => {
                let counted = self.counted(at);
                if counted.period.start.0.cast_unsigned() == slot {
                    counted.pending = counted.pending.saturating_sub(took);
                    counted.amount = counted.amount.saturating_sub(took).saturating_add(used);
                }
            }
        }
    }

    /// A request was refused by it for good: others will not give back enough.
    pub(super) fn refuses(&mut self, place: Place) {
        match place {
            Place::Running => return,
            Place::Window(at) => self.rolling(at).has_refused = true,
            Place::Period(at) => self.counted(at).has_refused = true,
        }
        self.is_changed = true;
    }

    /// Whether nothing of it counts any more.
    pub(super) fn is_idle(&mut self, now: Now) -> bool {
        let windows = self.windows.iter_mut();
        let mut idle = windows.map(|it| it.window.is_idle(now.ticks.0));
        let is_over = |it: &Counted| it.amount == 0 || !it.period.holds(now.unix);
        self.running == 0 && idle.all(|is_idle| is_idle) && self.periods.iter().all(is_over)
    }
}

fn until(end: UnixMicros, now: Now) -> Duration {
    let micros = end.0.saturating_sub(now.unix.0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
