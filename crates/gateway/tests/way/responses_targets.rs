//! Who is asked to go on with a conversation, and what it is told.

use std::sync::Arc;

use domain::guard::{Action, Direction};
use domain::snapshot::Snapshot;
use serde_json::json;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response, usual_of_responses};
use crate::stage::{KEY, Stage, play};

#[test]
fn guards_read_all_that_was_said_before_and_the_provider_is_told_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_u1", "One."),
            response("resp_u2", "secret"),
            response("resp_u3", "Three."),
        ]);
        let stage = Stage::keeping(usual_of_responses(&fake));
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let on = |id: &str| create(&json!({"model":"m","input":"2","previous_response_id":id}));
        let word = crate::doubles::guarded("secret", Action::Block, &[Direction::Request]);
        let mut snapshot = Snapshot::clone(&stage.shared.snapshot.load());
        snapshot.policies.push(word);
        let free = stage.shared.snapshot.swap(Arc::new(snapshot));
        let governed = stage.ask(on("resp_u1")).await;
        assert_eq!(governed.status, 200, "{}", governed.text());
        let sent = fake.last_request().json();
        assert_eq!(sent["previous_response_id"], "resp_u1", "{sent}");
        let refused = stage.ask(on("resp_u2")).await;
        assert_eq!(refused.refusal(400), "content_filter");
        stage.shared.snapshot.store(free);
        let told = stage.ask(on("resp_u2")).await;
        assert_eq!(told.status, 200, "{}", told.text());
    });
}

#[test]
fn the_provider_that_keeps_a_conversation_is_asked_first() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.script(vec![Reply::status(503)]);
        a.always(Reply::chat("From a."));
        b.always(response("resp_b", "From b."));
        let scene = Scene::new()
            .provider_at("a", a.address())
            .provider_at("b", b.address())
            .with(of_responses)
            .key(KEY, Limits::default())
            .model_at("m", &["a", "b"]);
        let stage = Stage::keeping(scene);
        stage.ask(create(&json!({"model":"m","input":"1"}))).await;
        let next = json!({"model":"m","input":"2","previous_response_id":"resp_b"});
        let answer = stage.ask(create(&next)).await;
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        let fresh = stage.ask(create(&json!({"model":"m","input":"3"}))).await;
        assert_eq!(fresh.header("x-portcullis-provider"), "a");
    });
}
