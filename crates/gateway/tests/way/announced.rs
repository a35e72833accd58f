//! What the journal knows of a request before anything comes of it: enough to
//! book it if the process ends meanwhile.

use domain::record::{Opened, Outcome, Record};
use domain::usage::UsageSource;
use testkit::openai::{chat_request, stream_request};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

fn opened(stage: &Stage) -> Vec<Opened> {
    let records = stage.records().into_iter();
    let opened = records.filter_map(|record| match record {
        Record::Opened(opened) => Some(opened),
        Record::Settled(_) => None,
    });
    opened.collect()
}

#[test]
fn it_says_who_is_asked_what_the_prompt_is_and_what_that_costs() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::status(400));
        let stage = Stage::open(usual(&fake));
        stage.ask(Ask::chat(stream_request("m", "hello"))).await;
        let [opened] = &opened(&stage)[..] else {
            panic!("one")
        };
        let lost = journal::lost(opened);
        let [settled] = &stage.settled(1).await[..] else {
            panic!("one")
        };
        assert_eq!(lost.outcome, Outcome::Lost);
        assert!(lost.streamed && lost.usage.input > 0 && lost.usage.output == 0);
        assert_eq!(lost.usage_source, UsageSource::Estimated);
        assert!(lost.cost.is_some_and(|cost| cost.0 > 0) && !lost.price_missing);
        assert_eq!(lost.attempts, settled.attempts);
        assert_eq!(lost.model, settled.model);
        assert_eq!(lost.provider, settled.provider);
        assert_eq!(lost.deployment, settled.deployment);
    });
}

/// Whom the records name, and with which attempt.
fn asked(stage: &Stage) -> Vec<String> {
    let asked = opened(stage).into_iter().filter_map(|opened| opened.asked);
    asked
        .map(|asked| format!("{} {}", asked.provider, asked.attempts))
        .collect()
}

#[test]
fn it_is_said_again_for_another_target() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::status(500));
        b.script(vec![Reply::status(500), Reply::chat("x")]);
        let scene = Scene::new()
            .provider_at("a", a.address())
            .key(KEY, Limits::default())
            .model("m")
            .fallback("spare")
            .provider_at("b", b.address())
            .model("spare");
        let stage = Stage::open(scene.adjust(|snapshot| snapshot.retry.retries = 5));
        let answer = stage.ask(Ask::chat(chat_request("m", "hello"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(asked(&stage), ["a 1", "b 2", "a 3", "b 4"]);
    });
}

#[test]
fn another_try_at_the_same_target_is_not_said() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::status(500), Reply::chat("x")]);
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::chat(chat_request("m", "hello"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(stage.settled(1).await[0].attempts, 2);
        assert_eq!(asked(&stage), ["fake 1"]);
    });
}
