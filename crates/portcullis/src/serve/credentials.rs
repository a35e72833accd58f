//! Credentials that are fetched and renewed, beside the way: one task each,
//! and the same one as long as its configuration stays the same.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use credentials::http::Http;
use credentials::{Renewed, Spec, Surroundings};
use domain::credential::Renewing;
use domain::model::HttpVersion;
use gateway::send::tls::ClientTls;

use crate::build::Fetchers;

/// How long a start waits for the first credentials. Without them the gateway
/// still serves everybody else.
const PATIENCE: Duration = Duration::from_millis(100);

/// The world around the fetchers: the process' own.
///
/// # Errors
/// The roots that upstreams are trusted by cannot be read.
pub(crate) fn surroundings() -> anyhow::Result<Surroundings> {
    let tls = ClientTls::default().config(None, HttpVersion::Http1);
    let http = Http::new(tls.map_err(anyhow::Error::msg)?);
    let env = config::environment::process;
    Ok(Surroundings::new(http, env, crate::clock::now))
}

/// All that are kept fresh now.
pub(super) struct Fresh {
    around: Surroundings,
    known: Mutex<Vec<(Spec, Weak<Renewed>)>>,
}

impl Fresh {
    /// None yet. They are fetched with the roots that upstreams are trusted by.
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            around: surroundings()?,
            known: Mutex::default(),
        })
    }

    /// The client that they are fetched by.
    pub(super) fn http(&self) -> &Http {
        self.around.http()
    }

    /// Waits until each was asked for once, or long enough.
    pub(super) async fn ready(&self) {
        let all: Vec<_> = self
            .known()
            .iter()
            .filter_map(|(_, it)| it.upgrade())
            .collect();
        let each = async {
            for renewed in &all {
                // What went wrong stands in the log; it is tried again.
                let _ = renewed.ready().await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, each).await;
    }

    /// Those that are missing now, and why.
    pub(super) fn missing(&self) -> Option<String> {
        let known = self.known();
        let all = known.iter().filter_map(|(_, it)| it.upgrade());
        let missing = all.filter_map(|it| Some(format!("{}: {}", it.name(), it.current().err()?)));
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Vec<(Spec, Weak<Renewed>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetchers for Fresh {
    fn renewed(&self, name: &str, spec: Spec) -> Arc<dyn Renewing> {
        let mut known = self.known();
        known.retain(|(_, renewed)| renewed.strong_count() > 0);
        let same = known.iter().find(|(there, _)| *there == spec);
        if let Some(renewed) = same.and_then(|(_, renewed)| renewed.upgrade()) {
            return renewed;
        }
        let renewed = Renewed::start(name, spec.clone(), self.around.clone());
        known.push((spec, Arc::downgrade(&renewed)));
        renewed
    }
}
