//! One medium from its host: the name is looked up once, every address is
//! checked, the connection goes to one of just these, and every redirect is a
//! URL like the first.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::canon::MediaKind;
use domain::fetching::Fetching;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::fault::Fault;
use super::place::Place;
use super::{Fetcher, kind};
use crate::accept::Held;
use crate::aside;
use crate::wire::Pieces;

/// The most redirects that are followed.
const REDIRECTS: usize = 3;
/// The most addresses of a name that are tried, and for how long each.
const ADDRESSES: usize = 4;
const CONNECT: Duration = Duration::from_secs(3);
const LARGEST_HEAD: usize = 32 << 10;
/// What a byte takes while it is here: once as it came or in what is kept, in
/// base64, and once in the body that is sent.
const COPIES: usize = 3;

/// A medium's bytes.
#[derive(Debug)]
pub(super) struct Medium {
    /// Their type.
    pub(super) mime: &'static str,
    /// The bytes, in base64.
    pub(super) data: String,
    /// How many they are.
    pub(super) bytes: usize,
    /// The room that they take.
    _held: Held,
}

impl Medium {
    /// One that is nothing but the beginning of its kind.
    pub(super) fn empty(kind: MediaKind) -> Self {
        let (mime, head) = kind::beginning(kind);
        Self {
            mime,
            data: STANDARD.encode(head),
            bytes: head.len(),
            _held: Held::nothing(),
        }
    }
}

/// What the media of a request may still weigh, and may in all.
pub(super) struct Budget {
    pub(super) left: Cell<usize>,
    pub(super) most: usize,
}

impl Budget {
    fn take(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(Fault::TooLarge(self.most))?);
        Ok(())
    }
}

/// What binds a fetch.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) rules: &'a Fetching,
    pub(super) budget: &'a Budget,
    pub(super) tls: &'a Arc<ClientConfig>,
}

/// What a host said.
enum Said {
    Medium(Medium),
    /// To look there.
    Elsewhere(String),
}

impl Fetcher {
    /// Fetches what lies at `url` and should be of this kind.
    pub(super) async fn get(
        &self,
        (url, kind): (&str, MediaKind),
        terms: Terms<'_>,
    ) -> Result<Medium, Fault> {
        let _turn = self.exchanges.acquire().await.map_err(|_| Fault::Broken)?;
        let mut place = Place::of(url)?;
        for _ in 0..=REDIRECTS {
            let addresses = self.addresses(&place, terms.rules).await?;
            let stream = connect(&addresses).await?;
            let said = if place.is_tls {
                let name = ServerName::try_from(place.host.clone()).map_err(|_| Fault::Url)?;
                let connecting = TlsConnector::from(Arc::clone(terms.tls)).connect(name, stream);
                let stream = connecting.await.map_err(|_| Fault::Untrusted)?;
                ask(stream, &place, (kind, terms.budget)).await?
            } else {
                ask(stream, &place, (kind, terms.budget)).await?
            };
            match said {
                Said::Medium(medium) => return Ok(medium),
                Said::Elsewhere(location) => place = place.next(&location)?,
            }
        }
        Err(Fault::Astray)
    }

    /// The addresses of a place that may be asked. One that may not spoils the
    /// others: no honest name has both.
    async fn addresses(&self, place: &Place, rules: &Fetching) -> Result<Vec<SocketAddr>, Fault> {
        let ports = (place.port, place.usual_port());
        let is_spared = |address: &SocketAddr| self.spared.contains(address);
        let has_spared_port = self.spared.iter().any(|it| it.port() == place.port);
        if !rules.allows(&place.host, ports) && !has_spared_port {
            return Err(Fault::Host);
        }
        let found = match place.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, place.port)],
            Err(_) => self.looked_up(place).await?,
        };
        let may = |it: &SocketAddr| {
            is_spared(it) || (is_public(it.ip()) && rules.allows(&place.host, ports))
        };
        match !found.is_empty() && found.iter().all(may) {
            true => Ok(found),
            false => Err(Fault::Closed),
        }
    }

    /// Asks the system. A look-up outlives whoever waits for it, and keeps its
    /// turn until it is over.
    async fn looked_up(&self, place: &Place) -> Result<Vec<SocketAddr>, Fault> {
        let turn = Arc::clone(&self.lookups).acquire_owned().await;
        let turn = turn.map_err(|_| Fault::Closed)?;
        let (look, host, port) = (self.look, place.host.clone(), place.port);
        let looking = tokio::task::spawn_blocking(move || {
            let found = look(&host, port);
            drop(turn);
            found
        });
        let found = looking.await.map_err(|_| Fault::Closed)?;
        found.map_err(|_| Fault::Closed)
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
    for address in addresses.iter().take(ADDRESSES) {
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(address));
        if let Ok(Ok(stream)) = connecting.await {
            return Ok(stream);
        }
    }
    Err(Fault::Unreachable)
}

