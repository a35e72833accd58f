//! Everything that a running gateway consists of, built once at the start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use domain::snapshot::Snapshot;
use gateway::plane::Shared;
use identity::Install;
use journal::Journal;
use providers::Catalogue;
use store::Store;
use store::memory::{MemoryCounters, MemoryShelf};

use super::ServeArgs;
use crate::build;
use crate::config::{Config, Loaded};

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) data_dir: PathBuf,
    pub(super) workers: usize,
    pub(super) config: Option<PathBuf>,
}

impl Places {
    /// Arguments count more than the configuration, that more than defaults.
    pub(super) fn of(args: &ServeArgs, loaded: &Loaded) -> Self {
        let config = &loaded.config;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: args.listen.unwrap_or_else(|| config.listen()),
            admin: args.admin_listen.unwrap_or_else(|| config.admin_listen()),
            data_dir: config.data_dir(),
            workers: args.workers.or_else(|| config.workers()).unwrap_or(cores),
            config: loaded.file.clone(),
        }
    }
}

/// The running gateway, as control work sees it.
pub(super) struct World {
    pub(super) places: Places,
    pub(super) shared: Arc<Shared>,
    pub(super) store: Store,
    catalogue: Catalogue,
    config: Mutex<Config>,
}

/// Opens the store and the journal, and puts the shared state together.
pub(super) async fn build(places: &Places, loaded: Loaded) -> anyhow::Result<Arc<World>> {
    let dir = &places.data_dir;
    let install = Install::load_or_create(dir)?;
    let store = Store::open(&dir.join("portcullis.db"))
        .await
        .context("cannot open the database")?;
    let generation = identity::random_generation();
    let journal = Journal::open(&dir.join("journal"), journal::Config::default(), generation)
        .context("cannot open the journal")?;
    let catalogue = Catalogue::builtin()?;
    let shared = Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        install,
        counters: Arc::new(MemoryCounters::default()),
        shelf: Arc::new(MemoryShelf::new(loaded.config.cache_bytes())),
        journal,
        health: gateway::route::Health::default(),
        tls: gateway::send::tls::ClientTls::default(),
        metrics: gateway::settle::Metrics::default(),
        draining: std::sync::atomic::AtomicBool::new(false),
        generation,
        epoch: tokio::time::Instant::now(),
    };
    let world = World {
        places: places.clone(),
        shared: Arc::new(shared),
        store,
        catalogue,
        config: Mutex::new(loaded.config),
    };
    Ok(Arc::new(world))
}

impl World {
    /// Builds a snapshot from the configuration and the stored keys, and puts
    /// it in force. On an error the old one stays.
    pub(super) async fn refresh(&self) -> anyhow::Result<()> {
        let config = self.config();
        self.put_in_force(&config).await
    }

    /// Reads the file again; it counts only if all of it can be put in force.
    pub(super) async fn reload(&self) -> anyhow::Result<()> {
        let loaded = crate::config::load(self.places.config.as_deref())?;
        self.put_in_force(&loaded.config).await?;
        self.shared.tls.forget();
        *self
            .config
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = loaded.config;
        Ok(())
    }

    async fn put_in_force(&self, config: &Config) -> anyhow::Result<()> {
        let keys = self.store.keys().await?;
        let mut snapshot = build::snapshot(config, &self.catalogue, &keys, &self.shared.install)?;
        snapshot.version = self.shared.snapshot.load().version + 1;
        self.shared.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    fn config(&self) -> Config {
        self.config
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Whether the configuration declares virtual keys.
    pub(super) fn has_declared_keys(&self) -> bool {
        self.config().has_keys()
    }

    /// Whether applications speak TLS to us.
    pub(super) fn has_tls(&self) -> bool {
        self.config().has_tls()
    }

    /// A line about the models there are.
    pub(super) fn describe_models(&self) -> String {
        let snapshot = self.shared.snapshot.load();
        let models = snapshot.listed(|_| true);
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        match names.len() {
            0..=6 => names.join(", "),
            more => format!(
                "{}, and {} more: portcullis models",
                names[..4].join(", "),
                more - 4
            ),
        }
    }
}

/// How often the file and the keys are looked at.
pub(super) const LOOK: Duration = Duration::from_millis(250);
