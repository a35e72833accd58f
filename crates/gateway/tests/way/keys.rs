//! Several keys of one provider: each is at fault by itself.

use std::collections::HashMap;
use std::time::Duration;

use domain::credential::Key;
use domain::model::{Auth, Paths, Shape, WireFormat};
use domain::secret::Secret;
use testkit::openai::{chat_request, stream_request};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play};

fn ask(model: &str) -> Ask {
    Ask::chat(chat_request(model, "x"))
}

/// The models `m` and `n` at a provider with these keys.
fn keyed(fake: &FakeProvider, keys: &'static [&'static str]) -> Scene {
    let keys = keys.iter().map(|key| Key::fixed(*key, Secret::new(*key)));
    Scene::new()
        .provider(fake)
        .with(|provider| provider.keys = keys.collect())
        .key(KEY, Limits::default())
        .model("m")
        .model("n")
}

/// How often each key was sent.
fn used(fake: &FakeProvider) -> HashMap<String, usize> {
    let mut all = HashMap::new();
    for seen in fake.requests() {
        *all.entry(seen.header("authorization").to_owned())
            .or_default() += 1;
    }
    all
}

#[test]
fn every_key_is_used() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(keyed(&fake, &["a", "b", "c"]));
        for _ in 0..60 {
            assert_eq!(stage.ask(ask("m")).await.status, 200);
        }
        let used = used(&fake);
        assert_eq!(used.len(), 3);
        assert!(used.values().all(|times| *times > 5), "{used:?}");
    });
}

#[test]
fn a_key_whose_limit_is_reached_rests_as_long_as_it_was_told_for_that_model() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::status(429).retry_after(60)]);
        fake.always(Reply::chat("x"));
        let stage = Stage::open(keyed(&fake, &["a", "b"]));
        let answer = stage.ask(ask("m")).await;
        assert_eq!(answer.status, 200, "the other key is asked at once");
        assert_eq!(answer.header("x-portcullis-attempts"), "2");
        let limited = fake.requests()[0].header("authorization").to_owned();
        for _ in 0..20 {
            assert_eq!(stage.ask(ask("m")).await.status, 200);
            assert_ne!(fake.last_request().header("authorization"), limited);
        }
        // Rate limits are a model's: the key still serves the other one.
        for _ in 0..40 {
            stage.ask(ask("n")).await;
        }
        assert!(used(&fake)[&limited] > 1);
        let before = used(&fake)[&limited];
        tokio::time::advance(Duration::from_secs(61)).await;
        for _ in 0..40 {
            stage.ask(ask("m")).await;
        }
        assert!(used(&fake)[&limited] > before, "it is awake again");
    });
}

#[test]
fn a_key_whose_account_is_at_fault_rests_for_every_model() {
    play(async || {
        let fake = FakeProvider::start().await;
        let broke =
            r#"{"error":{"message":"no money","type":"billing","code":"insufficient_quota"}}"#;
        fake.script(vec![Reply::json(broke).with_status(400)]);
        fake.always(Reply::chat("x"));
        let stage = Stage::open(keyed(&fake, &["a", "b"]));
        assert_eq!(stage.ask(ask("m")).await.status, 200);
        let faulty = fake.requests()[0].header("authorization").to_owned();
        for model in ["m", "n"].repeat(10) {
            assert_eq!(stage.ask(ask(model)).await.status, 200);
        }
        assert_eq!(used(&fake)[&faulty], 1);
    });
}

#[test]
fn when_all_keys_are_at_fault_each_was_asked_once_and_the_client_is_told() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::status(401));
        let stage = Stage::open(keyed(&fake, &["a", "b", "c"]));
        let answer = stage.ask(ask("m")).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert_eq!(fake.count(), 3);
        assert!(!answer.text().contains("Bearer"));
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].attempts, 3);
        // All rest: one try is better than none.
        stage.ask(ask("m")).await;
        assert_eq!(fake.count(), 4);
    });
}

#[test]
fn the_clients_own_mistake_is_nobodys_fault() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::status(400));
        let stage = Stage::open(keyed(&fake, &["a", "b"]));
        assert_eq!(stage.ask(ask("m")).await.status, 400);
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn a_provider_with_paths_and_a_shape_of_its_own_gets_them() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = Scene::new()
            .provider(&fake)
            .with(|provider| {
                provider.format = WireFormat::USUAL;
                provider.auth = Auth::Header("api-key".into());
                provider.paths = Some(Paths {
                    whole: "/deployments/{model}/chat?api-version=1".into(),
                    stream: "/deployments/{model}/stream?api-version=1".into(),
                    embeddings: None,
                });
                provider.shape = Shape {
                    omit: vec!["model".into(), "stream".into(), "stream_options".into()],
                    set: vec![("version".into(), r#""2""#.into())],
                    ..Shape::default()
                };
            })
            .key(KEY, Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        assert_eq!(stage.ask(ask("fake/gpt 4:o")).await.status, 200);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/deployments/gpt%204%3Ao/chat?api-version=1");
        assert_eq!(seen.header("api-key"), "sk-upstream");
        assert!(seen.json().get("model").is_none());
        assert_eq!(seen.json()["version"], "2");
        assert_eq!(seen.json()["messages"][0]["content"], "x");
        fake.always(Reply::chat_stream(&["x"]));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert_eq!(answer.status, 200);
        let seen = fake.last_request();
        assert_eq!(seen.path, "/v1/deployments/m/stream?api-version=1");
        assert!(seen.json().get("stream").is_none());
    });
}
