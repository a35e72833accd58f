//! Conversations of Responses that the gateway keeps.

use domain::canon::Dialect;
use domain::model::WireFormat;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const OTHER: &str = "sk-other";

pub(crate) fn create(body: &Value) -> Ask {
    Ask::to("POST", "/v1/responses", body.to_string()).key(KEY)
}

fn about(method: &'static str, id: &str, rest: &str) -> Ask {
    Ask::to(method, &format!("/v1/responses/{id}{rest}"), "").key(KEY)
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// A whole answer of Responses.
pub(crate) fn response(id: &str, text: &str) -> Reply {
    let part = json!({"type":"output_text","text":text,"annotations":[]});
    let message = json!({"type":"message","id":"msg_u","role":"assistant","status":"completed",
        "content":[part]});
    let body = json!({"id":id,"object":"response","created_at":1,"status":"completed","model":"m",
        "store":true,"output":[message],"usage":{"input_tokens":1,"output_tokens":1,
        "total_tokens":2}});
    Reply::json(body.to_string())
}

pub(crate) fn of_responses(provider: &mut domain::model::Provider) {
    provider.format = WireFormat::Dialect(Dialect::Responses);
}

#[test]
fn a_conversation_goes_on_over_turns_where_the_target_has_no_such_thing() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("One."),
            Reply::chat_stream(&["Tw", "o."]),
            Reply::chat("Three."),
        ]);
        let stage = Stage::keeping(usual(&fake));
        let first = stage
            .ask(create(
                &json!({"model":"m","input":"1","instructions":"Be brief."}),
            ))
            .await
            .json();
        assert_eq!(first["store"], true);
        let next = json!({"model":"m","input":"2","stream":true,"previous_response_id":id(&first)});
        let streamed = stage.ask(create(&next)).await;
        let last = streamed
            .text()
            .lines()
            .rfind(|line| line.starts_with("data: "));
        let last: Value = serde_json::from_str(&last.expect("an event")[6..]).expect("JSON");
        assert_eq!(last["type"], "response.completed");
        let second = &last["response"];
        assert_eq!(second["previous_response_id"], first["id"]);
        let sent = fake.last_request().json();
        let roles = sent["messages"].as_array().expect("messages").iter();
        let roles: Vec<_> = roles
            .map(|m| m["role"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(
            roles,
            ["user", "assistant", "user"],
            "instructions do not carry over"
        );
        let third = json!({"model":"m","input":"3","previous_response_id":id(second)});
        stage.ask(create(&third)).await.json();
        let sent = fake.last_request().json();
        assert_eq!(sent["messages"].as_array().map(Vec::len), Some(5), "{sent}");
        assert!(sent.get("previous_response_id").is_none() && sent.get("store").is_none());
        assert_eq!(stage.settled(3).await.len(), 3);
    });
}

#[test]
fn what_a_provider_keeps_goes_on_there_in_the_clients_own_bytes() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            response("resp_u2", "Two."),
        ]);
        let stage = Stage::keeping(
            Scene::new()
                .provider(&fake)
                .with(of_responses)
                .key(KEY, Limits::default())
                .key(OTHER, Limits::default())
                .model("m"),
        );
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let next = r#"{"model":"m", "input":"2", "previous_response_id":"resp_u1"}"#;
        let refused = stage
            .ask(Ask::to("POST", "/v1/responses", next).key(OTHER))
            .await;
        assert_eq!(refused.refusal(400), "previous_response_not_found");
        assert_eq!(refused.json()["error"]["param"], "previous_response_id");
        assert_eq!(
            fake.count(),
            1,
            "another key's conversation is not asked about"
        );
        let answer = stage
            .ask(Ask::to("POST", "/v1/responses", next).key(KEY))
            .await;
        assert_eq!(answer.json()["id"], "resp_u2");
        assert_eq!(fake.last_request().body, next, "not a byte is changed");
    });
}

