//! What limits and budgets count after a restart: what the ledger has of their
//! period or window, and of nobody's requests twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::bound::{BETWEEN, Bound, Subjects};
use domain::calendar::{Period, Unit};
use domain::counters::{Measure, Span};
use domain::holding::{Holding, PeriodHolding, SlotHolding, WindowHolding};
use domain::ids::KeyId;
use domain::principal::{EVERYONE, Principal};
use domain::snapshot::Snapshot;
use domain::time::{Now, UnixMicros};
use store::Spent;

use super::carry::Carrying;
use super::world::World;

/// In how many steps a window counts, as the limits in process do.
const SLOTS: i64 = 60;
/// How long a start waits until what the last process has left is in the ledger.
const PATIENCE: Duration = Duration::from_secs(60);

/// Notes since when budgets count that do not say it: since they were first seen.
///
/// # Errors
/// The database would not write.
pub(super) async fn note(world: &World) -> anyhow::Result<()> {
    let snapshot = world.shared.snapshot.load_full();
    starts(world, &snapshot).await.map(|_| ())
}

async fn starts(world: &World, snapshot: &Snapshot) -> anyhow::Result<HashMap<String, UnixMicros>> {
    let bounds = snapshot.keys.values().flat_map(|it| &it.bounds);
    let unsaid = bounds.filter(|it| it.budget.as_ref().is_some_and(|it| it.since.is_none()));
    let mut names: Vec<&str> = unsaid.map(|bound| &**bound.name()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(world
        .store
        .budget_starts(&names, crate::clock::now())
        .await?)
}

/// Counts what was spent before this process: all that the last one has left in
/// the journal is brought into the ledger first.
///
/// # Errors
/// The ledger cannot be read: nobody knows what is left of a budget.
pub(super) async fn restore(world: &World) -> anyhow::Result<()> {
    let snapshot = world.shared.snapshot.load_full();
    let now = world.shared.moment();
    let any = snapshot.keys.values().any(|it| {
        let mut bounds = it.bounds.iter();
        bounds.any(|it| it.limit.measure != Measure::Parallel)
    });
    if !any {
        return Ok(());
    }
    let carried = Carrying::start(world).empty();
    let carried = tokio::time::timeout(PATIENCE, carried).await;
    carried.context("what the last process has left is not in the ledger")??;
    let starts = starts(world, &snapshot).await?;
    let mut sums = Sums::default();
    for (of, bounds) in by_time(&snapshot, &starts, now.unix) {
        let Of { start, end, step } = of;
        let period = Period { start, end };
        let spent = match step {
            i64::MAX => world.store.spent(period).await,
            step => world.store.spent_by(period, step).await,
        };
        for spent in &spent.context("the ledger cannot be read")? {
            for bound in bounds.of(spent) {
                sums.add(bound, spent, now);
            }
        }
    }
    for holding in sums.holdings() {
        world.limits.count(&holding, now);
    }
    Ok(())
}

/// A time, and in which steps its sums are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Of {
    start: UnixMicros,
    end: UnixMicros,
    step: i64,
}

/// The bounds that count in one time: of each key, and of each party for those
/// that have spent for it and are not there any more.
#[derive(Default)]
struct Bounds<'a> {
    of_keys: HashMap<KeyId, Vec<&'a Bound>>,
    of_parties: HashMap<&'a str, HashMap<&'a str, &'a Bound>>,
}

impl<'a> Bounds<'a> {
    fn add(&mut self, key: &KeyId, bound: &'a Bound) {
        self.of_keys.entry(key.clone()).or_default().push(bound);
        let party = bound.name().split(BETWEEN).next().unwrap_or_default();
        let of_party = self.of_parties.entry(party).or_default();
        of_party.insert(&**bound.name(), bound);
    }

    /// Those that count what was spent.
    fn of(&self, spent: &Spent) -> Vec<&'a Bound> {
        if let Some(bounds) = self.of_keys.get(&spent.key) {
            return bounds.clone();
        }
        let owners = spent.owners.iter().map(String::as_str);
        let parties = [EVERYONE].into_iter().chain(owners);
        let bounds = parties.filter_map(|party| self.of_parties.get(party));
        bounds.flat_map(|it| it.values().copied()).collect()
    }
}

