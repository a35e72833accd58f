//! Dry runs: the plan, what an answer would cost at most, and nothing sent.

use domain::canon::Dialect;
use domain::model::{Deployment, Losses, Provider, WireFormat};
use domain::policy::Policy;
use domain::usage::UsageSource;
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const QUESTION: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

/// A model with a target of `OpenAI`'s dialect and one of Anthropic's.
fn two(first: &FakeProvider, second: &FakeProvider) -> Scene {
    Scene::new()
        .provider_at("first", first.address())
        .provider_at("second", second.address())
        .with(speaks(Dialect::Anthropic))
        .with(|provider| provider.losses = Losses::Drop)
        .key(KEY, testkit::scene::Limits::default())
        .model_at("m", &["first", "second"])
}

async fn plan(stage: &Stage, question: &str) -> Value {
    let ask = Ask::chat(question.to_owned()).with("x-portcullis-dry-run", "true");
    stage.ask(ask).await.json()
}

/// The bound of a target: tokens, who sets it, and whether a cost follows.
fn bound(target: &Value) -> (Option<u64>, &str, bool) {
    (
        target["most_answer_tokens"].as_u64(),
        target["bounded_by"].as_str().unwrap_or_default(),
        target["most_usd"].is_string(),
    )
}

#[test]
fn a_dry_run_tells_the_plan_and_sends_nothing() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let stage = Stage::open(two(&first, &second));
        let question = QUESTION.replace(
            "\"messages\"",
            "\"logprobs\":true,\"max_tokens\":50,\"messages\"",
        );
        let plan = plan(&stage, &question).await;
        assert_eq!(plan["object"], "portcullis.plan");
        assert_eq!(plan["most_answer_tokens"], 50);
        assert_eq!(plan["targets"][0]["deployment"], "first/m");
        assert_eq!(plan["targets"][0]["dropped"], json!([]));
        assert_eq!(plan["targets"][1]["dialect"], "anthropic");
        assert_eq!(plan["targets"][1]["dropped"], json!(["logprobs"]));
        for at in 0..2 {
            assert_eq!(bound(&plan["targets"][at]), (Some(50), "request", true));
        }
        assert_eq!((first.count(), second.count()), (0, 0));
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.operation, "dry_run");
        assert_eq!((record.usage.total(), record.cost), (0, None));
        assert_eq!(record.usage_source, UsageSource::None);
    });
}

#[test]
fn the_bound_is_what_each_target_would_be_sent() {
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let stage = Stage::open(two(&first, &second));
        let plan = plan(&stage, QUESTION).await;
        // Nothing is said to the one; Anthropic demands a number.
        assert_eq!(bound(&plan["targets"][0]), (None, "nothing", false));
        assert_eq!(bound(&plan["targets"][1]), (Some(4096), "request", true));
        assert!(plan["most_answer_tokens"].is_null(), "{plan}");
        first.script(vec![Reply::status(500)]);
        second.script(vec![Reply::status(400)]);
        stage.ask(Ask::chat(QUESTION)).await;
        let told: Value = serde_json::from_slice(&second.last_request().body).expect("JSON");
        assert_eq!(told["max_tokens"], 4096);
    });
}

#[test]
fn no_answer_is_longer_than_the_model_can() {
    fn known(deployment: &mut Deployment) {
        deployment.max_output = Some(300);
    }
    play(async || {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let stage = Stage::open(two(&first, &second).known(known));
        let unsaid = plan(&stage, QUESTION).await;
        assert_eq!(bound(&unsaid["targets"][0]), (Some(300), "model", true));
        assert_eq!(bound(&unsaid["targets"][1]), (Some(300), "request", true));
        assert_eq!(unsaid["most_answer_tokens"], 300);
        let two = QUESTION.replace("\"messages\"", "\"n\":2,\"max_tokens\":9999,\"messages\"");
        let said = plan(&stage, &two).await;
        assert_eq!(bound(&said["targets"][0]), (Some(600), "model", true));
    });
}

#[test]
fn vectors_have_no_answer_to_pay_for() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let ask = Ask::to("POST", "/v1/embeddings", r#"{"model":"m","input":"Hi"}"#);
        let ask = ask.key(KEY).with("x-portcullis-dry-run", "true");
        let plan = stage.ask(ask).await.json();
        assert_eq!(plan["most_answer_tokens"], 0, "{plan}");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn a_dry_run_is_no_answer_from_the_cache() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("Hello.")]);
        let cached = Policy {
            name: "c".to_owned(),
            cache: Some(std::time::Duration::from_secs(60)),
            ..Policy::default()
        };
        let stage = Stage::open(usual(&fake).policy(cached));
        assert_eq!(stage.ask(Ask::chat(QUESTION)).await.status, 200);
        let plan = plan(&stage, QUESTION).await;
        assert_eq!(plan["object"], "portcullis.plan", "{plan}");
        let records = stage.settled(2).await;
        assert_eq!(&*records[1].operation, "dry_run");
    });
}