#[test]
fn a_provider_that_has_lost_a_conversation_is_told_the_whole() {
    play(async || {
        let fake = FakeProvider::start().await;
        let lost = json!({"error":{"message":"not found","type":"invalid_request_error",
            "param":"previous_response_id","code":"previous_response_not_found"}});
        fake.script(vec![
            response("resp_u1", "One."),
            Reply::json(lost.to_string()).with_status(400),
            response("resp_u2", "Two."),
        ]);
        let stage = Stage::keeping(usual_of_responses(&fake));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let next = json!({"model":"m","input":"2","previous_response_id":"resp_u1"});
        let answer = stage.ask(create(&next)).await.json();
        assert_eq!(answer["id"], "resp_u2");
        assert_eq!(answer["previous_response_id"], "resp_u1");
        let sent = fake.last_request().json();
        assert_eq!(sent["input"].as_array().map(Vec::len), Some(3), "{sent}");
        assert!(sent.get("previous_response_id").is_none(), "{sent}");
    });
}

pub(crate) fn usual_of_responses(fake: &FakeProvider) -> Scene {
    Scene::new()
        .provider(fake)
        .with(of_responses)
        .key(KEY, Limits::default())
        .model("m")
}

#[test]
fn a_tool_loop_goes_on_with_another_provider_when_the_first_one_fails() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let call = json!({"type":"function_call","id":"fc_u","call_id":"call_1","name":"weather",
            "arguments":"{}","status":"completed"});
        let thought = json!({"type":"reasoning","id":"rs_u","summary":[],
            "encrypted_content":"for this account"});
        let body = json!({"id":"resp_u1","object":"response","created_at":1,"model":"m",
            "status":"completed","store":true,"output":[thought, call],"usage":null});
        first.script(vec![Reply::json(body.to_string()), Reply::status(503)]);
        first.always(Reply::status(503));
        second.script(vec![Reply::chat("Sunny.")]);
        let scene = Scene::new()
            .provider_at("a", first.address())
            .with(of_responses)
            .provider_at("b", second.address())
            .key(KEY, Limits::default())
            .model_at("m", &["a", "b"]);
        let stage = Stage::keeping(scene);
        let tool = json!({"type":"function","name":"weather","parameters":{"type":"object"}});
        let asked = json!({"model":"m","input":"Weather?","tools":[tool]});
        assert_eq!(stage.ask(create(&asked)).await.json()["id"], "resp_u1");
        let result = json!([{"type":"function_call_output","call_id":"call_1","output":"sun"}]);
        let next = json!({"model":"m","input":result,"tools":[tool],
            "previous_response_id":"resp_u1"});
        let answer = stage.ask(create(&next)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            answer
                .header("x-portcullis-dropped")
                .contains("previous_response_id")
        );
        assert_eq!(
            first.last_request().json()["previous_response_id"],
            "resp_u1"
        );
        let sent = second.last_request().json();
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["id"], "call_1",
            "{sent}"
        );
        assert_eq!(sent["messages"][2]["role"], "tool", "{sent}");
        assert!(!sent.to_string().contains("for this account"));
    });
}

#[test]
fn an_answer_that_cannot_be_kept_says_so_and_goes_out() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One."), Reply::chat_stream(&["Tw", "o."])]);
        let stage = Stage::open(usual(&fake));
        let whole = stage
            .ask(create(&json!({"model":"m","input":"1"})))
            .await
            .json();
        assert_eq!(whole["store"], false);
        let ask = create(&json!({"model":"m","input":"1","stream":true}));
        let answer = stage.ask(ask).await;
        let last = answer
            .text()
            .lines()
            .rfind(|line| line.starts_with("data: "));
        let last: Value = serde_json::from_str(&last.expect("an event")[6..]).expect("JSON");
        assert_eq!(last["response"]["store"], false);
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Two.");
        let refused = stage.ask(about("GET", &id(&whole), "")).await;
        assert_eq!(refused.refusal(503), "server_is_overloaded");
    });
}

