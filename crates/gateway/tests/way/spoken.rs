//! Providers that speak more than one dialect are asked in the client's own.

use std::sync::Arc;

use domain::canon::Dialect;
use domain::model::{Also, Provider, WireFormat};
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, response};
use crate::stage::{Ask, KEY, Stage, play, usual};

/// Speaks Responses too, but for models called `old…`.
pub(crate) fn of_both(provider: &mut Provider) {
    let further = Provider {
        format: WireFormat::Dialect(Dialect::Responses),
        ..provider.clone()
    };
    provider.also = vec![Also {
        provider: Arc::new(further),
        except: testkit::scene::models(&["old*"]),
    }];
}

const OTHER: &str = "sk-other";

pub(crate) fn both(fake: &FakeProvider) -> Stage {
    let scene = Scene::new().provider(fake).with(of_both);
    let scene = scene
        .key(KEY, Limits::default())
        .key(OTHER, Limits::default());
    Stage::keeping(scene.model("m").model("old-m"))
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
/// What a framework says that has no such route.
const NO_ROUTE: &str = r#"{"detail":"Not Found"}"#;

fn refused(status: u16, message: &str) -> Reply {
    let error = json!({"message":message,"type":"invalid_request_error","param":null,"code":null});
    Reply::json(json!({ "error": error }).to_string()).with_status(status)
}

fn no_route() -> Reply {
    Reply::json(NO_ROUTE).with_status(404)
}

/// A stream of Responses with one word.
fn streamed(id: &str, text: &str) -> Reply {
    let part = json!({"type":"output_text","text":text,"annotations":[]});
    let item = json!({"type":"message","id":"msg_u","role":"assistant","status":"completed",
        "content":[part]});
    let response = |status: &str, output: Value| {
        json!({"id":id,"object":"response","created_at":1,"status":status,"model":"m",
            "store":true,"output":output,
            "usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})
    };
    let begun = json!({"type":"message","id":"msg_u","role":"assistant","status":"in_progress",
        "content":[]});
    let events = [
        json!({"type":"response.created","response":response("in_progress", json!([]))}),
        json!({"type":"response.output_item.added","output_index":0,"item":begun}),
        json!({"type":"response.output_text.delta","item_id":"msg_u","output_index":0,
            "content_index":0,"delta":text}),
        json!({"type":"response.output_item.done","output_index":0,"item":item}),
        json!({"type":"response.completed","response":response("completed", json!([item]))}),
    ];
    let frame = |(number, event): (usize, &Value)| {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap_or_default()
        )
    };
    Reply::sse(events.iter().enumerate().map(frame))
}

/// The last event of a stream.
fn last(text: &str) -> Value {
    let line = text.lines().rfind(|line| line.starts_with("data: "));
    serde_json::from_str(&line.expect("an event")[6..]).expect("JSON")
}

/// What of these targets failed, by the metric.
pub(crate) fn failed(stage: &Stage) -> Vec<String> {
    let mut registry = prometheus_client::registry::Registry::default();
    stage.shared.metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
    let lines = text.lines().filter(|line| line.contains("kind="));
    lines.map(str::to_owned).collect()
}

/// Which paths the fake was asked at.
pub(crate) fn paths(fake: &FakeProvider) -> Vec<String> {
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
        assert_eq!(paths(&fake), [RESPONSES, CHAT]);
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
        assert_eq!(paths(&fake), [CHAT]);
    });
}

#[test]
fn a_server_without_the_route_is_asked_in_its_usual_dialect_from_then_on() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![no_route(), Reply::chat("One.")]);
        fake.always(Reply::chat("More."));
        let stage = both(&fake);
        for _ in 0..2 {
            let answer = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["object"], "response");
        }
        assert_eq!(paths(&fake), [RESPONSES, CHAT, CHAT]);
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
        assert_eq!(paths(&fake), [RESPONSES]);
    });
}

#[test]
fn what_a_client_names_and_is_gone_is_its_own_404_and_changes_nothing_for_others() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            refused(404, "Container with id 'cntr_gone' not found."),
            response("resp_u1", "One."),
        ]);
        let stage = both(&fake);
        let tool = json!({"type":"code_interpreter","container":"cntr_gone"});
        let answer = stage
            .ask(create(&json!({"model":"m","input":"1","tools":[tool]})))
            .await;
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("cntr_gone"), "{}", answer.text());
        let next = Ask::to("POST", RESPONSES, r#"{"model":"m","input":"2"}"#);
        let next = stage.ask(next.key(OTHER)).await;
        assert_eq!(next.json()["id"], "resp_u1", "{}", next.text());
        assert_eq!(paths(&fake), [RESPONSES, RESPONSES]);
    });
}

#[test]
fn a_model_that_another_route_serves_is_asked_there() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            refused(400, "This model is not supported by Responses API."),
            Reply::chat("One."),
            Reply::chat("Two."),
        ]);
        let stage = both(&fake);
        for _ in 0..2 {
            let answer = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert_eq!(paths(&fake), [RESPONSES, CHAT, CHAT]);
    });
}

