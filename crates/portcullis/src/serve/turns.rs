//! Conversations that are kept for clients: kept on this thread, and forgotten
//! when their time is over.

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use store::keeper::Keeper;

use super::world::World;

/// How often it is looked for some whose time is over.
const EVERY: Duration = Duration::from_secs(60);
/// Between two heaps of them: others want to write too.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps and forgets, for as long as the runtime lives.
pub(super) fn start(store: &Store) -> Arc<Keeper> {
    let (keeper, keeping) = Keeper::new(store.clone());
    tokio::spawn(keeping.run());
    tokio::spawn(sweep(store.clone()));
    keeper
}

/// The event loops have ended: what was worked on in the background and is not
/// over has failed. Where this is not said, the next start says it.
pub(super) async fn lose(world: &World) {
    if let Err(error) = world.store.lose_turns_of(world.shared.generation).await {
        tracing::warn!(%error, "store: responses in the background are not ended");
    }
}

async fn sweep(store: Store) {
    let mut is_told = false;
    loop {
        let pause = match store.sweep_turns(crate::clock::now()).await {
            Ok(true) => PAUSE,
            Ok(false) => {
                is_told = false;
                EVERY
            }
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(%error, "store: expired responses cannot be deleted");
                }
                EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}
