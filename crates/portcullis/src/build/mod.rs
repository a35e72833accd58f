//! Configuration, catalogue and stored keys become one [`Snapshot`]. Pure but
//! for the secrets that the configuration refers to.

mod accounts;
pub(crate) mod idle;
mod keys;
pub(crate) mod models;
mod policies;
mod providers;
#[cfg(test)]
mod quirky;
#[cfg(test)]
pub(crate) mod tests;

use ::providers::Catalogue;
use domain::snapshot::Snapshot;
use identity::Install;
use store::StoredKey;

use crate::config::secret::Env;
use crate::config::{Config, ConfigError};
pub(crate) use accounts::{Fetchers, Unfetched};

/// Builds the state of the world that `config` describes, with the process'
/// environment; and says what works but should not stay so.
///
/// # Errors
/// Every problem that needs catalogue, environment or guards to be seen.
pub(crate) fn snapshot(
    config: &Config,
    catalogue: &Catalogue,
    stored: &[StoredKey],
    install: &Install,
    fetchers: &dyn Fetchers,
) -> Result<(Snapshot, Vec<String>), ConfigError> {
    let around = Around {
        env: &crate::environment::process,
        fetchers,
    };
    snapshot_with(config, catalogue, stored, install, around)
}

/// What is not in the file.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The environment.
    pub(crate) env: Env<'a>,
    /// Who keeps credentials fresh.
    pub(crate) fetchers: &'a dyn Fetchers,
}

/// [`snapshot`] with all that is around it handed in.
///
/// # Errors
/// As there.
pub(crate) fn snapshot_with(
    config: &Config,
    catalogue: &Catalogue,
    stored: &[StoredKey],
    install: &Install,
    around: Around<'_>,
) -> Result<(Snapshot, Vec<String>), ConfigError> {
    let mut report = config.source.report();
    let providers = providers::build(config, catalogue, around, &mut report);
    let fleet = models::build(config, catalogue, &providers, &mut report);
    let policies = policies::build(config, &mut report);
    let keys = keys::build(config, stored, install, around.env, &mut report);
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
        bounds: config.limits.bounds(),
        keepalive: config.keepalive.map(|span| span.0),
        turns: config.responses.retention(),
        fetching: config.media.fetching(),
        cache_on_request: config.cache.on_request.map(|span| span.0),
    };
    Ok((snapshot, warnings))
}
