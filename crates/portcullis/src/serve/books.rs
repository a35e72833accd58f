//! What limits and budgets of a calendar count after a restart: what the ledger
//! has of their period, and of nobody else's requests twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::bound::{Bound, Subjects};
use domain::calendar::{Period, Unit};
use domain::counters::{Measure, Span};
use domain::holding::{Holding, PeriodHolding};
use domain::ids::KeyId;
use domain::principal::Principal;
use domain::snapshot::Snapshot;
use domain::time::UnixMicros;
use store::Spent;

use super::carry::{Carrying, Until};
use super::world::World;

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
    let is_counted = |bound: &&Bound| matches!(bound.span(now.unix), Span::Period { .. });
    let any = snapshot
        .keys
        .values()
        .any(|it| it.bounds.iter().any(|it| is_counted(&it)));
    if !any {
        return Ok(());
    }
    let carried = Carrying::start(world).stop(Until::Empty);
    let carried = tokio::time::timeout(PATIENCE, carried).await;
    carried.context("what the last process has left is not in the ledger")??;
    let starts = starts(world, &snapshot).await?;
    let mut sums = Sums::default();
    for ((start, end), bounds) in by_time(&snapshot, &starts, now.unix) {
        let period = Period { start, end };
        let spent = world.store.spent(period, world.shared.generation).await;
        let spent = spent.context("the ledger cannot be read")?;
        let mut of_key: HashMap<&KeyId, Vec<&Spent>> = HashMap::new();
        for one in &spent {
            of_key.entry(&one.key).or_default().push(one);
        }
        for (principal, bound) in bounds {
            for spent in of_key.get(&principal.key).into_iter().flatten() {
                sums.add(bound, spent, now.unix);
            }
        }
    }
    for holding in sums.holdings() {
        world.limits.count(&holding, now);
    }
    Ok(())
}

/// Bounds of every key, by the time that they count.
type ByTime<'a> = HashMap<(UnixMicros, UnixMicros), Vec<(&'a Principal, &'a Bound)>>;

fn by_time<'a>(
    snapshot: &'a Snapshot,
    starts: &HashMap<String, UnixMicros>,
    now: UnixMicros,
) -> ByTime<'a> {
    // A key that is rotated has two secrets, and spends once.
    let keys = snapshot.keys.values();
    let keys: HashMap<&KeyId, &Principal> = keys.map(|it| (&it.key, &**it)).collect();
    let mut all = ByTime::new();
    for principal in keys.values() {
        for bound in &principal.bounds {
            let Span::Period { period, .. } = bound.span(now) else {
                continue;
            };
            let since = bound.budget.as_ref().map(|budget| {
                let noted = starts.get(&**bound.name()).copied();
                budget.since.or(noted).unwrap_or(period.start)
            });
            let start = since.map_or(period.start, |since| since.max(period.start));
            all.entry((start, period.end))
                .or_default()
                .push((principal, bound));
        }
    }
    all
}

/// What is counted of which subject in which period.
#[derive(Default)]
struct Sums(HashMap<(Arc<str>, Measure, Unit), (Period, u64)>);

impl Sums {
    fn add(&mut self, bound: &Bound, spent: &Spent, now: UnixMicros) {
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
        let (Some(subject), Span::Period { unit, period }) = (subject, bound.span(now)) else {
            return;
        };
        let measure = bound.limit.measure;
        let amount = spent.used.of(measure).unwrap_or(spent.requests);
        let sum = self
            .0
            .entry((subject, measure, unit))
            .or_insert((period, 0));
        sum.1 = sum.1.saturating_add(amount);
    }

    fn holdings(self) -> Vec<Holding> {
        let all = self.0.into_iter();
        all.map(|((subject, measure, unit), (period, amount))| Holding {
            subject,
            running: 0,
            windows: Vec::new(),
            periods: vec![PeriodHolding {
                measure,
                unit,
                period,
                amount,
                pending: 0,
            }],
        })
        .collect()
    }
}
