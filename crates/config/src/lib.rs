//! The configuration: one YAML file, read strictly. Every room has its struct
//! and its `validate`; what needs the catalogue, the environment or the store
//! is checked by whoever builds the gateway from it.

pub mod alerts;
pub mod audit;
pub mod bounds;
pub mod cache;
pub mod diff;
mod drain;
pub mod environment;
pub mod error;
mod explain;
pub mod guards;
pub mod journal;
pub mod key_source;
pub mod keys;
pub mod limits;
pub mod log;
pub mod media;
pub mod models;
pub mod network;
pub mod ordered;
mod pass_through;
pub mod policies;
pub mod providers;
pub mod reasoning;
pub mod responses;
mod restart;
pub mod retry;
pub mod scalars;
pub mod secret;
pub mod source;
pub mod store;
pub mod tenants;
pub mod terms;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use error::{Problem, Report};
use ordered::Ordered;
use scalars::{Listen, Span};
use secret::Env;
use source::{Source, key};

pub use error::ConfigError;

/// The file that is read if nobody names one.
pub const USUAL_FILE: &str = "portcullis.yaml";

/// All that the file may say; the default is what holds without one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything stands in the file.
    #[serde(skip)]
    pub source: Source,
    /// Address of the data listener.
    pub listen: Listen,
    /// The admin listener.
    pub admin: network::Admin,
    /// TLS of the data listener.
    pub tls: Option<network::Tls>,
    /// Folder of the database, the journal and the install secret.
    pub data_dir: PathBuf,
    /// The database.
    pub store: store::Store,
    /// Event loops; as many as cores if unset.
    pub workers: Option<usize>,
    /// How long it goes on accepting once it is told to stop.
    pub drain_delay: Option<Span>,
    /// How long open requests may take then.
    pub drain_timeout: Span,
    /// What is kept of requests.
    pub journal: journal::Journal,
    /// The audit log.
    pub audit: audit::Audit,
    /// Bounds on bodies.
    pub limits: limits::Limits,
    /// Whether the built-in demo answers.
    pub demo: bool,
    /// Upstreams.
    pub providers: Ordered<providers::Provider>,
    /// Models.
    #[serde(deserialize_with = "ordered::list")]
    pub models: Vec<models::Model>,
    /// Further names of models.
    pub aliases: Ordered<String>,
    /// Retries.
    pub retry: retry::Retry,
    /// Policies, in order.
    #[serde(deserialize_with = "ordered::list")]
    pub policies: Vec<policies::Policy>,
    /// Guards by name.
    pub guards: Ordered<serde_json::Value>,
    /// The cache.
    pub cache: cache::Cache,
    /// Conversations that are kept for clients.
    pub responses: responses::Responses,
    /// Reasoning that is kept for clients that do not send it back.
    pub reasoning: reasoning::Reasoning,
    /// Media that requests name by URL.
    pub media: media::Media,
    /// Silence after which a stream gets a comment; never if unset.
    pub keepalive: Option<Span>,
    /// The log.
    pub log: log::Log,
    /// Proxies that are believed where a request came from.
    pub trusted_proxies: Vec<domain::network::Network>,
    /// How long a request waits for what others have reserved of a budget.
    pub budget_wait: Span,
    /// Whether clients are told what is left of budgets in money.
    pub budget_headers: bool,
    /// What becomes of a stream whose budget has no room for more of it.
    pub long_streams: domain::snapshot::LongStreams,
    /// Who is told of budgets that are nearly spent, and of what is wrong in the
    /// books.
    pub alerts: alerts::Alerts,
    /// What holds for all keys together.
    pub everyone: terms::Everyone,
    /// Declared tenants.
    pub tenants: Ordered<tenants::Tenant>,
    /// Declared virtual keys.
    #[serde(deserialize_with = "ordered::list")]
    pub keys: Vec<keys::Key>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: Source::default(),
            listen: Listen::loopback(4000),
            admin: network::Admin::default(),
            tls: None,
            data_dir: PathBuf::from("./portcullis-data"),
            store: store::Store::default(),
            workers: None,
            drain_delay: None,
            drain_timeout: Span(drain::TIMEOUT),
            journal: journal::Journal::default(),
            audit: audit::Audit::default(),
            limits: limits::Limits::default(),
            demo: true,
            providers: Ordered::default(),
            models: Vec::new(),
            aliases: Ordered::default(),
            retry: retry::Retry::default(),
            policies: Vec::new(),
            guards: Ordered::default(),
            cache: cache::Cache::default(),
            responses: responses::Responses::default(),
            reasoning: reasoning::Reasoning::default(),
            media: media::Media::default(),
            keepalive: None,
            log: log::Log::default(),
            trusted_proxies: Vec::new(),
            budget_wait: Span(terms::BUDGET_WAIT),
            budget_headers: true,
            long_streams: domain::snapshot::LongStreams::default(),
            alerts: alerts::Alerts::default(),
            everyone: terms::Everyone::default(),
            tenants: Ordered::default(),
            keys: Vec::new(),
        }
    }
}

impl Config {
    /// Asks every room. What it says about addresses is checked again after
    /// the command line had its word.
    ///
    /// # Errors
    /// All problems at once; else the warnings.
    pub fn validate(&self) -> Result<Vec<String>, ConfigError> {
        let mut report = self.source.report();
        self.admin.validate(self.listen, &mut report);
        self.process(&mut report);
        drain::validate(self, &mut report);
        self.store.validate(&mut report);
        self.audit.validate(&mut report);
        self.limits.validate(&mut report);
        for (name, provider) in self.providers.iter() {
            provider.validate(name, &mut report);
        }
        models::validate(&self.models, &self.aliases, &mut report);
        self.retry.validate(&mut report);
        guards::validate(&self.guards, &mut report);
        policies::validate(&self.policies, &self.guards, &mut report);
        self.cache.validate(&mut report);
        self.responses.validate(&mut report);
        self.media.validate(&mut report);
        self.log.validate(&mut report);
        self.alerts.validate(&mut report);
        terms::check(&self.everyone.terms(), "everyone", &mut report);
        tenants::validate(&self.tenants, &mut report);
        keys::validate(&self.keys, &mut report);
        report.finish()
    }

