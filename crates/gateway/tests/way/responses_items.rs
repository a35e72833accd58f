//! Items of kept answers that a request of Responses names by their ids.

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
