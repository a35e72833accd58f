//! What changes while the gateway runs: keys made or revoked by another
//! process, the configuration file, and signals.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::books;
use super::world::World;

/// How often the files are looked at. A change counts once two looks agree
/// about it, and is to be in force within a tenth of a second.
const LOOK: Duration = Duration::from_millis(25);
/// And when one has just changed, which counts once it stays so.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often the stored keys are: that is a query.
const LOOK_FOR_KEYS: Duration = Duration::from_millis(100);

/// Watches until told to stop. Files are looked at, not subscribed to: this
/// sees editors that rename, and mounted volumes that swap links.
pub(super) async fn run(world: Arc<World>, mut hangups: Signal, stop: watch::Receiver<bool>) {
    let mut files = Watch::new(fingerprints(&world.watched()));
    let mut keys = None;
    let mut looked_for_keys: Option<Instant> = None;
    while !*stop.borrow() {
        let pause = if files.is_changing() {
            LOOK_AGAIN
        } else {
            LOOK
        };
        let told = tokio::select! {
            () = tokio::time::sleep(pause) => false,
            _ = hangups.recv() => true,
        };
        let now = fingerprints(&world.watched());
        if told || files.has_settled(now.clone()) {
            // As it was before the reading: what changes meanwhile is news.
            files = Watch::new(now);
            reload(&world);
            noted(books::note(&world).await);
        }
        if looked_for_keys.is_some_and(|at| at.elapsed() < LOOK_FOR_KEYS) {
            continue;
        }
        looked_for_keys = Some(Instant::now());
        // A store that is away keeps the keys that are known.
        let looked = look_for_keys(&world, &mut keys).await;
        world
            .unread
            .set(looked.err().map(|error| format!("{error:#}")));
    }
}

async fn look_for_keys(world: &World, known: &mut Option<i64>) -> anyhow::Result<()> {
    let mark = world.store.change_mark().await?;
    if *known != Some(mark) {
        let refreshed = world.refresh().await;
        if let Err(error) = &refreshed {
            tracing::error!("keys could not be refreshed: {error:#}");
        }
        refreshed?;
        noted(books::note(world).await);
        // Only now: what could not be read is read with the next look.
        *known = Some(mark);
    }
    Ok(())
}

/// A budget whose beginning is not kept counts from the next start instead.
fn noted(done: anyhow::Result<()>) {
    if let Err(error) = done {
        tracing::warn!("since when new budgets count could not be kept: {error:#}");
    }
}

fn reload(world: &World) {
    let reloaded = world.reload();
    let why = reloaded.as_ref().err().map(|error| format!("{error:#}"));
    world.stale.set(why);
    match reloaded {
        Ok(waiting) if waiting.is_empty() => tracing::info!("configuration reloaded"),
        Ok(waiting) => tracing::warn!(
            "configuration reloaded, but a running process cannot change {}: restart it for that",
            waiting.join(", ")
        ),
        Err(error) => {
            tracing::error!("the new configuration is not in force, the old one stays: {error:#}");
        }
    }
}

/// What a file looks like from outside; `None` if it is not there.
type Fingerprint = Option<(u64, u64, i64, i64)>;

fn fingerprints(paths: &[PathBuf]) -> Vec<Fingerprint> {
    let look = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
    };
    paths.iter().map(look).collect()
}

/// Notices a change once it is over: a file that is written in place is empty
/// for a moment, then half.
struct Watch {
    known: Vec<Fingerprint>,
    last: Vec<Fingerprint>,
}

impl Watch {
    fn new(known: Vec<Fingerprint>) -> Self {
        let last = known.clone();
        Self { known, last }
    }

    /// Whether they looked different the last time than those that are known.
    fn is_changing(&self) -> bool {
        self.last != self.known
    }

    /// Whether the files differ from those that are known, and did not change
    /// since the last look.
    fn has_settled(&mut self, now: Vec<Fingerprint>) -> bool {
        let is_steady = now == self.last;
        self.last = now;
        is_steady && self.last != self.known
    }
}

/// Hears SIGHUP from now on; before, it would end the process.
pub(super) fn hangups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_reload_is_told_in_one_line_until_one_succeeds() {
        let stale = super::super::world::Stale::default();
        assert_eq!(stale.reason(), None);
        stale.set(Some("f:1:1: a\n  help: b\nerror: f:2:1: c".to_owned()));
        let told = stale.reason().expect("a reason");
        assert_eq!(told, "f:1:1: a (and 1 more: see the log)");
        stale.set(None);
        assert_eq!(stale.reason(), None);
    }

    #[test]
    fn a_file_counts_once_nobody_writes_it_any_more() {
        let (old, empty, half, new) = (
            vec![Some((1, 9, 0, 0))],
            vec![None],
            vec![Some((1, 4, 1, 0))],
            vec![Some((1, 9, 2, 0))],
        );
        let mut watch = Watch::new(old.clone());
        assert!(!watch.has_settled(old));
        assert!(!watch.is_changing());
        assert!(!watch.has_settled(empty));
        assert!(watch.is_changing());
        assert!(!watch.has_settled(half));
        assert!(!watch.has_settled(new.clone()));
        assert!(watch.has_settled(new));
    }
}
