//! Work on bodies so large that it would keep an event loop for longer than
//! anybody else may wait: it is done beside the loops, on as many threads as
//! there are cores.

use std::sync::LazyLock;

use domain::refusal::{Reason, Refusal};
use tokio::sync::Semaphore;

/// From this size on a text is looked at beside the loops. A look takes less
/// than a tenth of a millisecond below it.
const LARGE: usize = 256 << 10;

static THREADS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(cores)
});

/// Whether work on so many bytes belongs beside the loops.
pub(crate) fn is_large(bytes: usize) -> bool {
    bytes >= LARGE
}

/// Does `work` beside the loops, in its turn.
///
/// # Errors
/// It panicked.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let turn = THREADS.acquire().await;
    // The turn ends with the work: whoever waits for it may be gone before.
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(|error| {
        Refusal::new(Reason::Internal, "The gateway failed on this body.").because(error)
    })
}
