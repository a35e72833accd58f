//! What the commands look at: the configuration and what it makes, without
//! touching the data folder.

use crate::build::Stored;
use config::Loaded;
use domain::snapshot::Snapshot;
use identity::Install;
use providers::Catalogue;

use crate::build::{self, Fetchers};
use crate::catalogue;
use crate::cli::Place;
use crate::database::Database;
use crate::output;

/// The configuration and all that it refers to, and the snapshot without
/// stored keys. `fetchers` are told of credentials that are fetched.
pub(crate) fn whole(
    place: &Place,
    fetchers: &dyn Fetchers,
) -> anyhow::Result<(Loaded, Catalogue, Snapshot)> {
    let mut loaded = place.load()?;
    Database::of(&loaded.config, &loaded.config.data_dir)?;
    let (catalogue, unusable) = catalogue::load(&loaded.config.data_dir)?;
    // Digests of keys are made to compare, not to keep: any secret will do,
    // and none is written to disk by a command that only looks.
    let install = Install::from_bytes(&[0; 32]);
    let (snapshot, warnings) = build::snapshot(
        &loaded.config,
        &catalogue,
        Stored::default(),
        &install,
        fetchers,
    )?;
    loaded.warnings.extend(unusable);
    loaded.warnings.extend(warnings);
    Ok((loaded, catalogue, snapshot))
}

/// The configuration and its models: no secret is read, and what the data
/// folder says wrongly is told on standard error.
pub(super) fn outline(place: &Place) -> anyhow::Result<(Loaded, Catalogue, Snapshot)> {
    let loaded = place.look()?;
    let (catalogue, unusable) = catalogue::load(&loaded.config.data_dir)?;
    for warning in unusable {
        output::error(&format!("warning: {warning}"));
    }
    let snapshot = build::outline(&loaded.config, &catalogue)?;
    Ok((loaded, catalogue, snapshot))
}
