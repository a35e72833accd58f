//! More requests than an upstream can take: both sides of the overload drill,
//! in Rust, since Python cannot offer 25,000 requests a second.
//!
//! ```text
//! flood upstream PLACES MILLISECONDS     prints its port, serves for ever;
//!                                        a stream that is asked for never ends
//! flood load ADDRESS RATE SECONDS LANES  reads the request from stdin,
//!                                        prints what came as JSON
//! ```

#![expect(clippy::print_stdout, reason = "its whole purpose")]

use std::cell::RefCell;
use std::error::Error;
use std::io::Read as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How much of a large body is taken at once.
const PIECE: usize = 64 << 10;
/// Where a body says whether it asks for a stream.
const SHORT: usize = 1 << 10;
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match words[..] {
        ["upstream", places, pause] => {
            let pause = Duration::from_millis(pause.parse()?);
            LocalSet::new().block_on(&runtime, upstream(places.parse()?, pause))
        }
        ["load", address, rate, seconds, lanes] => {
            let mut request = Vec::new();
            std::io::stdin().read_to_end(&mut request)?;
            let load = Load {
                address: address.to_owned(),
                request,
                gap: Duration::from_secs_f64(lanes.parse::<f64>()? / rate.parse::<f64>()?),
                length: Duration::from_secs_f64(seconds.parse()?),
                seen: RefCell::default(),
            };
            LocalSet::new().block_on(&runtime, load.run(lanes.parse()?))
        }
        _ => Err("see the head of this file".into()),
    }
}

/// As many at once as there are places, each for the same time; others wait.
async fn upstream(places: usize, pause: Duration) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let room = Arc::new(Semaphore::new(places));
    loop {
        let (stream, _) = listener.accept().await?;
        let room = Arc::clone(&room);
        tokio::task::spawn_local(async move {
            // A client that leaves is no failure here.
            let _ = answer_all(stream, &room, pause).await;
        });
    }
}

async fn answer_all(mut stream: TcpStream, room: &Semaphore, pause: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let length = ANSWER.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ANSWER}"
    );
    let mut buffer = Vec::new();
    while let Some(message) = message(&mut stream, &mut buffer).await? {
        if message.is_stream {
            return endless(&mut stream).await;
        }
        let place = room.acquire().await?;
        sleep(pause).await;
        drop(place);
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Sixty kilobytes twenty times a second.
async fn endless(stream: &mut TcpStream) -> Result<()> {
    let content = "x".repeat(60_000);
    let data = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}],
    });
    let event = format!("data: {data}\n\n");
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    loop {
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        stream.write_all(chunk.as_bytes()).await?;
        sleep(Duration::from_millis(50)).await;
    }
}

/// What came by a connection.
struct Message {
    head: String,
    /// A request that asks for a stream.
    is_stream: bool,
}

/// Takes the next message off the stream.
async fn message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Message>> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut left = length.map_or(Ok(0), str::parse::<usize>)?;
    buffer.drain(..end + 4);
    while buffer.len() < left {
        left -= buffer.len();
        buffer.clear();
        buffer.reserve(PIECE);
        if stream.read_buf(buffer).await? == 0 {
            return Err("cut".into());
        }
        // One large body is nobody else's latency here, either.
        tokio::task::yield_now().await;
    }
    let asks = |body: &[u8]| {
        body.windows(16)
            .any(|part| part.starts_with(b"\"stream\": true"))
    };
    let is_stream = asks(&buffer[..left.min(SHORT)]);
    buffer.drain(..left);
    Ok(Some(Message { head, is_stream }))
}

/// What came of one request.
struct Seen {
    is_good: bool,
    is_polite: bool,
    took: Duration,
}

struct Load {
    address: String,
    request: Vec<u8>,
    gap: Duration,
    length: Duration,
    seen: RefCell<Vec<Seen>>,
}

impl Load {
    async fn run(self, lanes: u32) -> Result<()> {
        let begin = Instant::now() + Duration::from_millis(200);
        let load = Rc::new(self);
        let lanes: Vec<_> = (0..lanes)
            .map(|at| {
                let (load, first) = (Rc::clone(&load), begin + load.gap * at / lanes);
                tokio::task::spawn_local(async move {
                    load.lane(first, begin).await.map_err(|e| e.to_string())
                })
            })
            .collect();
        let mut broken = 0;
        for lane in lanes {
            broken += u32::from(lane.await?.is_err());
        }
        let seen = load.seen.borrow();
        let polite = seen.iter().filter(|one| !one.is_good && one.is_polite);
        println!(
            "{}",
            json!({
                "offered": seen.len(),
                "good": seen.iter().filter(|one| one.is_good).count(),
                "polite": polite.count(),
                "broken": broken,
                "good_p50_ms": percentile(&seen, 50, |one| one.is_good),
                "good_p95_ms": percentile(&seen, 95, |one| one.is_good),
                "refused_p99_ms": percentile(&seen, 99, |one| !one.is_good),
                "seconds": load.length.as_secs_f64(),
            })
        );
        Ok(())
    }

    /// One connection: asks at its moments, and later where an answer was late.
    async fn lane(&self, first: Instant, begin: Instant) -> Result<()> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let mut buffer = Vec::new();
        let mut planned = first;
        while planned < begin + self.length {
            sleep_until(planned).await;
            let since = Instant::now();
            stream.write_all(&self.request).await?;
            let Message { head, .. } = message(&mut stream, &mut buffer).await?.ok_or("closed")?;
            let is_refusal = head.starts_with("http/1.1 503") || head.starts_with("http/1.1 429");
            self.seen.borrow_mut().push(Seen {
                is_good: head.starts_with("http/1.1 200"),
                is_polite: is_refusal && head.contains("\nretry-after: "),
                took: since.elapsed(),
            });
            planned = (planned + self.gap).max(Instant::now());
        }
        Ok(())
    }
}

fn percentile(seen: &[Seen], part: usize, wanted: impl Fn(&Seen) -> bool) -> f64 {
    let mut times: Vec<Duration> = seen
        .iter()
        .filter(|one| wanted(one))
        .map(|one| one.took)
        .collect();
    times.sort();
    let at = times.len() * part / 100;
    times
        .get(at)
        .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
