//! What fetchers may touch: the environment, the clock, the network. Handed
//! in, so that a test decides what they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::secret::Secret;
use domain::time::UnixMicros;

use crate::fault::Fault;
use crate::http::Http;

/// A file of credentials is small; a larger one is another file.
const LARGEST_FILE: u64 = 256 * 1024;

type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Clock = Arc<dyn Fn() -> UnixMicros + Send + Sync>;

/// The world around the fetchers.
#[derive(Clone)]
pub struct Surroundings {
    env: Env,
    clock: Clock,
    pub(crate) http: Http,
}

impl Surroundings {
    /// Surroundings with these means.
    pub fn new(
        http: Http,
        env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        clock: impl Fn() -> UnixMicros + Send + Sync + 'static,
    ) -> Self {
        Self {
            env: Arc::new(env),
            clock: Arc::new(clock),
            http,
        }
    }

    /// The client.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn now(&self) -> UnixMicros {
        (self.clock)()
    }

    /// The moment `seconds` from now.
    pub(crate) fn after(&self, seconds: i64) -> UnixMicros {
        let micros = seconds.saturating_mul(1_000_000);
        UnixMicros(self.now().0.saturating_add(micros))
    }

    /// A variable, unless it is unset or blank.
    pub(crate) fn env(&self, name: &str) -> Option<String> {
        let value = (self.env)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        self.env(name).map(Secret::new)
    }

    /// A path below the user's home.
    pub(crate) fn home(&self, below: &str) -> Option<PathBuf> {
        let home = self.env("HOME").or_else(|| self.env("USERPROFILE"))?;
        Some(Path::new(&home).join(below))
    }
}

/// The text of a file of credentials.
pub(crate) fn read(path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| {
        let what = format!("{shown}: {}", error.kind());
        match error.kind() {
            std::io::ErrorKind::NotFound => Fault::Missing(what),
            _ => Fault::Setup(what),
        }
    })?;
    if !metadata.is_file() || metadata.len() > LARGEST_FILE {
        return Err(Fault::Setup(format!(
            "{shown}: no file of at most {LARGEST_FILE} bytes"
        )));
    }
    std::fs::read_to_string(path)
        .map_err(|error| Fault::Setup(format!("{shown}: {}", error.kind())))
}
