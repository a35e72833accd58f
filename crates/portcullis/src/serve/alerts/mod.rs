//! Who is told what: a budget that is nearly spent, a provider that bills more
//! than was reserved, a model without a price. Each event is kept once, stands in
//! the log and in the metrics, and goes to the webhook if there is one. All of it
//! happens beside the way, and no request waits for it.

mod books;
mod thresholds;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::record::Record;
use domain::time::{Moment, UnixMicros};
use gateway::settle::Metrics;
use serde_json::{Map, Value};
use store::{Event, Store};
use tokio::sync::Notify;

use super::world::World;

/// How often budgets are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long events are kept that are not thresholds.
const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// How often older ones are forgotten.
const TIDIED: Duration = Duration::from_secs(6 * 3_600);

/// Where events go.
pub(super) struct Alerts {
    store: Store,
    metrics: Metrics,
    has_webhook: AtomicBool,
    /// There is something to send.
    news: Notify,
}

/// An event before it is kept.
struct New {
    kind: &'static str,
    /// What it is that is told once.
    same: String,
    at: UnixMicros,
    /// A sentence for the log.
    sentence: String,
    data: Map<String, Value>,
}

impl New {
    /// As it is kept: its id does not say what it is about.
    fn kept(&self) -> Event {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.same.as_bytes());
        let hex = digest.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"));
        let id = format!("evt_{}", hex.collect::<String>());
        let body = serde_json::json!({
            "id": id,
            "type": self.kind,
            "timestamp": Moment(self.at).to_string(),
            "message": self.sentence,
            "data": self.data,
        });
        Event {
            id,
            at: self.at,
            kind: self.kind.to_owned(),
            body: body.to_string(),
        }
    }
}

impl Alerts {
    pub(super) fn new(store: &Store, metrics: &Metrics) -> Self {
        Self {
            store: store.clone(),
            metrics: metrics.clone(),
            has_webhook: AtomicBool::new(false),
            news: Notify::new(),
        }
    }

    /// Who is told from now on.
    pub(super) fn goes_to(&self, said: &config::alerts::Alerts) {
        self.has_webhook
            .store(said.webhook.is_some(), Ordering::Relaxed);
    }

    /// Looks at records that go into the ledger.
    ///
    /// # Errors
    /// The database would not keep what is to be told: the records wait too.
    pub(super) async fn seen(&self, records: &[Record]) -> anyhow::Result<()> {
        self.tell(books::events(records)).await
    }

    /// Keeps events, and tells those that are new.
    async fn tell(&self, events: Vec<New>) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let due = self.has_webhook.load(Ordering::Relaxed);
        let due = due.then(crate::clock::now);
        let kept = events.iter().map(New::kept).collect();
        let new = self.store.note_events(kept, due).await?;
        for event in &new {
            let found = events.iter().find(|it| it.kept().id == event.id);
            let sentence = found.map_or("", |it| it.sentence.as_str());
            tracing::warn!(event = %event.kind, event_id = %event.id, "{sentence}");
            self.metrics.event(&event.kind);
        }
        if !new.is_empty() {
            self.news.notify_one();
        }
        Ok(())
    }
}

/// Watches budgets, and sends what is to be sent, until the process ends.
pub(super) async fn run(world: Arc<World>) {
    tokio::join!(watch(&world), webhook::send(&world));
}

async fn watch(world: &World) {
    let mut thresholds = thresholds::Thresholds::default();
    let mut tidied = tokio::time::Instant::now();
    loop {
        let events = thresholds.passed(world);
        if let Err(error) = world.alerts.tell(events).await {
            tracing::warn!(%error, "alerts: will look again");
            thresholds.forget();
        }
        if tidied.elapsed() >= TIDIED {
            tidied = tokio::time::Instant::now();
            let kept = i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX);
            let before = UnixMicros(crate::clock::now().0.saturating_sub(kept));
            if let Err(error) = world.store.forget_events(before).await {
                tracing::warn!(%error, "alerts: old events stay for now");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
