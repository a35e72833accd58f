//! Providers that speak more than one dialect are asked in the client's own.

use std::sync::Arc;

use domain::canon::Dialect;
use domain::model::{Also, Provider, WireFormat};
use domain::principal::Limits;
use serde_json::json;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, response};
use crate::stage::{Ask, KEY, Stage, play, usual};

/// Speaks Responses too, but for models called `old…`.
fn of_both(provider: &mut Provider) {
    let further = Provider {
        format: WireFormat::Dialect(Dialect::Responses),
        ..provider.clone()
    };
    provider.also = vec![Also {
        provider: Arc::new(further),
        except: testkit::scene::models(&["old*"]),
    }];
}

fn both(fake: &FakeProvider) -> Stage {
    let scene = Scene::new().provider(fake).with(of_both);
    let scene = scene.key(KEY, Limits::default());
    Stage::keeping(scene.model("m").model("old-m"))
}

/// Which paths the fake was asked at.
fn paths(fake: &FakeProvider) -> Vec<String> {
    let all = fake.requests().into_iter();
    all.map(|seen| seen.path).collect()
}

#[test]
fn a_client_of_responses_is_passed_on_in_its_own_bytes_and_one_of_chat_as_ever() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![response("resp_u1", "One."), Reply::chat("Two.")]);
        let stage = both(&fake);
        let body = r#"{"model":"m", "input":"1", "tools":[{"type":"file_search","vector_store_ids":["vs_1"]}], "include":["file_search_call.results"]}"#;
        let answer = stage.ask(Ask::to("POST", "/v1/responses", body).key(KEY));
        assert_eq!(answer.await.json()["id"], "resp_u1");
        assert_eq!(fake.last_request().body, body, "not a byte is changed");
        let chat = r#"{"model":"m","messages":[{"role":"user","content":"2"}]}"#;
        let chat = stage.ask(Ask::chat(chat).key(KEY));
        assert_eq!(chat.await.status, 200);
        assert_eq!(paths(&fake), ["/v1/responses", "/v1/chat/completions"]);
        let rows = stage.settled(2).await;
        assert_eq!(rows[0].deployment, rows[1].deployment, "one deployment");
    });
}

#[test]
fn a_model_that_is_excepted_is_asked_as_ever() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("One."));
        let stage = both(&fake);
        let answer = stage
            .ask(create(&json!({"model":"old-m","input":"1"})))
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(paths(&fake), ["/v1/chat/completions"]);
    });
}

#[test]
fn a_server_without_the_route_is_asked_in_its_usual_dialect_from_then_on() {
    play(async || {
        let fake = FakeProvider::start().await;
        let missing = r#"{"detail":"Not Found"}"#;
        fake.script(vec![
            Reply::json(missing).with_status(404),
            Reply::chat("One."),
        ]);
        fake.always(Reply::chat("More."));
        let stage = both(&fake);
        for _ in 0..2 {
            let answer = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["object"], "response");
        }
        let chat = "/v1/chat/completions";
        assert_eq!(paths(&fake), ["/v1/responses", chat, chat]);
    });
}

#[test]
fn a_model_that_is_not_there_is_not_asked_for_twice() {
    play(async || {
        let fake = FakeProvider::start().await;
        let missing = r#"{"error":{"message":"No such model.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#;
        fake.always(Reply::json(missing).with_status(404));
        let stage = both(&fake);
        let answer = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["error"]["code"], "model_not_found");
        assert_eq!(paths(&fake), ["/v1/responses"]);
    });
}

#[test]
fn a_plan_says_in_which_dialect_a_target_is_asked() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = both(&fake);
        let plan = create(&json!({"model":"m","input":"1"})).with("x-portcullis-dry-run", "true");
        let plan = stage.ask(plan).await.json();
        assert_eq!(plan["targets"][0]["dialect"], "responses", "{plan}");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn where_it_speaks_one_dialect_alone_it_is_translated() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("One."));
        let stage = Stage::keeping(usual(&fake));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        assert_eq!(paths(&fake), ["/v1/chat/completions"]);
    });
}
