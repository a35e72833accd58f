//! The ledger's sums are kept up with its rows, and rows whose time is over go.

use std::time::Duration;

use domain::time::UnixMicros;
use store::{Store, StoreError};
use tokio::time::Instant;

/// How often: the more rows at once, the less a row costs.
const EVERY: Duration = Duration::from_secs(30);

/// Keeps the sums, for as long as the runtime lives.
pub(super) fn start(store: &Store, keep: Option<Duration>) {
    tokio::spawn(keep_up(store.clone(), keep));
}

async fn keep_up(store: Store, keep: Option<Duration>) {
    let mut is_told = false;
    loop {
        tokio::time::sleep(EVERY).await;
        match once(&store, keep).await {
            Ok(()) => is_told = false,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(%error, "store: the ledger cannot be summed up, or old rows not be deleted");
                }
            }
        }
    }
}

async fn once(store: &Store, keep: Option<Duration>) -> Result<(), StoreError> {
    loop {
        let begun = Instant::now();
        if !store.roll_up().await? {
            break;
        }
        pause(begun).await;
    }
    let Some(keep) = keep else { return Ok(()) };
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let before = UnixMicros(crate::clock::now().0.saturating_sub(keep));
    loop {
        let begun = Instant::now();
        if !store.prune(before).await? {
            return Ok(());
        }
        pause(begun).await;
    }
}

/// Others want to write too: a fourth of the time is enough.
async fn pause(begun: Instant) {
    tokio::time::sleep(3 * begun.elapsed()).await;
}
