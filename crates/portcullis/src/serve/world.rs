//! Everything that a running gateway consists of, built once at the start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use arc_swap::ArcSwap;
use config::journal::WhenFull;
use config::providers::DEMO;
use config::{Config, Loaded};
use domain::snapshot::Snapshot;
use gateway::plane::Shared;
use identity::Install;
use journal::Journal;
use providers::Catalogue;
use rustls::ServerConfig;
use store::Store;
use store::memory::{MemoryReasoning, MemoryShelf};

use super::ServeArgs;
use super::alerts::Alerts;
use super::certificate::{self, Certificate};
use super::credentials::Fresh;
use super::doors::Doors;
use super::known::Kept;
pub(super) use super::known::Stale;
use super::pulse::Pulse;
use super::stop::Pace;
use super::takeover::limits::Limits;
use crate::audit_log::{self, AuditLog};
use crate::build::{self, idle};
use crate::catalogue;
use crate::cli::Place;
use crate::database::Database;

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
    certificate: Option<Arc<Certificate>>,
    /// Where the audit log is, if there is to be one.
    pub(super) audit: Option<AuditLog>,
    /// Limits, here or in the process that has taken over.
    pub(super) limits: Arc<Limits>,
    /// Why the file as it is now is not in force.
    pub(super) stale: Arc<Stale>,
    /// Why the database does not take the journal's records.
    pub(super) uncarried: Arc<Stale>,
    /// How busy the event loops are.
    pub(super) pulse: Arc<Pulse>,
    /// What of the data folder's models is left out.
    pub(super) unusable: Arc<Stale>,
    /// Why the stored keys are those that were known before.
    pub(super) unread: Arc<Stale>,
    /// Where events go.
    pub(super) alerts: Arc<Alerts>,
    /// Credentials that are fetched.
    pub(super) credentials: Arc<Fresh>,
    inner: Mutex<Inner>,
}

/// What a reload replaces.
struct Inner {
    config: Config,
    catalogue: Arc<Catalogue>,
    /// As it was read last: a store that is away keeps what is known.
    stored: Kept,
    /// What was warned of already: it is not told again with every new key.
    warned: Vec<String>,
}

/// Opens the store and the journal, and puts the shared state together.
pub(super) async fn build(
    places: &Places,
    loaded: Loaded,
    doors: &Doors,
) -> anyhow::Result<Arc<World>> {
    let dir = &places.data_dir;
    let certificate = certificate::of(&loaded.config)?;
    let audit = AuditLog::of(&loaded.config, dir)?;
    let install = Install::load_or_create(dir)?;
    let database = Database::of(&loaded.config, dir)?;
    let store = database.open_for_serving(dir).await?;
    control::keys::claim(&store, &install, crate::clock::now()).await?;
    let generation = identity::random_generation();
    let (folder, bounds) = (dir.join("journal"), journal::Config::default());
    let journal = match doors.journal_lock()? {
        Some(lock) => Journal::open_locked(&folder, bounds, generation, lock),
        None => Journal::open(&folder, bounds, generation),
    };
    let journal = journal.context("cannot open the journal")?;
    doors.lock.sign(generation);
    let limits = Arc::new(Limits::default());
    // Long ago: windows count from the ledger what came before this process.
    let mut epoch = tokio::time::Instant::now();
    epoch = epoch.checked_sub(domain::limit::LONGEST).unwrap_or(epoch);
    if let Some(inheritance) = &doors.inheritance {
        epoch = inheritance.epoch();
        inheritance.count(&limits);
    }
    super::sums::start(&store, audit_log::keep_requests(&loaded.config));
    let unusable = Arc::default();
    let catalogue = known(dir, &unusable, None)?;
    let shared = Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        install,
        counters: Arc::clone(&limits) as Arc<dyn domain::counters::Counters>,
        shelf: Arc::new(MemoryShelf::new(loaded.config.cache_bytes())),
        turns: super::turns::start(&store),
        reasoning: Arc::new(MemoryReasoning::new(loaded.config.reasoning_bytes())),
        jobs: gateway::serve::Jobs::default(),
        journal,
        health: gateway::route::Health::default(),
        bulkheads: gateway::send::Bulkheads::default(),
        unspoken: gateway::send::Unspoken::default(),
        belongings: gateway::Belongings::default(),
        fetcher: gateway::send::Fetcher::default(),
        key_rests: gateway::send::KeyRests::default(),
        tls: gateway::send::tls::ClientTls::default(),
        metrics: gateway::settle::Metrics::default(),
        strangers: Arc::default(),
        draining: std::sync::atomic::AtomicBool::new(false),
        generation,
        epoch,
    };
    let alerts = Alerts::new(&store, &shared.metrics);
    alerts.goes_to(&loaded.config.alerts);
    let world = World {
        alerts: Arc::new(alerts),
        places: places.clone(),
        shared: Arc::new(shared),
        store,
        first: loaded.config.clone(),
        audit,
        limits,
        stale: Arc::default(),
        uncarried: Arc::default(),
        pulse: Arc::default(),
        unusable,
        unread: Arc::default(),
        credentials: Arc::new(Fresh::new()?),
        certificate: certificate.map(|first| Arc::new(Certificate::new(first))),
        inner: Mutex::new(Inner {
            config: loaded.config,
            catalogue,
            stored: Kept::default(),
            warned: Vec::new(),
        }),
    };
    Ok(Arc::new(world))
}

