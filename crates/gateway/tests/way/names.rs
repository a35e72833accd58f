//! The same thing under another name, or from another model, gets the same
//! policies.

use domain::guard::Action;
use domain::policy::Policy;
use testkit::openai::{chat_request, stream_request};
use testkit::{FakeProvider, Reply, Scene};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, usual};

fn guarded_model(model: &str) -> Policy {
    Policy {
        models: vec![model.to_owned()],
        ..guarded("secret", Action::Block, BOTH)
    }
}

#[test]
fn another_name_of_a_model_is_no_way_around_its_guards() {
    play(async || {
        let fake = FakeProvider::start().await;
        for (policy, asked) in [("m", "fake/m"), ("fake/*", "m"), ("m", "nick")] {
            let scene = usual(&fake)
                .alias("nick", "m")
                .policy(guarded_model(policy));
            let stage = Stage::open(scene);
            let answer = stage.ask(Ask::chat(chat_request(asked, "a secret"))).await;
            assert_eq!(answer.refusal(400), "content_filter", "{policy} {asked}");
        }
        assert_eq!(fake.count(), 0);
    });
}

fn with_fallback(first: &FakeProvider, second: &FakeProvider) -> Scene {
    Scene::new()
        .provider(first)
        .provider_at("second", second.address())
        .key(KEY, testkit::scene::Limits::default())
        .model_at("spare", &["second"])
        .model_at("m", &["fake"])
        .fallback("spare")
        .adjust(|snapshot| snapshot.retry.retries = 0)
}

#[test]
fn a_fallback_is_not_asked_what_its_own_guards_forbid() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        first.always(Reply::status(500));
        second.always(Reply::chat("x"));
        let stage = Stage::open(with_fallback(&first, &second).policy(guarded_model("spare")));
        let refused = stage.ask(Ask::chat(chat_request("m", "a secret"))).await;
        refused.refusal(502);
        assert_eq!(second.count(), 0);
        let harmless = stage.ask(Ask::chat(chat_request("m", "hello"))).await;
        assert_eq!((harmless.status, second.count()), (200, 1));
    });
}

#[test]
fn a_fallbacks_own_guards_read_its_answer() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        first.always(Reply::status(500));
        second.always(Reply::chat_stream(&["a sec", "ret"]));
        let stage = Stage::open(with_fallback(&first, &second).policy(guarded_model("spare")));
        let answer = stage.ask(Ask::chat(stream_request("m", "hello"))).await;
        assert!(
            answer.text().contains("content_filter"),
            "{}",
            answer.text()
        );
        assert!(!answer.text().contains("ret\""), "{}", answer.text());
    });
}

#[test]
fn a_request_that_goes_round_in_circles_ends() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake));
        let hop = |n: &str| Ask::chat(chat_request("m", "x")).with("x-portcullis-hops", n);
        assert_eq!(stage.ask(hop("2")).await.status, 200);
        assert_eq!(fake.last_request().headers["x-portcullis-hops"], "3");
        assert_eq!(stage.ask(hop("6")).await.refusal(508), "loop_detected");
        assert_eq!(fake.count(), 1);
        // The gateway behind says so: asking it again would multiply.
        let body = "{\"error\":{\"message\":\"a loop\",\"type\":\"server_error\",\"code\":\"loop_detected\"}}";
        fake.always(Reply::json(body).with_status(508));
        assert_eq!(stage.ask(hop("0")).await.refusal(508), "loop_detected");
        assert_eq!(fake.count(), 2);
    });
}

#[test]
fn a_page_that_is_no_error_of_a_provider_is_a_502_and_a_providers_words_are_told() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).adjust(|snapshot| snapshot.retry.retries = 0));
        fake.always(Reply::json("<h1>Not found</h1>").with_status(404));
        let ask = || Ask::chat(chat_request("m", "x"));
        assert_eq!(stage.ask(ask()).await.refusal(502), "upstream_error");
        let unable =
            "{\"error\":{\"message\":\"no embeddings\",\"type\":\"x\",\"code\":\"not_supported\"}}";
        fake.always(Reply::json(unable).with_status(501));
        assert_eq!(stage.ask(ask()).await.refusal(501), "not_supported");
        fake.always(Reply::json("{\"error\":{\"message\":\"no room\"}}").with_status(500));
        let answer = stage.ask(ask()).await;
        answer.refusal(502);
        assert!(answer.text().contains("no room"), "{}", answer.text());
    });
}
