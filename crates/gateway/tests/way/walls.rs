//! Budgets are walls: what a request may use at most is reserved, and what it used
//! is what counts.

use std::time::Duration;

use domain::model::Deployment;
use domain::party::{DEFAULT_TENANT, Level};
use domain::principal::Principal;
use domain::record::Outcome;
use domain::snapshot::LongStreams;
use domain::terms::Terms;
use domain::traits::{Framing, Vocabulary};
use domain::usage::UsageSource;
use serde_json::json;
use testkit::openai::chunk;
use testkit::scene::principal_of;
use testkit::{FakeProvider, Reply, Scene};

use crate::holders::futures_all;
use crate::stage::{Ask, Stage, play, usual};

/// What testkit's answers say that they used.
const USED: u64 = 18;

fn key(budgets: &str) -> Principal {
    let terms: Terms = serde_json::from_str(&format!(r#"{{"budgets":{budgets}}}"#)).expect("terms");
    principal_of(
        "key_1",
        &[(DEFAULT_TENANT, Level::Tenant, Terms::default())],
        terms,
    )
}

fn scene(fake: &FakeProvider, budgets: &str) -> Scene {
    usual(fake)
        .principal("sk-one", key(budgets))
        .adjust(|it| it.budget_wait = Duration::from_secs(600))
}

fn counted(deployment: &mut Deployment) {
    deployment.traits.vocabulary = Vocabulary::O200k;
    deployment.traits.framing = Framing {
        prompt: 3,
        message: 4,
        tools: 32,
    };
}

fn ask(more: &serde_json::Value) -> Ask {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    Ask::chat(body.to_string()).key("sk-one")
}

async fn answered(stage: &Stage, all: usize) -> usize {
    let asked = (0..all).map(|_| stage.ask(ask(&json!({"max_tokens": 40}))));
    let answers = futures_all(asked.collect()).await;
    for answer in answers.iter().filter(|it| it.status != 200) {
        assert_eq!(answer.refusal(429), "budget_exceeded");
    }
    answers.iter().filter(|it| it.status == 200).count()
}

#[test]
fn of_many_at_once_exactly_as_many_are_answered_as_a_budget_has_tokens_for() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi.").delay_head(Duration::from_millis(50)));
        // Each may use 48 and uses 18: the last of 20 goes while 48 are left.
        let tokens = 19 * USED + 48;
        for (tokens, goes) in [(tokens, 20), (tokens - 1, 19), (tokens + USED, 21)] {
            let budget = format!(r#"[{{"tokens":{tokens},"per":"month"}}]"#);
            let stage = Stage::open(scene(&fake, &budget).known(counted));
            assert_eq!(answered(&stage, 150).await, goes, "of {tokens}");
        }
    });
}

#[test]
fn of_many_at_once_exactly_as_many_are_answered_as_a_budget_pays() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi.").delay_head(Duration::from_millis(50)));
        // 11 and 7 at 1 and 2 dollars a million; at most 8 and 40.
        let (used, most) = (25, 88);
        for (more, goes) in [(0, 30), (-1, 29)] {
            let micros = 29 * used + most + more;
            let budget = format!(r#"[{{"usd":"0.{micros:06}","per":"month"}}]"#);
            let stage = Stage::open(scene(&fake, &budget).known(counted));
            assert_eq!(answered(&stage, 150).await, goes);
        }
    });
}

#[test]
fn an_answer_of_any_length_is_let_in_as_a_stream_alone() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["Hi."]));
        let stage = Stage::open(scene(&fake, r#"[{"tokens":100000,"per":"month"}]"#));
        let plain = stage.ask(ask(&json!({}))).await;
        assert_eq!(plain.refusal(400), "missing_required_parameter");
        let stream = stage.ask(ask(&json!({"stream": true}))).await;
        assert_eq!(stream.status, 200, "{}", stream.text());
    });
}

/// A stream of some 4,000 tokens.
fn long() -> Reply {
    let word = json!({"content": "word ".repeat(100)});
    let mut chunks: Vec<_> = (0..40).map(|_| chunk("m", &word, None)).collect();
    chunks.push(chunk("m", &json!({}), Some("stop")));
    let mut pieces: Vec<Vec<u8>> = chunks.iter().map(|it| it.to_vec()).collect();
    pieces.push(b"data: [DONE]\n\n".to_vec());
    Reply::sse(pieces).delay_between(Duration::from_millis(1))
}

#[test]
fn a_long_stream_reserves_more_or_ends_with_an_error_as_policy_says() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(long());
        let stream = json!({"stream": true});
        for (tokens, policy, outcome, overran) in [
            (50_000, LongStreams::End, Outcome::Complete, false),
            (2_500, LongStreams::End, Outcome::Refused, false),
            (2_500, LongStreams::Finish, Outcome::Complete, true),
        ] {
            let budget = format!(r#"[{{"tokens":{tokens},"per":"month"}}]"#);
            let scene = scene(&fake, &budget).adjust(|it| it.long_streams = policy);
            let stage = Stage::open(scene);
            let answer = stage.ask(ask(&stream)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let is_whole = answer.text().ends_with("data: [DONE]\n\n");
            assert_eq!(is_whole, outcome == Outcome::Complete);
            let record = stage.settled(1).await.remove(0);
            assert_eq!(record.outcome, outcome, "{record:?}");
            let is_overrun = record.who.as_ref().is_some_and(|who| who.overrun);
            assert_eq!(is_overrun, overran, "{record:?}");
            if outcome == Outcome::Refused {
                assert_eq!(record.error.as_deref(), Some("budget_exceeded"));
                assert!(
                    answer
                        .text()
                        .contains("has no room for more of this answer")
                );
                assert!(record.usage.total() < 2_600, "{record:?}");
            }
        }
    });
}

#[test]
fn what_an_answer_without_usage_used_is_counted_by_its_vocabulary() {
    play(async || {
        let fake = FakeProvider::start().await;
        let plain = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "tiktoken is great!"}}]});
        let streamed = |text: &str| {
            let pieces = [
                chunk("m", &json!({"role": "assistant", "content": text}), None),
                chunk("m", &json!({"content": " great!"}), Some("stop")),
                "data: [DONE]\n\n".into(),
            ];
            Reply::sse(pieces)
        };
        fake.script(vec![
            Reply::json(plain.to_string()),
            streamed("tiktoken is"),
        ]);
        let stage = Stage::open(scene(&fake, "[]").known(counted));
        for more in [json!({}), json!({"stream": true})] {
            assert_eq!(stage.ask(ask(&more)).await.status, 200);
        }
        for record in stage.settled(2).await {
            assert_eq!(record.usage_source, UsageSource::Estimated);
            // `hi` is one, around it stand 3 and 4.
            assert_eq!((record.usage.prompt(), record.usage.completion()), (8, 6));
        }
    });
}