    /// Whether the files that it names are there. Apart from [`Self::validate`]:
    /// who only looks at a configuration needs none of them.
    ///
    /// # Errors
    /// All that cannot be read.
    pub fn files(&self) -> Result<(), ConfigError> {
        let mut report = self.source.report();
        if let Some(tls) = &self.tls {
            tls.files(&mut report);
        }
        for (name, provider) in self.providers.iter() {
            if let Some(ca) = &provider.ca_file {
                let at = key(&key("providers", name), "ca_file");
                network::file(&at, ca, &mut report);
            }
        }
        report.finish().map(|_| ())
    }

    /// Address for clients.
    pub fn listen(&self) -> SocketAddr {
        self.listen.0
    }

    /// Address for operators.
    pub fn admin_listen(&self) -> SocketAddr {
        self.admin.listen.0
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    /// Event loops, if somebody said how many.
    pub fn workers(&self) -> Option<usize> {
        self.workers
    }

    /// Memory for answers that are reused.
    pub fn cache_bytes(&self) -> u64 {
        self.cache.max_bytes.0 as u64
    }

    /// Memory for reasoning that is kept for clients.
    pub fn reasoning_bytes(&self) -> u64 {
        self.reasoning.max_bytes.0 as u64
    }

    /// The log's level.
    pub fn log_level(&self) -> &str {
        &self.log.level
    }

    /// Whether virtual keys are declared.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    fn process(&self, report: &mut Report<'_>) {
        if let Some(workers) = self.workers
            && !(1..=1024).contains(&workers)
        {
            report.wrong(
                "workers",
                format!("`{workers}` is outside of 1 to 1024"),
                "leave it out for as many as there are cores",
            );
        }
        if self.data_dir.as_os_str().is_empty() {
            report.wrong(
                "data_dir",
                "the folder is empty",
                "write `./portcullis-data`",
            );
        }
        if self.keepalive.is_some_and(|span| span.0.as_secs() == 0) {
            report.wrong(
                "keepalive",
                "a comment every moment would drown the answer",
                "write `15s`, or leave it out for none",
            );
        }
    }
}

/// A configuration that was read.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// The file; `None` for the embedded defaults.
    pub file: Option<PathBuf>,
    /// What works but should not stay so.
    pub warnings: Vec<String>,
}

/// Reads `path`; without one the file that `PORTCULLIS_CONFIG` names, else
/// `./portcullis.yaml` if it is there, else the embedded defaults. Variables of
/// our own win over the file. The files that it names are not looked at: see
/// [`Config::files`].
///
/// # Errors
/// The file cannot be read, or something in it is wrong.
pub fn load(path: Option<&Path>) -> Result<Loaded, ConfigError> {
    load_with(path, &environment::process)
}

/// [`load`] with the environment handed in.
///
/// # Errors
/// As there.
pub fn load_with(path: Option<&Path>, env: Env<'_>) -> Result<Loaded, ConfigError> {
    let outside = |message: String| Problem {
        file: "environment".to_owned(),
        spot: None,
        path: String::new(),
        message,
        help: None,
    };
    let mut loaded = match which(path, env).map_err(outside)? {
        Some(file) => read(file)?,
        None => Loaded {
            config: Config::default(),
            file: None,
            warnings: Vec::new(),
        },
    };
    environment::apply(&mut loaded.config, env).map_err(outside)?;
    loaded.config.validate()?;
    Ok(loaded)
}

fn which(path: Option<&Path>, env: Env<'_>) -> Result<Option<PathBuf>, String> {
    if let Some(path) = path {
        return Ok(Some(path.to_owned()));
    }
    let usual = Path::new(USUAL_FILE);
    let named: Option<PathBuf> = environment::parsed(environment::CONFIG, env)?;
    Ok(named.or_else(|| usual.exists().then(|| usual.to_owned())))
}

fn read(file: PathBuf) -> Result<Loaded, ConfigError> {
    let name = file.display().to_string();
    let text = whole(&file).map_err(|error| Problem {
        file: name.clone(),
        spot: None,
        path: String::new(),
        message: format!("the file cannot be read: {error}"),
        help: Some(format!(
            "without --config, `./{USUAL_FILE}` or the built-in defaults are used"
        )),
    })?;
    let (config, warnings) = parse(&name, &text)?;
    Ok(Loaded {
        config,
        file: Some(file),
        warnings,
    })
}

/// What stands in a file; of one that is too long, enough to see that it is.
fn whole(file: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    let most = bounds::LONGEST as u64 + 1;
    File::open(file)?.take(most).read_to_end(&mut text)?;
    String::from_utf8(text).or_else(|error| match error.as_bytes().len() as u64 {
        // Cut within a letter, maybe.
        length if length == most => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        _ => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, error)),
    })
}

/// Reads a configuration from text; `name` is the file that errors name.
///
/// # Errors
/// Something in it is wrong.
pub fn parse(name: &str, text: &str) -> Result<(Config, Vec<String>), ConfigError> {
    bounds::check(name, text.len())?;
    let source = Source::of(name, text);
    let read = serde_saphyr::from_str_with_options::<Option<Config>>(text, bounds::options());
    let mut config = match read {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => return Err(explain::explain(&source, &error)),
    };
    config.source = source;
    let warnings = config.validate()?;
    Ok((config, warnings))
}
