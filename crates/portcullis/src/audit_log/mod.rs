//! The audit log of this gateway: where it is, and who signs it.

pub(crate) mod marks;
mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use audit::note::{NoteError, SignerKey};
use audit::{Elsewhere, KeyFile, Signer, VerifierKey};
use config::Config;
use config::audit::Export;
use config::environment::process;

/// The folder of the log and the file of its key, in the data folder.
const FOLDER: &str = "audit";
const KEY: &str = "audit.key";

/// Where the log is, and who signs it.
#[derive(Clone)]
pub(crate) struct AuditLog {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// Who signs its checkpoints; the key's name is the log's origin.
    pub(crate) signer: Arc<dyn Signer + Send + Sync>,
    /// Where its checkpoints are put.
    pub(crate) export: Export,
    /// For how long the ledger keeps rows; for ever if `None`.
    pub(crate) keep: Option<Duration>,
    /// For how long its own records are kept; for ever if `None`.
    pub(crate) expires_after: Option<Duration>,
}

impl AuditLog {
    /// The log of this configuration, if there is to be one; makes its key if
    /// nobody has.
    ///
    /// # Errors
    /// The key cannot be read or made, or is none.
    pub(crate) fn of(config: &Config, data: &Path) -> anyhow::Result<Option<Self>> {
        let said = &config.audit;
        if !said.enabled {
            return Ok(None);
        }
        let signer: Arc<dyn Signer + Send + Sync> = match (&said.signer, &said.key) {
            (Some(program), _) => {
                let key = verifier(&program.public_key).context("audit.signer.public_key")?;
                let command = program.command.clone();
                let sign = move |text: &[u8]| program::sign(&command, text);
                Arc::new(Elsewhere::new(key, sign))
            }
            (None, Some(key)) => {
                let text = key.text(&process).map_err(|error| anyhow!(error));
                let key: Result<SignerKey, NoteError> = text.context("audit.key")?.trim().parse();
                Arc::new(key.context("audit.key")?)
            }
            (None, None) => Arc::new(own_key(&data.join(KEY))?),
        };
        Ok(Some(Self {
            dir: folder(config, data),
            signer,
            export: said.export.clone(),
            keep: keep_requests(config),
            expires_after: said.keep.map(|keep| keep.0).filter(|_| !said.hold),
        }))
    }

    /// The log's name.
    pub(crate) fn origin(&self) -> &str {
        self.signer.verifier().name()
    }
}

/// For how long the ledger keeps rows: for ever during a hold.
pub(crate) fn keep_requests(config: &Config) -> Option<Duration> {
    let keep = config.store.keep_requests.map(|keep| keep.0);
    keep.filter(|_| !config.audit.hold)
}

/// The folder of the log.
pub(crate) fn folder(config: &Config, data: &Path) -> PathBuf {
    let said = config.audit.dir.clone();
    said.unwrap_or_else(|| data.join(FOLDER))
}

/// The public key of a configuration, without making one.
///
/// # Errors
/// There is none yet, or it cannot be read.
pub(crate) fn public_key(config: &Config, data: &Path) -> anyhow::Result<VerifierKey> {
    let said = &config.audit;
    if let Some(program) = &said.signer {
        return verifier(&program.public_key).context("audit.signer.public_key");
    }
    let file = data.join(KEY);
    if said.key.is_none() && !file.exists() {
        anyhow::bail!(
            "there is no key yet: the gateway makes {} at its first start",
            file.display()
        );
    }
    let mut enabled = config.clone();
    enabled.audit.enabled = true;
    let log = AuditLog::of(&enabled, data)?;
    let log = log.context("there is no log")?;
    Ok(log.signer.verifier().clone())
}

/// A public key as people hand it over: itself, or a file that holds it.
///
/// # Errors
/// It is neither.
pub(crate) fn verifier(text: &str) -> anyhow::Result<VerifierKey> {
    if let Ok(key) = text.trim().parse() {
        return Ok(key);
    }
    let read = std::fs::read_to_string(text)
        .with_context(|| format!("`{text}` is no public key, and no file that holds one"))?;
    let key = read.trim().parse::<VerifierKey>();
    key.with_context(|| format!("{text} holds no public key"))
}

/// The key in the data folder, made at the first start. Its name is its own: no two
/// logs are called the same.
fn own_key(file: &Path) -> anyhow::Result<KeyFile> {
    let named = match std::fs::read_to_string(file) {
        Ok(text) => {
            let key = text.trim().parse::<SignerKey>();
            let key = key.with_context(|| format!("{} holds no key", file.display()))?;
            key.verifier().name().to_owned()
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("portcullis-{:016x}", identity::random_generation())
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", file.display()));
        }
    };
    Ok(KeyFile::open_or_make(file, &named)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let name = format!("portcullis-audit-key-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let config = Config::default();
        assert!(public_key(&config, &folder).is_err(), "looking makes none");
        let log = AuditLog::of(&config, &folder).expect("a key").expect("on");
        let again = AuditLog::of(&config, &folder).expect("a key").expect("on");
        let found = public_key(&config, &folder).expect("a key");
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join(KEY)).expect("a file");
        let mode = mode.permissions().mode() & 0o777;
        std::fs::remove_dir_all(&folder).expect("ours");
        assert_eq!(log.signer.verifier(), again.signer.verifier());
        assert_eq!(log.signer.verifier(), &found);
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn a_program_signs_where_the_key_is_elsewhere() {
        let key = SignerKey::generate("log.example/a").expect("a key");
        let name = format!("portcullis-audit-sign-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, key.sign(b"text")).expect("writes");
        let mut config = Config::default();
        config.audit.signer = Some(config::audit::Signer {
            command: vec!["cat".to_owned(), file.display().to_string()],
            public_key: key.verifier().to_string(),
        });
        let log = AuditLog::of(&config, Path::new("/nowhere")).expect("a key");
        let log = log.expect("on");
        let signed = log.signer.sign(b"text").expect("signs");
        std::fs::remove_file(&file).expect("ours");
        assert!(key.verifier().verifies(b"text", &signed));
        let none = log.signer.sign(b"text").expect_err("no file, no signature");
        assert!(none.to_string().contains("cat"), "{none}");
    }
}
