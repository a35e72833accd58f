//! This side's end of an HTTP/1 connection: what came and was not looked at,
//! what is on its way out, and one alarm for all that may be late.

use std::io;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::{Alarm, Inlet, Outlet, Scratch, Socket};

/// One end of a connection.
pub(crate) struct End {
    pub(crate) socket: Socket,
    inlet: Inlet,
    outlet: Outlet,
    alarm: Alarm,
}

impl End {
    pub(crate) fn new(socket: Socket, scratch: &Scratch) -> Self {
        Self {
            socket,
            inlet: Inlet::new(scratch),
            outlet: Outlet::default(),
            alarm: Alarm::default(),
        }
    }

    /// What came and was not taken.
    pub(crate) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.inlet.bytes
    }

    /// How much that is.
    pub(crate) fn unread(&self) -> usize {
        self.inlet.bytes.len()
    }

    /// Reads more; see [`Inlet::poll_fill`].
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        expected: u64,
    ) -> Poll<io::Result<usize>> {
        self.inlet.poll_fill(cx, &mut self.socket, expected)
    }

    /// What is on its way out.
    pub(crate) fn outlet(&mut self) -> &mut Outlet {
        &mut self.outlet
    }

    /// Adds bytes behind those on their way out.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.outlet.push(bytes);
    }

    /// Whether everything has left.
    pub(crate) fn is_written(&self) -> bool {
        self.outlet.is_empty()
    }

    /// Writes all of it; see [`Outlet::poll_write`].
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet
            .poll_write(cx, &mut self.socket, &mut self.alarm)
    }

    /// Ready once `due` is past.
    pub(crate) fn poll_late(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        self.alarm.poll(cx, due)
    }

    /// The connection, and what came by it.
    pub(crate) fn into_parts(self) -> (Socket, Bytes) {
        (self.socket, self.inlet.bytes.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::ready;
    use std::time::Duration;

    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::{Line, stage::play};
    use super::*;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/fixtures/tls");

    /// A connection whose system takes little, to a server that reads so many
    /// bytes before it says one.
    async fn to_server(expects: usize, writer: Rc<journal::Writer>) -> End {
        let at = |name: &str| Path::new(FIXTURES).join(name);
        let chain = CertificateDer::pem_file_iter(at("server.pem")).expect("certificates");
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_file(at("server.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::task::spawn_local(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
            let mut stream = acceptor.accept(stream).await.expect("TLS");
            let mut all = vec![0; expects];
            stream.read_exact(&mut all).await.expect("all of it");
            stream.write_all(b"!").await.expect("sent");
        });
        let stream = TcpStream::connect(address).await.expect("a server");
        let socket = socket2::SockRef::from(&stream);
        socket.set_send_buffer_size(4096).expect("a small buffer");
        let tls = crate::send::tls::ClientTls::default();
        let config = tls.config(Some(&at("ca.pem")), domain::model::HttpVersion::Http1);
        let line = Line::to_upstream(stream, writer);
        let name = "localhost".try_into().expect("a name");
        let stream = tokio_rustls::TlsConnector::from(config.expect("an authority"))
            .connect(name, line.clone())
            .await
            .expect("TLS");
        End::new(
            Socket::Tls(Box::new(stream.into()), line),
            &Scratch::default(),
        )
    }

    /// Asks as the exchanges do: writes only while something is not written.
    async fn ask(end: &mut End) -> io::Result<usize> {
        std::future::poll_fn(|cx| {
            if !end.is_written()
                && let Poll::Ready(done) = end.poll_write(cx)
            {
                done?;
            }
            let read = ready!(end.poll_fill(cx, 0))?;
            Poll::Ready(Ok(read))
        })
        .await
    }

    #[test]
    fn the_last_bytes_do_not_stay_within_tls() {
        play(async |writer| {
            let mut end = to_server(300_000, writer).await;
            end.push(vec![b'x'; 300_000].into());
            let asked = tokio::time::timeout(Duration::from_secs(5), ask(&mut end)).await;
            assert_eq!(asked.expect("in time").expect("an answer"), 1);
            assert!(end.is_written());
        });
    }
}
