//! Records whose time is over go, bundle by bundle; their hashes stay.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use audit::{AuditError, Log, Signer, TILE_WIDTH, entry};
use domain::time::UnixMicros;
use tokio::time::Instant;

use super::Book;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(3600);

impl Book {
    /// Deletes records that are older than they are kept. A hold keeps all.
    pub(in crate::serve::carry) async fn expire_if_due(&mut self) {
        let Some(keep) = self.place.expires_after else {
            return;
        };
        let is_early = |at: Instant| at.elapsed() < EVERY;
        if self.open.is_none() || self.looked_for_old.is_some_and(is_early) {
            return;
        }
        self.looked_for_old = Some(Instant::now());
        let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let before = UnixMicros(crate::clock::now().0.saturating_sub(keep));
        let (signer, from) = (Arc::clone(&self.place.signer), self.expired_bundles);
        let done = self
            .with_log(move |log| expire(log, from, before, &*signer))
            .await;
        let done = match done {
            Ok(done) => self.unless_unsure(done),
            Err(error) => Err(error),
        };
        match done {
            Ok(gone) => {
                if !gone.is_empty() {
                    tracing::info!(
                        records = (gone.end - gone.start) * TILE_WIDTH,
                        "audit: records whose time is over are deleted; their hashes stay"
                    );
                }
                self.expired_bundles = gone.end;
            }
            Err(error) => {
                tracing::error!("audit: old records are not deleted: {error:#}");
            }
        }
    }
}

/// Deletes whole bundles from one on, as long as all of each came before a time;
/// those that are gone now.
fn expire(
    log: &mut Log,
    from: u64,
    before: UnixMicros,
    signer: &dyn Signer,
) -> Result<Range<u64>, AuditError> {
    let sealed = log.sealed().map_or(0, |sealed| sealed.size) / TILE_WIDTH;
    let (mut start, mut end) = (from, from);
    while end < sealed {
        let records = log.folder().bundle_from(end * TILE_WIDTH)?;
        let is_old = |bytes: &Vec<u8>| entry::decode(bytes).is_ok_and(|it| it.at() < before);
        if records.is_empty() && start == end {
            // Gone before.
            start += 1;
        } else if !records.iter().all(is_old) {
            break;
        }
        end += 1;
    }
    if start < end {
        log.expire(start..end, signer)?;
    }
    Ok(start..end)
}
