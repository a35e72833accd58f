//! `portcullis backup` and `portcullis restore`: what one machine cannot be made anew
//! from, copied while the gateway runs, and put back into an empty data folder.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use domain::time::Moment;
use identity::install::SECRET_FILE;
use serde_json::{Value, json};

use super::people::{find_store, run_on};
use super::whole;
use crate::audit_log;
use crate::cli::Place;
use crate::clock;
use crate::output;

/// The database's file, here and there.
const DATABASE: &str = "portcullis.db";
/// What says that a folder is a backup: written last.
const MANIFEST: &str = "backup.json";
/// What happened and is not in the database yet.
const JOURNAL: &str = "journal";
/// What is copied beside them, if it is there: files and folders.
const BESIDE: [&str; 3] = [SECRET_FILE, "audit.key", AUDIT];
/// The audit log, as a backup has it.
const AUDIT: &str = "audit";

/// Options of `backup`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    /// A folder that is not there yet, or is empty
    #[arg(value_name = "FOLDER")]
    to: PathBuf,
    /// Which data folder.
    #[command(flatten)]
    place: Place,
}

/// Options of `restore`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A folder that `portcullis backup` has made
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
    /// Which data folder: it has no database yet.
    #[command(flatten)]
    place: Place,
}

/// Copies the data folder.
pub(super) fn backup(args: &BackupArgs) -> anyhow::Result<()> {
    run_on(async {
        let config = args.place.look()?.config;
        let data = &config.data_dir;
        let store = find_store(&args.place).await?;
        make_empty(&args.to)?;
        // In the way that records go: what leaves the journal meanwhile is in the
        // database, and what is in the log beyond that is put back from the log.
        copy(&data.join(JOURNAL), &args.to.join(JOURNAL))?;
        let database = args.to.join(DATABASE);
        let copied = store.snapshot(&database).await;
        copied.context("the database cannot be copied")?;
        store.close().await;
        store::check_file(&database).await.context("the copy")?;
        for name in BESIDE.into_iter().filter(|name| *name != AUDIT) {
            copy(&data.join(name), &args.to.join(name))?;
        }
        let log = audit_log::folder(&config, data);
        if log.exists() {
            audit::copy(&log, &args.to.join(AUDIT))?;
        }
        let made = json!({
            "made": Moment(clock::now()).to_string(),
            "portcullis": env!("CARGO_PKG_VERSION"),
        });
        let manifest = args.to.join(MANIFEST);
        let written = whole::write(&manifest, &made.to_string());
        written.with_context(|| manifest.display().to_string())?;
        output::line(format!(
            "{} is a backup now; keep it as secret as the data folder.",
            args.to.display()
        ));
        if !data.join(SECRET_FILE).exists() {
            output::error(
                "The install secret is not in the data folder, and not in the backup: keep it too.",
            );
        }
        Ok(())
    })
}

/// Puts a backup into a data folder.
pub(super) fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    run_on(async {
        let config = args.place.look()?.config;
        let data = &config.data_dir;
        let manifest = args.from.join(MANIFEST);
        let said = fs::read(&manifest)
            .with_context(|| format!("{} is no backup: {}", args.from.display(), MANIFEST))?;
        let said: Value = serde_json::from_slice(&said).context("backup.json")?;
        if config.store.url.is_some() {
            bail!("`store.url` names a server: restore its database with `pg_restore`");
        }
        let to = |name: &str| match name {
            AUDIT => audit_log::folder(&config, data),
            other => data.join(other),
        };
        for name in [DATABASE, JOURNAL].iter().chain(&BESIDE) {
            if to(name).exists() {
                bail!(
                    "{} is there already; name another data folder, or move that one away",
                    to(name).display()
                );
            }
        }
        let database = args.from.join(DATABASE);
        let sound = store::check_file(&database).await;
        sound.with_context(|| database.display().to_string())?;
        private_folder(data)?;
        for name in [JOURNAL].iter().chain(&BESIDE) {
            copy(&args.from.join(name), &to(name))?;
        }
        // The database last: a folder without one is no half of a restored one.
        let draft = data.join("portcullis.db.new");
        copy(&database, &draft)?;
        fs::rename(&draft, data.join(DATABASE)).context(DATABASE)?;
        let made = said["made"].as_str().unwrap_or("then");
        output::line(format!("{} is as it was at {made}.", data.display()));
        Ok(())
    })
}

/// Makes a folder that holds nothing.
fn make_empty(folder: &Path) -> anyhow::Result<()> {
    private_folder(folder)?;
    let mut entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    if entries.next().is_some() {
        bail!("{} is not empty; name another folder", folder.display());
    }
    Ok(())
}

fn private_folder(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot create {}", folder.display()))
}

/// Copies a file, or a folder with all files in it; what is not there is not copied.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let metadata = match fs::metadata(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| from.display().to_string())?,
    };
    if !metadata.is_dir() {
        // With its mode.
        let copied = fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all());
        return match copied {
            // What the log writes beside a file and renames is gone by then.
            Err(error) if error.kind() == ErrorKind::NotFound && !from.exists() => Ok(()),
            other => other.with_context(|| format!("{} to {}", from.display(), to.display())),
        };
    }
    private_folder(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let name = entry
            .with_context(|| from.display().to_string())?
            .file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}
