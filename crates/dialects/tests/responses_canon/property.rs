//! A stream, written and read again, is the whole answer, written and read.

use dialects::responses::canon as responses;
use domain::canon::{
    Answer, Chunk, Delta, Dialect, Json, Opened, Request, Signature, Stop, Thinking, Unknown,
};
use domain::usage::Usage;
use proptest::prelude::*;

use crate::support::{answer, chunks, events, folded, head, read, value, written};
use crate::writer;

/// A block and the pieces that it grows by.
type Grown = (Opened, Vec<Delta>);

fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop::sample::select(vec!["", "a", "Hällo ", "👋", "\n\n", "\"\\", "{}"]);
    proptest::collection::vec(piece.prop_map(str::to_owned), 0..4)
}

fn text_block() -> impl Strategy<Value = Grown> {
    let citation = || {
        Unknown::new(
            Dialect::Responses,
            "url_citation",
            Json::trusted(
                r#"{"type":"url_citation","url":"https://a","title":"A","start_index":0,"end_index":1}"#,
            ),
        )
    };
    (pieces(), any::<bool>()).prop_map(move |(pieces, is_cited)| {
        let mut deltas: Vec<Delta> = pieces.into_iter().map(Delta::Text).collect();
        deltas.extend(is_cited.then(|| Delta::Citation(citation())));
        (Opened::Text, deltas)
    })
}

fn refusal() -> impl Strategy<Value = Grown> {
    pieces().prop_map(|pieces| {
        (
            Opened::Refusal,
            pieces.into_iter().map(Delta::Text).collect(),
        )
    })
}

fn thought() -> impl Strategy<Value = Grown> {
    let families = vec![
        None,
        Some(Dialect::Responses),
        Some(Dialect::Anthropic),
        Some(Dialect::Gemini),
    ];
    let flags = any::<(bool, bool)>();
    (pieces(), prop::sample::select(families), flags).prop_map(
        |(pieces, family, (summary, has_id))| {
            let thinking = Thinking {
                summary,
                id: has_id.then(|| "rs_given".to_owned()),
                redacted: pieces.is_empty() && family == Some(Dialect::Anthropic),
                ..Thinking::default()
            };
            let signature = family.map(|family| Signature {
                family,
                value: "gA==".to_owned(),
            });
            let mut deltas: Vec<Delta> = pieces.into_iter().map(Delta::Text).collect();
            deltas.extend(signature.map(Delta::Signature));
            (Opened::Thinking(thinking), deltas)
        },
    )
}

fn call() -> impl Strategy<Value = Grown> {
    let names = prop::sample::select(vec!["f", "patch", "g"]);
    let arguments = prop::sample::select(vec![
        vec![],
        vec!["{}"],
        vec!["{\"x\":", "\"ü\"}"],
        vec!["{\"inp", "ut\":\"t\"}"],
        vec!["not ", "json"],
    ]);
    (names, arguments, any::<bool>()).prop_map(|(name, arguments, custom)| {
        let opened = Opened::ToolCall {
            id: "call_1".to_owned(),
            name: name.to_owned(),
            custom,
            signature: None,
        };
        (
            opened,
            arguments
                .into_iter()
                .map(|it| Delta::Arguments(it.to_owned()))
                .collect(),
        )
    })
}

fn unknown() -> impl Strategy<Value = Grown> {
    let raw = r#"{"type":"web_search_call","id":"ws_1","status":"completed"}"#;
    Just((
        Opened::Unknown(Unknown::new(
            Dialect::Responses,
            "web_search_call",
            Json::trusted(raw),
        )),
        Vec::new(),
    ))
}

/// One block, or several calls side by side.
fn group() -> impl Strategy<Value = Vec<Grown>> {
    let alone = prop_oneof![3 => text_block(), 1 => refusal(), 2 => thought(), 1 => unknown()];
    prop_oneof![
        2 => alone.prop_map(|block| vec![block]),
        1 => proptest::collection::vec(call(), 1..4),
    ]
}

fn stream(groups: &[Vec<Grown>], stop: Option<Stop>) -> Vec<Chunk> {
    let choice = 0;
    let mut out = vec![Chunk::Start {
        id: "resp_1".to_owned(),
        model: "m".to_owned(),
        created: Some(7),
    }];
    let mut next = 0;
    for group in groups {
        let first = next;
        for (opened, _) in group {
            out.push(Chunk::Open {
                choice,
                block: next,
                opened: opened.clone(),
            });
            next += 1;
        }
        let most = group
            .iter()
            .map(|(_, deltas)| deltas.len())
            .max()
            .unwrap_or(0);
        for round in 0..most {
            for (block, (_, deltas)) in (first..).zip(group) {
                if let Some(delta) = deltas.get(round) {
                    out.push(Chunk::Grow {
                        choice,
                        block,
                        delta: delta.clone(),
                    });
                }
            }
        }
        for block in first..next {
            out.push(Chunk::Close { choice, block });
        }
    }
    out.extend(stop.map(|stop| Chunk::Stop { choice, stop }));
    out.push(Chunk::Usage(Usage {
        input: 3,
        cached_input: 2,
        cache_write: 1,
        output: 5,
        reasoning: 4,
        ..Usage::default()
    }));
    out.push(Chunk::End);
    out
}

fn requests() -> impl Strategy<Value = Request> {
    let bodies = vec![
        serde_json::json!({"model": "m", "input": "a"}),
        serde_json::json!({"model": "m", "input": "a", "reasoning": {"summary": "auto"},
            "tools": [{"type": "custom", "name": "patch"}]}),
    ];
    prop::sample::select(bodies).prop_map(|body| read(&body))
}

fn stops() -> impl Strategy<Value = Option<Stop>> {
    prop::sample::select(vec![
        None,
        Some(Stop::End),
        Some(Stop::Length),
        Some(Stop::ToolCalls),
        Some(Stop::Filtered),
        Some(Stop::Sequence(Some("x".to_owned()))),
        Some(Stop::Paused),
        Some(Stop::Refused),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_written_stream_is_the_written_answer(
        groups in proptest::collection::vec(group(), 0..6),
        stop in stops(),
        request in requests(),
    ) {
        let before = stream(&groups, stop);
        let (whole, _) = folded(&before);
        let frames = written(&before, &request);
        let events = events(&frames);
        writer::check(&events);
        let plain = responses::write_answer(&whole, &head(&request));
        prop_assert_eq!(&events.last().expect("events")["response"], &value(&plain));
        let again = chunks(&frames.concat());
        let (streamed, is_complete) = folded(&again);
        prop_assert!(is_complete);
        let plain: Answer = answer(&plain);
        prop_assert_eq!(streamed, plain);
    }

    #[test]
    fn chunks_in_any_order_break_nothing(
        groups in proptest::collection::vec(group(), 0..6),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        request in requests(),
    ) {
        let all = stream(&groups, Some(Stop::End));
        let chunks: Vec<Chunk> = picks.iter().map(|pick| pick.get(&all).clone()).collect();
        writer::check_numbers(&events(&written(&chunks, &request)));
    }
}
