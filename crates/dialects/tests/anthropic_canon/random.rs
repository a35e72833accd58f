//! A written stream says what the written answer says, whatever the model did.

use super::support::{answer, chunks, folded, head, written};
use bytes::Bytes;
use dialects::anthropic::canon::{StreamReader, write_answer};
use dialects::sse::Framer;
use dialects::translate::Names;
use domain::canon::{
    Chunk, Delta, Dialect, Json, Opened, Request, Signature, Stop, Thinking, Unknown,
};
use domain::usage::Usage;
use proptest::prelude::*;

/// A block, and how it comes in pieces.
#[derive(Clone, Debug)]
struct Made {
    opened: Opened,
    deltas: Vec<Delta>,
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~ä世🌍\n]{0,20}"]
}

fn thinking() -> impl Strategy<Value = Made> {
    let family = prop_oneof![
        Just(None),
        Just(Some((Dialect::Anthropic, None))),
        Just(Some((Dialect::Gemini, None))),
        Just(Some((Dialect::Responses, Some("rs_1".to_owned())))),
    ];
    let parts = (text(), family, any::<bool>(), any::<bool>(), 1..5_usize);
    parts.prop_map(|(text, family, redacted, is_early, size)| {
        let signature = family.as_ref().map(|(family, _)| Signature {
            family: *family,
            value: "c2lnbmVk".to_owned(),
        });
        let redacted = redacted && signature.is_some();
        let is_foreign = matches!(family, Some((Dialect::Responses, _)));
        let opened = Opened::Thinking(Thinking {
            signature: signature.clone().filter(|_| is_early || redacted),
            summary: is_foreign,
            id: family.and_then(|(_, id)| id),
            redacted,
            ..Thinking::default()
        });
        let words = if redacted {
            Vec::new()
        } else {
            pieces(&text, size)
        };
        let mut deltas: Vec<Delta> = words.into_iter().map(Delta::Text).collect();
        if !is_early && !redacted {
            deltas.extend(signature.map(Delta::Signature));
        }
        Made { opened, deltas }
    })
}

