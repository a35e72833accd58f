//! The HTTP/2 connection that requests to one upstream share.

use std::time::Duration;

use domain::model::HttpVersion;
use testkit::Scene;
use testkit::openai::chat_request;
use testkit::scene::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Ask, KEY, Stage, play_live};

const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
const HEADERS: u8 = 1;
/// SETTINGS (4) that allow two streams (3) at a time, and that say nothing of it.
const TWO_STREAMS: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2];
const NOTHING_SAID: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// How many streams begin within a moment.
async fn begun(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> usize {
    let reading = async { while stream.read_buf(bytes).await.expect("bytes") > 0 {} };
    let _ = tokio::time::timeout(Duration::from_millis(200), reading).await;
    let (mut at, mut streams) = (PREFACE, 0);
    while let Some(&[a, b, c, kind, ..]) = bytes.get(at..).filter(|rest| rest.len() >= 9) {
        streams += usize::from(kind == HEADERS);
        at += 9 + u32::from_be_bytes([0, a, b, c]) as usize;
    }
    streams
}

#[test]
fn no_more_requests_begin_than_the_upstream_allows_though_it_has_not_said_yet() {
    for (settings, allowed) in [(TWO_STREAMS, 2), (NOTHING_SAID, 5)] {
        play_live(async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let scene = Scene::new()
                .provider_at("fake", address)
                .with(|provider| provider.http = HttpVersion::Http2)
                .key(KEY, Limits::default())
                .model("m");
            let stage = Stage::open(scene);
            let asked = async {
                let ask = || stage.ask(Ask::chat(chat_request("m", "x")));
                tokio::join!(ask(), ask(), ask(), ask(), ask())
            };
            let served = async {
                let (mut stream, _) = listener.accept().await.expect("asked");
                let mut bytes = Vec::new();
                assert_eq!(begun(&mut stream, &mut bytes).await, 1);
                stream.write_all(settings).await.expect("sent");
                assert_eq!(begun(&mut stream, &mut bytes).await, allowed);
            };
            tokio::select! {
                _ = asked => panic!("nobody has answered"),
                () = served => {}
            }
        });
    }
}
