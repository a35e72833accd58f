//! `portcullis serve`: puts the house together and keeps it running.
//!
//! The event loops of the way run on threads of their own ([`loops`]);
//! everything else, listener of the operators, carrier, reload, lives on this
//! thread's runtime and never on a loop.

mod admin;
mod banner;
mod carry;
mod files;
mod first_key;
mod lock;
mod loops;
mod reload;
mod stop;
mod world;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use gateway::accept::listen::Phase;
use tokio::sync::watch;

use crate::cli::Place;
use crate::config::Loaded;
use crate::config::scalars::Listen;

/// Arguments of `serve`; each overrides the configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Which configuration and data folder.
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address for applications [env: PORTCULLIS_LISTEN, HOST, PORT] [default: 127.0.0.1:4000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<Listen>,
    /// Address for operators: /metrics, /readyz [env: PORTCULLIS_ADMIN_LISTEN] [default: 127.0.0.1:4001]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) admin_listen: Option<Listen>,
    /// Event loops [env: PORTCULLIS_WORKERS] [default: one a core]
    #[arg(long, value_name = "N", value_parser = workers)]
    pub(crate) workers: Option<usize>,
}

/// As in the file: one loop at least.
fn workers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let range = number.filter(|n| (1..=1024).contains(n));
    range.ok_or_else(|| "write a number from 1 to 1024".to_owned())
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, in a sentence that says what to do.
pub(crate) fn run(args: ServeArgs) -> anyhow::Result<()> {
    let loaded = args.place.load()?;
    telemetry::log::init(loaded.config.log_format(), loaded.config.log_level())?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    files::raise_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(serve(args, loaded));
    // A loop that does not end is not waited for.
    runtime.shutdown_background();
    ended
}

async fn serve(args: ServeArgs, loaded: Loaded) -> anyhow::Result<()> {
    let hangups = reload::hangups()?;
    let mut signals = stop::Signals::listen()?;
    let mut places = world::Places::of(&args, &loaded);
    let lock = lock::take(&places.data_dir)?;
    let bound = loops::bind(places.listen, places.workers)
        .and_then(|listeners| Ok((listeners, loops::bind_one(places.admin)?)));
    let (listeners, admin) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            lock.undo();
            return Err(error);
        }
    };
    // What port 0 became.
    places.admin = admin.local_addr()?;
    if let Some(first) = listeners.first() {
        places.listen = first.local_addr()?;
    }

    let world = world::build(&places, loaded).await?;
    let tls = world.server_tls()?;
    let minted = first_key::mint_if_none(&world).await?;
    world.refresh().await?;

    let (phase, phases) = watch::channel(Phase::Open);
    let (cut, cut_off) = watch::channel(false);
    let (end, ended) = watch::channel(false);
    let way_out = loops::End {
        phase: phases,
        cut: cut_off,
    };
    let threads = loops::start(&world.shared, listeners, tls.as_ref(), &way_out)?;
    let admin = tokio::spawn(control::serve(
        tokio::net::TcpListener::from_std(admin)?,
        Arc::new(admin::Desk::new(&world)),
        // To the end: probes and scrapers should see the draining too.
        wait(ended.clone()),
    ));
    let carrier = tokio::spawn(carry::run(
        world.store.clone(),
        world.shared.journal.clone(),
        ended.clone(),
    ));
    let reload = tokio::spawn(reload::run(Arc::clone(&world), hangups, ended));
    if let Err(error) = banner::print(&places, minted.as_ref(), &world) {
        // Whoever read it went away (`| head -1`): no reason not to serve.
        tracing::warn!(%error, "the greeting could not be printed");
    }
    tracing::info!(listen = %places.listen, admin = %places.admin, "serving");

    let told = signals.next().await;
    let mut pace = world.pace();
    if told == stop::Told::Interrupt {
        pace.delay = Duration::ZERO;
    }
    let loops = stop::Loops {
        threads,
        phase,
        cut,
    };
    stop::leave(loops, &world.shared, pace, &mut signals).await;
    reload.abort();
    end.send_replace(true);
    carrier.await.context("the carrier")?;
    admin.abort();
    Ok(())
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