#[test]
fn a_kept_answer_is_shown_paged_through_and_forgotten_for_its_owner_alone() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One.")]);
        let stage = Stage::keeping(usual(&fake).key(OTHER, Limits::default()));
        let answer = stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let id = id(&answer.json());
        assert!(id.starts_with("resp_"));
        let got = stage.ask(about("GET", &id, "")).await;
        assert_eq!(got.body, answer.body);
        let replayed = stage.ask(about("GET", &id, "?stream=true")).await;
        assert!(replayed.text().contains("event: response.completed\n"));
        let items = stage
            .ask(about("GET", &id, "/input_items?order=asc"))
            .await
            .json();
        assert_eq!(items["object"], "list");
        assert_eq!(items["data"][0]["content"][0]["text"], "1");
        let refused = stage.ask(about("GET", &id, "/input_items?limit=0")).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(refused.json()["error"]["param"], "limit");
        let refused = stage.ask(about("POST", &id, "/cancel")).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        for method in ["GET", "DELETE"] {
            let other = stage.ask(about(method, &id, "").key(OTHER)).await;
            assert_eq!(other.status, 404, "{}", other.text());
            assert_eq!(other.json()["error"]["type"], "invalid_request_error");
        }
        let gone = stage.ask(about("DELETE", &id, "")).await.json();
        assert_eq!(gone, json!({"id":id,"object":"response","deleted":true}));
        assert_eq!(stage.ask(about("GET", &id, "")).await.status, 404);
        let next = json!({"model":"m","input":"2","previous_response_id":id});
        let refused = stage.ask(create(&next)).await;
        assert_eq!(refused.refusal(400), "previous_response_not_found");
        assert_eq!(
            stage.settled(2).await.len(),
            2,
            "questions about answers are no model's"
        );
    });
}

#[test]
fn what_is_not_to_be_kept_is_not() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One."), Reply::error_in_stream(&["Two."])]);
        let stage = Stage::keeping(usual(&fake));
        let answer = stage
            .ask(create(&json!({"model":"m","input":"1","store":false})))
            .await;
        assert_eq!(answer.json()["store"], false);
        assert_eq!(
            stage
                .ask(about("GET", &id(&answer.json()), ""))
                .await
                .status,
            404
        );
        let ask = create(&json!({"model":"m","input":"1","stream":true}));
        let text = stage.ask(ask).await.text().to_owned();
        let first = text.lines().find_map(|line| line.strip_prefix("data: "));
        let first: Value = serde_json::from_str(first.expect("an event")).expect("JSON");
        let id = first["response"]["id"].as_str().expect("an id");
        assert_eq!(
            stage.ask(about("GET", id, "")).await.status,
            404,
            "it broke off"
        );
    });
}

#[test]
fn a_gateway_that_keeps_nothing_says_so_to_clients_and_providers() {
    play(async || {
        let fake = FakeProvider::start().await;
        let said = response("resp_u1", "One.");
        fake.script(vec![said]);
        let scene = usual_of_responses(&fake).adjust(|s| s.turns.keep = std::time::Duration::ZERO);
        let stage = Stage::keeping(scene);
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        assert_eq!(fake.last_request().json()["store"], false);
        assert_eq!(stage.ask(about("GET", "resp_u1", "")).await.status, 404);
        let next = json!({"model":"m","input":"2","previous_response_id":"resp_u1"});
        let refused = stage.ask(create(&next)).await;
        assert_eq!(refused.refusal(400), "previous_response_not_found");
    });
}

#[test]
fn what_only_a_provider_has_is_refused_by_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::keeping(usual(&fake));
        let body = json!({"model":"m","input":"1","conversation":"conv_1"});
        let refused = stage.ask(create(&body)).await;
        refused.refusal(400);
        assert_eq!(refused.json()["error"]["param"], "conversation");
        // Written in escapes it is the same member.
        let escaped = r#"{"model":"m","input":"1","previous\u005fresponse_id":"resp_1"}"#;
        let refused = stage
            .ask(Ask::to("POST", "/v1/responses", escaped).key(KEY))
            .await;
        assert_eq!(refused.refusal(400), "previous_response_not_found");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn questions_about_answers_count_as_requests() {
    play(async || {
        let fake = FakeProvider::start().await;
        let limits = Limits {
            requests_per_minute: Some(1),
            ..Limits::default()
        };
        let scene = Scene::new().provider(&fake).key(KEY, limits).model("m");
        let stage = Stage::keeping(scene);
        assert_eq!(stage.ask(about("GET", "resp_1", "")).await.status, 404);
        assert_eq!(stage.ask(about("GET", "resp_1", "")).await.status, 429);
        let stranger = Ask::to("GET", "/v1/responses/resp_1", "");
        assert_eq!(stage.ask(stranger).await.status, 401);
    });
}

#[test]
fn a_count_of_tokens_says_what_it_is() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let body = json!({"model":"m","input":"Hello there."}).to_string();
        let asked = Ask::to("POST", "/v1/responses/input_tokens", body).key(KEY);
        let counted = stage.ask(asked).await.json();
        let expected = json!({"object": "response.input_tokens", "input_tokens": 8});
        assert_eq!(counted, expected);
    });
}
