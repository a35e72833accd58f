//! Images and documents that a request names by URL, for targets that take
//! bytes only. Whoever may ask a model decides what the gateway asks for here,
//! so it reaches what anybody could reach and nothing else: public addresses,
//! images and PDF, in bounds of number, size and time.

mod address;
mod fault;
mod get;
mod kind;
mod place;
mod within;

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use domain::canon::MediaKind;
use domain::fetching::Fetching;
use domain::model::HttpVersion;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Ask;
use super::failure::Failure;
use crate::plane::Plane;
use fault::Fault;
use get::{Budget, Medium, Terms};
pub(super) use within::{Wanted, Wants, inline, wanted};

/// The most media of a request, and how many of them are fetched at once.
const MOST: usize = 16;
const AT_ONCE: usize = 4;
/// The most fetches and look-ups of names at once, over all requests.
const EXCHANGES: usize = 128;
const LOOKUPS: usize = 32;

type Look = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// Fetches media, for the whole process.
#[derive(Debug)]
pub struct Fetcher {
    look: Look,
    lookups: Arc<Semaphore>,
    exchanges: Semaphore,
    /// Asked although their addresses or ports are not anybody's.
    spared: Vec<SocketAddr>,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self {
            look: |host, port| Ok((host, port).to_socket_addrs()?.collect()),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            exchanges: Semaphore::new(EXCHANGES),
            spared: Vec::new(),
        }
    }
}

impl Fetcher {
    /// For tests, whose servers are on this machine: these addresses are asked
    /// all the same. No configuration leads here.
    #[must_use]
    pub fn sparing(addresses: Vec<SocketAddr>) -> Self {
        Self {
            spared: addresses,
            ..Self::default()
        }
    }
}

/// What came of a medium.
#[derive(Debug)]
struct Outcome {
    url: String,
    kind: MediaKind,
    result: Result<Medium, Fault>,
}

/// What came of a request's media, over all its attempts: none is fetched
/// twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetched(Vec<Arc<Outcome>>);

impl Fetched {
    /// The medium at this URL, if it was fetched.
    fn get(&self, url: &str, kind: MediaKind) -> Option<&Medium> {
        self.of(url, kind)?.result.as_ref().ok()
    }

    fn of(&self, url: &str, kind: MediaKind) -> Option<&Outcome> {
        let mut all = self.0.iter().map(Arc::as_ref);
        all.find(|one| one.kind == kind && one.url == url)
    }

    /// The first of these that could not be fetched.
    fn fault(&self, wanted: &[Wanted]) -> Option<(Fault, String)> {
        wanted.iter().find_map(|one| {
            let fault = self.of(&one.url, one.kind)?.result.as_ref().err()?;
            Some((fault.clone(), one.field.clone()))
        })
    }
}

/// How media come here.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) plane: &'a Plane,
    /// Until when; in a rehearsal, which asks nobody, never.
    pub(super) until: Option<Instant>,
}

/// Fetches what a target wants, unless an earlier attempt has.
///
/// # Errors
/// Something of it could not be fetched; the target is not to blame.
pub(super) async fn all(
    ask: &Ask,
    wanted: &[Wanted],
    Means { plane, until }: Means<'_>,
) -> Result<Fetched, Failure> {
    let Some(deadline) = until else {
        return Ok(Fetched(wanted.iter().map(imagined).collect()));
    };
    let snapshot = plane.shared.snapshot.load_full();
    // Taken, and put back below: whoever leaves meanwhile takes it along.
    let mut fetched = ask.fetched.take();
    if fetched.fault(wanted).is_none() {
        fetch(plane, &snapshot.fetching, wanted, (deadline, &mut fetched)).await;
    }
    let done = fetched.clone();
    ask.fetched.replace(fetched);
    match done.fault(wanted) {
        Some(_) if Instant::now() >= deadline => Err(Failure::total_timeout().unowed()),
        Some((fault, field)) => Err(fault.into_failure(&field)),
        None => Ok(done),
    }
}

/// Fetches what is not there yet, until something fails.
async fn fetch(
    plane: &Plane,
    rules: &Fetching,
    wanted: &[Wanted],
    (deadline, fetched): (Instant, &mut Fetched),
) {
    let mut missing: Vec<&Wanted> = Vec::new();
    for one in wanted {
        let is_same = |it: &&Wanted| it.url == one.url && it.kind == one.kind;
        if fetched.of(&one.url, one.kind).is_none() && !missing.iter().any(is_same) {
            missing.push(one);
        }
        if missing.len() + fetched.0.len() > MOST {
            fetched.0.push(outcome(one, Err(Fault::Many(MOST))));
            return;
        }
    }
    let there = fetched.0.iter().filter_map(|one| one.result.as_ref().ok());
    let used: usize = there.map(|medium| medium.bytes).sum();
    let budget = Budget {
        left: Cell::new(rules.max_bytes.saturating_sub(used)),
        most: rules.max_bytes,
    };
    let due = deadline.min(Instant::now() + rules.timeout);
    let fetcher = &plane.shared.fetcher;
    for few in missing.chunks(AT_ONCE) {
        let gets = few.iter().map(|one| {
            let budget = &budget;
            let get = async move {
                let tls = plane.shared.tls.config(None, HttpVersion::Http1);
                let tls = &tls.map_err(|_| Fault::Untrusted)?;
                let terms = Terms { rules, budget, tls };
                let get = timeout_at(due, fetcher.get((&one.url, one.kind), terms));
                let late = |_| Fault::Late(rules.timeout.as_secs());
                get.await.map_err(late)?
            };
            Box::pin(get)
        });
        let results = together(gets.collect()).await;
        let has_failed = results.iter().any(Result::is_err);
        let outcomes = few
            .iter()
            .zip(results)
            .map(|(one, result)| outcome(one, result));
        fetched.0.extend(outcomes);
        if has_failed {
            return;
        }
    }
}

/// As if it were here.
fn imagined(one: &Wanted) -> Arc<Outcome> {
    outcome(one, Ok(Medium::empty(one.kind)))
}

fn outcome(one: &Wanted, result: Result<Medium, Fault>) -> Arc<Outcome> {
    Arc::new(Outcome {
        url: one.url.clone(),
        kind: one.kind,
        result,
    })
}

/// Waits for all of them at once, in their order.
async fn together<F: Future>(futures: Vec<Pin<Box<F>>>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.into_iter().map(Ok).collect();
    poll_fn(|cx| {
        for one in &mut open {
            if let Ok(future) = one
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *one = Err(output);
            }
        }
        match open.iter().all(Result::is_err) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    open.into_iter().filter_map(Result::err).collect()
}

#[cfg(test)]
mod tests;
