//! Client TLS: the system's roots, built-in ones where there are none, and a
//! private authority per provider.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use domain::model::HttpVersion;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Has the crypto library gather its entropy, which takes it some 25 ms once:
/// on a thread of its own, so that no first handshake waits for that.
pub fn warm_up() {
    let gather = || aws_lc_rs::rand::fill(&mut [0]).is_ok();
    // Without the thread the first handshake does it.
    let _ = std::thread::Builder::new()
        .name("entropy".to_owned())
        .spawn(gather);
}

type Key = (Option<PathBuf>, HttpVersion);

/// Client configurations, built once per authority and HTTP version.
#[derive(Default)]
pub struct ClientTls {
    built: Mutex<HashMap<Key, Arc<ClientConfig>>>,
}

impl ClientTls {
    /// The configuration for an upstream.
    ///
    /// # Errors
    /// The authority's file cannot be read or holds no certificate.
    pub fn config(
        &self,
        ca: Option<&Path>,
        http: HttpVersion,
    ) -> Result<Arc<ClientConfig>, String> {
        let key = (ca.map(Path::to_path_buf), http);
        let mut built = self
            .built
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(config) = built.get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(build(ca, http)?);
        built.insert(key, Arc::clone(&config));
        Ok(config)
    }

    /// Forgets what was built, so that changed files are read again.
    pub fn forget(&self) {
        self.built
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
    }
}

fn build(ca: Option<&Path>, http: HttpVersion) -> Result<ClientConfig, String> {
    let mut config =
        ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(ca)?)
            .with_no_client_auth();
    config.alpn_protocols = match http {
        HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersion::Http2 => vec![b"h2".to_vec()],
    };
    Ok(config)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(format!("{}: no certificate in it", path.display()));
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(roots)
}