fn made() -> impl Strategy<Value = Made> {
    let cited = Unknown::new(
        Dialect::Anthropic,
        "page_location",
        Json::trusted(r#"{"type":"page_location","cited_text":"x"}"#),
    );
    let words = (text(), any::<bool>(), any::<bool>(), 1..5_usize);
    let words = words.prop_map(move |(text, is_refusal, is_cited, size)| {
        let deltas = pieces(&text, size).into_iter().map(Delta::Text);
        let mut deltas: Vec<Delta> = deltas.collect();
        if is_cited && !is_refusal {
            deltas.insert(deltas.len() / 2, Delta::Citation(cited.clone()));
        }
        Made {
            opened: if is_refusal {
                Opened::Refusal
            } else {
                Opened::Text
            },
            deltas,
        }
    });
    let arguments = prop_oneof![
        Just(String::new()),
        Just("{}".to_owned()),
        Just(r#"{"a":[1,2.50],"b":{"c":"ä \" 🌍"}}"#.to_owned()),
    ];
    let signature = prop::option::of(Just(Signature {
        family: Dialect::Gemini,
        value: "c2lnbmVk".to_owned(),
    }));
    let call = ("[a-z]{1,4}", arguments, signature, 1..6_usize);
    let call = call.prop_map(|(id, arguments, signature, size)| Made {
        opened: Opened::ToolCall {
            id,
            name: "look".to_owned(),
            custom: false,
            signature,
        },
        deltas: pieces(&arguments, size)
            .into_iter()
            .map(Delta::Arguments)
            .collect(),
    });
    let own = Unknown::new(
        Dialect::Anthropic,
        "server_tool_use",
        Json::trusted(r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}"#),
    );
    let foreign = Unknown::new(Dialect::Gemini, "executableCode", Json::trusted("{}"));
    let unknown = prop_oneof![Just(own), Just(foreign)].prop_map(|unknown| Made {
        opened: Opened::Unknown(unknown),
        deltas: Vec::new(),
    });
    prop_oneof![3 => words, 2 => thinking(), 3 => call, 1 => unknown]
}

/// Blocks one after the other, except that neighbouring calls may grow side
/// by side.
fn stream(blocks: Vec<Made>, stop: Option<Stop>, usage: Option<Usage>) -> Vec<Chunk> {
    let mut out = vec![Chunk::Start {
        id: "msg_1".to_owned(),
        model: "m".to_owned(),
        created: None,
    }];
    out.extend(usage.map(|usage| Chunk::Usage(Usage { output: 1, ..usage })));
    let mut at = 0_u32;
    let mut rest = blocks.into_iter().peekable();
    while let Some(first) = rest.next() {
        let is_call = |made: &Made| matches!(made.opened, Opened::ToolCall { .. });
        let mut group = vec![first];
        while group.iter().all(is_call)
            && let Some(next) = rest.next_if(is_call)
        {
            group.push(next);
        }
        let longest = group
            .iter()
            .map(|made| made.deltas.len())
            .max()
            .unwrap_or(0);
        let numbered: Vec<(u32, Made)> = (at..).zip(group).collect();
        for (block, made) in &numbered {
            out.push(Chunk::Open {
                choice: 0,
                block: *block,
                opened: made.opened.clone(),
            });
        }
        for step in 0..longest {
            for (block, made) in &numbered {
                out.extend(made.deltas.get(step).map(|delta| Chunk::Grow {
                    choice: 0,
                    block: *block,
                    delta: delta.clone(),
                }));
            }
        }
        for (block, _) in numbered.iter().rev() {
            out.push(Chunk::Close {
                choice: 0,
                block: *block,
            });
        }
        at += u32::try_from(numbered.len()).expect("few");
    }
    out.extend(stop.map(|stop| Chunk::Stop { choice: 0, stop }));
    out.extend(usage.map(Chunk::Usage));
    out.push(Chunk::End);
    out
}

fn event() -> impl Strategy<Value = String> {
    const EVENTS: &[&str] = &[
        r#"{"type":"message_start","message":{"id":"a","model":"b","usage":{"input_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"b","input":{"c":1}}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"unheard_delta"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":-1}}"#,
        r#"{"type":"message_delta"}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"error"}"#,
        r#"{"type":"unheard","x":[]}"#,
        r#"[1]"#,
    ];
    // Most streams begin as they should.
    (0..EVENTS.len() + 4).prop_map(|at| EVENTS.get(at).unwrap_or(&EVENTS[0]).to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_written_stream_says_what_the_written_answer_says(
        blocks in prop::collection::vec(made(), 0..6),
        stop in prop::option::of(prop_oneof![
            Just(Stop::End),
            Just(Stop::Length),
            Just(Stop::ToolCalls),
            Just(Stop::Sequence(None)),
            Just(Stop::Sequence(Some("x".to_owned()))),
            Just(Stop::Filtered),
            Just(Stop::Refused),
            Just(Stop::Paused),
            Just(Stop::Other("odd".to_owned())),
        ]),
        usage in prop::option::of(Just(Usage {
            input: 3,
            cached_input: 4,
            cache_write: 5,
            cache_write_1h: 2,
            output: 6,
            reasoning: 7,
            ..Usage::default()
        })),
    ) {
        let all = stream(blocks, stop, usage);
        let request = Request::default();
        let whole = write_answer(&folded(&all), &head(&request));
        let whole = answer(std::str::from_utf8(&whole).expect("text"));
        let streamed = folded(&chunks(&written(&all)));
        prop_assert_eq!(streamed, whole.clone());
        // Once written, it is written the same for ever.
        let again = write_answer(&whole, &head(&request));
        prop_assert_eq!(answer(std::str::from_utf8(&again).expect("text")), whole);
    }

    #[test]
    fn an_end_comes_with_its_mark_alone(
        events in prop::collection::vec(event(), 0..12),
    ) {
        let mut reader = StreamReader::new(Names::default());
        let mut out = Vec::new();
        let mut has_mark = false;
        for event in &events {
            let mut frames = Vec::new();
            let frame = Bytes::from(format!("data: {event}\n\n"));
            Framer::new(1 << 20).push(frame, &mut frames).expect("short");
            has_mark |= event.contains("message_stop");
            if reader.push(&frames[0], &mut out).is_err() {
                break;
            }
        }
        let ends = out.iter().filter(|chunk| **chunk == Chunk::End).count();
        prop_assert!(ends <= usize::from(has_mark));
        let mut open = 0_i32;
        for chunk in &out {
            match chunk {
                Chunk::Open { .. } => open += 1,
                Chunk::Close { .. } => open -= 1,
                _ => {}
            }
            prop_assert!(open >= 0);
        }
        prop_assert!(ends == 0 || open == 0);
        let _ = written(&out);
    }

    #[test]
    fn no_bytes_bring_the_readers_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = dialects::anthropic::canon::read_fault(400, &bytes);
    }
}
