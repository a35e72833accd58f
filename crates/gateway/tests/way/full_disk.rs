//! A disk that takes no more records while requests are at their upstreams.

use std::path::PathBuf;
use std::time::Duration;

use domain::model::HttpVersion;
use domain::record::{Opened, Outcome, Record};
use domain::time::UnixMicros;
use testkit::openai::{chat_request, chunk, stream_request};
use testkit::{FakeProvider, Reply};

use crate::passing;
use crate::stage::{Ask, KEY, Stage, play_live, usual};

/// Takes nothing until it is dropped.
struct FullDisk {
    folder: PathBuf,
    away: PathBuf,
}

impl FullDisk {
    /// There is no place for another segment, and what is staged needs one.
    fn of(stage: &Stage) -> Self {
        let folder = stage.folder.clone();
        let away = folder.with_extension("away");
        std::fs::rename(&folder, &away).expect("moved");
        let large = Record::Opened(Opened {
            ticket: stage.plane.next_ticket(),
            at: UnixMicros(1),
            tenant: "default".into(),
            key: "key".into(),
            operation: "chat".into(),
            model: "m".repeat(2 << 20).into(),
            reserved_tokens: 0,
            asked: None,
            who: None,
            from: None,
        });
        stage.plane.record(&large).expect("staged");
        Self { folder, away }
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        std::fs::rename(&self.away, &self.folder).expect("moved back");
    }
}

/// Until the loop tries again what it owes.
async fn soon() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[test]
fn streams_go_on_while_records_are_owed_whatever_their_connection_must_say() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        play_live(async || {
            let fake = FakeProvider::start().await;
            // More than an HTTP/2 connection takes before it must grant more.
            let piece = chunk(
                "m",
                &serde_json::json!({"content": "x".repeat(64 << 10)}),
                None,
            );
            let end = chunk("m", &serde_json::json!({}), Some("stop"));
            let rest = [end, bytes::Bytes::from("data: [DONE]\n\n")];
            fake.always(Reply::sse(std::iter::repeat_n(piece, 400).chain(rest)));
            let stage = Stage::open(usual(&fake).with(|provider| provider.http = http));
            let mut stream = stage.begin(Ask::chat(stream_request("m", "x"))).await;
            stream.piece().await.expect("begun");
            let full = FullDisk::of(&stage);
            assert!(stage.plane.flush().is_err());
            let said = stream.whole().await;
            assert!(said.text().ends_with("data: [DONE]\n\n"), "{http:?}");
            let refused = stage.ask(Ask::chat(chat_request("m", "x"))).await;
            assert_eq!(refused.refusal(503), "accounting_unavailable");
            drop(full);
            soon().await;
            let ended = stage.ended();
            assert_eq!(ended.len(), 1, "{ended:?}");
            assert_eq!(ended[0].outcome, Outcome::Complete);
        });
    }
}

#[test]
fn a_request_whose_record_the_disk_does_not_take_is_not_sent_and_nobody_else_is_blamed() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        play_live(async || {
            let fake = FakeProvider::start().await;
            fake.always(Reply::chat("x"));
            let stage = Stage::open(usual(&fake).with(|provider| provider.http = http));
            // Its connection is kept.
            let chat = || Ask::chat(chat_request("m", "x"));
            assert_eq!(stage.ask(chat()).await.status, 200);
            let full = FullDisk::of(&stage);
            let refused = stage.ask(chat()).await;
            assert_eq!(refused.refusal(503), "accounting_unavailable");
            assert_eq!(refused.header("retry-after"), "1");
            assert_eq!(fake.count(), 1, "{http:?}");
            let failed = crate::spoken::failed(&stage);
            assert!(failed.is_empty(), "nobody was asked: {failed:?}");
            drop(full);
            soon().await;
            assert_eq!(stage.ask(chat()).await.status, 200);
            let ended: Vec<_> = stage.ended().iter().map(|it| it.status).collect();
            assert_eq!(ended, [200, 503, 200]);
        });
    }
}

#[test]
fn what_would_pass_through_is_not_sent_without_a_record_either() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(passing::open(&fake));
        let _full = FullDisk::of(&stage);
        let ask = Ask::to("POST", "/providers/fake/v1/files", "x").key(KEY);
        let refused = stage.ask(ask).await;
        assert_eq!(refused.refusal(503), "accounting_unavailable");
        assert_eq!(fake.count(), 0);
    });
}
