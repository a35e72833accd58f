//! Items of kept answers that a request of Responses names by their ids.

use domain::model::Provider;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response};
use crate::stage::{Ask, KEY, Stage, play, usual};

const OTHER: &str = "sk-other";

fn reference(item: &Value) -> Value {
    json!({"type":"item_reference","id":item["id"]})
}

fn said(text: &str) -> Value {
    json!({"role":"user","content":text})
}

#[test]
fn a_target_is_told_the_items_that_a_request_names() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::tool_calls(&[("look", "{\"at\":1}")]),
            Reply::chat("There."),
            Reply::chat("Again."),
        ]);
        let stage = Stage::keeping(usual(&fake));
        let first = stage
            .ask(create(&json!({"model":"m","input":"1"})))
            .await
            .json();
        let call = &first["output"][0];
        let output = json!({"type":"function_call_output","call_id":call["call_id"],"output":"x"});
        let input = json!([said("1"), reference(call), output]);
        let second = stage
            .ask(create(&json!({"model":"m","input":input})))
            .await
            .json();
        let sent = fake.last_request().json();
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["id"], call["call_id"],
            "{sent}"
        );
        assert_eq!(sent["messages"][2]["role"], "tool", "{sent}");
        // What is kept holds the items themselves: the next turn goes on from it.
        let body = json!({"model":"m","input":"3","previous_response_id":second["id"]});
        stage.ask(create(&body)).await.json();
        let sent = fake.last_request().json();
        assert_eq!(sent["messages"].as_array().map(Vec::len), Some(5), "{sent}");
        assert_eq!(sent["messages"][3]["content"], "There.", "{sent}");
    });
}

#[test]
fn an_item_that_is_named_over_and_over_is_refused_before_it_is_written() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("One."));
        let stage = Stage::keeping(usual(&fake));
        let long = "x".repeat(1 << 20);
        let first = stage
            .ask(create(&json!({"model":"m","input":long})))
            .await
            .json();
        let core = first["id"]
            .as_str()
            .expect("an id")
            .trim_start_matches("resp_")
            .to_owned();
        let item = json!({"type":"item_reference","id":format!("msg_in_{core}_0")});
        let once = stage
            .ask(create(&json!({"model":"m","input":[item]})))
            .await;
        assert_eq!(once.status, 200, "{}", once.text());
        let items = vec![item; 100_000];
        let many = stage.ask(create(&json!({"model":"m","input":items}))).await;
        assert_eq!(many.status, 413, "{}", many.text());
    });
}

#[test]
fn an_item_of_another_key_is_not_found() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One.")]);
        let scene = Scene::new().provider(&fake).model("m");
        let keys = scene
            .key(KEY, Limits::default())
            .key(OTHER, Limits::default());
        let stage = Stage::keeping(keys);
        let first = stage
            .ask(create(&json!({"model":"m","input":"1"})))
            .await
            .json();
        let body = json!({"model":"m","input":[reference(&first["output"][0]), said("2")]});
        let asked = Ask::to("POST", "/v1/responses", body.to_string());
        let answer = stage.ask(asked.key(OTHER)).await;
        assert_eq!(answer.refusal(404), "item_not_found");
        assert_eq!(answer.json()["error"]["param"], "input");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn an_item_of_a_providers_own_goes_there_by_its_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            response("resp_u2", "Two."),
        ]);
        let stage = Stage::keeping(usual(&fake).with(of_responses));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let body = json!({"model":"m","input":[{"type":"item_reference","id":"msg_u"}, said("2")]});
        let answer = stage.ask(create(&body)).await;
        assert_eq!(answer.json()["id"], "resp_u2");
        assert_eq!(fake.last_request().json()["input"], body["input"]);
    });
}

/// A model of Responses that answers once, before one that speaks chat or Responses.
async fn moving(change: fn(&mut Provider)) -> (Stage, FakeProvider, FakeProvider) {
    let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
    a.script(vec![response("resp_u1", "One.")]);
    a.always(Reply::status(503));
    let scene = Scene::new()
        .provider_at("a", a.address())
        .with(of_responses)
        .provider_at("b", b.address())
        .with(change)
        .key(KEY, Limits::default())
        .key(OTHER, Limits::default())
        .model_at("m", &["a", "b"]);
    let stage = Stage::keeping(scene);
    let first = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
    assert_eq!(first.header("x-portcullis-provider"), "a");
    (stage, a, b)
}

