//! What a provider says of a mistake, to a client that speaks its dialect.

use domain::canon::Dialect;
use domain::guard::Action;
use domain::model::{Provider, WireFormat};
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

const CLAUDES: &str = r#"{ "type":"error", "request_id":"req_theirs", "error":{"type":"invalid_request_error",
    "message":"messages.0: no","details":{"error_code":"x","why":[1e400]}},"more":null}"#;
const GOOGLES: &str = r#"{
  "error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT", "details": [
    {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
      {"field": "contents[0]", "description": "a"}, {"field": "tools", "description": "b"}]},
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "X", "domain": "googleapis.com"}]}
}"#;
const RESPONSES: &str = r#"{"error":{"message":"No.","type":"invalid_request_error","param":"input",
    "code":"a_new_word","hint":"their own"},"request_id":"req_theirs"}"#;

fn messages() -> Ask {
    let body = r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
    Ask::to("POST", "/v1/messages", body).with("x-api-key", KEY)
}

fn responses() -> Ask {
    let body = r#"{"model":"m","input":"Hi"}"#;
    Ask::to("POST", "/v1/responses", body).with("authorization", &format!("Bearer {KEY}"))
}

fn gemini(word: &str, body: &str) -> Ask {
    let path = format!("/v1beta/models/m:{word}");
    Ask::to("POST", &path, body.to_owned()).with("x-goog-api-key", KEY)
}

const HELLO: &str = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;

/// What a client hears of this error of a provider of this dialect.
async fn heard(dialect: Dialect, (status, error): (u16, &str), ask: Ask) -> Answer {
    let fake = FakeProvider::start().await;
    fake.always(Reply::json(error.to_owned()).with_status(status));
    let speaks = |provider: &mut Provider| provider.format = WireFormat::Dialect(dialect);
    let stage = Stage::open(usual(&fake).with(speaks));
    stage.ask(ask).await
}

#[test]
fn a_mistake_is_told_in_the_providers_own_words() {
    play(async || {
        let embed = r#"{"content":{"parts":[{"text":"Hi"}]}}"#;
        for (dialect, error, ask) in [
            (Dialect::Anthropic, CLAUDES, messages()),
            (Dialect::Gemini, GOOGLES, gemini("generateContent", HELLO)),
            (
                Dialect::Gemini,
                GOOGLES,
                gemini("streamGenerateContent?alt=sse", HELLO),
            ),
            (Dialect::Gemini, GOOGLES, gemini("embedContent", embed)),
            (Dialect::Responses, RESPONSES, responses()),
        ] {
            let answer = heard(dialect, (400, error), ask).await;
            let error = error.replace("req_theirs", answer.header("x-request-id"));
            assert_eq!((answer.status, answer.text()), (400, error.as_str()));
            assert_eq!(answer.header("content-type"), "application/json");
        }
        let lost = heard(Dialect::Anthropic, (404, CLAUDES), messages()).await;
        let told = CLAUDES.replace("req_theirs", lost.header("x-request-id"));
        assert_eq!((lost.status, lost.text()), (404, told.as_str()));
    });
}

#[test]
fn what_is_the_operators_to_read_is_still_the_gateways_to_tell() {
    play(async || {
        let secret = |text: &str| text.replace("No.", "their secret");
        for status in [401, 402, 403, 429, 500] {
            let answer = heard(Dialect::Anthropic, (status, CLAUDES), messages()).await;
            assert!(!answer.text().contains("req_theirs"), "{}", answer.text());
        }
        // A key at fault, by the sentence; an account, by its number.
        let key = GOOGLES.replace("No.", "API key not valid: their secret");
        let ask = || gemini("generateContent", HELLO);
        let answer = heard(Dialect::Gemini, (400, &key), ask()).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert!(!answer.text().contains("their secret"), "{}", answer.text());
        let account = secret(GOOGLES).replace(
            r#""reason": "X""#,
            r#""metadata": {"consumer": "projects/1234"}, "reason": "X""#,
        );
        let answer = heard(Dialect::Gemini, (400, &account), ask()).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("their secret"), "{}", answer.text());
        assert!(!answer.text().contains("1234"), "{}", answer.text());
    });
}

#[test]
fn another_dialect_and_what_is_no_error_of_this_one_are_rewritten() {
    play(async || {
        let answer = heard(Dialect::Gemini, (400, GOOGLES), messages()).await;
        assert_eq!(answer.json()["type"], "error");
        assert_eq!(answer.json()["error"]["message"], "No.");
        for odd in [r#"{"error":"No."}"#, r#"[{"error":{"message":"No."}}]"#] {
            let answer = heard(Dialect::Anthropic, (400, odd), messages()).await;
            assert_eq!(answer.json()["type"], "error", "{}", answer.text());
            assert_eq!(answer.json()["error"]["message"], "No.");
        }
    });
}

#[test]
fn what_is_said_of_a_request_that_guards_read_is_told_in_the_providers_own_words() {
    play(async || {
        let fake = FakeProvider::start().await;
        let wrong = RESPONSES.replace(r#""input""#, r#""input[3].content""#);
        fake.always(Reply::json(wrong.clone()).with_status(400));
        let speaks =
            |provider: &mut Provider| provider.format = WireFormat::Dialect(Dialect::Responses);
        let scene = usual(&fake).with(speaks);
        let stage = Stage::open(scene.policy(guarded("secret", Action::Block, BOTH)));
        let answer = stage.ask(responses()).await;
        let error = wrong.replace("req_theirs", answer.header("x-request-id"));
        assert_eq!((answer.status, answer.text()), (400, error.as_str()));
    });
}
