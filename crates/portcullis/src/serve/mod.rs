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
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::sync::watch;

use crate::config::{self, Loaded};

/// How long open requests may still take after the process was told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Arguments of `serve`; each overrides the configuration.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Configuration file; without one the embedded defaults are used
    #[arg(long, short, env = "PORTCULLIS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address for applications [default: 127.0.0.1:4000; HOST and PORT count too]
    #[arg(long, env = "PORTCULLIS_LISTEN", value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Address for operators: /metrics, /readyz [default: 127.0.0.1:4001]
    #[arg(long, env = "PORTCULLIS_ADMIN_LISTEN", value_name = "HOST:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// Folder for the database, the journal and the install secret [default: ./portcullis-data]
    #[arg(long, env = "PORTCULLIS_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Event loops [default: one a core]
    #[arg(long, env = "PORTCULLIS_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, in a sentence that says what to do.
pub fn run(args: ServeArgs) -> anyhow::Result<()> {
    let loaded = config::load(args.config.as_deref())?;
    telemetry::log::init(loaded.config.log_format(), loaded.config.log_level());
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
    let places = world::Places::of(&args, &loaded.config);
    let _lock = lock::take(&places.data_dir)?;
    let listeners = loops::bind(places.listen, places.workers)?;
    let admin = loops::bind_one(places.admin)?;
    let tls = loaded.config.server_tls()?;

    let world = world::build(&places, loaded).await?;
    let minted = first_key::mint_if_none(&world).await?;
    world.refresh().await?;

    let (stop, stopped) = watch::channel(false);
    let threads = loops::start(&world.shared, listeners, tls.as_ref(), &stopped)?;
    let admin = tokio::spawn(control::serve(
        tokio::net::TcpListener::from_std(admin)?,
        Arc::new(admin::Desk::new(&world)),
        wait(stopped.clone()),
    ));
    let carrier = tokio::spawn(carry::run(
        world.store.clone(),
        world.shared.journal.clone(),
        stopped.clone(),
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
    let _ = carrier.await;
    admin.abort();
    Ok(())
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
