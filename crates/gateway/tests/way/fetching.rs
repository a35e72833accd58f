//! Media that requests name by URL, for targets that take bytes only.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";
const PDF: &[u8] = b"%PDF-1.7 and so on";

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn png() -> Reply {
    Reply::json(PNG).header("content-type", "image/png")
}

/// A host of media that always says this.
async fn host(reply: Reply) -> FakeProvider {
    let host = FakeProvider::start().await;
    host.always(reply);
    host
}

fn at(host: &FakeProvider) -> String {
    format!("http://{}/a.png", host.address())
}

/// A question about an image.
fn about(url: &str) -> Ask {
    let parts = json!([{"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}}]);
    let messages = json!([{"role": "user", "content": parts}]);
    Ask::chat(json!({"model": "m", "max_tokens": 50, "messages": messages}).to_string())
}

fn converse_answer() -> Reply {
    let message = json!({"role": "assistant", "content": [{"text": "A cat."}]});
    let body = json!({"output": {"message": message}, "stopReason": "end_turn",
        "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}, "metrics": {}});
    Reply::json(body.to_string())
}

fn anthropic_answer() -> Reply {
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "A cat."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3}});
    Reply::json(body.to_string())
}

/// Two targets of the model, in this order.
fn two(first: (&FakeProvider, Dialect), second: (&FakeProvider, Dialect)) -> Scene {
    Scene::new()
        .provider_at("first", first.0.address())
        .with(speaks(first.1))
        .provider_at("second", second.0.address())
        .with(speaks(second.1))
        .key(KEY, Limits::default())
        .model_at("m", &["first", "second"])
}

#[track_caller]
fn not_fetched(answer: &crate::stage::Answer) -> Value {
    assert_eq!(answer.refusal(400), "media_not_fetched");
    let error = answer.json()["error"].clone();
    assert_eq!(error["param"], "messages[0].content[1]", "{error}");
    error
}

#[test]
fn an_image_by_url_reaches_targets_that_take_bytes_only() {
    play(async || {
        let bytes = STANDARD.encode(PNG);
        for (dialect, at_path) in [
            (
                Dialect::Converse,
                "/messages/0/content/1/image/source/bytes",
            ),
            (Dialect::Gemini, "/contents/0/parts/1/inlineData/data"),
            (Dialect::Ollama, "/messages/0/images/0"),
        ] {
            let (fake, host) = (FakeProvider::start().await, host(png()).await);
            let stage = Stage::fetching(usual(&fake).with(speaks(dialect)), &host);
            stage.ask(about(&at(&host))).await;
            let sent = fake.last_request().json();
            assert_eq!(sent.pointer(at_path), Some(&json!(bytes)), "{sent}");
            let seen = host.last_request();
            assert_eq!(seen.header("authorization"), "");
            assert_eq!(seen.header("cookie"), "");
        }
    });
}

#[test]
fn a_large_image_is_sent_whole_after_a_redirect() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, FakeProvider::start().await);
        let image = [PNG, &vec![7; 1 << 20]].concat();
        let bytes = STANDARD.encode(&image);
        let moved = Reply::status(302).header("location", "/b.png");
        host.script(vec![
            moved,
            Reply::json(image).header("content-type", "image/png"),
        ]);
        fake.always(converse_answer());
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Converse)), &host);
        let answer = stage.ask(about(&at(&host))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.last_request().json();
        let source = &sent["messages"][0]["content"][1]["image"]["source"];
        assert!(source["bytes"] == json!(bytes));
        assert_eq!(host.last_request().path, "/b.png");
    });
}

#[test]
fn a_document_by_url_reaches_targets_that_take_documents_as_bytes() {
    play(async || {
        let fake = FakeProvider::start().await;
        let host = host(Reply::json(PDF).header("content-type", "application/pdf")).await;
        let stage = Stage::fetching(usual(&fake), &host);
        let source = json!({"type": "url", "url": at(&host)});
        let content = json!([{"type": "document", "source": source}]);
        let messages = json!([{"role": "user", "content": content}]);
        let body = json!({"model": "m", "max_tokens": 50, "messages": messages});
        let ask = Ask::to("POST", "/v1/messages", body.to_string())
            .with("x-api-key", KEY)
            .with("anthropic-version", "2026-10-21");
        fake.script(vec![Reply::chat("A paper.")]);
        let answer = stage.ask(ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.last_request().json();
        let data = sent.pointer("/messages/0/content/0/file/file_data");
        let bytes = format!("data:application/pdf;base64,{}", STANDARD.encode(PDF));
        assert_eq!(data, Some(&json!(bytes)), "{sent}");
    });
}

#[test]
fn targets_that_take_urls_are_sent_them_and_nothing_is_fetched() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(png()).await);
        fake.always(anthropic_answer());
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Anthropic)), &host);
        let answer = stage.ask(about(&at(&host))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.last_request().json();
        let url = sent.pointer("/messages/0/content/1/source/url");
        assert_eq!(url, Some(&json!(at(&host))), "{sent}");
        assert_eq!(host.count(), 0);
    });
}

#[test]
fn what_cannot_be_fetched_is_named_to_the_client_and_blamed_on_no_provider() {
    play(async || {
        let fake = FakeProvider::start().await;
        let host = host(Reply::json("{\"secret\":1}").header("content-type", "image/png")).await;
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Converse)), &host);
        let error = not_fetched(&stage.ask(about(&at(&host))).await);
        let said = error["message"].as_str().expect("a sentence");
        assert!(said.contains("not what its `content-type` says"), "{said}");
        assert!(
            !said.contains("secret") && !said.contains("127.0.0.1"),
            "{said}"
        );
        assert_eq!(fake.count(), 0);
        host.always(png());
        fake.always(converse_answer());
        let answer = stage.ask(about(&at(&host))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        stage.settled(2).await;
    });
}

