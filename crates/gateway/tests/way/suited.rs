//! Whom to ask first, by what is known of targets.

use domain::ability::{Abilities, Ability};
use domain::model::Deployment;
use serde_json::Value;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play};

const PICTURE: &str = r#"{"model":"m","messages":[{"role":"user","content":[
    {"type":"text","text":"What is it?"},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#;
const WORDS: &str = r#"{"model":"m","messages":[{"role":"user","content":"What is it?"}]}"#;

/// A model at two providers, asked in this order.
fn two(first: &FakeProvider, second: &FakeProvider) -> Scene {
    Scene::new()
        .provider_at("first", first.address())
        .provider_at("second", second.address())
        .key(KEY, Limits::default())
        .model_at("m", &["first", "second"])
}

fn is_first(deployment: &Deployment) -> bool {
    deployment.provider.name.as_str() == "first"
}

async fn plan(stage: &Stage, question: &str) -> Value {
    let ask = Ask::chat(question.to_owned()).with("x-portcullis-dry-run", "true");
    stage.ask(ask).await.json()
}

#[test]
fn a_picture_goes_to_who_can_see_it_and_words_by_order() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        first.script(vec![Reply::chat("Words.")]);
        second.script(vec![Reply::chat("A cat.")]);
        let stage = Stage::open(two(&first, &second).known(|it| {
            let sees = [Ability::Vision, Ability::Tools].into_iter().collect();
            it.abilities = Some(if is_first(it) {
                Abilities::default()
            } else {
                sees
            });
        }));
        let plan = plan(&stage, PICTURE).await;
        assert_eq!(plan["targets"][0]["provider"], "second", "{plan}");
        let because = plan["targets"][1]["because"].as_str().expect("a reason");
        assert!(because.contains("does not see images"), "{because}");
        let answer = stage.ask(Ask::chat(PICTURE)).await;
        assert!(answer.text().contains("A cat."), "{}", answer.text());
        let answer = stage.ask(Ask::chat(WORDS)).await;
        assert!(answer.text().contains("Words."), "{}", answer.text());
    });
}

#[test]
fn what_nobody_knows_changes_no_order() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let stage = Stage::open(two(&first, &second));
        let plan = plan(&stage, PICTURE).await;
        assert_eq!(plan["targets"][0]["provider"], "first", "{plan}");
    });
}

#[test]
fn a_long_prompt_goes_to_who_has_room_for_it() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let stage = Stage::open(two(&first, &second).known(|it| {
            it.context = Some(if is_first(it) { 1_000 } else { 100_000 });
        }));
        let long = WORDS.replace("What is it?", &"word ".repeat(3_000));
        let told = plan(&stage, &long).await;
        assert_eq!(told["targets"][0]["provider"], "second", "{told}");
        let because = told["targets"][1]["because"].as_str().expect("a reason");
        assert!(because.contains("too short"), "{because}");
        let told = plan(&stage, WORDS).await;
        assert_eq!(told["targets"][0]["provider"], "first", "{told}");
    });
}

#[test]
fn the_only_target_is_asked_whatever_is_known_of_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("A cat.")]);
        let scene = Scene::new().provider(&fake).key(KEY, Limits::default());
        let scene = scene
            .model("m")
            .known(|it| it.abilities = Some(Abilities::default()));
        let answer = Stage::open(scene).ask(Ask::chat(PICTURE)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    });
}
