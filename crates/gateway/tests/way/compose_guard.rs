//! What policy adds, and what it does not let through.

use domain::guard::{Action, Direction};
use domain::policy::{Policy, SystemRule};
use domain::record::Outcome;
use testkit::openai::{chat_request, stream_request, text_of_stream};
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, Stage, play, usual};

fn system(rules: &[SystemRule]) -> Policy {
    Policy {
        name: "s".to_owned(),
        system: rules.to_vec(),
        ..Policy::default()
    }
}

#[test]
fn system_rules_are_spliced_in_and_the_rest_stays_as_it_was() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let first = system(&[SystemRule::Prepend("say \"please\"".into())]);
        let second = system(&[SystemRule::Append("be brief".into())]);
        let stage = Stage::open(usual(&fake).policy(first).policy(second));
        let (head, tail) = (
            "{ \"big\":1e400,\"messages\":[",
            "{\"content\":\"\\u0041\",\"role\":\"user\"} ] ,\"model\":\"m\"}",
        );
        stage.ask(Ask::chat(format!("{head}{tail}"))).await;
        let body = fake.last_request().body;
        assert!(body.starts_with(head.as_bytes()));
        assert!(body.ends_with(tail.as_bytes()));
        let text = std::str::from_utf8(&body).expect("text");
        let sent: serde_json::Value =
            serde_json::from_str(&text.replace("1e400", "1")).expect("JSON");
        let roles: Vec<&str> = sent["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .filter_map(|m| m["role"].as_str())
            .collect();
        assert_eq!(roles, ["system", "system", "user"]);
        assert_eq!(sent["messages"][0]["content"], "say \"please\"");
        assert_eq!(sent["messages"][1]["content"], "be brief");
    });
}

#[test]
fn the_words_of_a_rule_are_counted_where_the_upstream_counts_nothing() {
    play(async || {
        let fake = FakeProvider::start().await;
        let answer = "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"content\":\"x\"}}]}";
        fake.always(Reply::json(answer));
        let words = "be brief ".repeat(100);
        let mut policy = system(&[SystemRule::Prepend(words)]);
        policy.models = vec!["m".to_owned()];
        let stage = Stage::open(usual(&fake).policy(policy));
        stage.ask(Ask::chat(chat_request("m", "x"))).await;
        stage.ask(Ask::chat(chat_request("fake/other", "x"))).await;
        let settled = stage.settled(2).await;
        let prompts: Vec<u64> = settled.iter().map(|s| s.usage.prompt()).collect();
        assert!(prompts[0] > prompts[1] + 200, "{prompts:?}");
    });
}

#[test]
fn a_policy_for_another_model_touches_nothing() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let mut policy = system(&[SystemRule::Prepend("no".into())]);
        policy.models = vec!["other".to_owned()];
        let stage = Stage::open(usual(&fake).policy(policy));
        let body = chat_request("m", "x");
        stage.ask(Ask::chat(body.clone())).await;
        assert_eq!(fake.last_request().body, body);
    });
}

#[test]
fn a_blocked_request_never_reaches_the_upstream() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).policy(guarded("secret", Action::Block, BOTH)));
        let body =
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a s\\u0065cret\"}]}";
        let answer = stage.ask(Ask::chat(body)).await;
        assert_eq!(answer.refusal(400), "content_filter");
        assert!(answer.text().contains("words"));
        assert!(!answer.text().contains("secret"));
        assert_eq!(fake.count(), 0);
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::Refused);
        assert_eq!(settled[0].findings, [("words".to_owned(), 1)]);
    });
}

#[test]
fn a_blocked_stream_ends_with_an_error_and_no_byte_of_the_match_leaves() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["it is: s", "ec", "ret!", " more"]));
        let answer_only = guarded("secret", Action::Block, &[Direction::Answer]);
        let stage = Stage::open(usual(&fake).policy(answer_only));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert_eq!(answer.status, 200);
        for part in ["it is: s", "ec\"", "ret!", "more", "[DONE]"] {
            assert!(!answer.text().contains(part), "{part}: {}", answer.text());
        }
        assert!(answer.text().contains("content_filter"));
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::GuardEnded);
    });
}

#[test]
fn a_blocked_plain_answer_is_refused_and_still_paid_for() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("a secret"));
        let answer_only = guarded("secret", Action::Block, &[Direction::Answer]);
        let stage = Stage::open(usual(&fake).policy(answer_only));
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.refusal(400), "content_filter");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].usage.total(), 18);
        assert!(settled[0].cost.is_some());
    });
}

#[test]
fn a_guard_reads_files_of_text_and_the_escapes_within_arguments() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).policy(guarded("secret", Action::Block, BOTH)));
        let said = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"file",
            "file":{"filename":"a.txt","file_data":"data:text/plain;base64,YSBzZWNyZXQ="}}]}]}"#;
        assert_eq!(
            stage.ask(Ask::chat(said)).await.refusal(400),
            "content_filter"
        );
        let said = r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c",
            "type":"function","function":{"name":"f","arguments":"{\"a\":\"\\u0073ecret\"}"}}]},
            {"role":"tool","tool_call_id":"c","content":"x"}]}"#;
        assert_eq!(
            stage.ask(Ask::chat(said)).await.refusal(400),
            "content_filter"
        );
        assert_eq!(fake.count(), 0);
        fake.always(Reply::tool_calls(&[("f", r#"{"a":"\u0073ecret"}"#)]));
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains("0073ecret"));
    });
}

#[test]
fn an_observing_guard_only_records() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["a sec", "ret and s", "ecret"]));
        let stage = Stage::open(usual(&fake).policy(guarded("secret", Action::Observe, BOTH)));
        let answer = stage.ask(Ask::chat(stream_request("m", "secret"))).await;
        assert_eq!(text_of_stream(&answer.body), "a secret and secret");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::Complete);
        assert_eq!(settled[0].findings, [("words".to_owned(), 3)]);
    });
}
