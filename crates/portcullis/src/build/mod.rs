//! Configuration, catalogue and stored keys become one [`Snapshot`]. Pure but
//! for the secrets that the configuration refers to.

mod accounts;
#[cfg(test)]
pub(crate) mod base_models;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod dialects;
mod fetched;
pub(crate) mod idle;
mod keys;
pub(crate) mod models;
pub(crate) mod outlook;
mod policies;
mod providers;
#[cfg(test)]
mod quirky;
#[cfg(test)]
pub(crate) mod tests;

use ::providers::Catalogue;
use config::secret::Env;
use config::secret::SecretRef;
use config::{Config, ConfigError};
use domain::party::Party;
use domain::secret::Secret;
use domain::snapshot::Snapshot;
use identity::Install;
use store::StoredKey;

pub(crate) use accounts::{Fetchers, Unfetched};

/// Builds the state of the world that `config` describes, with the process'
/// environment; and says what works but should not stay so.
///
/// # Errors
/// Every problem that needs catalogue, environment or guards to be seen.
pub(crate) fn snapshot(
    config: &Config,
    catalogue: &Catalogue,
    stored: Stored<'_>,
    install: &Install,
    fetchers: &dyn Fetchers,
) -> Result<(Snapshot, Vec<String>), ConfigError> {
    let around = Around {
        env: &config::environment::process,
        fetchers,
        secrets: Secrets::Resolved,
    };
    snapshot_with(config, catalogue, stored, install, around)
}

/// [`snapshot`] for who only looks at models: secrets are neither read nor
/// needed, and there are no keys in it.
///
/// # Errors
/// As there, but for what only secrets could show.
pub(crate) fn outline(config: &Config, catalogue: &Catalogue) -> Result<Snapshot, ConfigError> {
    let around = Around {
        env: &config::environment::process,
        fetchers: &Unfetched,
        secrets: Secrets::Unread,
    };
    // No key is compared: any secret will do, and none is written to disk.
    let install = Install::from_bytes(&[0; 32]);
    Ok(snapshot_with(config, catalogue, Stored::default(), &install, around)?.0)
}

/// What the store has that a snapshot needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stored<'a> {
    /// Tenants, teams, apps, users.
    pub(crate) parties: &'a [Party],
    /// Their keys.
    pub(crate) keys: &'a [StoredKey],
}

/// Whether secrets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// All that the configuration refers to must be there.
    Resolved,
    /// Nobody is going to be asked: they may be elsewhere.
    Unread,
}

/// What is not in the file.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The environment.
    pub(crate) env: Env<'a>,
    /// Who keeps credentials fresh.
    pub(crate) fetchers: &'a dyn Fetchers,
    /// Whether secrets are wanted.
    pub(crate) secrets: Secrets,
}

impl Around<'_> {
    /// Whether nobody is going to be asked.
    fn is_outline(&self) -> bool {
        self.secrets == Secrets::Unread
    }

    /// What stands for a secret, or the secret.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    fn secret(&self, written: &SecretRef) -> Result<Secret, String> {
        match self.secrets {
            Secrets::Resolved => written.resolve(self.env),
            Secrets::Unread => Ok(Secret::new("")),
        }
    }
}

/// [`snapshot`] with all that is around it handed in.
///
/// # Errors
/// As there.
pub(crate) fn snapshot_with(
    config: &Config,
    catalogue: &Catalogue,
    stored: Stored<'_>,
    install: &Install,
    around: Around<'_>,
) -> Result<(Snapshot, Vec<String>), ConfigError> {
    let mut report = config.source.report();
    let providers = providers::build(config, catalogue, around, &mut report);
    let fleet = models::build(config, catalogue, &providers, &mut report);
    let policies = policies::build(config, &mut report);
    let keys = keys::build(config, stored, install, around, &mut report);
    let warnings = report.finish()?;
    let snapshot = Snapshot {
        version: 0,
        keys,
        models: fleet.models,
        aliases: fleet.aliases,
        providers: providers
            .into_iter()
            .map(|provider| (provider.name.to_string(), provider))
            .collect(),
        deployments: fleet.deployments,
        policies,
        retry: config.retry.policy(),
        trusted_proxies: config.trusted_proxies.clone(),
        budget_wait: config.budget_wait.0,
        long_streams: config.long_streams,
        budget_headers: config.budget_headers,
        bounds: config.limits.bounds(),
        keepalive: config.keepalive.map(|span| span.0),
        turns: config.responses.retention(),
        reasoning: config.reasoning.keep.0,
        fetching: config.media.fetching(),
        cache_on_request: config.cache.on_request.map(|span| span.0),
    };
    Ok((snapshot, warnings))
}
