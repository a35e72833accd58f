//! Uploads in pieces: the provider's URL for the rest of one becomes the
//! gateway's own.

use domain::canon::Dialect;
use domain::model::{PassThrough, WireFormat};
use testkit::{FakeProvider, Reply, Scene};

use crate::passing::{ask, open};
use crate::stage::{Ask, KEY, Stage, play};

fn googles(fake: &FakeProvider) -> Scene {
    open(fake).with(|provider| {
        provider.format = WireFormat::Dialect(Dialect::Gemini);
        provider.base_path = "/v1beta".to_owned();
    })
}

/// What Google answers to the first request of an upload.
fn begun(url: &str) -> Reply {
    Reply::json("")
        .header("x-goog-upload-status", "active")
        .header("x-goog-upload-url", url)
        .header("x-goog-upload-control-url", url)
}

fn start() -> Ask {
    Ask::to("POST", "/providers/fake/upload/v1beta/files", "{}")
        .with("x-goog-api-key", KEY)
        .with("x-goog-upload-protocol", "resumable")
        .with("x-goog-upload-command", "start")
        .with("x-goog-upload-header-content-length", "5")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "gateway.example")
}

#[test]
fn the_pieces_of_an_upload_come_by_the_gateway_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        let address = fake.address();
        let url = format!("http://{address}/upload/v1beta/files?upload_id=1&key=sk-upstream");
        let done = Reply::json("{}").header("x-goog-upload-status", "final");
        fake.script(vec![begun(&url), done]);
        let stage = Stage::open(googles(&fake));
        let answer = stage.ask(start()).await;
        assert_eq!(fake.last_request().path, "/upload/v1beta/files");
        assert_eq!(fake.last_request().header("x-goog-upload-command"), "start");
        let to = answer.header("x-goog-upload-url");
        let path = "/providers/fake/upload/v1beta/files?upload_id=1&key=sk-test";
        assert_eq!(to, format!("https://gateway.example{path}"));
        assert_eq!(answer.header("x-goog-upload-status"), "active");
        let all = format!("{answer:?}");
        assert!(
            !all.contains("sk-upstream") && !all.contains("control-url"),
            "{all}"
        );
        // Google's SDK sends no key beside it.
        let piece = Ask::to("POST", path, "hello")
            .with("x-goog-upload-offset", "0")
            .with("x-goog-upload-command", "upload, finalize");
        let answer = stage.ask(piece).await;
        assert_eq!(
            (answer.status, answer.header("x-goog-upload-status")),
            (200, "final")
        );
        let seen = fake.last_request();
        assert_eq!(seen.path, "/upload/v1beta/files?upload_id=1");
        assert_eq!(seen.header("x-goog-upload-command"), "upload, finalize");
        assert_eq!(&seen.body[..], b"hello");
        assert!(!format!("{seen:?}").contains(KEY));
    });
}

#[test]
fn a_url_that_leads_elsewhere_or_where_nothing_may_pass_stays() {
    play(async || {
        let fake = FakeProvider::start().await;
        let address = fake.address();
        let open = |path: &str| PassThrough::Paths(vec![path.to_owned()]);
        for (url, passes) in [
            (
                "http://evil.example/upload/v1beta/files".to_owned(),
                PassThrough::All,
            ),
            (
                format!("https://{address}/upload/v1beta/files"),
                PassThrough::All,
            ),
            (format!("http://{address}/elsewhere"), PassThrough::All),
            (
                format!("http://{address}/upload/v1beta/../files"),
                PassThrough::All,
            ),
            (
                format!("http://{address}/upload/v1beta/other"),
                open("/upload/v1beta/files"),
            ),
            ("nonsense".to_owned(), PassThrough::All),
        ] {
            fake.script(vec![begun(&url)]);
            let scene = googles(&fake).with(|provider| provider.pass_through = passes);
            let answer = Stage::open(scene).ask(start()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-goog-upload-url"), "", "{url}");
        }
    });
}

#[test]
fn where_something_was_made_is_told_without_a_key() {
    play(async || {
        let fake = FakeProvider::start().await;
        let made = |to: &str| Reply::json("{}").with_status(201).header("location", to);
        fake.script(vec![
            made("/v1/files/f?a=b"),
            made("http://evil.example/v1/files/f"),
        ]);
        let stage = Stage::open(open(&fake));
        let asked = || ask("POST", "/files", "x").with("x-forwarded-host", "g.example:8443");
        let answer = stage.ask(asked()).await;
        let wanted = "http://g.example:8443/providers/fake/v1/files/f?a=b";
        assert_eq!(answer.header("location"), wanted);
        let answer = stage.ask(asked()).await;
        assert_eq!((answer.status, answer.header("location")), (201, ""));
    });
}
