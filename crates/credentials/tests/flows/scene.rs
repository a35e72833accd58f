//! Surroundings of a test: variables, a fixed clock, whom to trust.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use credentials::http::Http;
use credentials::{Renewed, Spec, Surroundings};
use domain::credential::{Absent, Credential};
use domain::time::UnixMicros;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Certificates that the end-to-end tests use too.
pub(crate) const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/fixtures/tls");

/// 2015-08-30T12:36:00Z, the moment of AWS' test suite.
pub(crate) const NOW: UnixMicros = UnixMicros(1_440_938_160_000_000);

/// The moment `seconds` later.
pub(crate) fn later(seconds: i64) -> UnixMicros {
    UnixMicros(NOW.0 + seconds * 1_000_000)
}

pub(crate) fn around(env: &[(&str, &str)]) -> Surroundings {
    trusting(RootCertStore::empty(), env)
}

/// Surroundings that trust the authority of [`crate::server::Server::start_tls`].
pub(crate) fn around_trusting(env: &[(&str, &str)]) -> Surroundings {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(format!("{TLS}/ca.pem")).unwrap();
    roots.add(authority).unwrap();
    trusting(roots, env)
}

fn trusting(roots: RootCertStore, env: &[(&str, &str)]) -> Surroundings {
    let tls = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let env: HashMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let lookup = move |name: &str| env.get(name).cloned();
    Surroundings::new(Http::new(Arc::new(tls)), lookup, || NOW)
}

/// What the first fetch comes to.
pub(crate) async fn first(spec: Spec, env: &[(&str, &str)]) -> Result<Credential, Absent> {
    let renewed = Renewed::start("test", spec, around(env));
    renewed.ready().await?;
    renewed.at(NOW)
}

/// The token of a bearer credential.
pub(crate) fn token(credential: &Credential) -> &str {
    match credential {
        Credential::Key(token) | Credential::Token(token) => token.reveal(),
        Credential::Aws(_) => panic!("keys of AWS"),
    }
}

/// A folder of its own, gone with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("credentials-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
