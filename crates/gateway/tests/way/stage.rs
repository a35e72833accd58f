//! The stage of these tests: a gateway on a real socket, in this process and
//! on this thread, with tokio's clock paused.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::record::{Record, Settled};
use gateway::accept::listen;
use gateway::plane::{Plane, Shared};
use gateway::send::Fetcher;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use identity::Install;
use journal::{Carrier, Journal};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// The key that requests carry unless they say otherwise.
pub(crate) const KEY: &str = "sk-test";

/// Runs a test on one thread with a paused clock: a wait costs no time once
/// nothing else is left to do.
pub(crate) fn play(test: impl AsyncFnOnce()) {
    run(Builder::new_current_thread().start_paused(true), test);
}

/// Runs a test that never waits with the real clock: between two HTTP/2 ends
/// on one thread, a paused one may run ahead of the frames.
pub(crate) fn play_live(test: impl AsyncFnOnce()) {
    run(&mut Builder::new_current_thread(), test);
}

fn run(builder: &mut Builder, test: impl AsyncFnOnce()) {
    builder
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .expect("a runtime")
        .block_on(test());
}

/// A scene that most tests start from: one fake, one key, the model `m`.
pub(crate) fn usual(fake: &FakeProvider) -> Scene {
    Scene::new()
        .provider(fake)
        .key(KEY, Limits::default())
        .model("m")
}

/// The beginning of a stream: one chunk of text and no end.
pub(crate) fn begun(text: &str) -> Reply {
    let delta = serde_json::json!({"content": text});
    Reply::sse([testkit::openai::chunk("m", &delta, None)])
}

/// A running gateway.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    pub(crate) plane: Rc<Plane>,
    pub(crate) folder: PathBuf,
    pub(crate) phase: watch::Sender<listen::Phase>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Stage {
    /// A gateway that keeps conversations.
    pub(crate) fn keeping(scene: Scene) -> Self {
        Self::with(scene, Arc::new(crate::doubles::Remembers::default()))
    }

    pub(crate) fn open(scene: Scene) -> Self {
        Self::with(scene, Arc::new(crate::doubles::Nowhere))
    }

    /// A gateway that keeps conversations there.
    pub(crate) fn with(scene: Scene, turns: Arc<dyn domain::turns::Turns>) -> Self {
        Self::made(scene, turns, Fetcher::default())
    }

    /// A gateway that fetches media from this fake, though it is on this machine.
    pub(crate) fn fetching(scene: Scene, from: &FakeProvider) -> Self {
        let fetcher = Fetcher::sparing(vec![from.address()]);
        Self::made(scene, Arc::new(crate::doubles::Nowhere), fetcher)
    }

    fn made(scene: Scene, turns: Arc<dyn domain::turns::Turns>, fetcher: Fetcher) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-way-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let config = journal::Config {
            segment_bytes: 1 << 20,
            ..journal::Config::default()
        };
        let install = Install::from_bytes(&[7; 32]);
        let snapshot = scene.build(|key| install.digest(key));
        let shared = Arc::new(Shared {
            snapshot: arc_swap::ArcSwap::from_pointee(snapshot),
            install,
            counters: Arc::new(store::memory::MemoryCounters::default()),
            shelf: Arc::new(store::memory::MemoryShelf::new(1 << 20)),
            turns,
            reasoning: Arc::new(store::memory::MemoryReasoning::new(1 << 20)),
            jobs: gateway::serve::Jobs::default(),
            journal: Journal::open(&folder, config, 1).expect("a journal"),
            health: gateway::route::Health::default(),
            bulkheads: gateway::send::Bulkheads::default(),
            unspoken: gateway::send::Unspoken::default(),
            belongings: gateway::Belongings::default(),
            key_rests: gateway::send::KeyRests::default(),
            tls: gateway::send::tls::ClientTls::default(),
            fetcher,
            metrics: gateway::settle::Metrics::default(),
            strangers: std::sync::Arc::default(),
            draining: AtomicBool::new(false),
            generation: 1,
            epoch: tokio::time::Instant::now(),
        });
        let plane = Plane::new(Arc::clone(&shared), 0).expect("a plane");
        let listener = listen::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let listener = tokio::net::TcpListener::from_std(listener).expect("on this loop");
        let (phase, told) = watch::channel(listen::Phase::Open);
        tokio::task::spawn_local(listen::run(Rc::clone(&plane), listener, None, told));
        Self {
            address,
            shared,
            plane,
            folder,
            phase,
        }
    }

    /// Sends a request and reads the answer's head.
    pub(crate) async fn begin(&self, ask: Ask) -> Begun {
        let stream = TcpStream::connect(self.address).await.expect("a gateway");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::task::spawn_local(connection);
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        if !ask.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", "gateway");
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(ask.body)).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        Begun {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        self.begin(ask).await.whole().await
    }

    /// The records of ended requests, once there are `count`; then a second is
    /// waited for more, so that a record too many is seen.
    pub(crate) async fn settled(&self, count: usize) -> Vec<Settled> {
        for _ in 0..2000 {
            if self.ended().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all = self.ended();
        assert_eq!(all.len(), count, "{all:#?}");
        all
    }

    /// The records of ended requests so far.
    pub(crate) fn ended(&self) -> Vec<Settled> {
        let ends = self
            .records()
            .into_iter()
            .filter_map(|record| match record {
                Record::Settled(settled) => Some(*settled),
                Record::Opened(_) => None,
            });
        ends.collect()
    }

    /// All records so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        // What the loop does before it sleeps.
        self.plane.flush().expect("a disk");
        let mut carrier = Carrier::new(&self.shared.journal, HashMap::new());
        let batch = carrier.next(10_000).expect("a readable journal");
        batch.map(|batch| batch.records).unwrap_or_default()
    }
}

/// A request of a client.
pub(crate) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Ask {
    /// A chat request with [`KEY`].
    pub(crate) fn chat(body: impl Into<Bytes>) -> Self {
        Self::to("POST", "/v1/chat/completions", body).with("authorization", "Bearer sk-test")
    }

    /// A request without a key.
    pub(crate) fn to(method: &'static str, path: &str, body: impl Into<Bytes>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        self.with("authorization", &format!("Bearer {key}"))
    }
}

/// An answer whose body is still to come. Dropping it hangs up.
pub(crate) struct Begun {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

impl Begun {
    /// The next piece of the body.
    pub(crate) async fn piece(&mut self) -> Option<Bytes> {
        let frame = self.body.frame().await?.expect("an unbroken body");
        Some(frame.into_data().expect("data"))
    }

    pub(crate) async fn whole(self) -> Answer {
        let body = self.body.collect().await.expect("an unbroken body");
        Answer {
            status: self.status,
            headers: self.headers,
            body: body.to_bytes(),
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON answer")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The code of an error in the `OpenAI` shape.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        assert!(body["error"]["message"].is_string(), "{body}");
        assert!(body["error"]["type"].is_string(), "{body}");
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}
