//! No bytes bring the readers down, and no noise ends a stream.

use super::support::doc;
use super::wire;
use bytes::Bytes;
use dialects::converse::canon::{StreamReader, read_answer, read_fault};
use dialects::eventstream::Framer;
use dialects::translate::Names;
use domain::canon::{Chunk, Fold};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Events as they should be, and as they should not.
fn event() -> impl Strategy<Value = (String, Value)> {
    let index = 0..3_u64;
    let delta = prop::sample::select(vec![
        json!({"text": "a"}),
        json!({"text": ""}),
        json!({"text": 7}),
        json!({"toolUse": {"input": "{\"a\""}}),
        json!({"toolUse": {"input": ""}}),
        json!({"reasoningContent": {"text": "hm"}}),
        json!({"reasoningContent": {"signature": "c2ln"}}),
        json!({"reasoningContent": {"redactedContent": "ZW5j"}}),
        json!({"citation": {"title": "t", "location": {"web": {"url": "u"}}}}),
        json!({"toolResult": [{"text": "r"}, 7]}),
        json!({"image": {"source": {"bytes": "?"}}}),
        json!({"unheard": []}),
        json!({}),
    ]);
    let start = prop::sample::select(vec![
        json!({"toolUse": {"toolUseId": "a", "name": "f"}}),
        json!({"toolUse": {"toolUseId": "a", "name": "portcullis_json_answer"}}),
        json!({"toolUse": {"toolUseId": "s", "name": "g", "type": "server_tool_use"}}),
        json!({"toolResult": {"toolUseId": "s"}}),
        json!({"image": {"format": "png"}}),
        json!({}),
    ]);
    let others = prop::sample::select(vec![
        ("messageStart", json!({"role": "assistant"})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 1, "outputTokens": 2}}),
        ),
        ("metadata", json!({"usage": 7})),
        ("unheard", json!({"x": []})),
        ("", json!({})),
        ("contentBlockDelta", json!([1])),
    ]);
    prop_oneof![
        8 => (index.clone(), delta).prop_map(|(index, delta)| {
            let event = json!({"contentBlockIndex": index, "delta": delta});
            ("contentBlockDelta".to_owned(), event)
        }),
        4 => (index.clone(), start).prop_map(|(index, start)| {
            let event = json!({"contentBlockIndex": index, "start": start});
            ("contentBlockStart".to_owned(), event)
        }),
        3 => index.prop_map(|index| {
            ("contentBlockStop".to_owned(), json!({"contentBlockIndex": index}))
        }),
        2 => others.prop_map(|(name, event)| (name.to_owned(), event)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn blocks_open_and_close_in_order_whatever_comes(
        events in prop::collection::vec(event(), 0..20),
    ) {
        let mut bytes = wire::event("messageStart", &json!({"role": "assistant"}));
        bytes.extend(events.iter().flat_map(|(name, event)| wire::event(name, event)));
        let mut frames = Vec::new();
        Framer::new(1 << 20).push(Bytes::from(bytes), &mut frames).expect("messages");
        let mut reader = StreamReader::new(Names::default());
        let mut out = Vec::new();
        let mut is_well = true;
        for frame in &frames {
            is_well = is_well && reader.push(frame, &mut out).is_ok();
        }
        let (mut opened, mut open) = (0_u32, Vec::new());
        for chunk in &out {
            match chunk {
                Chunk::Open { block, .. } => {
                    prop_assert_eq!(*block, opened);
                    opened += 1;
                    open.push(*block);
                }
                Chunk::Grow { block, .. } => prop_assert!(open.contains(block)),
                Chunk::Close { block, .. } => {
                    let found = open.iter().position(|it| it == block);
                    prop_assert!(found.is_some());
                    open.remove(found.expect("open"));
                }
                Chunk::Stop { .. } | Chunk::End => prop_assert!(open.is_empty()),
                _ => {}
            }
        }
        let has_stop = events.iter().any(|(name, _)| name == "messageStop");
        let ends = out.iter().filter(|chunk| **chunk == Chunk::End).count();
        prop_assert!(ends <= usize::from(has_stop));
        let mut fold = Fold::default();
        out.iter().for_each(|chunk| fold.push(chunk));
    }

    #[test]
    fn no_bytes_bring_the_readers_down(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        name in "[a-zA-Z:]{0,20}",
    ) {
        let _ = read_fault(400, &bytes);
        let framed = wire::message(&[(":event-type", &name)], &bytes);
        let mut frames = Vec::new();
        Framer::new(1 << 20).push(Bytes::from(framed), &mut frames).expect("a message");
        let _ = StreamReader::new(Names::default()).push(&frames[0], &mut Vec::new());
    }

    #[test]
    fn no_answer_brings_the_reader_down(
        block in prop::sample::select(vec![
            "7", "{}", "null", "[]", r#"{"text":7}"#, r#"{"toolUse":{}}"#, r#"{"toolUse":7}"#,
            r#"{"reasoningContent":{}}"#, r#"{"reasoningContent":{"reasoningText":{}}}"#,
            r#"{"citationsContent":{"citations":[7,{"location":{"web":7}},{"location":{"web":{}}}]}}"#,
        ]),
        usage in prop::sample::select(vec![
            "7", "{}", r#"{"inputTokens":-1}"#, r#"{"inputTokens":1e300,"outputTokens":18446744073709551615,
            "cacheReadInputTokens":18446744073709551615,"cacheDetails":[7,{"ttl":"5m","inputTokens":18446744073709551615}]}"#,
        ]),
    ) {
        let text = format!(
            r#"{{"output":{{"message":{{"content":[{block}]}}}},"stopReason":7,"usage":{usage}}}"#
        );
        let answer = read_answer(&doc(&text), &Names::default()).expect("an answer");
        let _ = answer.usage.map(|usage| usage.total());
    }
}
