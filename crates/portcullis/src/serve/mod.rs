//! `portcullis serve`: puts the house together and keeps it running.
//!
//! The event loops of the way run on threads of their own ([`loops`]);
//! everything else, listener of the operators, carrier, reload, lives on this
//! thread's runtime and never on a loop.

mod admin;
mod alerts;
mod banner;
mod books;
mod carry;
pub(crate) mod certificate;
pub(crate) mod credentials;
mod doors;
mod files;
mod first_key;
mod handover;
mod known;
mod lock;
mod loops;
mod pulse;
mod reload;
mod stop;
mod sums;
mod takeover;
mod turns;
mod world;

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use config::Loaded;
use config::log::{Format, Log};
use config::scalars::Listen;
use gateway::accept::listen::Phase;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};

use self::world::World;
use crate::cli::Place;

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
    /// Take over from the gateway that runs on this data folder, if one does: no connection is lost
    #[arg(long)]
    pub(crate) takeover: bool,
}

/// As in the file: one loop at least.
fn workers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let range = number.filter(|n| (1..=1024).contains(n));
    range.ok_or_else(|| "write a number from 1 to 1024".to_owned())
}

/// The log's form.
fn format(log: &Log) -> telemetry::log::Format {
    match log.format {
        Format::Auto => telemetry::log::Format::Auto,
        Format::Json => telemetry::log::Format::Json,
        Format::Human => telemetry::log::Format::Human,
    }
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, in a sentence that says what to do.
pub(crate) fn run(args: ServeArgs) -> anyhow::Result<()> {
    let loaded = args.place.load()?;
    telemetry::log::init(format(&loaded.config.log), loaded.config.log_level())?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    files::raise_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(async {
        files::outlive_limits()?;
        serve(args, loaded).await
    });
    // A loop that does not end is not waited for.
    runtime.shutdown_background();
    ended.map_err(files::explained)
}

async fn serve(args: ServeArgs, loaded: Loaded) -> anyhow::Result<()> {
    let hangups = reload::hangups()?;
    let mut signals = stop::Signals::listen()?;
    let mut places = world::Places::of(&args, &loaded);
    let start = match args.takeover {
        true => {
            // Before anybody is asked: what could not run must not take over.
            certificate::of(&loaded.config)?;
            crate::commands::world::whole(&args.place, &crate::build::Unfetched)?;
            doors::Start::TakeOver
        }
        false => doors::Start::Alone,
    };
    let mut doors = doors::open(&mut places, start)?;
    let world = world::build(&places, loaded, &doors).await?;
    let tls = world.server_tls()?;
    // Nobody is let in before all is there, and who served before knows.
    let (phase, phases) = watch::channel(Phase::Paused);
    let (cut, cut_off) = watch::channel(false);
    let (paused, pauses) = mpsc::unbounded_channel();
    let (end, ended) = watch::channel(false);
    let (admin_end, admin_ended) = watch::channel(false);
    let way_out = loops::End {
        phase: phases,
        paused,
        cut: cut_off,
    };
    let running = loops::start(&world, doors.for_loops()?, tls.as_ref(), &way_out).await?;
    let minted = first_key::mint_if_none(&world).await?;
    world.refresh().await?;
    world.credentials.ready().await;
    let admin = tokio::spawn(control::serve(
        tokio::net::TcpListener::from_std(doors.admin.try_clone()?)?,
        Arc::new(admin::Desk::new(&world)),
        // To the end: probes and scrapers should see the draining too.
        wait(admin_ended),
    ));
    if doors.inheritance.is_none() {
        books::restore(&world).await?;
    }
    let elder = handover::serving(&mut doors, &world)?;
    phase.send_replace(Phase::Open);
    let carrier = carry::Carrying::start(&world);
    let watching = tokio::spawn(watch_over(Arc::clone(&world), hangups, ended));
    banner::show(&places, minted.as_ref(), &world);
    tracing::info!(listen = %places.listen, admin = %places.admin, "serving");
    gateway::send::tls::warm_up();
    let mut loops = stop::Loops {
        running,
        phase,
        cut,
    };
    let mut house = handover::House {
        world: Arc::clone(&world),
        doors,
        carrier,
        pauses,
        elder,
    };
    let ended = match house.until_told(&mut loops, &mut signals).await {
        handover::Reason::Told(told) => house.leave(loops, told, &mut signals).await,
        handover::Reason::Broken(error) => {
            tracing::error!("the gateway cannot go on: {error:#}");
            let left = house.leave(loops, stop::Told::Interrupt, &mut signals);
            left.await.and(Err(error))
        }
        handover::Reason::ToldTwice => {
            stop::cut(loops).await;
            Ok(())
        }
        handover::Reason::Succeeded(follower) => {
            admin_end.send_replace(true);
            house.give_way(loops, follower, &mut signals).await;
            Ok(())
        }
    };
    watching.abort();
    end.send_replace(true);
    admin_end.send_replace(true);
    admin.abort();
    ended
}

/// Follows changes of the configuration, and tells of events.
async fn watch_over(world: Arc<World>, hangups: Signal, ended: watch::Receiver<bool>) {
    let reload = reload::run(Arc::clone(&world), hangups, ended);
    tokio::join!(reload, alerts::run(world));
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
