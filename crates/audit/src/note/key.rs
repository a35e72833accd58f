//! Keys as text: verifier keys as C2SP signed-note writes them, signer keys as
//! Go's `golang.org/x/mod/sumdb/note` does.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::NoteError;
use crate::tree;

/// The type of an Ed25519 signature, in front of a key's bytes.
const ED25519_TYPE: u8 = 1;
/// What a signer key's text begins with.
const PRIVATE: &str = "PRIVATE+KEY+";

/// An Ed25519 public key with its name: `name+id+base64(1, key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// A key of this name.
    ///
    /// # Errors
    /// The name is empty or has a space, a plus or a control character.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key("its name is empty or has a space or a plus"));
        }
        Ok(Self {
            name: name.to_owned(),
            public,
        })
    }

    /// Its name, which is the origin of the log that it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the hash of name and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let named = [
            self.name.as_bytes(),
            &[b'\n', ED25519_TYPE],
            &self.public[..],
        ];
        let [a, b, c, d, ..] = tree::sha256(&named.concat()).0;
        [a, b, c, d]
    }

    /// Whether a signature is this key's over a text.
    #[must_use]
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(text, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, self.id(), &self.public)
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = read_key(text)?;
        let key = Self::new(name, public)?;
        if hex(key.id()) != id {
            return Err(NoteError::Key("its id is not of its name and bytes"));
        }
        Ok(key)
    }
}

/// A key that signs: `PRIVATE+KEY+name+id+base64(1, seed)`. Its text is a
/// secret; it does not print.
pub struct SignerKey {
    verifier: VerifierKey,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl SignerKey {
    /// A new key of this name.
    ///
    /// # Errors
    /// The name is none, or there is no randomness.
    pub fn generate(name: &str) -> Result<Self, NoteError> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NoteError::Key("the system gives no randomness"))?;
        Self::of_seed(name, seed)
    }

    fn of_seed(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| NoteError::Key("its bytes are no Ed25519 seed"))?;
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| NoteError::Key("its bytes are no Ed25519 seed"))?;
        Ok(Self {
            verifier: VerifierKey::new(name, public)?,
            seed,
            pair,
        })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature over a text.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(text);
        let mut bytes = [0; 64];
        bytes.copy_from_slice(signature.as_ref());
        bytes
    }

    /// The text that brings the key back: a secret.
    #[must_use]
    pub fn expose(&self) -> String {
        let key = Written {
            name: self.verifier.name(),
            id: self.verifier.id(),
            bytes: &self.seed,
        };
        format!("{PRIVATE}{key}")
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

impl FromStr for SignerKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let key = text
            .strip_prefix(PRIVATE)
            .ok_or(NoteError::Key("it does not begin with PRIVATE+KEY+"))?;
        let (name, id, seed) = read_key(key)?;
        let key = Self::of_seed(name, seed)?;
        if hex(key.verifier.id()) != id {
            return Err(NoteError::Key("its id is not of its name and bytes"));
        }
        Ok(key)
    }
}

struct Written<'a> {
    name: &'a str,
    id: [u8; 4],
    bytes: &'a [u8; 32],
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, self.name, self.id, self.bytes)
    }
}

/// Whether a text may name a key.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn write_key(f: &mut fmt::Formatter<'_>, name: &str, id: [u8; 4], bytes: &[u8; 32]) -> fmt::Result {
    let typed = [&[ED25519_TYPE][..], bytes].concat();
    write!(f, "{name}+{}+{}", hex(id), STANDARD.encode(typed))
}

/// Name, id in hex, and the key's bytes. The base64 may have a plus of its own.
fn read_key(text: &str) -> Result<(&str, &str, [u8; 32]), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::Key("it has not three parts"));
    };
    let bytes = STANDARD.decode(encoded);
    let bytes = bytes.map_err(|_| NoteError::Key("its last part is no base64"))?;
    match bytes.split_first() {
        Some((&ED25519_TYPE, bytes)) => {
            let bytes = bytes.try_into();
            let bytes = bytes.map_err(|_| NoteError::Key("it has not 32 bytes"))?;
            Ok((name, id, bytes))
        }
        _ => Err(NoteError::Key("it is no Ed25519 key")),
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