#[test]
fn addresses_of_this_machine_are_not_asked_by_a_gateway_as_it_is() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(png()).await);
        let port = host.address().port();
        let rules = move |snapshot: &mut domain::snapshot::Snapshot| {
            let named = |host: &str| domain::fetching::Host::parse(&format!("{host}:{port}"));
            let hosts = ["127.0.0.1", "localhost", "::ffff:127.0.0.1"].map(named);
            snapshot.fetching.hosts = hosts.into_iter().flatten().collect();
        };
        // Not even one that the configuration names.
        let scene = usual(&fake).with(speaks(Dialect::Ollama)).adjust(rules);
        let stage = Stage::open(scene);
        for name in ["127.0.0.1", "localhost"] {
            let url = format!("http://{name}:{port}/a.png");
            let error = not_fetched(&stage.ask(about(&url)).await);
            let said = error["message"].as_str().expect("a sentence");
            assert!(said.contains("no public address"), "{said}");
        }
        assert_eq!((fake.count(), host.count()), (0, 0));
    });
}

#[test]
fn after_a_failed_fetch_only_targets_that_take_urls_are_asked() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let host = host(Reply::status(404)).await;
        second.always(anthropic_answer());
        let scene = two((&first, Dialect::Converse), (&second, Dialect::Anthropic));
        let answer = Stage::fetching(scene, &host).ask(about(&at(&host))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!((first.count(), second.count(), host.count()), (0, 1, 1));

        let scene = two((&first, Dialect::Converse), (&second, Dialect::Ollama));
        not_fetched(&Stage::fetching(scene, &host).ask(about(&at(&host))).await);
        assert_eq!((first.count(), second.count(), host.count()), (0, 1, 2));
    });
}

#[test]
fn what_was_fetched_for_one_target_is_not_fetched_again_for_the_next() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let host = host(png()).await;
        first.always(Reply::status(500));
        second.always(converse_answer());
        let scene = two((&first, Dialect::Ollama), (&second, Dialect::Converse));
        let answer = Stage::fetching(scene, &host).ask(about(&at(&host))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!((first.count(), second.count(), host.count()), (1, 1, 1));
    });
}

#[test]
fn a_client_that_hangs_up_ends_the_fetch() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(Reply::hang()).await);
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Ollama)), &host);
        {
            let asking = stage.begin(about(&at(&host)));
            let started = host.until(|host| host.count() == 1);
            tokio::select! {
                _ = asking => panic!("an answer"),
                () = started => {}
            }
        }
        host.until(|host| host.cancelled() == 1).await;
        assert_eq!(fake.count(), 0);
        stage.settled(1).await;
    });
}

#[test]
fn a_host_that_says_nothing_is_waited_for_so_long_and_no_longer() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(Reply::hang()).await);
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Ollama)), &host);
        let begun = tokio::time::Instant::now();
        let error = not_fetched(&stage.ask(about(&at(&host))).await);
        let said = error["message"].as_str().expect("a sentence");
        assert!(said.contains("more than 10 seconds"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(12));
    });
}

#[test]
fn bytes_and_number_of_a_requests_media_are_bounded_together() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(png()).await);
        fake.always(converse_answer());
        let small = |snapshot: &mut domain::snapshot::Snapshot| {
            snapshot.fetching.max_bytes = 3 * PNG.len();
        };
        let scene = usual(&fake).with(speaks(Dialect::Converse)).adjust(small);
        let stage = Stage::fetching(scene, &host);
        let images = |count: usize| {
            let image = |n| json!({"type": "image_url", "image_url": {"url": format!("{}?{n}", at(&host))}});
            let parts: Vec<Value> = (0..count).map(image).collect();
            let messages = json!([{"role": "user", "content": parts}]);
            Ask::chat(json!({"model": "m", "max_tokens": 50, "messages": messages}).to_string())
        };
        let answer = stage.ask(images(3)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = stage.ask(images(4)).await;
        assert_eq!(answer.refusal(400), "media_not_fetched");
        assert!(answer.text().contains("bytes"), "{}", answer.text());
        let before = host.count();
        let answer = stage.ask(images(17)).await;
        assert_eq!(answer.refusal(400), "media_not_fetched");
        assert!(answer.text().contains("more than 16"), "{}", answer.text());
        assert_eq!(host.count(), before);
    });
}

#[test]
fn a_gateway_that_may_fetch_nothing_says_what_the_target_takes() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(png()).await);
        let off = |snapshot: &mut domain::snapshot::Snapshot| snapshot.fetching.is_on = false;
        let scene = usual(&fake).with(speaks(Dialect::Ollama)).adjust(off);
        let answer = Stage::fetching(scene, &host).ask(about(&at(&host))).await;
        assert_eq!(answer.refusal(400), "unsupported_by_target");
        assert_eq!((fake.count(), host.count()), (0, 0));
    });
}

#[test]
fn a_rehearsal_fetches_nothing_and_says_what_a_request_would_drop() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, host(png()).await);
        let stage = Stage::fetching(usual(&fake).with(speaks(Dialect::Ollama)), &host);
        let ask = about(&at(&host)).with("x-portcullis-dry-run", "true");
        let answer = stage.ask(ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let target = &answer.json()["targets"][0];
        assert_eq!(target["refused"], Value::Null, "{target}");
        assert_eq!((fake.count(), host.count()), (0, 0));
    });
}
