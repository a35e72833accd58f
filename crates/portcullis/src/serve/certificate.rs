//! The certificate of the data listener, put in place anew by a reload.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use config::network::Tls;
use config::{Config, ConfigError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificate for clients, if TLS is configured.
///
/// # Errors
/// The certificate or the key cannot be used.
pub(crate) fn of(config: &Config) -> Result<Option<CertifiedKey>, ConfigError> {
    let made = config.tls.as_ref().map(certified).transpose();
    made.map_err(|(path, message)| config.source.problem(path, message).into())
}

/// The certificate and its key as the files hold them now; else the field
/// that is wrong, and why.
fn certified(tls: &Tls) -> Result<CertifiedKey, (&'static str, String)> {
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ("tls.certificate", unusable(&tls.certificate, &error)))?;
    if chain.is_empty() {
        let why = unusable(&tls.certificate, &"it holds no certificate");
        return Err(("tls.certificate", why));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| ("tls.key", unusable(&tls.key, &error)))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| ("tls.key", unusable(&tls.key, &error)))
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> String {
    format!("the PEM file `{}` cannot be used: {why}", file.display())
}

/// The certificate that new connections get. A reload puts another one in its
/// place; open connections keep theirs.
#[derive(Debug)]
pub(super) struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Begins with this one.
    pub(super) fn new(first: CertifiedKey) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    /// From now on this one.
    pub(super) fn rotate(&self, next: CertifiedKey) {
        self.0.store(Arc::new(next));
    }

    /// What rustls needs.
    ///
    /// # Errors
    /// The crypto library knows no version of TLS.
    pub(super) fn server(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
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
