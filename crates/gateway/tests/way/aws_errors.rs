//! What AWS calls an error counts, whatever status it comes with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::canon::Dialect;
use domain::credential::{Absent, Credential, Key, KeySource, Renewing};
use domain::model::{Provider, WireFormat};
use domain::secret::Secret;
use serde_json::json;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, Stage, play, usual};

fn converse(fake: &FakeProvider) -> Scene {
    usual(fake).with(|provider: &mut Provider| {
        provider.format = WireFormat::Dialect(Dialect::Converse);
    })
}

fn ask() -> Ask {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    Ask::chat(json!({"model": "m", "max_tokens": 50, "messages": messages}).to_string())
}

fn refused(status: u16, word: &str) -> Reply {
    let body = json!({"message": "No, said the cloud."});
    Reply::json(body.to_string())
        .with_status(status)
        .header("x-amzn-errortype", word)
}

fn answer() -> Reply {
    let message = json!({"role": "assistant", "content": [{"text": "Hello."}]});
    let body = json!({"output": {"message": message}, "stopReason": "end_turn",
        "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}, "metrics": {}});
    Reply::json(body.to_string())
}

#[test]
fn a_quota_that_is_used_up_lets_the_key_rest_and_the_next_one_answers() {
    play(async || {
        for word in [
            "ServiceQuotaExceededException",
            "ThrottlingException:http://x/",
        ] {
            let fake = FakeProvider::start().await;
            fake.script(vec![refused(400, word), answer(), answer()]);
            let stage = Stage::open(converse(&fake).with(|provider| {
                let key = |id: &'static str| Key::fixed(id, Secret::new(id));
                provider.keys = vec![key("a"), key("b")];
            }));
            assert_eq!(stage.ask(ask()).await.status, 200, "{word}");
            let keys: Vec<_> = fake.requests().iter().map(bearer).collect();
            assert_ne!(keys[0], keys[1]);
            assert_eq!(stage.ask(ask()).await.status, 200);
            assert_eq!(bearer(&fake.last_request()), keys[1], "the first one rests");
        }
    });
}

fn bearer(seen: &testkit::fake::Seen) -> String {
    seen.header("authorization").to_owned()
}

#[test]
fn a_model_that_is_not_ready_is_asked_again() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![refused(429, "ModelNotReadyException"), answer()]);
        let stage = Stage::open(converse(&fake));
        assert_eq!(stage.ask(ask()).await.status, 200);
        assert_eq!(fake.count(), 2);
    });
}

#[test]
fn an_account_at_fault_is_never_told_as_the_clients_mistake() {
    play(async || {
        for word in ["AccessDeniedException", "UnrecognizedClientException"] {
            let fake = FakeProvider::start().await;
            fake.always(refused(400, word));
            let answer = Stage::open(converse(&fake)).ask(ask()).await;
            assert_eq!(answer.refusal(502), "upstream_authentication", "{word}");
            assert!(!answer.text().contains("cloud"), "{}", answer.text());
        }
        let fake = FakeProvider::start().await;
        fake.always(refused(400, "ValidationException"));
        let answer = Stage::open(converse(&fake)).ask(ask()).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("No, said the cloud."));
    });
}

/// A credential that ends before its time; each further one is fetched when
/// the last is refused.
#[derive(Debug, Default)]
pub(crate) struct Ending(AtomicUsize);

impl Renewing for Ending {
    fn current(&self) -> Result<Credential, Absent> {
        let number = self.0.load(Ordering::Relaxed);
        Ok(Credential::Token(Secret::new(format!("t-{number}"))))
    }

    fn renew(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_credential_that_ended_early_is_fetched_anew_and_the_request_sent_again() {
    play(async || {
        for refused in [refused(403, "ExpiredTokenException"), Reply::status(401)] {
            let fake = FakeProvider::start().await;
            fake.script(vec![refused, answer()]);
            let stage = Stage::open(converse(&fake).with(|provider| {
                provider.keys = vec![Key {
                    id: "k".into(),
                    source: KeySource::Renewed(Arc::new(Ending::default())),
                }];
            }));
            assert_eq!(stage.ask(ask()).await.status, 200);
            let keys: Vec<_> = fake.requests().iter().map(bearer).collect();
            assert_eq!(keys, ["Bearer t-0", "Bearer t-1"]);
        }
    });
}
