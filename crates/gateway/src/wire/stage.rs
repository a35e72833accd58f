//! What tests of connections stand on: a loop, and a journal behind it.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use journal::{Config, Journal, Writer};
use tokio::runtime::{Builder, LocalOptions};

/// Runs a test on a loop of its own, with a journal that goes away with it.
pub(crate) fn play(test: impl AsyncFnOnce(Rc<Writer>)) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("portcullis-wire-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let journal = Journal::open(&folder, Config::default(), 1).expect("a journal");
    let writer = Rc::new(journal.writer(0).expect("a writer"));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("a runtime");
    runtime.block_on(test(writer));
    let _ = std::fs::remove_dir_all(&folder);
}
