//! Whatever a conversation or a stream is: what is written obeys the rules,
//! and a translated stream says what the translated answer says.

use crate::grammar;
use crate::rules;
use crate::support::{document, events, head, read_stream, write_stream};
use dialects::openai::canon::{
    read_answer, read_request, write_answer, write_request, write_request_with_thoughts,
};
use dialects::translate::{Names, Target};
use domain::canon::{
    Answer, Block, Choice, Chunk, Dialect, Fold, Request, Stop, Thinking, ToolCall,
};
use proptest::prelude::*;

fn folded(chunks: &[Chunk]) -> Answer {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    assert!(fold.is_complete());
    fold.finish()
}

/// What this dialect can say of an answer: thoughts, one text, one refusal,
/// calls, in this order.
fn said(answer: &Answer) -> Answer {
    let mut said = answer.clone();
    said.choices.iter_mut().for_each(say);
    said
}

fn say(choice: &mut Choice) {
    let mut thoughts: Vec<Thinking> = Vec::new();
    let (mut text, mut refusal) = (String::new(), String::new());
    let mut calls: Vec<ToolCall> = Vec::new();
    for block in choice.content.drain(..) {
        match block {
            Block::Thinking(thinking) => thoughts.push(thinking),
            Block::Text { text: more, .. } => text.push_str(&more),
            Block::Refusal(more) => refusal.push_str(&more),
            Block::ToolCall(mut call) => {
                if call.arguments.is_empty() {
                    call.arguments = "{}".to_owned();
                }
                call.signature = call
                    .signature
                    .filter(|found| found.family == Dialect::Gemini);
                calls.push(call);
            }
            _ => {}
        }
    }
    if choice.stop == Some(Stop::Refused) && refusal.is_empty() {
        choice.stop = Some(Stop::Filtered);
    }
    choice
        .content
        .extend(thoughts.into_iter().map(Block::Thinking));
    choice
        .content
        .extend((!text.is_empty()).then(|| Block::text(text)));
    choice
        .content
        .extend((!refusal.is_empty()).then_some(Block::Refusal(refusal)));
    choice
        .content
        .extend(calls.into_iter().map(Block::ToolCall));
}

/// Whether white space alone stands behind a call: a stream does not show it.
fn has_blank_behind_calls(answer: &Answer) -> bool {
    let pairs = answer
        .choices
        .iter()
        .flat_map(|choice| choice.content.windows(2));
    let mut pairs = pairs.map(|pair| (&pair[0], &pair[1]));
    pairs.any(|(first, second)| {
        let is_blank =
            |block: &Block| matches!(block, Block::Text { text, .. } if text.trim().is_empty());
        is_blank(second) && (is_blank(first) || matches!(first, Block::ToolCall(_)))
    })
}

fn asks_usage() -> Request {
    Request {
        model: "asked".to_owned(),
        stream: true,
        stream_usage: true,
        ..Request::default()
    }
}

/// What every client of this dialect takes for granted.
fn check_frames(bytes: &[u8]) {
    assert!(bytes.ends_with(b"data: [DONE]\n\n"));
    let mut began = std::collections::BTreeSet::new();
    let mut called = std::collections::BTreeSet::new();
    for event in events(bytes) {
        assert_eq!(event["id"], "answer-1");
        assert_eq!(event["object"], "chat.completion.chunk");
        assert_eq!(event["created"], 1_790_000_000);
        for choice in event["choices"].as_array().expect("choices") {
            let index = choice["index"].as_u64().expect("index");
            assert_eq!(choice["delta"].get("role").is_some(), began.insert(index));
            let reason = choice.as_object().expect("choice").get("finish_reason");
            assert!(reason.is_some(), "finish_reason is missing");
            for call in choice["delta"]["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let at = (index, call["index"].as_u64().expect("index"));
                let is_first = called.insert(at);
                assert_eq!(call["id"].is_string(), is_first);
                assert_eq!(call["function"]["name"].is_string(), is_first);
                assert!(call["function"]["arguments"].is_string());
            }
        }
    }
}

