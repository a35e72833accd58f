//! Upstream connections of one event loop: opened, kept, used again.
//!
//! HTTP/1.1 connections serve one exchange at a time and wait here between
//! two; an HTTP/2 connection is shared. A connection whose answer was not read
//! to its end never comes back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use domain::model::{HttpVersion, Provider};
use http::{Request, Response};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::outgoing::Outgoing;
use super::tls::ClientTls;
use super::upstream::UpstreamBody;

/// How long an unused connection is kept. Shorter than the usual 60 seconds
/// of servers, so that we close first.
const IDLE: Duration = Duration::from_secs(50);
/// How often a shared connection in use is asked whether it is alive, and how
/// long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);
/// Unused connections kept per origin.
const MOST_IDLE: usize = 256;

/// Why an exchange failed before an answer's head came.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection.
    #[error("connect: {0}")]
    Connect(String),
    /// No connection in time.
    #[error("connect: timed out")]
    ConnectTimeout,
    /// No head of an answer in time.
    #[error("first byte: timed out")]
    FirstByteTimeout,
    /// The connection broke.
    #[error("{0}")]
    Broken(#[from] hyper::Error),
}

struct Idle {
    sender: http1::SendRequest<Outgoing>,
    since: Instant,
}

#[derive(Default)]
struct Origin {
    idle: Vec<Idle>,
    shared: Option<http2::SendRequest<Outgoing>>,
}

type Key = (String, u16, bool, HttpVersion, Option<std::path::PathBuf>);

/// The pool.
#[derive(Default)]
pub struct Pool {
    origins: RefCell<HashMap<Key, Origin>>,
}

/// A connection in use; [`Lease::give_back`] once its answer is read.
pub struct Lease {
    pool: Rc<Pool>,
    key: Key,
    sender: http1::SendRequest<Outgoing>,
}

impl Lease {
    /// Puts the connection back.
    pub fn give_back(self) {
        if self.sender.is_closed() {
            return;
        }
        let mut origins = self.pool.origins.borrow_mut();
        let origin = origins.entry(self.key).or_default();
        // The newest is used first, so the oldest stand in front: those that
        // a quiet hour left over are closed here.
        let stale = origin
            .idle
            .partition_point(|idle| idle.since.elapsed() >= IDLE);
        origin.idle.drain(..stale);
        if origin.idle.len() < MOST_IDLE {
            origin.idle.push(Idle {
                sender: self.sender,
                since: Instant::now(),
            });
        }
    }
}

enum Link {
    One(http1::SendRequest<Outgoing>),
    Shared(http2::SendRequest<Outgoing>),
}

