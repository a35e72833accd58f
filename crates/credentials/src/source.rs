//! From a spec to whoever fetches.

use std::future::Future;
use std::pin::Pin;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::spec::Spec;
use crate::surroundings::Surroundings;
use crate::{aws, azure, google, local};

/// What a fetch will come to.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, Fault>> + Send + 'a>>;

/// Somebody who can fetch a credential, over and over.
pub trait Source: Send + Sync {
    /// Fetches once.
    fn fetch(&self) -> Fetching<'_>;
}

/// A spec with what it needs around it.
pub(crate) struct Specified {
    pub(crate) spec: Spec,
    pub(crate) around: Surroundings,
}

impl Source for Specified {
    fn fetch(&self) -> Fetching<'_> {
        let around = &self.around;
        match &self.spec {
            Spec::Aws(spec) => Box::pin(aws::fetch(spec, around)),
            Spec::Google(spec) => Box::pin(google::fetch(spec, around)),
            Spec::Azure(spec) => Box::pin(azure::fetch(spec, around)),
            Spec::Command { argv, ttl } => Box::pin(local::command(argv, *ttl, around)),
            Spec::File { path } => Box::pin(async { local::file(path) }),
        }
    }
}
