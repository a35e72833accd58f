//! What Claude thought, where a model of Responses goes on: it cannot be told, and
//! the client hears of it by the name under which it sent it.

use std::sync::Arc;

use domain::canon::Dialect;
use domain::guard::{Action, Direction};
use domain::model::{Provider, WireFormat};
use domain::principal::Limits;
use domain::snapshot::Snapshot;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response};
use crate::stage::{Answer, Ask, KEY, Stage, play};

const DROPPED: &str = "x-portcullis-dropped";

/// What Claude says behind a thought that it signed.
fn thoughtful() -> Reply {
    let thought = json!({"type":"thinking","thinking":"Hm.","signature":"c2lnbmVk"});
    let body = json!({"id":"msg_1","type":"message","role":"assistant","model":"claude",
        "content":[thought, {"type":"text","text":"One."}],"stop_reason":"end_turn",
        "stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":3}});
    Reply::json(body.to_string())
}

fn of_anthropic(provider: &mut Provider) {
    provider.format = WireFormat::Dialect(Dialect::Anthropic);
}

/// Claude, which answers once, before a model of Responses.
struct Moved {
    stage: Stage,
    _claude: FakeProvider,
    other: FakeProvider,
    /// What Claude answered.
    first: Value,
}

impl Moved {
    async fn on() -> Self {
        let (claude, other) = (FakeProvider::start().await, FakeProvider::start().await);
        claude.script(vec![thoughtful()]);
        claude.always(Reply::status(503));
        other.always(response("resp_b", "Two."));
        let scene = Scene::new()
            .provider_at("a", claude.address())
            .with(of_anthropic)
            .provider_at("b", other.address())
            .with(of_responses)
            .key(KEY, Limits::default())
            .model_at("m", &["a", "b"]);
        let stage = Stage::keeping(scene);
        let first = json!({"model":"m","input":"1","reasoning":{"effort":"high"},
            "include":["reasoning.encrypted_content"]});
        let first = stage.ask(create(&first)).await;
        assert_eq!(first.header("x-portcullis-provider"), "a");
        let first = first.json();
        Self {
            stage,
            _claude: claude,
            other,
            first,
        }
    }

    /// Asks what the other model goes on with.
    async fn ask(&self, body: &Value) -> Answer {
        let answer = self.stage.ask(create(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        let sent = String::from_utf8_lossy(&self.other.last_request().body).into_owned();
        assert!(!sent.contains("c2lnbmVk"), "{sent}");
        answer
    }

    /// From now on a guard reads.
    fn govern(&self) {
        let word = crate::doubles::guarded("secret", Action::Block, &[Direction::Request]);
        let mut snapshot = Snapshot::clone(&self.stage.shared.snapshot.load());
        snapshot.policies.push(word);
        self.stage.shared.snapshot.store(Arc::new(snapshot));
    }
}

#[test]
fn a_conversation_is_named_by_the_id_that_led_to_the_thought() {
    play(async || {
        let moved = Moved::on().await;
        let next = json!({"model":"m","input":"2","instructions":"Be brief.",
            "previous_response_id":moved.first["id"]});
        let answer = moved.ask(&next).await;
        assert_eq!(answer.header(DROPPED), "previous_response_id");
        moved.govern();
        let answer = moved.ask(&next).await;
        assert_eq!(answer.header(DROPPED), "previous_response_id");
    });
}

#[test]
fn what_the_client_sends_itself_keeps_its_own_name() {
    play(async || {
        let moved = Moved::on().await;
        let output = moved.first["output"].as_array().expect("items").clone();
        assert_eq!(output[0]["type"], "reasoning", "{output:?}");
        let named = json!({"type":"item_reference","id":output[0]["id"]});
        let said = json!({"role":"user","content":"2"});
        for items in [
            json!([{"role":"user","content":"1"}, output[0], output[1], said]),
            json!([{"role":"user","content":"1"}, named, output[1], said]),
        ] {
            let answer = moved.ask(&json!({"model":"m","input":items})).await;
            assert_eq!(answer.header(DROPPED), "input.signature");
        }
        // Beside what was before, either has its name.
        let mine = json!({"type":"function_call_output","call_id":"call_x","output":"4"});
        let both = json!({"model":"m","input":[said, mine],
            "previous_response_id":moved.first["id"]});
        let answer = moved.ask(&both).await;
        let mut told: Vec<&str> = answer.header(DROPPED).split(", ").collect();
        told.sort_unstable();
        assert_eq!(told, ["input", "previous_response_id"]);
    });
}

#[test]
fn clients_of_anthropic_are_told_as_before_a_model_of_chat() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![response("resp_b", "Two.")]);
        fake.always(Reply::chat("Three."));
        let scene = Scene::new()
            .provider_at("a", fake.address())
            .with(of_responses)
            .provider_at("b", fake.address())
            .key(KEY, Limits::default())
            .model_at("m", &["a"])
            .model_at("n", &["b"]);
        let stage = Stage::open(scene);
        for model in ["m", "n"] {
            let thought = json!({"type":"thinking","thinking":"Hm.","signature":"c2lnbmVk"});
            let body = json!({"model":model,"max_tokens":99,"messages":[
                {"role":"user","content":"1"},
                {"role":"assistant","content":[thought, {"type":"text","text":"One."}]},
                {"role":"user","content":"2"}]});
            let ask = Ask::to("POST", "/v1/messages", body.to_string());
            let answer = stage.ask(ask.key(KEY)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header(DROPPED), "messages.signature", "{model}");
        }
    });
}
