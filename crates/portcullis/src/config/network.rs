//! Where the gateway listens: the admin listener and TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Listen;

/// The listener for health and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Admin {
    /// Its address.
    pub(crate) listen: Listen,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(4001),
        }
    }
}

impl Admin {
    /// Two listeners cannot share an address.
    pub(crate) fn validate(&self, data: Listen, report: &mut Report<'_>) {
        if self.listen == data && data.0.port() != 0 {
            report.wrong(
                "admin.listen",
                format!("`{data}` is the address of the data listener too"),
                "give it a port of its own, like `127.0.0.1:4001`",
            );
        }
    }
}

/// TLS of the data listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file: the certificate, and those between it and its root.
    pub(crate) certificate: PathBuf,
    /// PEM file: the private key.
    pub(crate) key: PathBuf,
}

impl Tls {
    /// Both files must be there.
    pub(crate) fn validate(&self, report: &mut Report<'_>) {
        file("tls.certificate", &self.certificate, report);
        file("tls.key", &self.key, report);
    }
}

impl Tls {
    /// The certificate and its key as the files hold them now; else the field
    /// that is wrong, and why.
    pub(crate) fn certified(&self) -> Result<CertifiedKey, (&'static str, String)> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| ("tls.certificate", unusable(&self.certificate, &error)))?;
        if chain.is_empty() {
            let why = unusable(&self.certificate, &"it holds no certificate");
            return Err(("tls.certificate", why));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| ("tls.key", unusable(&self.key, &error)))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| ("tls.key", unusable(&self.key, &error)))
    }
}

/// The certificate that new connections get. A reload puts another one in its
/// place; open connections keep theirs.
#[derive(Debug)]
pub(crate) struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Begins with this one.
    pub(crate) fn new(first: CertifiedKey) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    /// From now on this one.
    pub(crate) fn rotate(&self, next: CertifiedKey) {
        self.0.store(Arc::new(next));
    }

    /// What rustls needs.
    ///
    /// # Errors
    /// The crypto library knows no version of TLS.
    pub(crate) fn server(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(server))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> String {
    format!("the PEM file `{}` cannot be used: {why}", file.display())
}

/// A file that must be readable.
pub(crate) fn file(path: &str, file: &Path, report: &mut Report<'_>) {
    if let Err(error) = std::fs::File::open(file) {
        report.wrong(
            path,
            format!("the file `{}` cannot be read: {error}", file.display()),
            "check the path, and that this user may read it",
        );
    }
}
