//! The first start mints a virtual key, so that there is something to try.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
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
    if std::io::stdout().is_terminal() {
        return Ok(Some(Minted::Shown(mint(world).await?)));
    }
    // The file first: a key that nobody was told would keep the next start
    // from minting one.
    let path = world.places.data_dir.join("first-key");
    let cannot = || format!("cannot write {}", path.display());
    let mut file = fresh(&path).with_context(cannot)?;
    let key = mint(world).await?;
    writeln!(file, "{}", key.reveal())
        .and_then(|()| file.sync_all())
        .with_context(cannot)?;
    Ok(Some(Minted::Written(path)))
}

async fn mint(world: &World) -> anyhow::Result<Secret> {
    let wanted = control::keys::NewKey {
        name: "first".to_owned(),
        ..control::keys::NewKey::default()
    };
    let by = control::Actor {
        name: "gateway:first-start".to_owned(),
        now: crate::clock::now(),
    };
    let made = control::keys::create(&world.store, &world.shared.install, wanted, &by).await?;
    Ok(made.key)
}

/// A file of ours alone, whatever was there under this name.
fn fresh(path: &Path) -> std::io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_keys_file_is_ours_alone_whatever_was_there() {
        let name = format!("portcullis-first-key-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "old").expect("writes");
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, open).expect("opens it to others");
        let mut file = fresh(&path).expect("makes");
        write!(file, "new").expect("writes");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "new");
        std::fs::remove_file(&path).expect("removes");
    }
}
