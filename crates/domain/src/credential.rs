//! What authenticates the gateway at a provider.

use std::fmt::Debug;
use std::sync::Arc;

use crate::secret::Secret;

/// What goes into one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A key, which goes where the provider wants keys.
    Key(Secret),
    /// A token that ends soon, `Authorization: Bearer …` whoever takes it.
    Token(Secret),
    /// What AWS signs with.
    Aws(AwsKeys),
}

/// A pair of AWS keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// The id of the pair.
    pub access_key: Secret,
    /// The key that signs.
    pub secret_key: Secret,
    /// Of a pair that ends some day.
    pub session_token: Option<Secret>,
}

/// There is no credential now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Absent(pub String);

/// A credential that is renewed from time to time, off the request's way.
pub trait Renewing: Debug + Send + Sync {
    /// What holds now. Never waits.
    ///
    /// # Errors
    /// [`Absent`] says why there is none, without any secret.
    fn current(&self) -> Result<Credential, Absent>;

    /// What was current is refused where it should hold: a new one is fetched
    /// before its time, if there can be another. Never waits.
    fn renew(&self) {}
}

/// One of a provider's keys.
#[derive(Clone, Debug)]
pub struct Key {
    /// What tells it from the others: the same after every reload, and nothing
    /// that it could be guessed from.
    pub id: Arc<str>,
    /// The key itself, or where it comes from.
    pub source: KeySource,
}

/// Where a key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// It stands in the configuration or in the environment.
    Fixed(Secret),
    /// It is fetched and renewed.
    Renewed(Arc<dyn Renewing>),
}

impl Key {
    /// A key that stays.
    #[must_use]
    pub fn fixed(id: impl Into<Arc<str>>, secret: Secret) -> Self {
        Self {
            id: id.into(),
            source: KeySource::Fixed(secret),
        }
    }

    /// What holds now.
    ///
    /// # Errors
    /// See [`Renewing::current`].
    pub fn current(&self) -> Result<Credential, Absent> {
        match &self.source {
            KeySource::Fixed(secret) => Ok(Credential::Key(secret.clone())),
            KeySource::Renewed(source) => source.current(),
        }
    }
}

impl Key {
    /// Its provider refuses it; says whether another one may come in its place.
    #[must_use]
    pub fn refused(&self) -> bool {
        let KeySource::Renewed(source) = &self.source else {
            return false;
        };
        source.renew();
        true
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && match (&self.source, &other.source) {
                (KeySource::Fixed(a), KeySource::Fixed(b)) => a == b,
                (KeySource::Renewed(a), KeySource::Renewed(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}

impl Eq for Key {}
