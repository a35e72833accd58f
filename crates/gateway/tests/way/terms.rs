//! What a client is told of its request names fields as the client does.

use domain::canon::Dialect;
use domain::model::{Losses, Provider, WireFormat};
use serde_json::json;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude",
    "content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,
    "usage":{"input_tokens":7,"output_tokens":3}}"#;

fn scene(fake: &FakeProvider, losses: Losses) -> Scene {
    usual(fake).with(move |provider: &mut Provider| {
        provider.format = WireFormat::Dialect(Dialect::Anthropic);
        provider.losses = losses;
    })
}

/// A Gemini client's question, with these settings.
fn gemini(settings: &str) -> Ask {
    let body = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"Hi"}}]}}],"generationConfig":{settings}}}"#
    );
    Ask::to("POST", "/v1beta/models/m:generateContent", body).key(KEY)
}

#[test]
fn a_refusal_and_the_header_name_the_clients_field() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(scene(&fake, Losses::Strict));
        let settings = r#"{"responseLogprobs":true}"#;
        let answer = stage.ask(gemini(settings)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let said = answer.text();
        assert!(
            said.contains("`generationConfig.responseLogprobs`"),
            "{said}"
        );

        fake.script(vec![Reply::json(MESSAGE)]);
        let stage = Stage::open(scene(&fake, Losses::Drop));
        let answer = stage.ask(gemini(settings)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.header("x-portcullis-dropped");
        assert_eq!(told, "generationConfig.responseLogprobs");
    });
}

#[test]
fn a_providers_own_error_names_the_clients_field() {
    play(async || {
        let fake = FakeProvider::start().await;
        let error = json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "max_tokens: must be lower"}});
        fake.script(vec![Reply::json(error.to_string()).with_status(400)]);
        let stage = Stage::open(scene(&fake, Losses::Drop));
        let answer = stage.ask(gemini(r#"{"maxOutputTokens":9}"#)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let said = answer.text();
        assert!(said.contains("generationConfig.maxOutputTokens"), "{said}");
    });
}
