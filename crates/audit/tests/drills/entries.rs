//! What a record's bytes say: all of it comes back, and the form stays.

use audit::{bundle, entry};
use domain::audit::{AdminChange, Entry, Logged, Start, Strangers};
use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Begun, Decided, Found, Outcome, Passed, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use proptest::prelude::*;

/// A call with something in every field.
pub(crate) fn call() -> Settled {
    let begun = Begun {
        ticket: TicketId {
            generation: 0xdead_beef,
            core: 1,
            sequence: 2,
        },
        at: UnixMicros(1_764_243_746_123_456),
        tenant: "acme".into(),
        key: "key_1".into(),
        operation: "chat".into(),
    };
    Settled {
        duration_us: 1_500,
        first_content_us: Some(700),
        streamed: true,
        model: Some("gpt-small".into()),
        provider: Some("openai".into()),
        deployment: Some("openai/gpt-small".into()),
        answered_model: Some("gpt-small-2026".to_owned()),
        attempts: 2,
        error: Some("guard_blocked".to_owned()),
        usage: Usage {
            input: 10,
            output: 20,
            cache_write_1h: 3,
            ..Usage::default()
        },
        usage_source: UsageSource::Provider,
        cost: Some(NanoUsd(1_250)),
        saved: Some(NanoUsd(0)),
        cache_hit: true,
        price_missing: true,
        findings: vec![("names".to_owned(), 2)],
        passed: Some(Passed {
            bytes_in: 5,
            bytes_out: 0,
        }),
        who: Some(Box::new(Who {
            team: Some("team_1".into()),
            app: Some("app_1".into()),
            user: Some("user_1".into()),
            end_user: Some("ana".to_owned()),
            session: Some("s".to_owned()),
            tags: vec![("env".to_owned(), "prod \"1\"".to_owned())],
            degraded_from: Some("gpt-large".into()),
            overrun: true,
        })),
        from: Some([203, 0, 113, 7].into()),
        decided: Some(Box::new(Decided {
            found: vec![Found {
                guard: "names".to_owned(),
                kind: "deny".to_owned(),
                action: "block".to_owned(),
                count: 2,
            }],
            refusal: Some("Blocked.".to_owned()),
            tried: vec![("azure/gpt-small".into(), "timeout".to_owned())],
        })),
        ..Settled::at_once(begun, Outcome::GuardEnded, 200)
    }
}

fn all() -> [Entry; 5] {
    let plain = Begun {
        ticket: TicketId {
            generation: 1,
            core: 0,
            sequence: 1,
        },
        at: UnixMicros(5),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
    };
    [
        Entry::Start(Start {
            at: UnixMicros(1),
            version: "0.1.0".to_owned(),
            generation: u64::MAX,
            unlogged: 3,
            keep: Some(60_000_000),
        }),
        Entry::Call(Box::new(call())),
        Entry::Call(Box::new(Settled::at_once(plain, Outcome::Refused, 429))),
        Entry::Change(Box::new(Logged {
            id: 4,
            change: AdminChange {
                at: UnixMicros(2),
                actor: "cli:root@host".to_owned(),
                action: "key.create".to_owned(),
                object: "key_1".to_owned(),
                tenant: "default".into(),
                before: None,
                after: Some("{\"name\": \"a\"}".to_owned()),
            },
        })),
        Entry::Strangers(Strangers {
            minute: UnixMicros(60_000_000),
            source: Some("203.0.113.0/24".to_owned()),
            reason: "invalid_api_key".to_owned(),
            count: 7,
        }),
    ]
}

#[test]
fn the_bytes_of_an_entry_stay_what_they_are() {
    let lines = all().map(|mut it| String::from_utf8(entry::encode(&mut it)).expect("a text"));
    let lines = lines.join("\n") + "\n";
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drills/entries.jsonl");
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(golden, &lines).expect("writes");
    }
    assert_eq!(lines, std::fs::read_to_string(golden).expect("reads"));
}

#[test]
fn all_of_an_entry_comes_back() {
    for mut one in all() {
        let bytes = entry::encode(&mut one);
        assert_eq!(entry::decode(&bytes).expect("reads"), one);
    }
}

#[test]
fn what_a_later_version_adds_is_not_passed_over() {
    let [start, ..] = all();
    let text = String::from_utf8(entry::encode(&mut start.clone())).expect("a text");
    let more = text.replace("\"v\":1", "\"v\":1,\"more\":1");
    assert!(entry::decode(more.as_bytes()).is_err());
    assert!(entry::decode(b"{\"kind\":\"dance\"}").is_err());
    assert!(entry::decode(b"").is_err());
}

#[test]
fn an_entry_fits_whatever_others_have_chosen() {
    let long = "\u{1}".repeat(60_000);
    let mut big = call();
    big.answered_model = Some(long.clone());
    big.findings = vec![(long.clone(), 1); 3];
    big.who = Some(Box::new(Who {
        end_user: Some(long.clone()),
        tags: vec![(long.clone(), long.clone()); 500],
        ..Who::default()
    }));
    let change = AdminChange {
        at: UnixMicros(2),
        actor: "cli:root@host".to_owned(),
        action: "key.edit".to_owned(),
        object: "key_1".to_owned(),
        tenant: "default".into(),
        before: Some(long.clone()),
        after: Some("x".repeat(20_000)),
    };
    let mut call = Entry::Call(Box::new(big));
    let mut change = Entry::Change(Box::new(Logged { id: 1, change }));
    for one in [&mut call, &mut change] {
        let bytes = entry::encode(one);
        assert!(bytes.len() <= bundle::MOST_BYTES, "{}", bytes.len());
        entry::decode(&bytes).expect("reads");
    }
    let Entry::Call(call) = call else {
        unreachable!()
    };
    let cut = call.answered_model.expect("a name");
    assert!(cut.ends_with("(60000 bytes)"), "it is said that it was cut");
    let Entry::Change(logged) = change else {
        unreachable!()
    };
    let bytes = entry::encode(&mut Entry::Change(logged.clone()));
    let Ok(Entry::Change(read)) = entry::decode(&bytes) else {
        panic!("a change")
    };
    let told = |text: Option<String>| text.map(|it| entry::text_of_change(&it));
    assert_eq!(read.change.before, told(logged.change.before), "its hash");
    assert_eq!(read.change.after, logged.change.after, "whole");
}

proptest! {
    #[test]
    fn any_text_and_number_comes_back(
        text in "\\PC{0,40}|[\\x00-\\x1f\"\\\\]{0,9}",
        number in any::<u64>(),
        cost in any::<i64>(),
        status in any::<u16>(),
    ) {
        let mut one = call();
        one.answered_model = Some(text.clone());
        one.tenant = text.as_str().into();
        one.duration_us = number;
        one.usage.input = number;
        one.cost = Some(NanoUsd(cost));
        one.status = status;
        one.who = Some(Box::new(Who {
            tags: vec![(text.clone(), text.clone())],
            end_user: Some(text),
            ..Who::default()
        }));
        let mut one = Entry::Call(Box::new(one));
        let bytes = entry::encode(&mut one);
        prop_assert_eq!(entry::decode(&bytes).expect("reads"), one);
    }
}