/// Asks for it and reads the answer. Whoever drops this, closes the connection.
async fn ask<S>(
    stream: S,
    place: &Place,
    (kind, budget): (MediaKind, &Budget),
) -> Result<Said, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Request::get(&place.path)
        .header(header::HOST, &place.authority)
        .header(header::USER_AGENT, "portcullis")
        .header(header::ACCEPT, "image/*, application/pdf")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| Fault::Url)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Fault::Broken)?;
    let exchange = async {
        let answer = sender.send_request(request).await;
        read(answer.map_err(|_| Fault::Broken)?, kind, budget).await
    };
    // The connection only drives; how it ends, the exchange learns.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        said = exchange => said,
        () = driven => Err(Fault::Broken),
    }
}

async fn read(answer: Response<Incoming>, kind: MediaKind, budget: &Budget) -> Result<Said, Fault> {
    let (head, body) = answer.into_parts();
    let field = |name| head.headers.get(name).map(http::HeaderValue::as_bytes);
    if matches!(head.status.as_u16(), 301..=303 | 307 | 308) {
        let location = field(header::LOCATION).ok_or(Fault::Broken)?;
        let location = std::str::from_utf8(location).map_err(|_| Fault::Url)?;
        return Ok(Said::Elsewhere(location.to_owned()));
    }
    if head.status != http::StatusCode::OK {
        return Err(Fault::Status(head.status.as_u16()));
    }
    if field(header::CONTENT_ENCODING).is_some_and(|coding| coding != b"identity") {
        return Err(Fault::Compressed);
    }
    let mime = kind::announced(kind, field(header::CONTENT_TYPE).unwrap_or_default())?;
    let mut held = Held::nothing();
    let bytes = whole(body, budget, &mut held).await?;
    if !kind::agrees(mime, &bytes) {
        return Err(Fault::Mismatch);
    }
    let length = bytes.len();
    let data = if aside::is_large(length) {
        let encoding = aside::run(move || STANDARD.encode(bytes));
        encoding.await.map_err(full)?
    } else {
        STANDARD.encode(bytes)
    };
    Ok(Said::Medium(Medium {
        mime,
        data,
        bytes: length,
        _held: held,
    }))
}

/// Reads a body, and finds room for it while it comes.
async fn whole(mut body: Incoming, budget: &Budget, held: &mut Held) -> Result<Bytes, Fault> {
    let announced = body.size_hint().exact();
    let announced = announced.map(|all| usize::try_from(all).unwrap_or(usize::MAX));
    if announced.is_some_and(|all| all > budget.left.get()) {
        return Err(Fault::TooLarge(budget.most));
    }
    let announced = announced.map(|all| all * COPIES);
    let mut pieces = Pieces::default();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Fault::Broken)?.into_data() else {
            continue;
        };
        budget.take(data.len())?;
        let bytes = pieces.len() + data.len();
        let room = held.follow(bytes * COPIES, announced);
        room.await.map_err(full)?;
        pieces.push(&data);
    }
    Ok(pieces.join())
}

fn full(refusal: domain::refusal::Refusal) -> Fault {
    Fault::Full(Box::new(refusal))
}