impl Pool {
    /// Sends a request and waits for the answer's head.
    ///
    /// A kept connection may have been closed by the other side in the very
    /// moment it is used; then one fresh connection is tried, because no byte
    /// of an answer has come.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn exchange(
        self: &Rc<Self>,
        tls: &ClientTls,
        provider: &Provider,
        request: &Request<Outgoing>,
    ) -> Result<Response<UpstreamBody>, ExchangeError> {
        let key = (
            provider.host.clone(),
            provider.port,
            provider.tls,
            provider.http,
            provider.ca_file.clone(),
        );
        if let Some(link) = self.kept(&key).await {
            let asked = self.ask(&key, link, provider, request.clone());
            match in_time(provider, asked).await? {
                Err(error)
                    if error.is_canceled()
                        || error.is_incomplete_message()
                        || error.is_closed() => {}
                other => return Ok(other?),
            }
        }
        let connecting = connect(tls, provider);
        let link = tokio::time::timeout(provider.timeouts.connect, connecting)
            .await
            .map_err(|_| ExchangeError::ConnectTimeout)??;
        if let Link::Shared(sender) = &link {
            self.origins
                .borrow_mut()
                .entry(key.clone())
                .or_default()
                .shared = Some(sender.clone());
        }
        let asked = self.ask(&key, link, provider, request.clone());
        Ok(in_time(provider, asked).await??)
    }

    /// A kept connection that is still good.
    async fn kept(&self, key: &Key) -> Option<Link> {
        loop {
            let (idle, shared) = {
                let mut origins = self.origins.borrow_mut();
                let origin = origins.get_mut(key)?;
                origin.shared = origin.shared.take().filter(|sender| !sender.is_closed());
                (origin.idle.pop(), origin.shared.clone())
            };
            if let Some(mut sender) = shared {
                sender.ready().await.ok()?;
                return Some(Link::Shared(sender));
            }
            let mut idle = idle?;
            if idle.since.elapsed() < IDLE && idle.sender.ready().await.is_ok() {
                return Some(Link::One(idle.sender));
            }
        }
    }

    async fn ask(
        self: &Rc<Self>,
        key: &Key,
        link: Link,
        provider: &Provider,
        mut request: Request<Outgoing>,
    ) -> Result<Response<UpstreamBody>, hyper::Error> {
        match link {
            Link::One(mut sender) => {
                let response = sender.send_request(request).await?;
                let lease = Lease {
                    pool: Rc::clone(self),
                    key: key.clone(),
                    sender,
                };
                Ok(response.map(|body| UpstreamBody::Wire(body, Some(lease))))
            }
            Link::Shared(mut sender) => {
                absolute(&mut request, provider);
                let response = sender.send_request(request).await?;
                Ok(response.map(|body| UpstreamBody::Wire(body, None)))
            }
        }
    }
}

/// Waits for the head of an answer as long as the provider may take.
async fn in_time<T>(
    provider: &Provider,
    asked: impl Future<Output = T>,
) -> Result<T, ExchangeError> {
    tokio::time::timeout(provider.timeouts.first_byte, asked)
        .await
        .map_err(|_| ExchangeError::FirstByteTimeout)
}

/// HTTP/2 carries scheme and authority in the URI, not in `host`.
fn absolute(request: &mut Request<Outgoing>, provider: &Provider) {
    let host = request.headers_mut().remove(http::header::HOST);
    let scheme = if provider.tls { "https" } else { "http" };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = scheme.parse().ok();
    parts.authority = host.and_then(|host| http::uri::Authority::try_from(host.as_bytes()).ok());
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

async fn connect(tls: &ClientTls, provider: &Provider) -> Result<Link, ExchangeError> {
    let failed = |error: &dyn std::fmt::Display| ExchangeError::Connect(error.to_string());
    let host = provider.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, provider.port))
        .await
        .map_err(|e| failed(&e))?;
    stream.set_nodelay(true).map_err(|e| failed(&e))?;
    if !provider.tls {
        let version = match provider.http {
            HttpVersion::Http2 => Http::Two,
            HttpVersion::Auto | HttpVersion::Http1 => Http::One,
        };
        return handshake(stream, version).await;
    }
    let config = tls
        .config(provider.ca_file.as_deref(), provider.http)
        .map_err(ExchangeError::Connect)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|e| failed(&e))?;
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|e| failed(&e))?;
    let version = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Http::Two,
        _ => Http::One,
    };
    handshake(stream, version).await
}

/// The HTTP that was agreed on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Http {
    One,
    Two,
}

async fn handshake<S>(stream: S, version: Http) -> Result<Link, ExchangeError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let io = TokioIo::new(stream);
    if version == Http::Two {
        let (sender, connection) = http2::Builder::new(crate::accept::listen::LocalExec)
            .timer(TokioTimer::new())
            // A connection that died silently must not swallow every request.
            .keep_alive_interval(Some(PING))
            .keep_alive_timeout(PONG)
            .handshake(io)
            .await?;
        tokio::task::spawn_local(connection);
        return Ok(Link::Shared(sender));
    }
    let (sender, connection) = http1::Builder::new().handshake(io).await?;
    tokio::task::spawn_local(connection);
    Ok(Link::One(sender))
}
