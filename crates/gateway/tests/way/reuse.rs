//! Answers that are there already.

use std::time::Duration;

use bytes::Bytes;
use domain::guard::{Action, Direction};
use domain::policy::Policy;
use testkit::openai::{chat_request, stream_request, stream_request_with_usage, text_of_stream};
use testkit::scene::Limits;
use testkit::scene::principal;
use testkit::{FakeProvider, Reply, Scene};

use crate::doubles::guarded;
use crate::stage::{Ask, Stage, play, usual};

fn cached(fake: &FakeProvider) -> Scene {
    usual(fake).policy(Policy {
        name: "c".to_owned(),
        cache: Some(Duration::from_secs(60)),
        ..Policy::default()
    })
}

fn plain() -> Bytes {
    chat_request("m", "x")
}

#[test]
fn plain_and_streamed_answers_serve_each_other() {
    play(async || {
        let streamed = || stream_request("m", "x");
        for (first, second, reply) in [
            (plain(), plain(), Reply::chat("hello")),
            (plain(), streamed(), Reply::chat("hello")),
            (streamed(), plain(), Reply::chat_stream(&["hel", "lo"])),
            (streamed(), streamed(), Reply::chat_stream(&["hel", "lo"])),
        ] {
            let fake = FakeProvider::start().await;
            fake.script(vec![reply]);
            let stage = Stage::open(cached(&fake));
            let miss = stage.ask(Ask::chat(first.clone())).await;
            assert_eq!(miss.header("x-portcullis-cache"), "miss");
            let hit = stage.ask(Ask::chat(second.clone())).await;
            assert_eq!(hit.header("x-portcullis-cache"), "hit", "{}", hit.text());
            assert_eq!(fake.count(), 1);
            let model = "x-portcullis-model";
            assert_eq!(hit.header(model), miss.header(model));
            if first == second {
                assert_eq!(hit.body, miss.body);
            } else if second == plain() {
                let answer = hit.json();
                assert_eq!(answer["choices"][0]["message"]["content"], "hello");
                assert_eq!(answer["choices"][0]["finish_reason"], "stop");
            } else {
                assert_eq!(text_of_stream(&hit.body), "hello");
                assert!(hit.text().ends_with("data: [DONE]\n\n"));
                assert!(!hit.text().contains("prompt_tokens"), "{}", hit.text());
            }
            let settled = stage.settled(2).await;
            assert!(settled[1].cache_hit && settled[1].cost.is_none());
            assert_eq!(settled[1].saved, settled[0].cost);
        }
    });
}

#[test]
fn a_replayed_stream_shows_usage_to_who_asked_for_it_only() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat_stream(&["hello"])]);
        let stage = Stage::open(cached(&fake));
        let without = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(!without.text().contains("prompt_tokens"));
        let with = stage
            .ask(Ask::chat(stream_request_with_usage("m", "x")))
            .await;
        assert_eq!(with.header("x-portcullis-cache"), "hit");
        assert!(with.text().contains("prompt_tokens"), "{}", with.text());
    });
}

#[test]
fn another_tenants_answer_is_never_served() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let mut other = principal("key_o", Limits::default());
        other.tenant = "other".into();
        let stage = Stage::open(cached(&fake).principal("sk-o", other));
        stage.ask(Ask::chat(plain())).await;
        let answer = stage.ask(Ask::chat(plain()).key("sk-o")).await;
        assert_eq!(answer.header("x-portcullis-cache"), "miss");
        assert_eq!(fake.count(), 2);
    });
}

#[test]
fn errors_and_cut_streams_are_not_kept() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::status(400),
            Reply::chat_stream(&["a", "b"]).reset_after(500),
            Reply::chat("x"),
        ]);
        let stage = Stage::open(cached(&fake));
        assert_eq!(stage.ask(Ask::chat(plain())).await.status, 400);
        stage.ask(Ask::chat(stream_request("m", "x"))).await;
        let answer = stage.ask(Ask::chat(plain())).await;
        assert_eq!(answer.header("x-portcullis-cache"), "miss");
        assert_eq!(answer.status, 200);
        assert_eq!(fake.count(), 3);
    });
}

#[test]
fn a_client_may_go_past_the_cache_or_refresh_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(["1", "2", "3"].map(Reply::chat).into());
        let stage = Stage::open(cached(&fake));
        let said = async |control: &str| {
            let ask = Ask::chat(plain()).with("cache-control", control);
            let answer = stage.ask(ask).await;
            let text = answer.json()["choices"][0]["message"]["content"].to_string();
            (text, answer.header("x-portcullis-cache").to_owned())
        };
        assert_eq!(said("").await, ("\"1\"".to_owned(), "miss".to_owned()));
        assert_eq!(said("no-store").await, ("\"2\"".to_owned(), String::new()));
        assert_eq!(said("").await, ("\"1\"".to_owned(), "hit".to_owned()));
        assert_eq!(said("no-cache").await.0, "\"3\"");
        assert_eq!(said("").await, ("\"3\"".to_owned(), "hit".to_owned()));
        tokio::time::sleep(Duration::from_secs(61)).await;
        fake.script(vec![Reply::chat("4")]);
        assert_eq!(said("").await.0, "\"4\"");
    });
}

#[test]
fn a_kept_answer_is_read_by_the_guards_of_who_asks_now() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("a secret"));
        let mut policy = guarded("secret", Action::Block, &[Direction::Answer]);
        policy.keys = vec!["key_2".to_owned()];
        let scene = cached(&fake).key("sk-2", Limits::default()).policy(policy);
        let stage = Stage::open(scene);
        assert_eq!(stage.ask(Ask::chat(plain())).await.status, 200);
        for body in [plain(), stream_request("m", "x")] {
            let answer = stage.ask(Ask::chat(body).key("sk-2")).await;
            assert_eq!(answer.refusal(400), "content_filter");
        }
    });
}

#[test]
fn an_alias_shares_the_answers_of_its_model_and_other_models_do_not() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("hello"));
        let stage = Stage::open(cached(&fake).alias("nick", "m"));
        for (model, said) in [("m", "miss"), ("nick", "hit"), ("fake/other", "miss")] {
            let answer = stage.ask(Ask::chat(chat_request(model, "x"))).await;
            assert_eq!(answer.header("x-portcullis-cache"), said, "{model}");
        }
    });
}