#[test]
fn a_route_that_is_not_there_is_learnt_whatever_chat_says_then_and_noted_once() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            no_route(),
            refused(400, "Your input is too odd."),
            Reply::chat("Two."),
        ]);
        let stage = both(&fake);
        let body = json!({"model":"m","input":"1"});
        let answer = stage.ask(create(&body)).await;
        assert_eq!(answer.status, 400, "what chat says is told");
        assert!(answer.text().contains("too odd"), "{}", answer.text());
        assert_eq!(stage.ask(create(&body)).await.status, 200);
        assert_eq!(paths(&fake), [RESPONSES, CHAT, CHAT]);
        let failed = failed(&stage);
        assert_eq!(failed.len(), 2, "{failed:?}");
        for kind in ["missing", "final"] {
            let one = format!("kind=\"{kind}\"}} 1");
            assert!(failed.iter().any(|line| line.ends_with(&one)), "{failed:?}");
        }
    });
}

#[test]
fn a_server_that_misses_the_model_too_has_said_nothing_of_its_routes() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(no_route());
        let stage = both(&fake);
        let body = json!({"model":"m","input":"1"});
        assert_eq!(stage.ask(create(&body)).await.status, 404);
        stage.ask(create(&body)).await;
        assert_eq!(paths(&fake), [RESPONSES, CHAT, RESPONSES, CHAT]);
    });
}

#[test]
fn a_conversation_goes_on_where_its_next_turn_is_asked_by_chat() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            Reply::chat("Two."),
            no_route(),
            Reply::chat("Three."),
        ]);
        let stage = both(&fake);
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        // To a model that has chat alone, and to one whose route is gone.
        for model in ["old-m", "m"] {
            let next = json!({"model":model,"input":"2","previous_response_id":"resp_u1"});
            let answer = stage.ask(create(&next)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["previous_response_id"], "resp_u1");
            let sent = fake.last_request().json();
            let messages = sent["messages"].as_array().expect("messages");
            let said: Vec<&Value> = messages.iter().map(|it| &it["role"]).collect();
            assert_eq!(said, ["user", "assistant", "user"], "{sent}");
            assert!(sent["messages"][1].to_string().contains("One."), "{sent}");
        }
        assert_eq!(paths(&fake), [RESPONSES, CHAT, RESPONSES, CHAT]);
    });
}

#[test]
fn a_conversation_goes_on_where_its_next_turn_is_asked_by_responses() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("One."),
            response("resp_u2", "Two."),
            response("resp_u3", "Three."),
        ]);
        let stage = both(&fake);
        let first = stage
            .ask(create(&json!({"model":"old-m","input":"1"})))
            .await
            .json();
        let next = json!({"model":"m","input":"2","previous_response_id":first["id"]});
        let second = stage.ask(create(&next)).await.json();
        assert_eq!(second["previous_response_id"], first["id"], "{second}");
        let sent = fake.last_request().json();
        assert!(sent.get("previous_response_id").is_none(), "{sent}");
        assert_eq!(sent["input"].as_array().map(Vec::len), Some(3), "{sent}");
        // What the provider keeps since then, it is told by its name.
        let third = json!({"model":"m","input":"3","previous_response_id":second["id"]});
        let third = stage.ask(create(&third)).await;
        assert_eq!(third.status, 200, "{}", third.text());
        assert_eq!(paths(&fake), [CHAT, RESPONSES, RESPONSES]);
    });
}

#[test]
fn a_stream_passes_as_it_comes_and_one_of_chat_is_told_in_events_of_responses() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            streamed("resp_u1", "One."),
            no_route(),
            Reply::chat_stream(&["Tw", "o."]),
        ]);
        let stage = both(&fake);
        let body = json!({"model":"m","input":"1","stream":true});
        let native = stage.ask(create(&body)).await;
        let end = last(native.text());
        assert_eq!(end["type"], "response.completed");
        assert_eq!(end["response"]["id"], "resp_u1");
        let next = json!({"model":"m","input":"2","stream":true,"previous_response_id":"resp_u1"});
        let told = stage.ask(create(&next)).await;
        let end = last(told.text());
        assert_eq!(end["type"], "response.completed", "{}", told.text());
        assert_eq!(end["response"]["previous_response_id"], "resp_u1");
        assert_eq!(end["response"]["output"][0]["content"][0]["text"], "Two.");
        let sent = fake.last_request().json();
        assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
        assert_eq!(paths(&fake), [RESPONSES, RESPONSES, CHAT]);
    });
}

#[test]
fn who_speaks_the_clients_dialect_is_asked_first_for_tools_that_chat_has_not() {
    play(async || {
        let (chat, native) = (FakeProvider::start().await, FakeProvider::start().await);
        chat.always(Reply::chat("By chat."));
        native.script(vec![response("resp_u1", "Found."), no_route()]);
        native.always(Reply::chat("By chat, too."));
        let scene = Scene::new()
            .provider_at("chat", chat.address())
            .provider_at("native", native.address())
            .with(of_both)
            .key(KEY, Limits::default())
            .model_at("m", &["chat", "native"]);
        let stage = Stage::keeping(scene);
        let plain = json!({"model":"m","input":"1"});
        let first = stage.ask(create(&plain)).await;
        assert_eq!(first.header("x-portcullis-provider"), "chat");
        let tool = json!({"type":"file_search","vector_store_ids":["vs_1"]});
        let search = json!({"model":"m","input":"1","tools":[tool]});
        for _ in 0..2 {
            let answer = stage.ask(create(&search)).await;
            assert_eq!(answer.header("x-portcullis-provider"), "native");
        }
        // It turned out not to speak it: there is no difference any more.
        let last = stage.ask(create(&search)).await;
        assert_eq!(last.header("x-portcullis-provider"), "chat");
        assert_eq!(paths(&native), [RESPONSES, RESPONSES, CHAT]);
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
        assert_eq!(paths(&fake), [CHAT]);
    });
}
