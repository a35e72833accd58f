//! Responses that failed: whom they are asked of again, and how each client is told.

use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response};
use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

fn failed(code: &str) -> String {
    json!({"id":"resp_f","object":"response","created_at":1,"status":"failed","model":"m",
        "output":[],"usage":null,"incomplete_details":null,
        "error":{"code":code,"message":"It will not do. org-7"}})
    .to_string()
}

fn event(number: u64, kind: &str, rest: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{rest}}}\n\n")
}

fn created() -> String {
    let response = failed("x").replace("\"failed\"", "\"in_progress\"");
    let mut response: Value = serde_json::from_str(&response).expect("JSON");
    response["error"] = Value::Null;
    event(4, "response.created", &format!("\"response\":{response}"))
}

fn said() -> String {
    let rest = r#""item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello.""#;
    event(5, "response.output_text.delta", rest)
}

fn failing(number: u64, code: &str) -> String {
    event(
        number,
        "response.failed",
        &format!("\"response\":{}", failed(code)),
    )
}

fn tries(fake: &FakeProvider, retries: u32) -> Scene {
    let scene = usual(fake).with(of_responses);
    scene.adjust(move |snapshot| {
        snapshot.retry.retries = retries;
        snapshot.retry.backoff = std::time::Duration::ZERO;
        snapshot.retry.max_backoff = std::time::Duration::ZERO;
    })
}

fn asks() -> [Ask; 4] {
    let messages = r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
    let google = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
    [
        create(&json!({"model":"m","input":"Hi"})),
        Ask::chat(r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#),
        Ask::to("POST", "/v1/messages", messages).with("x-api-key", KEY),
        Ask::to("POST", "/v1beta/models/m:generateContent", google).with("x-goog-api-key", KEY),
    ]
}

fn streams() -> [Ask; 4] {
    let messages = r#"{"model":"m","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
    let google = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
    let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
    [
        create(&json!({"model":"m","input":"Hi","stream":true})),
        Ask::chat(r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#),
        Ask::to("POST", "/v1/messages", messages).with("x-api-key", KEY),
        Ask::to("POST", path, google).with("x-goog-api-key", KEY),
    ]
}

#[test]
fn what_a_client_is_to_mend_is_asked_once_and_told_in_its_own_form() {
    play(async || {
        for (code, word) in [
            ("invalid_prompt", "content_filter"),
            ("context_length_exceeded", "context_length_exceeded"),
            ("invalid_base64_image", "invalid_base64_image"),
            ("image_too_large", "image_too_large"),
        ] {
            let fake = FakeProvider::start().await;
            let stage = Stage::keeping(tries(&fake, 2));
            fake.always(Reply::json(failed(code)));
            let [own, chat, messages, google] = asks();
            let answer = stage.ask(own).await;
            assert_eq!((answer.status, answer.text()), (200, &*failed(code)));
            let answer = stage.ask(chat).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            let error = &answer.json()["error"];
            assert_eq!(error["code"], word, "{error}");
            assert_eq!(error["type"], "invalid_request_error");
            let answer = stage.ask(messages).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
            let answer = stage.ask(google).await;
            assert_eq!(answer.json()["error"]["status"], "INVALID_ARGUMENT");
            assert_eq!(fake.count(), 4, "{code}: nothing is asked twice");
        }
    });
}

#[test]
fn a_stream_that_says_at_once_that_a_conversation_is_lost_is_told_the_whole() {
    play(async || {
        let lost = r#""error":{"type":"invalid_request_error","code":"previous_response_not_found","message":"Not found.","param":"previous_response_id"}"#;
        let said = event(0, "error", lost);
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            Reply::sse([said]),
            Reply::sse([
                created(),
                event(
                    5,
                    "response.completed",
                    &format!(
                        "\"response\":{}",
                        failed("x").replace("\"failed\"", "\"completed\"")
                    ),
                ),
            ]),
        ]);
        let stage = Stage::keeping(tries(&fake, 0));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let next = json!({"model":"m","input":"2","stream":true,"previous_response_id":"resp_u1"});
        let answer = stage.ask(create(&next)).await;
        assert_eq!(fake.count(), 3, "{}", answer.text());
        let sent = fake.last_request().json();
        assert!(sent.get("previous_response_id").is_none(), "{sent}");
    });
}

