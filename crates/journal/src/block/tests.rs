//! What stands on disk, byte for byte.

use super::*;
use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Decided, Found as Found_, Opened, Who};
use domain::time::UnixMicros;
use domain::usage::UsageSource;

fn opened(model: &str) -> Record {
    Record::Opened(Opened {
        ticket: TicketId {
            generation: 7,
            core: 1,
            sequence: 2,
        },
        at: UnixMicros(3),
        tenant: "t".into(),
        key: "k".into(),
        operation: "chat".into(),
        model: model.into(),
        reserved_tokens: 300,
        asked: None,
        who: None,
        from: None,
    })
}

#[test]
fn the_bytes_on_disk_are_those_of_the_first_version() {
    let mut out = Vec::new();
    encode(&opened("m"), &mut out).expect("encodes");
    let payload = [
        0, 7, 1, 2, 6, 1, b't', 1, b'k', 4, b'c', b'h', b'a', b't', 1, b'm', 0xac, 2,
    ];
    assert_eq!(out[..4], SYNC);
    assert_eq!(out[4..8], (payload.len() as u32).to_le_bytes());
    assert_eq!(out[12], KIND);
    assert_eq!(out[13..], payload);
}

#[test]
fn what_few_records_have_makes_a_kind_of_its_own() {
    let Record::Opened(of) = opened("m") else {
        panic!("opened")
    };
    let mut settled = crate::lost(&of);
    settled.usage.input = 5;
    let mut plain = Vec::new();
    encode(&Record::Settled(Box::new(settled.clone())), &mut plain).expect("encodes");
    assert_eq!(plain[12], KIND);
    let is_read_again = |settled: &domain::record::Settled, kind: &[u8]| {
        let record = Record::Settled(Box::new(settled.clone()));
        let mut special = Vec::new();
        encode(&record, &mut special).expect("encodes");
        assert_eq!(special[12..12 + kind.len()], *kind);
        assert_eq!(special[12 + kind.len()..], plain[13..]);
        let Found::Block(read, length) = decode(&special) else {
            panic!("no block")
        };
        assert_eq!((*read, length), (record, special.len()));
    };
    settled.usage.cache_write_1h = 300;
    is_read_again(&settled, &[KIND_1H, 0xac, 2]);
    settled.passed = Some(Passed {
        bytes_in: 300,
        bytes_out: 7,
    });
    is_read_again(&settled, &[KIND_PASSED, 0xac, 2, 7, 0xac, 2]);
}

#[test]
fn what_was_asked_of_whom_stands_in_front_of_what_was_always_said() {
    let mut plain = Vec::new();
    encode(&opened("m"), &mut plain).expect("encodes");
    let Record::Opened(of) = opened("m") else {
        panic!("opened")
    };
    let of_asked = |passed| {
        Record::Opened(Opened {
            asked: Some(Asked {
                streamed: true,
                provider: "p".into(),
                deployment: "p/m".into(),
                attempts: 2,
                prompt: 300,
                usage_source: UsageSource::Estimated,
                cost: Some(NanoUsd(64)),
                passed,
            }),
            ..of.clone()
        })
    };
    let record = of_asked(None);
    let mut out = Vec::new();
    encode(&record, &mut out).expect("encodes");
    let asked = [1, 1, b'p', 3, b'p', b'/', b'm', 2, 0xac, 2, 2, 1, 0x80, 1];
    assert_eq!(out[12], KIND_ASKED);
    assert_eq!(out[13..13 + asked.len()], asked);
    assert_eq!(out[13 + asked.len()..], plain[13..]);
    let Found::Block(read, length) = decode(&out) else {
        panic!("no block")
    };
    assert_eq!((*read, length), (record, out.len()));
    let record = of_asked(Some(Passed {
        bytes_in: 300,
        bytes_out: 7,
    }));
    let mut passing = Vec::new();
    encode(&record, &mut passing).expect("encodes");
    assert_eq!(passing[12..16], [KIND_PASSING, 0xac, 2, 7]);
    assert_eq!(passing[16..], out[13..]);
    let Found::Block(read, length) = decode(&passing) else {
        panic!("no block")
    };
    assert_eq!((*read, length), (record, passing.len()));
}