/// The bounds, by the time that they count.
fn by_time<'a>(
    snapshot: &'a Snapshot,
    starts: &HashMap<String, UnixMicros>,
    now: UnixMicros,
) -> HashMap<Of, Bounds<'a>> {
    // A key that is rotated has two secrets, and spends once.
    let keys = snapshot.keys.values();
    let keys: HashMap<&KeyId, &Principal> = keys.map(|it| (&it.key, &**it)).collect();
    let mut all: HashMap<Of, Bounds<'a>> = HashMap::new();
    for principal in keys.values() {
        for bound in &principal.bounds {
            let (start, end, step) = match bound.span(now) {
                _ if bound.limit.measure == Measure::Parallel => continue,
                Span::Period { period, .. } => (period.start, period.end, i64::MAX),
                Span::Rolling(span) => {
                    let length = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
                    let start = now.0.saturating_sub(length);
                    (
                        UnixMicros(start),
                        UnixMicros(i64::MAX),
                        (length / SLOTS).max(1),
                    )
                }
            };
            let since = bound.budget.as_ref().map(|budget| {
                let noted = starts.get(&**bound.name()).copied();
                budget.since.or(noted).unwrap_or(start)
            });
            let start = since.map_or(start, |since| since.max(start));
            let of = Of { start, end, step };
            all.entry(of).or_default().add(&principal.key, bound);
        }
    }
    all
}

/// What is counted of which subject: in periods, and in windows by their length and
/// the moment of the last of it.
#[derive(Default)]
struct Sums {
    periods: HashMap<(Arc<str>, Measure, Unit), (Period, u64)>,
    windows: HashMap<(Arc<str>, Measure, u64), BTreeMap<u64, SlotHolding>>,
}

impl Sums {
    fn add(&mut self, bound: &Bound, spent: &Spent, now: Now) {
        let tags = spent.tags.iter();
        let tags: Vec<(Arc<str>, Arc<str>)> = tags
            .map(|(n, v)| (n.as_str().into(), v.as_str().into()))
            .collect();
        let subject = bound.subject(&Subjects {
            model: &spent.model,
            end_user: spent.end_user.as_deref(),
            session: spent.session.as_deref(),
            tags: &tags,
        });
        let Some(subject) = subject else { return };
        let measure = bound.limit.measure;
        let amount = spent.used.of(measure).unwrap_or(spent.requests);
        match bound.span(now.unix) {
            Span::Period { unit, period } => {
                let sums = &mut self.periods;
                let sum = sums.entry((subject, measure, unit));
                let sum = &mut sum.or_insert((period, 0)).1;
                *sum = sum.saturating_add(amount);
            }
            Span::Rolling(span) => {
                let length = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
                let ago = u64::try_from(now.unix.0.saturating_sub(spent.latest.0));
                let latest = now.ticks.0.saturating_sub(ago.unwrap_or(0));
                let number = latest / (length / SLOTS.cast_unsigned()).max(1);
                let sums = self.windows.entry((subject, measure, length)).or_default();
                let slot = sums.entry(number).or_insert(SlotHolding {
                    number,
                    amount: 0,
                    latest,
                });
                slot.amount = slot.amount.saturating_add(amount);
                slot.latest = slot.latest.max(latest);
            }
        }
    }

    fn holdings(self) -> Vec<Holding> {
        let of = |subject| Holding {
            subject,
            ..Holding::default()
        };
        let periods = self.periods.into_iter();
        let periods = periods.map(|((subject, measure, unit), (period, amount))| Holding {
            periods: vec![PeriodHolding {
                measure,
                unit,
                period,
                amount,
                pending: 0,
            }],
            ..of(subject)
        });
        let windows = self.windows.into_iter();
        let windows = windows.map(|((subject, measure, length_us), slots)| Holding {
            windows: vec![WindowHolding {
                measure,
                length_us,
                slots: slots.into_values().collect(),
            }],
            ..of(subject)
        });
        periods.chain(windows).collect()
    }
}
