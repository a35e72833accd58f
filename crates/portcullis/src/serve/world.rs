//! Everything that a running gateway consists of, built once at the start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use arc_swap::ArcSwap;
use domain::snapshot::Snapshot;
use gateway::plane::Shared;
use identity::Install;
use journal::Journal;
use providers::Catalogue;
use rustls::ServerConfig;
use store::memory::{MemoryCounters, MemoryShelf};
use store::{Store, StoredKey};

use super::ServeArgs;
use super::stop::Pace;
use crate::build::{self, idle};
use crate::cli::Place;
use crate::config::network::Certificate;
use crate::config::{Config, Loaded};

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) data_dir: PathBuf,
    pub(super) workers: usize,
    /// The configuration file, and the folder if the command line names one.
    pub(super) place: Place,
}

impl Places {
    /// Arguments count more than the configuration, that more than defaults.
    pub(super) fn of(args: &ServeArgs, loaded: &Loaded) -> Self {
        let config = &loaded.config;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: args
                .listen
                .map_or_else(|| config.listen(), |listen| listen.0),
            admin: args
                .admin_listen
                .map_or_else(|| config.admin_listen(), |listen| listen.0),
            data_dir: config.data_dir(),
            workers: args.workers.or_else(|| config.workers()).unwrap_or(cores),
            place: Place {
                config: loaded.file.clone(),
                data_dir: args.place.data_dir.clone(),
            },
        }
    }
}

/// The running gateway, as control work sees it.
pub(super) struct World {
    pub(super) places: Places,
    pub(super) shared: Arc<Shared>,
    pub(super) store: Store,
    /// What the process started with: some of it holds until it ends.
    first: Config,
    catalogue: Catalogue,
    certificate: Option<Arc<Certificate>>,
    /// Why the file as it is now is not in force.
    pub(super) stale: Arc<Stale>,
    inner: Mutex<Inner>,
}

/// Why the last reload failed; nothing if it did not.
#[derive(Debug, Default)]
pub(super) struct Stale(Mutex<Option<String>>);

impl Stale {
    /// A reload ended so.
    pub(super) fn set(&self, why: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The reason, in one line.
    pub(super) fn reason(&self) -> Option<String> {
        let why = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let why = why.as_ref()?;
        let mut lines = why.lines().filter(|line| !line.starts_with("  "));
        let first = lines.next().unwrap_or_default();
        Some(match lines.count() {
            0 => first.to_owned(),
            more => format!("{first} (and {more} more: see the log)"),
        })
    }
}

/// What a reload replaces.
struct Inner {
    config: Config,
    /// The stored keys as they were read last: a store that is away keeps
    /// those that are known.
    keys: Vec<StoredKey>,
    /// What was warned of already: it is not told again with every new key.
    warned: Vec<String>,
}

/// Opens the store and the journal, and puts the shared state together.
pub(super) async fn build(places: &Places, loaded: Loaded) -> anyhow::Result<Arc<World>> {
    let dir = &places.data_dir;
    let certificate = loaded.config.certificate()?;
    let install = Install::load_or_create(dir)?;
    let store = Store::open(&dir.join("portcullis.db"))
        .await
        .context("cannot open the database")?;
    control::keys::claim(&store, &install, crate::clock::now()).await?;
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
        bulkheads: gateway::send::Bulkheads::default(),
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
        first: loaded.config.clone(),
        catalogue,
        stale: Arc::default(),
        certificate: certificate.map(|first| Arc::new(Certificate::new(first))),
        inner: Mutex::new(Inner {
            config: loaded.config,
            keys: Vec::new(),
            warned: Vec::new(),
        }),
    };
    Ok(Arc::new(world))
}

impl World {
    /// Reads the stored keys and puts them in force. On an error the old ones
    /// stay.
    pub(super) async fn refresh(&self) -> anyhow::Result<()> {
        let keys = self.store.keys().await?;
        self.put_in_force(&self.config(), &keys)?;
        self.inner().keys = keys;
        Ok(())
    }

    /// Reads the file again; it counts only if all of it can be put in force.
    /// Needs no store. Answers with the settings that wait for a restart.
    pub(super) fn reload(&self) -> anyhow::Result<Vec<&'static str>> {
        let file = self.places.place.config.as_deref();
        if file.is_some_and(|file| std::fs::metadata(file).is_ok_and(|meta| meta.len() == 0)) {
            // Editors empty a file before they write it, and on a full disk
            // leave it so; nobody means it.
            anyhow::bail!("the file is empty; for the defaults, write `{{}}`");
        }
        let next = self.places.place.load()?.config;
        let certificate = next.certificate()?;
        let keys = self.inner().keys.clone();
        self.put_in_force(&next, &keys)?;
        if let (Some(place), Some(certificate)) = (&self.certificate, certificate) {
            place.rotate(certificate);
        }
        self.shared.tls.forget();
        let waiting = self.first.needs_restart(&next);
        self.inner().config = next;
        Ok(waiting)
    }

    fn put_in_force(&self, config: &Config, keys: &[StoredKey]) -> anyhow::Result<()> {
        let (mut snapshot, mut warnings) =
            build::snapshot(config, &self.catalogue, keys, &self.shared.install)?;
        warnings.extend(idle::warnings(config, &snapshot, idle::Keys::All));
        let mut inner = self.inner();
        for warning in &warnings {
            if !inner.warned.contains(warning) {
                tracing::warn!("{warning}");
            }
        }
        inner.warned = warnings;
        drop(inner);
        snapshot.version = self.shared.snapshot.load().version + 1;
        self.shared.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self) -> Config {
        self.inner().config.clone()
    }

    /// How long each part of the way out may take, as it is configured now.
    pub(super) fn pace(&self) -> Pace {
        let config = self.config();
        Pace {
            delay: config.drain_delay(&crate::environment::process),
            timeout: config.drain_timeout.0,
        }
    }

    /// TLS for the data listener, if it is configured.
    pub(super) fn server_tls(&self) -> anyhow::Result<Option<Arc<ServerConfig>>> {
        let server = self.certificate.as_ref().map(|c| c.server());
        Ok(server.transpose()?)
    }

    /// Files whose change is a reload: the configuration, and a certificate
    /// that is renewed in place.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let tls = self.config().tls;
        let tls = tls.into_iter().flat_map(|tls| [tls.certificate, tls.key]);
        self.places
            .place
            .config
            .iter()
            .cloned()
            .chain(tls)
            .collect()
    }

    /// Whether the configuration declares virtual keys.
    pub(super) fn has_declared_keys(&self) -> bool {
        self.config().has_keys()
    }

    /// Whether clients speak TLS to us.
    pub(super) fn has_tls(&self) -> bool {
        self.certificate.is_some()
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
