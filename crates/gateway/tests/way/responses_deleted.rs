//! Answers that the gateway and the provider both keep, deleted by the client.

use domain::credential::Key;
use domain::model::{HttpVersion, Provider};
use domain::secret::Secret;
use http::{Method, Version};
use serde_json::json;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response, usual_of_responses};
use crate::stage::{Ask, KEY, Stage, play, usual};

const OTHER: &str = "sk-other";

fn delete(id: &str) -> Ask {
    Ask::to("DELETE", &format!("/v1/responses/{id}"), "").key(KEY)
}

fn get(id: &str) -> Ask {
    Ask::to("GET", &format!("/v1/responses/{id}"), "").key(KEY)
}

fn gone(id: &str) -> Reply {
    Reply::json(json!({"id":id,"object":"response","deleted":true}).to_string())
}

/// A gateway that keeps `resp_u1`, as its provider does.
async fn keeping(fake: &FakeProvider, scene: Scene) -> Stage {
    fake.script(vec![response("resp_u1", "One.")]);
    let stage = Stage::keeping(scene);
    let first = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
    assert_eq!(first.json()["id"], "resp_u1");
    stage
}

#[test]
fn what_a_client_deletes_is_deleted_at_the_provider_too() {
    play(async || {
        for (http, version) in [
            (HttpVersion::Http1, Version::HTTP_11),
            (HttpVersion::Http2, Version::HTTP_2),
        ] {
            let fake = FakeProvider::start().await;
            let by = |provider: &mut Provider| provider.http = http;
            let stage = keeping(&fake, usual_of_responses(&fake).with(by)).await;
            fake.script(vec![gone("resp_u1")]);
            let deleted = stage.ask(delete("resp_u1")).await;
            assert_eq!(deleted.json()["deleted"], true);
            let seen = fake.last_request();
            assert_eq!((&seen.method, seen.version), (&Method::DELETE, version));
            assert_eq!(seen.path, "/v1/responses/resp_u1");
            let key = format!("Bearer {}", testkit::scene::UPSTREAM_KEY);
            assert_eq!(seen.header("authorization"), key);
            assert!(seen.body.is_empty());
            assert_eq!(stage.ask(get("resp_u1")).await.status, 404);
            assert_eq!(stage.ask(delete("resp_u1")).await.status, 404);
            assert_eq!(fake.count(), 2, "once is enough");
        }
    });
}

#[test]
fn each_key_of_the_provider_is_tried_until_one_has_kept_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        let keys = |provider: &mut Provider| {
            let keys = ["a", "b", "c"].map(|key| Key::fixed(key, Secret::new(key)));
            provider.keys = keys.to_vec();
        };
        let stage = keeping(&fake, usual_of_responses(&fake).with(keys)).await;
        fake.script(vec![Reply::status(404), gone("resp_u1")]);
        let deleted = stage.ask(delete("resp_u1")).await;
        assert_eq!(deleted.json()["deleted"], true);
        let seen = fake.requests();
        let keys = seen[1..].iter().map(|it| it.header("authorization"));
        assert_eq!(keys.collect::<Vec<_>>(), ["Bearer a", "Bearer b"]);
    });
}

#[test]
fn a_provider_that_does_not_delete_keeps_nobody_from_it_here() {
    play(async || {
        for reply in [Reply::status(500), Reply::status(405), Reply::hang()] {
            let fake = FakeProvider::start().await;
            let stage = keeping(&fake, usual_of_responses(&fake)).await;
            fake.script(vec![reply]);
            let deleted = stage.ask(delete("resp_u1")).await;
            assert_eq!(deleted.json()["deleted"], true, "{}", deleted.text());
            assert_eq!(fake.count(), 2);
            assert_eq!(stage.ask(get("resp_u1")).await.status, 404);
        }
    });
}

#[test]
fn nobody_is_asked_to_delete_what_it_does_not_keep_or_what_is_anothers() {
    play(async || {
        let fake = FakeProvider::start().await;
        let scene = usual_of_responses(&fake).key(OTHER, Limits::default());
        let stage = keeping(&fake, scene).await;
        let others = stage.ask(delete("resp_u1").key(OTHER)).await;
        assert_eq!(others.status, 404);
        assert_eq!(fake.count(), 1);

        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One.")]);
        let stage = Stage::keeping(usual(&fake));
        let first = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let first = first.json();
        let id = first["id"].as_str().expect("an id");
        assert_eq!(stage.ask(delete(id)).await.json()["deleted"], true);
        assert_eq!(fake.count(), 1, "chat completions keep none");
    });
}

#[test]
fn a_provider_that_was_asked_in_a_further_dialect_is_asked_to_delete_in_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        let also = |provider: &mut Provider| {
            let mut native = provider.clone();
            of_responses(&mut native);
            provider.also = vec![domain::model::Also {
                provider: std::sync::Arc::new(native),
                except: Vec::new(),
            }];
        };
        let scene = Scene::new().provider(&fake).with(also);
        let scene = scene.key(KEY, Limits::default()).model("m");
        let stage = keeping(&fake, scene).await;
        assert_eq!(fake.last_request().path, "/v1/responses");
        fake.script(vec![gone("resp_u1")]);
        stage.ask(delete("resp_u1")).await;
        let seen = fake.last_request();
        assert_eq!(seen.method, Method::DELETE);
        assert_eq!(seen.path, "/v1/responses/resp_u1");
    });
}
