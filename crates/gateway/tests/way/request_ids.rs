//! The id that an error carries is the request's own, as the headers have it,
//! unless a client of the provider's dialect gets the provider's own words.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use testkit::{FakeProvider, Reply};

use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

/// What a body says that asks for a stream.
const STREAM: &str = r#""stream":true,"#;

/// A question of each dialect, and where its errors carry the id.
fn questions(flag: &str) -> [(Ask, &'static str); 4] {
    let messages = r#""messages":[{"role":"user","content":"Hi"}]"#;
    let gemini = match flag {
        STREAM => "/v1beta/models/m:streamGenerateContent?alt=sse",
        _ => "/v1beta/models/m:generateContent",
    };
    let openai = format!(r#"{{"model":"m",{flag}{messages}}}"#);
    let anthropic = format!(r#"{{"model":"m",{flag}"max_tokens":9,{messages}}}"#);
    let responses = format!(r#"{{"model":"m",{flag}"store":false,"input":"Hi"}}"#);
    let contents = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
    [
        (
            Ask::to("POST", "/v1/chat/completions", openai),
            "request_id",
        ),
        (Ask::to("POST", "/v1/messages", anthropic), "request_id"),
        (Ask::to("POST", "/v1/responses", responses), "request_id"),
        (Ask::to("POST", gemini, contents), "requestId"),
    ]
    .map(|(ask, member)| (ask.key(KEY), member))
}

fn carries_its_id(answer: &Answer, member: &str) {
    let id = answer.header("x-request-id");
    assert!(id.starts_with("req_"), "{id}");
    let carried = format!("\"{member}\":\"{id}\"");
    assert!(answer.text().contains(&carried), "{}", answer.text());
    assert!(!answer.text().contains("chatcmpl-"), "{}", answer.text());
}

#[test]
fn a_providers_refusal_carries_the_request_s_own_id() {
    let said = r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"},"request_id":"req_theirs"}"#;
    play(async || {
        for (ask, member) in questions("") {
            let fake = FakeProvider::start().await;
            fake.script(vec![Reply::json(said).with_status(400)]);
            let stage = Stage::open(usual(&fake).with(speaks(Dialect::Anthropic)));
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 400);
            // Who speaks the provider's dialect reads the provider's own words,
            // and Anthropic's clients look for the request's id in the headers.
            if answer.json()["type"] == "error" {
                assert_eq!(answer.text(), said);
                assert_eq!(answer.header("request-id"), answer.header("x-request-id"));
            } else {
                carries_its_id(&answer, member);
            }
        }
    });
}

#[test]
fn an_error_in_the_middle_of_a_stream_carries_the_request_s_own_id() {
    let text = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hi\"}]},\"index\":0}],\"responseId\":\"theirs\"}\n\n";
    let failed =
        "data: {\"error\":{\"code\":503,\"message\":\"no\",\"status\":\"UNAVAILABLE\"}}\n\n";
    play(async || {
        for events in [&[text, failed][..], &[text]] {
            // OpenAI's errors have no place of their own for it.
            for (ask, member) in questions(STREAM).into_iter().skip(1) {
                let fake = FakeProvider::start().await;
                fake.script(vec![Reply::sse(events.iter().copied())]);
                let stage = Stage::open(usual(&fake).with(speaks(Dialect::Gemini)));
                let answer = stage.ask(ask).await;
                let id = answer.header("x-request-id");
                let carried = format!("\"{member}\":\"{id}\"");
                assert!(answer.text().contains(&carried), "{}", answer.text());
            }
        }
    });
}
