//! What clients are told beside an answer: what was made up or left out, what
//! else servers say of a mistake, and when to come again.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply};

use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

fn chat(messages: &Value) -> Ask {
    Ask::chat(json!({"model": "m", "max_tokens": 9, "messages": messages}).to_string())
}

fn messages() -> Ask {
    let body = r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
    Ask::to("POST", "/v1/messages", body).with("x-api-key", KEY)
}

fn hello() -> Value {
    json!([{"role": "user", "content": "Hi"}])
}

/// What a client gets of this reply by a provider of this dialect.
async fn heard(dialect: Dialect, reply: Reply, ask: Ask) -> Answer {
    let fake = FakeProvider::start().await;
    fake.always(reply);
    let speaks = |provider: &mut Provider| provider.format = WireFormat::Dialect(dialect);
    let stage = Stage::open(usual(&fake).with(speaks));
    stage.ask(ask).await
}

fn google(parts: &Value) -> Reply {
    let candidate = json!({"content": {"role": "model", "parts": parts}, "finishReason": "STOP"});
    Reply::json(json!({"candidates": [candidate]}).to_string())
}

const CLAUDES: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude",
    "content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,
    "usage":{"input_tokens":7,"output_tokens":3}}"#;

#[test]
fn a_users_turn_that_was_made_up_is_named() {
    play(async || {
        let text = google(&json!([{"text": "Hello."}]));
        let begun = json!([{"role": "assistant", "content": "And?"},
            {"role": "user", "content": "Go on"}]);
        for (dialect, reply) in [
            (Dialect::Gemini, text.clone()),
            (Dialect::Anthropic, Reply::json(CLAUDES)),
        ] {
            let answer = heard(dialect, reply.clone(), chat(&begun)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-portcullis-dropped"), "messages");
            let answer = heard(dialect, reply, chat(&hello())).await;
            assert_eq!(answer.header("x-portcullis-dropped"), "");
        }
    });
}

#[test]
fn what_an_answer_has_no_place_for_is_named() {
    play(async || {
        let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
        let drawn = google(&json!([{"text": "There."}, picture]));
        let answer = heard(Dialect::Gemini, drawn.clone(), messages()).await;
        assert_eq!(answer.header("x-portcullis-dropped"), "image");
        let answer = heard(Dialect::Gemini, drawn, chat(&hello())).await;
        assert_eq!(
            answer.header("x-portcullis-dropped"),
            "",
            "chat has pictures"
        );

        let run = google(
            &json!([{"executableCode": {"language": "PYTHON", "code": "1"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}, {"text": "1"}]),
        );
        let answer = heard(Dialect::Gemini, run, chat(&hello())).await;
        let named = answer.header("x-portcullis-dropped");
        assert_eq!(named, "executableCode, codeExecutionResult");
    });
}

#[test]
fn what_a_server_says_of_a_mistake_in_detail_survives_translation() {
    play(async || {
        let listed = json!({"detail": [
            {"loc": ["body", "messages", 0, "role"], "msg": "Field required", "type": "missing"},
            {"loc": [], "msg": "And more"}]});
        let plain = json!({"detail": "Field required"});
        for dialect in [
            Dialect::OpenAi,
            Dialect::Anthropic,
            Dialect::Gemini,
            Dialect::Cohere,
            Dialect::Ollama,
            Dialect::Converse,
        ] {
            for ask in [messages(), chat(&hello())] {
                let reply = Reply::json(listed.to_string()).with_status(422);
                let answer = heard(dialect, reply, ask).await;
                assert_eq!(answer.status, 422, "{dialect:?}");
                let said = answer.json()["error"]["message"].clone();
                let wanted = "messages.0.role: Field required; And more";
                assert_eq!(said, wanted, "{dialect:?}");
            }
            let reply = Reply::json(plain.to_string()).with_status(422);
            let said = heard(dialect, reply, messages()).await.json();
            assert_eq!(said["error"]["message"], "Field required", "{dialect:?}");
        }
    });
}

#[test]
fn both_headers_say_the_same_pause() {
    play(async || {
        for (said, seconds, millis) in [("0", "0", "0"), ("0.2", "1", "200"), ("2", "2", "2000")] {
            let reply = Reply::status(429).header("retry-after", said);
            let answer = heard(Dialect::OpenAi, reply, chat(&hello())).await;
            assert_eq!(answer.status, 429);
            let pause = [
                answer.header("retry-after"),
                answer.header("retry-after-ms"),
            ];
            assert_eq!(pause, [seconds, millis]);
        }
    });
}

#[test]
fn a_redirect_is_told_as_one_and_where_it_leads_to_nobody() {
    play(async || {
        let to = "https://user:secret@elsewhere.example/v2/chat?key=secret";
        for dialect in [Dialect::OpenAi, Dialect::Gemini] {
            let reply = Reply::status(307).header("location", to);
            let answer = heard(dialect, reply, chat(&hello())).await;
            assert_eq!(answer.status, 502, "{}", answer.text());
            let said = answer.text();
            assert!(said.contains("redirect (status 307)"), "{said}");
            assert!(said.contains("base_url"), "{said}");
            assert!(
                !said.contains("elsewhere") && !said.contains("secret"),
                "{said}"
            );
        }
    });
}

#[test]
fn json_that_calls_itself_text_is_json_to_the_client() {
    play(async || {
        let message = json!({"role": "assistant", "content": "Hello."});
        let whole = || testkit::openai::chat_answer("m", &message, "stop");
        for media_type in ["text/plain; charset=utf-8", "application/problem+json"] {
            let reply = Reply::json(whole()).header("content-type", media_type);
            let answer = heard(Dialect::OpenAi, reply, chat(&hello())).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let wanted = match media_type.ends_with("json") {
                true => media_type,
                false => "application/json",
            };
            assert_eq!(answer.header("content-type"), wanted);
        }
        let words = Reply::json("busy, come again").header("content-type", "text/plain");
        let answer = heard(Dialect::OpenAi, words, chat(&hello())).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert!(!answer.text().contains("busy"), "{}", answer.text());
    });
}

#[test]
fn an_error_in_front_of_a_streams_content_is_told_in_the_providers_words() {
    play(async || {
        let said = r#"{"error":{"message":"The graph is cold.","type":"server_error"}}"#;
        let event = format!("data: {said}\n\n");
        let asked = json!({"model": "m", "stream": true, "messages": hello()});
        let ask = Ask::chat(asked.to_string());
        let answer = heard(Dialect::OpenAi, Reply::sse([event]), ask).await;
        assert!(answer.status >= 500, "{}", answer.text());
        assert!(
            answer.text().contains("The graph is cold."),
            "{}",
            answer.text()
        );
        let limit = r#"{"error":{"message":"Your account acme","code":"rate_limit_exceeded"}}"#;
        let ask = Ask::chat(asked.to_string());
        let reply = Reply::sse([format!("data: {limit}\n\n")]);
        let answer = heard(Dialect::OpenAi, reply, ask).await;
        assert_eq!(answer.status, 429);
        assert!(!answer.text().contains("acme"), "{}", answer.text());
    });
}