/// More are asked for by `PROPTEST_CASES`.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_grammars_chunks_fold_into_their_answer((answer, chunks) in grammar::stream()) {
        prop_assert_eq!(folded(&chunks), answer);
    }

    #[test]
    fn a_written_stream_says_what_the_written_answer_says((answer, chunks) in grammar::stream()) {
        prop_assume!(!has_blank_behind_calls(&answer));
        let request = asks_usage();
        let bytes = write_stream(&chunks, &request);
        check_frames(&bytes);
        let streamed = folded(&read_stream(&bytes).expect("well formed"));
        let whole = write_answer(&answer, &head(&request));
        let whole = read_answer(&document(whole), &Names::default()).expect("an answer");
        prop_assert_eq!(said(&streamed), said(&whole));
        prop_assert_eq!(said(&whole), said(&answer));
        // Nothing but the order of blocks is left to be put right.
        prop_assert_eq!(said(&whole), whole);
    }

    #[test]
    fn what_is_read_of_a_written_answer_is_written_the_same_again(answer in grammar::answer()) {
        let request = asks_usage();
        let once = write_answer(&answer, &head(&request));
        let read = read_answer(&document(once.clone()), &Names::default()).expect("an answer");
        prop_assert_eq!(write_answer(&read, &head(&request)), once);
    }

    #[test]
    fn a_conversation_of_any_dialect_obeys_the_rules(request in grammar::request(), reasons: [bool; 1]) {
        let names = Names::of(&request);
        let target = Target { model: "gpt", output_limit: Some(16_384), reasons: reasons[0], traits: crate::known::traits(domain::canon::Dialect::OpenAi, "gpt"), names: &names };
        let written = write_request(&request, &target);
        rules::check(&written.value);
        let read = read_request(&document(written.value)).expect("a request");
        let again = write_request(&read, &Target { model: "gpt", output_limit: None, reasons: reasons[0], traits: crate::known::traits(domain::canon::Dialect::OpenAi, "gpt"), names: &Names::default() });
        prop_assert_eq!(&again.losses, &Vec::new());
        rules::check(&again.value);
    }

    #[test]
    fn thoughts_go_back_only_where_they_are_wanted(request in grammar::request()) {
        let names = Names::default();
        let target = Target { model: "m", output_limit: None, reasons: true, traits: crate::known::traits(domain::canon::Dialect::OpenAi, "m"), names: &names };
        let without = write_request(&request, &target).value;
        prop_assert!(!String::from_utf8_lossy(&without).contains("reasoning_content"));
        let with = write_request_with_thoughts(&request, &target, "reasoning_content").value;
        let with = crate::support::json(&with);
        let thinks = request.messages.iter().any(|message| {
            // A message that is nothing but thoughts is not written.
            let speaks = message.content.iter().any(|block| matches!(block, Block::Text { .. } | Block::ToolCall(_)));
            let thinks = message.content.iter().any(|block| matches!(block, Block::Thinking(t) if !t.text.is_empty()));
            speaks && thinks
        });
        let mut messages = with["messages"].as_array().expect("messages").iter();
        prop_assert_eq!(messages.any(|message| message.get("reasoning_content").is_some()), thinks);
    }

    #[test]
    fn no_cut_of_the_bytes_makes_another_stream((_, chunks) in grammar::stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let bytes = write_stream(&chunks, &asks_usage());
        let whole = read_stream(&bytes).expect("well formed");
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut framer = dialects::sse::Framer::new(1 << 24);
        let mut reader = dialects::openai::canon::StreamReader::new(Names::default());
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            let mut frames = Vec::new();
            framer.push(bytes::Bytes::copy_from_slice(&bytes[pair[0]..pair[1]]), &mut frames).expect("short");
            for frame in &frames {
                reader.push(frame, &mut out).expect("well formed");
            }
        }
        prop_assert_eq!(out, whole);
    }

    #[test]
    fn a_stream_that_is_cut_has_no_end((_, chunks) in grammar::stream(), at in any::<prop::sample::Index>()) {
        let bytes = write_stream(&chunks, &asks_usage());
        let frames = crate::support::frames(&bytes);
        let kept = at.index(frames.len());
        let bytes: Vec<u8> = frames[..kept].iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        let chunks = read_stream(&bytes).expect("well formed");
        prop_assert!(!chunks.contains(&Chunk::End));
    }

    #[test]
    fn nonsense_is_refused_and_never_panics(body in "[\\[\\]{}:,\"a-z0-9 ]{0,60}", keys in prop::collection::vec((prop::sample::select(vec!["messages", "tools", "tool_choice", "choices", "content", "role", "delta", "error", "usage", "stop", "response_format", "thinking", "functions", "index", "tool_calls"]), prop::sample::select(vec!["null", "1", "\"a\"", "[]", "{}", "[{}]", "[[1]]", "{\"type\":\"function\"}", "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]", "[{\"delta\":{\"tool_calls\":[1]}}]", "[{\"message\":{\"content\":[1]}}]"])), 0..5)) {
        let mut members: Vec<String> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (key, value) in keys {
            if seen.insert(key) {
                members.push(format!("\"{key}\":{value}"));
            }
        }
        let object = format!("{{\"model\":\"m\"{}{}}}", if members.is_empty() { "" } else { "," }, members.join(","));
        for text in [body, object] {
            let _ = dialects::openai::canon::read_fault(400, text.as_bytes());
            let _ = read_stream(format!("data: {text}\n\n").as_bytes());
            let Ok(document) = dialects::json::Document::parse(text.into(), 64) else { continue };
            let _ = read_answer(&document, &Names::default());
            let _ = read_request(&document).map(|request| {
                let names = Names::of(&request);
                write_request(&request, &crate::support::target("m", &names))
            });
        }
    }
}
