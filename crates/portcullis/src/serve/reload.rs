//! What changes while the gateway runs: keys made or revoked by another
//! process, the configuration file, and signals.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::world::{LOOK, World};

/// Watches until told to stop. The file is looked at, not subscribed to: this
/// sees editors that rename, and mounted volumes that swap links.
pub(super) async fn run(world: Arc<World>, stop: watch::Receiver<bool>) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    let mut file = fingerprint(world.places.config.as_deref());
    let mut keys = world.store.change_mark().await.unwrap_or(-1);
    while !*stop.borrow() {
        let told = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            _ = hangups.recv() => true,
        };
        let now = fingerprint(world.places.config.as_deref());
        if told || now != file {
            file = now;
            match world.reload().await {
                Ok(()) => tracing::info!("configuration reloaded"),
                Err(error) => tracing::error!(
                    "the new configuration is not in force, the old one stays: {error:#}"
                ),
            }
        }
        // A store that is away keeps the keys that are known.
        let Ok(mark) = world.store.change_mark().await else {
            continue;
        };
        if mark != keys {
            keys = mark;
            if let Err(error) = world.refresh().await {
                tracing::error!("keys could not be refreshed: {error:#}");
            }
        }
    }
}

/// Changes whenever the file does.
fn fingerprint(path: Option<&Path>) -> Option<(u64, u64, i64, i64)> {
    let meta = std::fs::metadata(path?).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// Returns when the process is told to stop.
pub(super) async fn told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