/// What is known of models. What of the data folder's cannot be used is told,
/// and all else goes on.
fn known(
    folder: &Path,
    unusable: &Stale,
    before: Option<Arc<Catalogue>>,
) -> anyhow::Result<Arc<Catalogue>> {
    let (catalogue, told) = catalogue::load_over(folder, before)?;
    for warning in &told {
        tracing::warn!("{warning}");
    }
    unusable.set((!told.is_empty()).then(|| told.join("\n")));
    Ok(catalogue)
}

impl World {
    /// Reads the stored keys and puts them in force. On an error the old ones
    /// stay.
    pub(super) async fn refresh(&self) -> anyhow::Result<()> {
        let stored = Kept {
            parties: self.store.parties().await?,
            keys: self.store.keys().await?,
        };
        let catalogue = Arc::clone(&self.inner().catalogue);
        self.put_in_force(&self.config(), &catalogue, &stored)?;
        self.inner().stored = stored;
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
        let certificate = certificate::of(&next)?;
        let before = Arc::clone(&self.inner().catalogue);
        let catalogue = known(&self.places.data_dir, &self.unusable, Some(before))?;
        let stored = self.inner().stored.clone();
        self.put_in_force(&next, &catalogue, &stored)?;
        if let (Some(place), Some(certificate)) = (&self.certificate, certificate) {
            place.rotate(certificate);
        }
        self.shared.tls.forget();
        let waiting = self.first.needs_restart(&next);
        let mut inner = self.inner();
        self.alerts.goes_to(&next.alerts);
        inner.config = next;
        inner.catalogue = catalogue;
        Ok(waiting)
    }

    fn put_in_force(
        &self,
        config: &Config,
        catalogue: &Catalogue,
        stored: &Kept,
    ) -> anyhow::Result<()> {
        let (mut snapshot, mut warnings) = build::snapshot(
            config,
            catalogue,
            stored.told(),
            &self.shared.install,
            &*self.credentials,
        )?;
        warnings.extend(idle::warnings(config, &snapshot, idle::Keys::All));
        let mut inner = self.inner();
        for warning in &warnings {
            if !inner.warned.contains(warning) {
                tracing::warn!("{warning}");
            }
        }
        inner.warned = warnings;
        drop(inner);
        self.shared
            .journal
            .set_when_full(when_full(config.journal.when_full));
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

    /// Who is told of events, as it is configured now.
    pub(super) fn alerts_to(&self) -> config::alerts::Alerts {
        self.inner().config.alerts.clone()
    }

    /// How long each part of the way out may take, as it is configured now.
    pub(super) fn pace(&self) -> Pace {
        let config = self.config();
        Pace {
            delay: config.drain_delay(&config::environment::process),
            timeout: config.drain_timeout.0,
        }
    }

    /// TLS for the data listener, if it is configured.
    pub(super) fn server_tls(&self) -> anyhow::Result<Option<Arc<ServerConfig>>> {
        let server = self.certificate.as_ref().map(|c| c.server());
        Ok(server.transpose()?)
    }

    /// Files whose change is a reload: the configuration, a certificate that
    /// is renewed in place, and what is known of models.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let config = self.config();
        let providers = config.providers.iter();
        let secrets = providers.flat_map(|(_, provider)| provider.files().map(PathBuf::from));
        let secrets: Vec<PathBuf> = secrets.collect();
        let tls = config.tls;
        let tls = tls.into_iter().flat_map(|tls| [tls.certificate, tls.key]);
        self.places
            .place
            .config
            .iter()
            .cloned()
            .chain(tls)
            .chain(secrets)
            .chain([catalogue::file(&self.places.data_dir)])
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

    /// A model to try: the demo, or the first there is.
    pub(super) fn a_model(&self) -> Option<String> {
        let snapshot = self.shared.snapshot.load();
        let models = snapshot.listed(|_| true);
        let demo = models.iter().find(|model| model.name.as_str() == DEMO);
        let model = demo.or(models.first())?;
        Some(model.name.as_str().to_owned())
    }

    /// A line about the models there are.
    pub(super) fn describe_models(&self) -> String {
        let snapshot = self.shared.snapshot.load();
        let models = snapshot.listed(|_| true);
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        match names.len() {
            0 => "none: set a key such as OPENAI_API_KEY, or add `providers`".to_owned(),
            1..=6 => names.join(", "),
            more => format!(
                "{}, and {} more: portcullis models",
                names[..4].join(", "),
                more - 4
            ),
        }
    }
}

/// The journal's word for what the file says of a full disk.
fn when_full(said: WhenFull) -> journal::WhenFull {
    match said {
        WhenFull::Refuse => journal::WhenFull::Refuse,
        WhenFull::Continue => journal::WhenFull::Continue,
    }
}