#[test]
fn who_asked_stands_in_front_of_all_else() {
    let Record::Opened(mut of) = opened("m") else {
        panic!("opened")
    };
    of.who = Some(Box::new(Who {
        team: Some("team_1".into()),
        end_user: Some("ana".to_owned()),
        tags: vec![("env".to_owned(), "test".to_owned())],
        overrun: true,
        ..Who::default()
    }));
    of.asked = Some(Asked {
        streamed: false,
        provider: "p".into(),
        deployment: "p/m".into(),
        attempts: 1,
        prompt: 3,
        usage_source: UsageSource::Estimated,
        cost: None,
        passed: Some(Passed {
            bytes_in: 1,
            bytes_out: 2,
        }),
    });
    let mut settled = crate::lost(&of);
    settled.usage.cache_write_1h = 7;
    assert_eq!(settled.who, of.who, "who is lost is known");
    for (record, kind) in [
        (Record::Opened(of), KIND_ASKED_WHO),
        (Record::Settled(Box::new(settled)), KIND_WHO),
    ] {
        let mut out = Vec::new();
        encode(&record, &mut out).expect("encodes");
        assert_eq!(out[12], kind);
        let Found::Block(read, length) = decode(&out) else {
            panic!("no block")
        };
        assert_eq!((*read, length), (record, out.len()));
    }
}

#[test]
fn blocks_follow_each_other() {
    let mut out = Vec::new();
    encode(&opened("a"), &mut out).expect("encodes");
    let first = out.len();
    encode(&opened("bb"), &mut out).expect("encodes");
    let Found::Block(record, length) = decode(&out) else {
        panic!("no block")
    };
    assert_eq!((*record, length), (opened("a"), first));
    let Found::Block(record, _) = decode(&out[first..]) else {
        panic!("no block")
    };
    assert_eq!(*record, opened("bb"));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let mut good = Vec::new();
    encode(&opened("model"), &mut good).expect("encodes");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!matches!(decode(&bad), Found::Block(..)), "bit {bit}");
    }
}

#[test]
fn a_block_hidden_in_a_name_is_not_found_after_damage() {
    let mut inner = Vec::new();
    encode(&opened("forged"), &mut inner).expect("encodes");
    let name = String::from_utf8_lossy(&inner).into_owned();
    let mut out = Vec::new();
    encode(&opened(&name), &mut out).expect("encodes");
    out[8] ^= 1;
    assert_eq!(next_good(&out, 0), None);
}

#[test]
fn where_it_came_from_and_what_was_decided_stand_in_front_of_who_asked() {
    let Record::Opened(mut of) = opened("m") else {
        panic!("opened")
    };
    of.from = Some([192, 0, 2, 7].into());
    of.asked = Some(Asked {
        streamed: false,
        provider: "p".into(),
        deployment: "p/m".into(),
        attempts: 1,
        prompt: 3,
        usage_source: UsageSource::Estimated,
        cost: None,
        passed: None,
    });
    let mut settled = crate::lost(&of);
    settled.decided = Some(Box::new(Decided {
        found: vec![Found_ {
            guard: "g".to_owned(),
            kind: "deny".to_owned(),
            action: "block".to_owned(),
            count: 2,
        }],
        refusal: None,
        tried: vec![("p/a".into(), "timeout".to_owned())],
    }));
    for (record, kind) in [
        (Record::Opened(of), KIND_ASKED_FROM),
        (Record::Settled(Box::new(settled)), KIND_FROM),
    ] {
        let mut out = Vec::new();
        encode(&record, &mut out).expect("encodes");
        assert_eq!(out[12], kind);
        assert_eq!(out[13..19], [1, 0, 192, 0, 2, 7]);
        let Found::Block(read, length) = decode(&out) else {
            panic!("no block")
        };
        assert_eq!((*read, length), (record, out.len()));
    }
}
