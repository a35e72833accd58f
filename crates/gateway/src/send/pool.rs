//! Upstream connections of one event loop: opened, kept, used again.
//!
//! HTTP/1.1 connections serve one exchange at a time and wait here between
//! two; an HTTP/2 connection is shared. A connection whose answer was not read
//! to its end never comes back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use domain::model::{HttpVersion, Provider};
use domain::refusal::Refusal;
use journal::{JournalError, Writer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bulkhead::Bulkheads;
use super::exchange::{Begun, Broken, Link};
use super::outgoing::Outgoing;
use super::prepared::Prepared;
use super::shared::{self, Shared, Sharing};
use super::tls::ClientTls;
use super::upstream::{Reply, UpstreamBody};
use crate::wire::{Line, Scratch, Socket};

/// How long an unused connection is kept. Shorter than the usual 60 seconds
/// of servers, so that we close first.
const IDLE: Duration = Duration::from_secs(50);
/// How often unused connections are looked at.
const CLEANING: Duration = Duration::from_secs(10);
/// How many times a request goes out that nobody has heard.
const UNHEARD: u32 = 3;
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
    /// Nothing of it was sent.
    #[error("{0}")]
    Unsent(String),
    /// No head of an answer in time.
    #[error("first byte: timed out")]
    FirstByteTimeout,
    /// The whole request took too long.
    #[error("total: timed out")]
    TotalTimeout,
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
    /// It was not sent: the disk does not take its record.
    #[error("{0}")]
    Unaccounted(#[from] JournalError),
    /// The client's body, which came while it went out, was at fault.
    #[error("the client's body: {}", .0.message)]
    Client(Box<Refusal>),
}

impl From<hyper::Error> for ExchangeError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// The connections to one origin.
#[derive(Default)]
pub(super) struct Origin {
    idle: RefCell<Vec<Idle>>,
    shared: Sharing,
}

type Key = (String, u16, bool, HttpVersion, Option<std::path::PathBuf>);

/// The pool.
pub struct Pool {
    origins: RefCell<HashMap<Key, Rc<Origin>>>,
    /// Of every provider that was asked and is still in force.
    prepared: RefCell<Vec<Rc<Prepared>>>,
    journal: Rc<Writer>,
    scratch: Scratch,
}

/// Where a connection goes back to.
pub(super) struct Home(Weak<Origin>);

impl Home {
    /// To its own origin.
    pub(super) fn of(origin: &Rc<Origin>) -> Self {
        Self(Rc::downgrade(origin))
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(&self, link: Box<Link>) {
        let Some(origin) = self.0.upgrade() else {
            return;
        };
        let mut idle = origin.idle.borrow_mut();
        let now = Instant::now();
        // The newest is used first, so the oldest stand in front: those that
        // a quiet hour left over are closed here.
        let stale = idle.partition_point(|idle| now.duration_since(idle.since) >= IDLE);
        idle.drain(..stale);
        if idle.len() < MOST_IDLE {
            idle.push(Idle { link, since: now });
        }
    }
}

pub(super) enum Way {
    One(Box<Link>),
    Shared(Shared),
}

/// When an answer's head must be there.
#[derive(Clone, Copy)]
pub(super) struct Due {
    first_byte: Instant,
    total: Instant,
}

impl Pool {
    /// No connection yet. `journal` is written before anything is sent.
    pub(crate) fn new(journal: Rc<Writer>, scratch: Scratch) -> Self {
        Self {
            origins: RefCell::default(),
            prepared: RefCell::default(),
            journal,
            scratch,
        }
    }

    /// Sends a request and waits for the answer's head.
    ///
    /// A kept connection may have been closed by the other side in the very
    /// moment it is used: if nothing could be written to it, a fresh one is
    /// tried. Once a byte has gone out, somebody may have worked on it, and to
    /// ask again is a matter of policy.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn exchange(
        &self,
        tls: &ClientTls,
        request: &Outgoing,
        total: Instant,
    ) -> Result<Reply, ExchangeError> {
        self.account()?;
        let provider = &*request.prepared.provider;
        let origin = &request.prepared.origin;
        let home = || Home::of(origin);
        if let Some(link) = origin.kept() {
            let due = Due::of(provider, total);
            match link.ask((request.head(), request.parts()), due.at()).await {
                Ok(begun) => return Ok(answered(begun, home())),
                Err(broken) => {
                    origin.doubts(&broken);
                    if !matches!(broken, Broken::Unheard(_)) {
                        return Err(failed(broken, due.late()));
                    }
                }
            }
        }
        // Boxed, as all that is not the usual way: a request's future is
        // moved, and lies in every connection.
        let fresh = self.shared_or_fresh(tls, request, total);
        Box::pin(fresh).await
    }

    /// Nothing is asked that is not accounted for, unless policy lets it. What
    /// is asked already goes on, though its loop may owe records.
    pub(super) fn account(&self) -> Result<(), JournalError> {
        match self.journal.flush() {
            Err(error) if !self.journal.is_lenient() => Err(error),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Asks by the connection that is shared, or by a fresh one. Who was
    /// certainly not heard is sent again.
    async fn shared_or_fresh(
        &self,
        tls: &ClientTls,
        request: &Outgoing,
        total: Instant,
    ) -> Result<Reply, ExchangeError> {
        let provider = &*request.prepared.provider;
        let origin = &request.prepared.origin;
        let mut unheard = ExchangeError::Unsent("nobody heard it".to_owned());
        for _ in 0..UNHEARD {
            let shared = match origin.shared.open() {
                Some(shared) => shared,
                None => match self
                    .connect_in_time(tls, provider, (provider.http, total))
                    .await?
                {
                    Way::One(link) => {
                        let due = Due::of(provider, total);
                        let asked = link.ask((request.head(), request.parts()), due.at()).await;
                        let answered = asked.map(|begun| answered(begun, Home::of(origin)));
                        return answered.map_err(|broken| failed(broken, due.late()));
                    }
                    Way::Shared(shared) => origin.shared.begin(shared),
                },
            };
            match shared::ask(&shared, request, Due::of(provider, total)).await? {
                Err(error) if shared::is_unheard(&error) => {
                    origin.shared.forget(&shared);
                    unheard = ExchangeError::Unsent(error.to_string());
                }
                asked => return Ok(asked?),
            }
        }
        Err(unheard)
    }

    pub(super) async fn connect_in_time(
        &self,
        tls: &ClientTls,
        provider: &Provider,
        (http, total): (HttpVersion, Instant),
    ) -> Result<Way, ExchangeError> {
        let due = total.min(Instant::now() + provider.timeouts.connect);
        let connecting = self.connect(tls, provider, http);
        let connected = tokio::time::timeout_at(due, connecting).await;
        connected.map_err(|_| ExchangeError::ConnectTimeout)?
    }

    /// Closes what waited too long or was closed by the other side, now and
    /// then, for as long as there is the pool: an origin that nobody asks
    /// again would keep its connections half closed.
    pub(crate) async fn keep_clean(pool: Weak<Self>) {
        loop {
            tokio::time::sleep(CLEANING).await;
            let Some(pool) = pool.upgrade() else { return };
            pool.origins.borrow_mut().retain(|_, origin| {
                origin
                    .idle
                    .borrow_mut()
                    .retain_mut(|idle| idle.since.elapsed() < IDLE && idle.link.is_good());
                let is_shared = origin.shared.open().is_some();
                is_shared || Rc::strong_count(origin) > 1 || !origin.idle.borrow().is_empty()
            });
        }
    }

    /// What every request to a provider has in common.
    ///
    /// # Errors
    /// A header or path of the provider has characters that none may have.
    pub(super) fn prepared(
        &self,
        provider: &Arc<Provider>,
        bulkheads: &Bulkheads,
    ) -> Result<Rc<Prepared>, http::Error> {
        let mut all = self.prepared.borrow_mut();
        if let Some(known) = all.iter().find(|p| Arc::ptr_eq(&p.provider, provider)) {
            return Ok(Rc::clone(known));
        }
        // Those that only this list still holds were replaced by a reload.
        all.retain(|known| Arc::strong_count(&known.provider) > 1);
        let usual = self.origin(provider, provider.http);
        let origins = (usual, self.origin(provider, HttpVersion::Http1));
        let bulkhead = bulkheads.of(provider);
        let prepared = Rc::new(Prepared::new(provider, origins, bulkhead)?);
        all.push(Rc::clone(&prepared));
        Ok(prepared)
    }

    fn origin(&self, provider: &Provider, http: HttpVersion) -> Rc<Origin> {
        let key = (
            provider.host.clone(),
            provider.port,
            provider.tls,
            http,
            provider.ca_file.clone(),
        );
        Rc::clone(self.origins.borrow_mut().entry(key).or_default())
    }
}

impl Origin {
    /// A kept connection that is still good.
    pub(super) fn kept(&self) -> Option<Box<Link>> {
        let mut idle = self.idle.borrow_mut();
        loop {
            let mut next = idle.pop()?;
            if next.since.elapsed() < IDLE && next.link.is_good() {
                return Some(next.link);
            }
        }
    }

    /// A kept connection was of no use. If its other side has ended it, those
    /// that lay here longer are no better: the next try has a fresh one.
    pub(super) fn doubts(&self, broken: &Broken) {
        if broken.is_end() {
            self.idle.borrow_mut().clear();
        }
    }
}

pub(super) fn answered(begun: Begun, home: Home) -> Reply {
    let Begun { answer, reading } = begun;
    Reply {
        status: answer.status,
        fields: answer.fields,
        body: UpstreamBody::one(reading, home),
    }
}

/// What an exchange that broke was, or `late` if nothing came in time.
pub(super) fn failed(broken: Broken, late: ExchangeError) -> ExchangeError {
    match broken {
        Broken::Unheard(error) => ExchangeError::Unsent(error.to_string()),
        Broken::Unanswered(error) => ExchangeError::Broken(error.to_string()),
        Broken::Nonsense(what) => ExchangeError::Broken(what),
        Broken::Late => late,
        Broken::Client(refusal) => ExchangeError::Client(refusal),
    }
}

impl Due {
    /// Of a request that goes out now.
    fn of(provider: &Provider, total: Instant) -> Self {
        Self {
            first_byte: Instant::now() + provider.timeouts.first_byte,
            total,
        }
    }

    pub(super) fn at(self) -> Instant {
        self.first_byte.min(self.total)
    }

    pub(super) fn late(self) -> ExchangeError {
        if self.total < self.first_byte {
            ExchangeError::TotalTimeout
        } else {
            ExchangeError::FirstByteTimeout
        }
    }
}

impl Pool {
    async fn connect(
        &self,
        tls: &ClientTls,
        provider: &Provider,
        http: HttpVersion,
    ) -> Result<Way, ExchangeError> {
        let failed = |error: &dyn std::fmt::Display| ExchangeError::Connect(error.to_string());
        let host = provider.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, provider.port))
            .await
            .map_err(|e| failed(&e))?;
        let line = Line::to_upstream(stream, Rc::clone(&self.journal));
        if !provider.tls {
            let socket = Socket::Plain(line);
            return match http {
                HttpVersion::Http2 => shared::greet(socket).await,
                HttpVersion::Auto | HttpVersion::Http1 => Ok(self.link(socket)),
            };
        }
        let config = tls
            .config(provider.ca_file.as_deref(), http)
            .map_err(ExchangeError::Connect)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|e| failed(&e))?;
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(name, line.clone())
            .await
            .map_err(|e| failed(&e))?;
        let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let socket = Socket::Tls(Box::new(stream.into()), line);
        if speaks_http2 {
            shared::greet(socket).await
        } else {
            Ok(self.link(socket))
        }
    }

    fn link(&self, socket: Socket) -> Way {
        Way::One(Box::new(Link::new(socket, &self.scratch)))
    }
}
