//! The carrier: brings the journal's records to the store. A dead store stops
//! neither traffic nor accounting: the journal keeps what is not carried yet.

use std::time::Duration;

use journal::{Carrier, Journal};
use store::Store;
use tokio::sync::watch;

/// Records in one transaction; fewer are not worth one at once, if there was
/// one just now: others join them in the next.
const BATCH: usize = 4096;
/// The pause when there is nothing to carry.
const IDLE: Duration = Duration::from_millis(100);
/// The longest pause while the store is away.
const AWAY: Duration = Duration::from_secs(5);

/// Carries until no request is open any more, then what is left.
pub(super) async fn run(store: Store, journal: Journal, mut end: watch::Receiver<bool>) {
    let mut pause = IDLE;
    let mut carrier = loop {
        match store.marks().await {
            Ok(marks) => break Carrier::new(&journal, marks),
            Err(error) => tracing::warn!(%error, "carrier: the store is away"),
        }
        if *end.borrow() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(AWAY) => {}
            () = wait(&mut end) => {}
        }
    };
    loop {
        let is_last = *end.borrow();
        let rest = if is_last { 0 } else { BATCH };
        match carry_all(&store, &mut carrier, rest).await {
            Ok(()) if is_last => return,
            Ok(()) => pause = IDLE,
            Err(error) => {
                tracing::warn!(%error, "carrier: will try again");
                if is_last {
                    return;
                }
                pause = (pause * 2).min(AWAY);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = wait(&mut end) => {}
        }
    }
}

async fn wait(end: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say it.
    let _ = end.wait_for(|ended| *ended).await;
}

/// Carries batches until one has fewer than `rest` records.
async fn carry_all(store: &Store, carrier: &mut Carrier, rest: usize) -> anyhow::Result<()> {
    while let Some(batch) = carrier.next(BATCH)? {
        store.carry(&batch).await?;
        carrier.done(&batch);
        if batch.records.len() < rest {
            break;
        }
    }
    Ok(())
}
