//! An upstream on a loopback port. It answers each request with the next
//! [`Reply`] of its script and remembers what it saw.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::body::Script;
use crate::reply::{End, Reply};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// HTTP/1.1 or HTTP/2.
    pub version: Version,
    /// Its method.
    pub method: Method,
    /// Path and query: `/v1/chat/completions`.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Seen {
    /// A header's text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

#[derive(Default)]
struct Memory {
    script: Mutex<VecDeque<Reply>>,
    always: Mutex<Option<Reply>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    running: AtomicUsize,
    finished: AtomicUsize,
    cancelled: AtomicUsize,
    changed: Notify,
}

/// A test that failed while it held a lock must not hide behind the poison.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts how an exchange ends: dropped before [`Watch::finish`], the client
/// has hung up.
pub(crate) struct Watch {
    memory: Arc<Memory>,
    finished: bool,
}

impl Watch {
    fn new(memory: Arc<Memory>) -> Self {
        memory.running.fetch_add(1, Ordering::SeqCst);
        Self {
            memory,
            finished: false,
        }
    }

    /// The answer ended as scripted.
    pub(crate) fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            self.end(|memory| &memory.finished);
        }
    }

    fn end(&self, counter: impl Fn(&Memory) -> &AtomicUsize) {
        self.memory.running.fetch_sub(1, Ordering::SeqCst);
        counter(&self.memory).fetch_add(1, Ordering::SeqCst);
        self.memory.changed.notify_waiters();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.finished {
            self.end(|memory| &memory.cancelled);
        }
    }
}

/// A fake upstream. It stops when it is dropped, open connections included.
pub struct FakeProvider {
    address: SocketAddr,
    memory: Arc<Memory>,
    task: JoinHandle<()>,
}

impl FakeProvider {
    /// Starts on a free port of the loopback, HTTP/1.1 and h2c alike, as a
    /// task of the current runtime.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let memory = Arc::new(Memory::default());
        let task = tokio::spawn(accept(listener, Arc::clone(&memory)));
        Self {
            address,
            memory,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a provider's `base_url` is: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Appends replies; each answers one request, in order of arrival.
    pub fn script(&self, replies: Vec<Reply>) {
        lock(&self.memory.script).extend(replies);
    }

    /// What answers when the script is used up. Without it, a request beyond
    /// the script gets a 500 that says so.
    pub fn always(&self, reply: Reply) {
        *lock(&self.memory.always) = Some(reply);
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.memory.seen).clone()
    }

    /// The newest request.
    ///
    /// # Panics
    /// If there was none.
    #[must_use]
    pub fn last_request(&self) -> Seen {
        lock(&self.memory.seen)
            .last()
            .cloned()
            .expect("a request came")
    }

    /// How many requests came.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.memory.seen).len()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.memory.connections.load(Ordering::SeqCst)
    }

    /// How many exchanges run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.memory.running.load(Ordering::SeqCst)
    }

    /// How many answers ended as scripted, breaks included.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.memory.finished.load(Ordering::SeqCst)
    }

    /// How often the client hung up before the answer ended.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.memory.cancelled.load(Ordering::SeqCst)
    }

    /// Waits until the condition holds; looked at whenever a request comes or
    /// an answer ends.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.memory.changed.notified());
            changed.as_mut().enable();
            if condition(self) {
                return;
            }
            changed.await;
        }
    }

    /// Stops listening and drops every connection, as a crash would.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A loopback address on which nothing listens.
///
/// # Panics
/// If no port is free.
#[must_use]
pub fn closed_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound address")
}

async fn accept(listener: TcpListener, memory: Arc<Memory>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        memory.connections.fetch_add(1, Ordering::SeqCst);
        memory.changed.notify_waiters();
        let memory = Arc::clone(&memory);
        connections.spawn(async move {
            // A connection that breaks is part of many scripts.
            let _ = serve(stream, memory).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn serve(stream: tokio::net::TcpStream, memory: Arc<Memory>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    // A second handle to the socket, so that a script can break it.
    let stream = stream.into_std()?;
    let socket = Arc::new(stream.try_clone()?);
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let service =
        service_fn(move |request| answer(request, Arc::clone(&memory), Arc::clone(&socket)));
    auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(
    request: Request<Incoming>,
    memory: Arc<Memory>,
    socket: Arc<TcpStream>,
) -> Result<Response<Script>, Infallible> {
    let mut watch = Watch::new(Arc::clone(&memory));
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|whole| whole.to_bytes())
        .unwrap_or_default();
    let reply = next_reply(&memory);
    let pieces = reply.pieces(&body);
    lock(&memory.seen).push(Seen {
        version: head.version,
        method: head.method,
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head.headers,
        body,
    });
    memory.changed.notify_waiters();
    if reply.hangs_before_head {
        std::future::pending::<()>().await;
    }
    if !reply.head_after.is_zero() {
        tokio::time::sleep(reply.head_after).await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let is_stream = reply
        .headers
        .iter()
        .any(|(_, value)| value == "text/event-stream");
    if matches!(reply.end, End::Truncated(_)) || (!is_stream && reply.end != End::Never) {
        response = response.header(http::header::CONTENT_LENGTH, length);
    }
    if length == 0 && reply.end == End::Whole {
        watch.finish();
    }
    let script = Script::new(pieces, reply.between, reply.end, socket, watch);
    Ok(response
        .body(script)
        .expect("a head that was checked when it was scripted"))
}

fn next_reply(memory: &Memory) -> Reply {
    let scripted = lock(&memory.script).pop_front();
    scripted
        .or_else(|| lock(&memory.always).clone())
        .unwrap_or_else(|| {
            Reply::json(crate::openai::error(
                "the fake's script is over",
                "server_error",
            ))
            .with_status(500)
        })
}
