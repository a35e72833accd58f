//! Who signs: a key in a file of ours, or somebody elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{NoteError, SignerKey, VerifierKey};

/// Who signs a log's checkpoints.
pub trait Signer {
    /// The key that its signatures are checked with. Its name is the origin of
    /// the logs that it may sign.
    fn verifier(&self) -> &VerifierKey;

    /// The Ed25519 signature over a text's bytes. May take its time.
    ///
    /// # Errors
    /// There is none to be had.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], NoteError>;
}

impl Signer for SignerKey {
    fn verifier(&self) -> &VerifierKey {
        SignerKey::verifier(self)
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], NoteError> {
        Ok(SignerKey::sign(self, text))
    }
}

/// A key in a file that only its owner may read.
#[derive(Debug)]
pub struct KeyFile {
    key: SignerKey,
}

impl KeyFile {
    /// The key in `path`; if there is no such file, a new key of this name,
    /// which is written there first, with mode 0600.
    ///
    /// # Errors
    /// The file cannot be read or made, holds no key or one of another name,
    /// or others than its owner may read it.
    pub fn open_or_make(path: &Path, name: &str) -> Result<Self, NoteError> {
        match File::open(path) {
            Ok(file) => Self::read(file, path, name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path, name),
            Err(error) => Err(of_file(path, error)),
        }
    }

    fn read(mut file: File, path: &Path, name: &str) -> Result<Self, NoteError> {
        let mode = file
            .metadata()
            .map_err(|error| of_file(path, error))?
            .mode();
        if mode & 0o077 != 0 {
            return Err(of_file(
                path,
                format!("mode {:04o} lets others at it; chmod 600", mode & 0o7777),
            ));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| of_file(path, error))?;
        let key: SignerKey = text.trim_end_matches('\n').parse()?;
        if key.verifier().name() != name {
            let named = key.verifier().name();
            return Err(of_file(
                path,
                format!("holds the key of {named}, not of {name}"),
            ));
        }
        Ok(Self { key })
    }

    fn make(path: &Path, name: &str) -> Result<Self, NoteError> {
        let key = SignerKey::generate(name)?;
        // Beside it first: a key that was half written would stand in the way
        // of the next start.
        let beside = path.with_extension("new");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(format!("{}\n", key.expose()).as_bytes())?;
                file.sync_all()
            })
            // Unlike a rename, a link does not replace what came meanwhile.
            .and_then(|()| std::fs::hard_link(&beside, path));
        let _ = std::fs::remove_file(&beside);
        written.map_err(|error| of_file(path, error))?;
        Ok(Self { key })
    }
}

impl Signer for KeyFile {
    fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], NoteError> {
        Ok(self.key.sign(text))
    }
}

/// A key that lives elsewhere: `sign` gets the text's bytes and gives back the
/// signature, as 64 bytes or in base64, or says why there is none. A command
/// that reads its input and prints the signature is one.
pub struct Elsewhere<F> {
    verifier: VerifierKey,
    sign: F,
}

impl<F: Fn(&[u8]) -> Result<Vec<u8>, String>> Elsewhere<F> {
    /// A signer whose signatures are checked with `verifier`.
    pub fn new(verifier: VerifierKey, sign: F) -> Self {
        Self { verifier, sign }
    }
}

impl<F: Fn(&[u8]) -> Result<Vec<u8>, String>> Signer for Elsewhere<F> {
    fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], NoteError> {
        let answer = (self.sign)(text).map_err(NoteError::Signer)?;
        if let Ok(signature) = answer.as_slice().try_into() {
            return Ok(signature);
        }
        let bytes = STANDARD.decode(answer.trim_ascii()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| NoteError::Signer("its answer is no Ed25519 signature".to_owned()))
    }
}

fn of_file(path: &Path, why: impl ToString) -> NoteError {
    NoteError::KeyFile {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
