//! What the commands look at: the configuration and what it makes, without
//! touching the data folder.

use config::Loaded;
use domain::snapshot::Snapshot;
use identity::Install;
use providers::Catalogue;

use crate::build;
use crate::catalogue;
use crate::cli::Place;

/// The configuration, and the snapshot without stored keys.
pub(crate) fn look(place: &Place) -> anyhow::Result<(Loaded, Catalogue, Snapshot)> {
    let mut loaded = place.load()?;
    let catalogue = catalogue::load(&loaded.config.data_dir)?;
    // Digests of keys are made to compare, not to keep: any secret will do,
    // and none is written to disk by a command that only looks.
    let install = Install::from_bytes(&[0; 32]);
    let (snapshot, warnings) =
        build::snapshot(&loaded.config, &catalogue, &[], &install, &build::Unfetched)?;
    loaded.warnings.extend(warnings);
    Ok((loaded, catalogue, snapshot))
}
