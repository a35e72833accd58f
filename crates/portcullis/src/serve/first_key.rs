//! The first start mints a virtual key, so that there is something to try.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::Context;
use domain::principal::Limits;
use domain::secret::Secret;

use super::world::World;

/// A fresh key, and where it is told.
pub(super) enum Minted {
    /// Shown on the terminal, once.
    Shown(Secret),
    /// Written into a file that only its owner may read.
    Written(PathBuf),
}

/// Mints a key if there is none yet; the second start mints nothing.
pub(super) async fn mint_if_none(world: &World) -> anyhow::Result<Option<Minted>> {
    if world.has_declared_keys() || !world.store.keys().await?.is_empty() {
        return Ok(None);
    }
    let wanted = control::keys::NewKey {
        name: "first".to_owned(),
        models: None,
        expires: None,
        limits: Limits::default(),
    };
    let made = control::keys::create(
        &world.store,
        &world.shared.install,
        wanted,
        crate::clock::now(),
    )
    .await?;
    if std::io::stdout().is_terminal() {
        return Ok(Some(Minted::Shown(made.key)));
    }
    let path = world.places.data_dir.join("first-key");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{}", made.key.reveal())?;
    Ok(Some(Minted::Written(path)))
}