/// A turn that names what the provider answered by the provider's own id.
fn naming() -> Value {
    json!({"model":"m","input":[said("1"), {"type":"item_reference","id":"msg_u"}, said("2")]})
}

#[test]
fn another_provider_is_told_the_items_that_the_first_one_keeps() {
    play(async || {
        let (stage, a, b) = moving(|_| {}).await;
        b.always(Reply::chat("Two."));
        let answer = stage.ask(create(&naming())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        assert_eq!(a.last_request().json()["input"], naming()["input"]);
        let sent = b.last_request().json();
        assert_eq!(sent["messages"][1]["role"], "assistant", "{sent}");
        assert_eq!(sent["messages"][1]["content"], "One.", "{sent}");
        assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
        // The turn is kept with the item itself.
        let body = json!({"model":"m","input":"3","previous_response_id":answer.json()["id"]});
        stage.ask(create(&body)).await;
        let sent = b.last_request().json();
        assert_eq!(sent["messages"][1]["content"], "One.", "{sent}");
        // Of another key's items the gateway tells nothing.
        let asked = Ask::to("POST", "/v1/responses", naming().to_string());
        let other = stage.ask(asked.key(OTHER)).await;
        assert!(!other.text().contains("One."), "{}", other.text());
        let body = b.last_request().body;
        assert!(
            String::from_utf8_lossy(&body).contains("\"3\""),
            "not asked"
        );
    });
}

#[test]
fn another_provider_of_responses_is_told_them_too() {
    play(async || {
        let (stage, _a, b) = moving(of_responses).await;
        b.always(response("resp_b", "Two."));
        let answer = stage.ask(create(&naming())).await;
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        let sent = b.last_request();
        let text = String::from_utf8_lossy(&sent.body);
        assert!(
            text.contains("One.") && !text.contains("item_reference"),
            "{text}"
        );
    });
}

#[test]
fn who_keeps_the_named_items_is_asked_first() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.script(vec![Reply::status(503)]);
        a.always(Reply::chat("From a."));
        b.script(vec![response("resp_u1", "One.")]);
        b.always(response("resp_u2", "Two."));
        let scene = Scene::new()
            .provider_at("a", a.address())
            .provider_at("b", b.address())
            .with(of_responses)
            .key(KEY, Limits::default())
            .model_at("m", &["a", "b"]);
        let stage = Stage::keeping(scene);
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let answer = stage.ask(create(&naming())).await;
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        assert_eq!(b.last_request().json()["input"], naming()["input"]);
    });
}

#[test]
fn a_provider_that_does_not_know_its_items_is_told_them() {
    play(async || {
        let fake = FakeProvider::start().await;
        let lost = json!({"error":{"message":"Item with id 'msg_u' not found.",
            "type":"invalid_request_error","param":"input","code":null}});
        fake.script(vec![
            response("resp_u1", "One."),
            Reply::json(lost.to_string()).with_status(404),
            response("resp_u2", "Two."),
        ]);
        let stage = Stage::keeping(usual(&fake).with(of_responses));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let answer = stage.ask(create(&naming())).await;
        assert_eq!(answer.json()["id"], "resp_u2", "{}", answer.text());
        let sent = fake.last_request().json();
        assert_eq!(sent["input"][1]["content"], "One.", "{sent}");
    });
}

#[test]
fn a_kept_item_that_was_deleted_goes_to_its_provider_by_its_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            Reply::json(r#"{"id":"resp_u1","object":"response","deleted":true}"#),
            response("resp_u2", "Two."),
        ]);
        let stage = Stage::keeping(usual(&fake).with(of_responses));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let gone = Ask::to("DELETE", "/v1/responses/resp_u1", "").key(KEY);
        assert_eq!(stage.ask(gone).await.status, 200);
        let answer = stage.ask(create(&naming())).await;
        assert_eq!(answer.json()["id"], "resp_u2", "{}", answer.text());
        assert_eq!(fake.last_request().json()["input"], naming()["input"]);
    });
}

#[test]
fn an_item_that_is_known_to_be_another_keys_is_not_asked_for() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(response("resp_u1", "One."));
        let scene = usual(&fake)
            .with(of_responses)
            .key(OTHER, Limits::default());
        let stage = Stage::keeping(scene);
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let asked = Ask::to("POST", "/v1/responses", naming().to_string());
        let other = stage.ask(asked.key(OTHER)).await;
        assert_eq!(other.refusal(404), "item_not_found");
        assert_eq!(fake.count(), 1, "the provider would have put it in");
    });
}
