//! Exchanges with hosts on this machine, which is spared for the purpose.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

static FIXTURES: LazyLock<PathBuf> =
    LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/fixtures/tls"));
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

fn budget(bytes: usize) -> Budget {
    Budget {
        left: Cell::new(bytes),
        most: bytes,
    }
}

async fn got(fetcher: &Fetcher, url: &str, budget: &Budget) -> Result<Medium, Fault> {
    got_by(fetcher, url, budget, None).await
}

/// What comes if one trusts certificates of this authority.
async fn got_by(
    fetcher: &Fetcher,
    url: &str,
    budget: &Budget,
    authority: Option<&Path>,
) -> Result<Medium, Fault> {
    let rules = Fetching::default();
    let tls = crate::send::tls::ClientTls::default();
    let tls = &tls.config(authority, HttpVersion::Http1).expect("TLS");
    let terms = Terms {
        rules: &rules,
        budget,
        tls,
    };
    fetcher.get((url, MediaKind::Image), terms).await
}

/// A server that says this to whoever comes, and how many came.
async fn server(said: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&said).await;
        }
    });
    (address, count)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut said = format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes();
    said.extend_from_slice(body);
    said
}

fn image() -> Vec<u8> {
    answer("content-type: image/png\r\n", PNG)
}

#[tokio::test]
async fn a_private_address_is_never_connected_to() {
    let (address, count) = server(image()).await;
    // Spared at another port, so that this one is asked about by its address.
    let elsewhere = SocketAddr::new([127, 0, 0, 9].into(), address.port());
    let fetcher = Fetcher::sparing(vec![elsewhere]);
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0x7f.1"] {
        let url = format!("http://{host}:{}/a.png", address.port());
        let fault = got(&fetcher, &url, &budget(1000)).await.expect_err(host);
        assert!(matches!(fault, Fault::Closed), "{host}: {fault:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_with_a_private_address_among_others_is_not_asked() {
    let fetcher = Fetcher {
        look: |_, port| {
            let public = SocketAddr::new([1, 1, 1, 1].into(), port);
            Ok(vec![public, SocketAddr::new([10, 0, 0, 1].into(), port)])
        },
        ..Fetcher::default()
    };
    let fault = got(&fetcher, "https://example.com/a.png", &budget(1000)).await;
    assert!(matches!(fault, Err(Fault::Closed)));
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_connection_goes_there() {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    static PORT: AtomicUsize = AtomicUsize::new(0);
    let (address, count) = server(image()).await;
    PORT.store(address.port().into(), Ordering::Relaxed);
    let fetcher = Fetcher {
        // The second look-up would lead elsewhere.
        look: |_, port| {
            let last = if LOOKS.fetch_add(1, Ordering::Relaxed) == 0 {
                1
            } else {
                2
            };
            Ok(vec![SocketAddr::new([127, 0, 0, last].into(), port)])
        },
        ..Fetcher::sparing(vec![address])
    };
    let url = format!("http://images.example:{}/a.png", address.port());
    let medium = got(&fetcher, &url, &budget(1000)).await.expect("a medium");
    assert_eq!((medium.mime, medium.bytes), ("image/png", PNG.len()));
    assert_eq!(LOOKS.load(Ordering::Relaxed), 1);
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let (inner, count) = server(image()).await;
    let head = format!("HTTP/1.1 302 Found\r\nlocation: http://{inner}/a.png\r\n\r\n");
    let (outer, _) = server(head.into_bytes()).await;
    let fetcher = Fetcher::sparing(vec![outer]);
    let fault = got(&fetcher, &format!("http://{outer}/"), &budget(1000)).await;
    assert!(matches!(fault, Err(Fault::Host)));
    for location in [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let head = format!("HTTP/1.1 307 Temporary\r\nlocation: {location}\r\n\r\n");
        let (outer, _) = server(head.into_bytes()).await;
        let fetcher = Fetcher::sparing(vec![outer]);
        let fault = got(&fetcher, &format!("http://{outer}/"), &budget(1000)).await;
        assert!(matches!(fault, Err(Fault::Closed)), "{location}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_more() {
    let (address, count) = server(b"HTTP/1.1 302 Found\r\nlocation: /b\r\n\r\n".to_vec()).await;
    let fetcher = Fetcher::sparing(vec![address]);
    let fault = got(&fetcher, &format!("http://{address}/a"), &budget(1000)).await;
    assert!(matches!(fault, Err(Fault::Astray)));
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn what_is_too_large_of_another_type_or_compressed_is_not_taken() {
    let png = "content-type: image/png\r\n";
    for (said, why) in [
        (
            answer(&format!("{png}content-length: 2000\r\n"), PNG),
            "large",
        ),
        (answer(png, &PNG.repeat(60)), "large"),
        (answer("content-type: text/html\r\n", b"<html>"), "type"),
        (answer("", PNG), "type"),
        (answer(png, b"<html>"), "mismatch"),
        (
            answer(&format!("{png}content-encoding: gzip\r\n"), PNG),
            "coding",
        ),
        (
            answer(&format!("{png}content-length: 900\r\n"), PNG),
            "broken",
        ),
        (b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(), "status"),
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), "broken"),
    ] {
        let (address, _) = server(said).await;
        let fetcher = Fetcher::sparing(vec![address]);
        let url = format!("http://{address}/a.png");
        let fault = got(&fetcher, &url, &budget(1000)).await.expect_err(why);
        let is_right = match why {
            "large" => fault == Fault::TooLarge(1000),
            "type" => matches!(fault, Fault::Type(_)),
            "mismatch" => fault == Fault::Mismatch,
            "coding" => fault == Fault::Compressed,
            "broken" => fault == Fault::Broken,
            _ => fault == Fault::Status(404),
        };
        assert!(is_right, "{why}: {fault:?}");
    }
}

#[tokio::test]
async fn ports_that_nobody_allowed_are_not_asked() {
    let fetcher = Fetcher::default();
    for url in [
        "http://1.1.1.1:22/",
        "https://1.1.1.1:80/",
        "http://1.1.1.1:443/",
    ] {
        let fault = got(&fetcher, url, &budget(1000)).await;
        assert!(matches!(fault, Err(Fault::Host)), "{url}");
    }
}

#[tokio::test]
async fn a_certificate_is_for_the_urls_name_and_by_whom_is_trusted() {
    let (address, count) = secure_server().await;
    let ours = FIXTURES.join("ca.pem");
    for (host, authority, is_taken) in [
        ("localhost", Some(ours.as_path()), true),
        ("localhost", None, false),
        ("images.example", Some(ours.as_path()), false),
    ] {
        let fetcher = Fetcher {
            look: |_, port| Ok(vec![SocketAddr::new([127, 0, 0, 1].into(), port)]),
            ..Fetcher::sparing(vec![address])
        };
        let url = format!("https://{host}:{}/a.png", address.port());
        let got = got_by(&fetcher, &url, &budget(1000), authority).await;
        match is_taken {
            true => assert_eq!(got.expect("a medium").bytes, PNG.len()),
            false => assert!(matches!(got, Err(Fault::Untrusted)), "{host}"),
        }
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

/// A server with a certificate for `localhost`, and how many asked it.
async fn secure_server() -> (SocketAddr, Arc<AtomicUsize>) {
    let chain = CertificateDer::pem_file_iter(FIXTURES.join("server.pem")).expect("a chain");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a chain");
    let key = PrivateKeyDer::from_pem_file(FIXTURES.join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let asked = stream.read(&mut [0; 4096]).await;
            counted.fetch_add(usize::from(asked.is_ok_and(|n| n > 0)), Ordering::Relaxed);
            let _ = stream.write_all(&image()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, count)
}
