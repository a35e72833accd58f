//! The event loops: one thread each, with its own runtime and listener.

use std::cell::RefCell;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow, bail};
use gateway::accept::listen::{self, Phase};
use gateway::plane::{Plane, Shared};
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};

use super::pulse::Pulse;
use super::world::World;

/// How the loops end.
#[derive(Clone)]
pub(super) struct End {
    /// How far the process is on its way out.
    pub(super) phase: watch::Receiver<Phase>,
    /// Told by each loop once it has noticed [`Phase::Paused`].
    pub(super) paused: mpsc::UnboundedSender<()>,
    /// Set: open requests are dropped, and settled by that.
    pub(super) cut: watch::Receiver<bool>,
}

/// What a loop says of itself.
enum News {
    /// It has all that it needs.
    Up,
    /// It has ended, by itself or as it was told.
    Ended(anyhow::Result<()>),
}

/// The loops at work.
pub(super) struct Running {
    pub(super) threads: Vec<JoinHandle<()>>,
    news: mpsc::UnboundedReceiver<(u16, News)>,
}

impl Running {
    /// Returns when one of them has ended, though nobody told it to.
    pub(super) async fn broken(&mut self) -> anyhow::Error {
        while let Some((core, news)) = self.news.recv().await {
            match news {
                News::Up => {}
                News::Ended(Ok(())) => return anyhow!("event loop {core} ended by itself"),
                News::Ended(Err(error)) => {
                    return error.context(format!("event loop {core} ended"));
                }
            }
        }
        anyhow!("the event loops ended by themselves")
    }

    /// Returns once all of them have what they need.
    async fn all_up(&mut self) -> anyhow::Result<()> {
        for _ in &self.threads {
            match self.news.recv().await {
                Some((_, News::Up)) => {}
                Some((core, News::Ended(Err(error)))) => {
                    return Err(error.context(format!("event loop {core} cannot start")));
                }
                _ => bail!("an event loop ended before it had started"),
            }
        }
        Ok(())
    }
}

/// Starts the loops, and returns once each of them could answer a request.
///
/// # Errors
/// One of them cannot: what reaches its listener would wait for ever.
pub(super) async fn start(
    world: &World,
    listeners: Vec<TcpListener>,
    tls: Option<&Arc<ServerConfig>>,
    end: &End,
) -> anyhow::Result<Running> {
    let (tell, news) = mpsc::unbounded_channel();
    let mut threads = Vec::new();
    for (core, listener) in (0_u16..).zip(listeners) {
        let (shared, pulse) = (Arc::clone(&world.shared), Arc::clone(&world.pulse));
        let (tls, end, tell) = (tls.cloned(), end.clone(), tell.clone());
        let thread = std::thread::Builder::new()
            .name(format!("loop-{core}"))
            .spawn(move || {
                let up = || drop(tell.send((core, News::Up)));
                let ended = AssertUnwindSafe(|| run((shared, pulse), core, listener, tls, end, up));
                let ended = std::panic::catch_unwind(ended);
                let ended = ended.unwrap_or_else(|_| Err(anyhow!("it panicked")));
                let _ = tell.send((core, News::Ended(ended)));
            })
            .context("cannot start an event loop")?;
        threads.push(thread);
    }
    let mut running = Running { threads, news };
    running.all_up().await?;
    Ok(running)
}

thread_local! {
    /// This loop's end of the journal, for [`pay`].
    static WRITER: RefCell<Option<Rc<journal::Writer>>> = const { RefCell::new(None) };
}

/// What a loop does before it sleeps: no record waits for the next request.
fn pay() {
    WRITER.with_borrow(|writer| {
        if let Some(writer) = writer {
            // An error is said there, and the records are owed.
            let _ = writer.flush();
        }
    });
}

fn run(
    (shared, pulse): (Arc<Shared>, Arc<Pulse>),
    core: u16,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    mut end: End,
    up: impl Fn(),
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(pay)
        .build_local(tokio::runtime::LocalOptions::default())?;
    pulse.watch(runtime.handle().metrics());
    let ended = runtime.block_on(async {
        let plane = Plane::new(shared, core)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        WRITER.set(Some(Rc::clone(&plane.writer)));
        tokio::task::spawn_local(notice(end.phase.clone(), end.paused));
        up();
        tokio::select! {
            ended = listen::run(plane, listener, tls, end.phase) => Ok(ended?),
            // What is still open is dropped with the runtime.
            _ = end.cut.wait_for(|cut| *cut) => Ok(()),
        }
    });
    drop(runtime);
    // The journal's end is closed by the last that holds it.
    pay();
    WRITER.set(None);
    ended
}

/// Says that this loop has noticed a pause: whatever it was just doing is
/// done.
async fn notice(mut phase: watch::Receiver<Phase>, paused: mpsc::UnboundedSender<()>) {
    while phase.changed().await.is_ok() {
        if *phase.borrow_and_update() == Phase::Paused {
            let _ = paused.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> (Running, mpsc::UnboundedSender<(u16, News)>) {
        let (tell, news) = mpsc::unbounded_channel();
        let threads = (0..2).map(|_| std::thread::spawn(|| {})).collect();
        (Running { threads, news }, tell)
    }

    #[tokio::test]
    async fn all_loops_are_waited_for_and_one_that_cannot_start_is_named() {
        let (mut loops, tell) = running();
        tell.send((1, News::Up)).expect("heard");
        tell.send((0, News::Ended(Err(anyhow!("no room")))))
            .expect("heard");
        let error = loops.all_up().await.expect_err("one is not up");
        assert_eq!(format!("{error:#}"), "event loop 0 cannot start: no room");
        let (mut loops, tell) = running();
        tell.send((1, News::Up)).expect("heard");
        tell.send((0, News::Up)).expect("heard");
        assert!(loops.all_up().await.is_ok());
    }

    #[tokio::test]
    async fn a_loop_that_ends_by_itself_is_told_with_its_reason() {
        let (mut loops, tell) = running();
        tell.send((3, News::Ended(Err(anyhow!("it panicked")))))
            .expect("heard");
        let error = loops.broken().await;
        assert_eq!(format!("{error:#}"), "event loop 3 ended: it panicked");
        tell.send((2, News::Ended(Ok(())))).expect("heard");
        let error = loops.broken().await;
        assert_eq!(format!("{error:#}"), "event loop 2 ended by itself");
    }
}
