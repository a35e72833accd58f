//! `portcullis serve`: puts the house together and keeps it running.
//!
//! The event loops of the way run on threads of their own ([`loops`]);
//! everything else, listener of the operators, carrier, reload, lives on this
//! thread's runtime and never on a loop.

mod admin;
mod banner;
mod carry;
mod first_key;
mod lock;
mod loops;
mod reload;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::sync::watch;

use crate::cli::Place;
use crate::config::Loaded;

/// How long open requests may still take after the process was told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Arguments of `serve`; each overrides the configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Which configuration and data folder.
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address for applications [env: PORTCULLIS_LISTEN, HOST, PORT] [default: 127.0.0.1:4000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address for operators: /metrics, /readyz [env: PORTCULLIS_ADMIN_LISTEN] [default: 127.0.0.1:4001]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Event loops [env: PORTCULLIS_WORKERS] [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(args, loaded))
}

async fn serve(args: ServeArgs, loaded: Loaded) -> anyhow::Result<()> {
    let places = world::Places::of(&args, &loaded);
    let _lock = lock::take(&places.data_dir)?;
    let listeners = loops::bind(places.listen, places.workers)?;
    let admin = loops::bind_one(places.admin)?;

    let world = world::build(&places, loaded).await?;
    let tls = world.server_tls()?;
    let minted = first_key::mint_if_none(&world).await?;
    world.refresh().await?;

    let (stop, stopped) = watch::channel(false);
    let threads = loops::start(&world.shared, listeners, tls.as_ref(), &stopped)?;
    let admin = tokio::spawn(control::serve(
        tokio::net::TcpListener::from_std(admin)?,
        Arc::new(admin::Desk::new(&world)),
        wait(stopped.clone()),
    ));
    let (end, ended) = watch::channel(false);
    let carrier = tokio::spawn(carry::run(
        world.store.clone(),
        world.shared.journal.clone(),
        ended,
    ));
    let reload = tokio::spawn(reload::run(Arc::clone(&world), stopped));
    banner::print(&places, minted.as_ref(), &world)?;

    reload::told_to_stop().await?;
    tracing::info!("stopping: open requests may finish");
    world
        .shared
        .draining
        .store(true, std::sync::atomic::Ordering::Relaxed);
    stop.send_replace(true);
    let joined =
        tokio::task::spawn_blocking(move || threads.into_iter().for_each(|t| drop(t.join())));
    if tokio::time::timeout(DRAIN, joined).await.is_err() {
        tracing::warn!(
            "some requests were still open after {} s and are cut",
            DRAIN.as_secs()
        );
    }
    reload.abort();
    end.send_replace(true);
    carrier.await.context("the carrier")?;
    admin.abort();
    Ok(())
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
