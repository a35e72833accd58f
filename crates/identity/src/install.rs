//! The install secret, and the digest under which a key is looked up.
//!
//! Keys are kept as HMAC-SHA-256(install secret, SHA-256(key)): a stolen
//! database alone does not let anybody check a guessed key, and keys of a
//! gateway that stored plain SHA-256 can be moved in without knowing them.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::random::random;

/// The variable that holds the secret itself.
pub const SECRET_VARIABLE: &str = "PORTCULLIS_ENCRYPTION_KEY";
/// The variable that names a file with the secret.
pub const SECRET_FILE_VARIABLE: &str = "PORTCULLIS_ENCRYPTION_KEY_FILE";
/// The file in the data folder.
pub const SECRET_FILE: &str = "install.secret";

/// The shortest secret that is taken, in bytes.
const SHORTEST: usize = 16;
/// Larger files are something else, named by mistake.
const LONGEST: u64 = 64 * 1024;

/// Why there is no install secret.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Too few bytes to be a secret.
    #[error(
        "the install secret of {origin} has {length} bytes; it needs at least {SHORTEST} \
         (`openssl rand -base64 32` makes one)"
    )]
    Short {
        /// Where it came from.
        origin: String,
        /// How long it is.
        length: usize,
    },
    /// Others may read the file.
    #[error(
        "{} may be read by others (mode {mode:03o}); run `chmod 600 {}`",
        path.display(), path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Both variables are set.
    #[error("{SECRET_VARIABLE} and {SECRET_FILE_VARIABLE} are both set; set one")]
    Both,
    /// The file is far too large for a secret.
    #[error("{} is too large for an install secret", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("the install secret {} cannot be read or made: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The secret of this installation. Never prints; its memory is the crypto
/// library's own.
#[derive(Clone)]
pub struct Install(hmac::Key);

impl fmt::Debug for Install {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Install(***)")
    }
}

impl Install {
    /// The secret from the environment, else from `<folder>/install.secret`,
    /// which is made, readable by its owner only, if it is not there.
    ///
    /// # Errors
    /// [`InstallError`] if it is too short, open to others or unreadable.
    pub fn load_or_create(folder: &Path) -> Result<Self, InstallError> {
        Self::load_or_create_with(folder, &|name| std::env::var(name).ok())
    }

    /// [`Install::load_or_create`] with the environment handed in.
    ///
    /// # Errors
    /// As there.
    pub fn load_or_create_with(
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, InstallError> {
        let set = |name| env(name).filter(|value| !value.is_empty());
        match (set(SECRET_VARIABLE), set(SECRET_FILE_VARIABLE)) {
            (Some(_), Some(_)) => Err(InstallError::Both),
            (Some(text), None) => {
                Self::from_text(Zeroizing::new(text).as_bytes(), SECRET_VARIABLE.into())
            }
            (None, Some(path)) => Self::read(Path::new(&path)),
            (None, None) => {
                let path = folder.join(SECRET_FILE);
                match Self::read(&path) {
                    Err(InstallError::Io { source, .. })
                        if source.kind() == io::ErrorKind::NotFound =>
                    {
                        create(folder, &path).map_err(|source| InstallError::Io {
                            path: path.clone(),
                            source,
                        })?;
                        Self::read(&path)
                    }
                    other => other,
                }
            }
        }
    }

    /// An install whose secret is these bytes as they stand.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What a key is stored and looked up under.
    #[must_use]
    pub fn digest(&self, key: &str) -> [u8; 32] {
        let inner = digest::digest(&digest::SHA256, key.as_bytes());
        self.sign(inner.as_ref())
    }

    /// What a key is stored under of which only SHA-256 is known: a key that
    /// moves in from another gateway.
    #[must_use]
    pub fn digest_of_sha256(&self, sha256: [u8; 32]) -> [u8; 32] {
        self.sign(&sha256)
    }

    /// Tells one secret from another without telling it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        // Never a digest of a key: those sign 32 bytes.
        self.sign(b"the fingerprint of an install secret")
    }

    fn sign(&self, message: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, message);
        let mut out = [0; 32];
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// White space around the text is not part of it, so that the file's
    /// content in the variable is the same secret.
    fn from_text(text: &[u8], origin: String) -> Result<Self, InstallError> {
        let text = text.trim_ascii();
        if text.len() < SHORTEST {
            return Err(InstallError::Short {
                origin,
                length: text.len(),
            });
        }
        Ok(Self::from_bytes(text))
    }

    fn read(path: &Path) -> Result<Self, InstallError> {
        let io = |source| InstallError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        // Asked of the open file, so that it is the one that is read.
        let metadata = file.metadata().map_err(io)?;
        refuse_open(path, &metadata)?;
        let mut text = Zeroizing::new(Vec::new());
        file.take(LONGEST + 1).read_to_end(&mut text).map_err(io)?;
        if text.len() as u64 > LONGEST {
            return Err(InstallError::Large {
                path: path.to_owned(),
            });
        }
        Self::from_text(&text, path.display().to_string())
    }
}

#[cfg(unix)]
fn refuse_open(path: &Path, metadata: &fs::Metadata) -> Result<(), InstallError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(InstallError::Open {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn refuse_open(_: &Path, _: &fs::Metadata) -> Result<(), InstallError> {
    Ok(())
}

/// Makes the file whole or not at all: written under another name, then linked
/// to its own, which fails if another process was first (its secret holds).
fn create(folder: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(
        "{SECRET_FILE}.{:016x}",
        u64::from_be_bytes(random())
    ));
    let made = write_new(&draft).and_then(|()| fs::hard_link(&draft, path));
    // The draft may not be there if it could not be made; nothing to report.
    let _ = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        // The name must be on disk before a key is stored under the secret.
        Ok(()) => File::open(folder)?.sync_all(),
    }
}

fn write_new(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let secret = Zeroizing::new(random::<32>());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()) + "\n");
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What tells a secret from others without telling anything of it: the
/// beginning of its SHA-256, as hexadecimal digits.
#[must_use]
pub fn short_digest(secret: &str) -> String {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    let start = digest.as_ref().iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
