//! A wrong value of a request that would be translated is the client's to mend:
//! it is told which, and nobody is asked.

use domain::canon::Dialect;
use domain::model::WireFormat;
use testkit::{FakeProvider, Reply};

use crate::stage::{Ask, KEY, Stage, play, usual};

#[test]
fn a_wrong_value_is_refused_before_anybody_is_asked() {
    let wrong = [
        (r#""reasoning_effort":"banana""#, "`minimal`"),
        (r#""max_tokens":-1"#, "`max_tokens`"),
        (r#""temperature":2.5"#, "from 0 to 2"),
        (r#""messages":[]"#, "at least one message"),
    ];
    play(async || {
        let fake = FakeProvider::start().await;
        let anthropic = |provider: &mut domain::model::Provider| {
            provider.format = WireFormat::Dialect(Dialect::Anthropic);
        };
        let stage = Stage::open(usual(&fake).with(anthropic));
        for (member, said) in wrong {
            let messages = r#""messages":[{"role":"user","content":"Hi"}]"#;
            let body = match member.starts_with("\"messages\"") {
                true => format!(r#"{{"model":"m",{member}}}"#),
                false => format!(r#"{{"model":"m",{member},{messages}}}"#),
            };
            let answer = stage.ask(Ask::chat(body)).await;
            assert_eq!(answer.refusal(400), "invalid_value", "{member}");
            assert!(answer.text().contains(said), "{}", answer.text());
        }
        assert_eq!(fake.requests().len(), 0);
    });
}

#[test]
fn a_new_word_of_responses_reaches_the_provider_that_may_know_it() {
    play(async || {
        for (theirs, status) in [(Dialect::Responses, 418), (Dialect::Anthropic, 400)] {
            let fake = FakeProvider::start().await;
            fake.always(Reply::json("{\"error\":{\"message\":\"no\"}}").with_status(418));
            let speaks = move |provider: &mut domain::model::Provider| {
                provider.format = WireFormat::Dialect(theirs);
            };
            let stage = Stage::open(usual(&fake).with(speaks));
            let body = r#"{"model":"m","store":false,"input":"Hi","reasoning":{"effort":"ultra"}}"#;
            let answer = stage
                .ask(Ask::to("POST", "/v1/responses", body).key(KEY))
                .await;
            assert_eq!(answer.status, status, "{theirs:?}: {}", answer.text());
        }
    });
}