#[test]
fn a_stream_that_fails_at_once_says_the_same() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::keeping(tries(&fake, 2));
        let pieces = [created(), failing(5, "context_length_exceeded")];
        fake.always(Reply::sse(pieces.clone()));
        let [own, chat, messages, google] = streams();
        let answer = stage.ask(own).await;
        assert_eq!((answer.status, answer.text()), (200, &*pieces.concat()));
        for ask in [chat, messages, google] {
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        assert_eq!(fake.count(), 4);
    });
}

#[test]
fn an_error_event_at_once_is_followed_by_the_response_that_failed() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::keeping(tries(&fake, 2));
        let error = r#""code":"context_length_exceeded","message":"Long.","param":null"#;
        let pieces = [created(), event(5, "error", error)];
        fake.always(Reply::sse(pieces.clone()));
        let [own, ..] = streams();
        let answer = stage.ask(own).await;
        assert!(
            answer.text().starts_with(&pieces.concat()),
            "{}",
            answer.text()
        );
        let last = last(&answer);
        assert_eq!(
            (&last["type"], &last["sequence_number"]),
            (&"response.failed".into(), &6.into())
        );
        assert_eq!(last["response"]["error"]["code"], "context_length_exceeded");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn a_provider_that_failed_is_asked_again_and_then_is_an_error() {
    play(async || {
        for (code, status) in [("server_error", 502), ("rate_limit_exceeded", 429)] {
            for (asks, reply) in [
                (asks(), Reply::json(failed(code))),
                (streams(), Reply::sse([created(), failing(5, code)])),
            ] {
                let fake = FakeProvider::start().await;
                let stage = Stage::keeping(tries(&fake, 2));
                fake.always(reply);
                for ask in asks {
                    let before = fake.count();
                    let answer = stage.ask(ask).await;
                    assert_eq!(answer.status, status, "{code}: {}", answer.text());
                    assert_eq!(fake.count() - before, 3);
                    assert_eq!(
                        answer.text().contains("org-7"),
                        code == "server_error",
                        "whose limit it is stays here: {}",
                        answer.text()
                    );
                }
            }
        }
    });
}

#[test]
fn another_attempt_at_a_failed_response_may_bring_one() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::keeping(tries(&fake, 2));
        fake.script(vec![
            Reply::json(failed("server_error")),
            response("resp_1", "One."),
        ]);
        let [own, ..] = asks();
        assert_eq!(stage.ask(own).await.json()["id"], "resp_1");
    });
}

fn last(answer: &Answer) -> Value {
    let line = answer
        .text()
        .lines()
        .rfind(|line| line.starts_with("data: "));
    serde_json::from_str(&line.expect("an event")[6..]).expect("JSON")
}

#[test]
fn a_stream_that_breaks_ends_as_the_response_that_began() {
    play(async || {
        for (pieces, code) in [
            (vec![created(), said()], "server_error"),
            (
                vec![created(), said(), failing(6, "rate_limit_exceeded")],
                "rate_limit_exceeded",
            ),
        ] {
            let fake = FakeProvider::start().await;
            let stage = Stage::keeping(tries(&fake, 0));
            fake.always(Reply::sse(pieces));
            let [own, ..] = streams();
            let answer = stage.ask(own).await;
            let begun = [created(), said()].concat();
            assert!(answer.text().starts_with(&begun), "{}", answer.text());
            let last = last(&answer);
            assert_eq!(last["type"], "response.failed");
            assert_eq!(last["sequence_number"], 7, "behind the `error` event");
            let response = &last["response"];
            assert_eq!(
                (&response["id"], &response["model"], &response["status"]),
                (&"resp_f".into(), &"m".into(), &"failed".into())
            );
            assert_eq!(response["error"]["code"], code);
            assert!(!answer.text().contains("org-7"));
        }
    });
}
