//! What answers and streams are mended to.

mod bounds;
mod ends;

use domain::quirks::{AnswerQuirks, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sse::Framer;

fn mender(answer: AnswerQuirks) -> Mender {
    let quirks = Quirks {
        answer,
        ..Quirks::default()
    };
    Mender::of(&Arc::new(quirks), Names::default()).expect("something to mend")
}

fn whole(answer: AnswerQuirks, body: &Value) -> Value {
    let body = body.to_string();
    let mended = mender(answer).whole(body.into());
    serde_json::from_slice(&mended).expect("JSON")
}

/// What becomes of a stream of these events, `[DONE]` behind them.
fn events(mut mender: Mender, chunks: &[Value]) -> Vec<Value> {
    let mut text: String = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    let mut frames = Vec::new();
    let mut framer = Framer::new(1 << 20);
    framer.push(text.into(), &mut frames).expect("frames");
    let mut out = Vec::new();
    for frame in frames {
        mender.frame(frame, &mut out);
    }
    let last = out.pop().expect("an end");
    assert!(last.is_end_mark());
    let read = |frame: Frame| {
        let data = frame.data.expect("data");
        // The bytes that leave say the same as the data that is read.
        assert!(frame.bytes.windows(data.len()).any(|it| it == &data[..]));
        serde_json::from_slice(&data).expect("JSON")
    };
    out.into_iter().map(read).collect()
}

fn delta(delta: Value) -> Value {
    json!({"id": "a", "model": "m", "choices": [{"index": 0, "delta": delta}]})
}

fn thoughts(shown: Shown) -> AnswerQuirks {
    AnswerQuirks {
        thoughts: vec![shown],
        ..AnswerQuirks::default()
    }
}

fn tags() -> AnswerQuirks {
    thoughts(Shown::Tags("<think>".into(), "</think>".into()))
}

#[test]
fn nobody_mends_what_has_no_quirks() {
    assert!(Mender::of(&Arc::default(), Names::default()).is_none());
}

#[test]
fn thoughts_get_the_name_that_clients_read() {
    let shown = || thoughts(Shown::Member("reasoning".into()));
    let body = json!({"choices": [{"message": {"content": "a", "reasoning": "t"}}]});
    let wanted = json!({"choices": [{"message": {"content": "a", "reasoning_content": "t"}}]});
    assert_eq!(whole(shown(), &body), wanted);
    // Whoever says it under both names is left alone.
    let both = json!({"choices": [{"message": {"reasoning": "t", "reasoning_content": "t"}}]});
    assert_eq!(whole(shown(), &both), both);
    let told = events(
        mender(shown()),
        &[
            delta(json!({"reasoning": "t", "reasoning_content": null})),
            delta(json!({"content": "a"})),
        ],
    );
    assert_eq!(told[0], delta(json!({"reasoning_content": "t"})));
    assert_eq!(told[1], delta(json!({"content": "a"})));
}

#[test]
fn a_frame_that_needs_nothing_is_the_same_bytes() {
    let mut mender = mender(thoughts(Shown::Member("reasoning".into())));
    let bytes = Bytes::from_static(b": note\ndata:  {\"choices\" : []}\r\n\r\n");
    let mut frames = Vec::new();
    let mut framer = Framer::new(1 << 20);
    framer.push(bytes.clone(), &mut frames).expect("frames");
    let mut out = Vec::new();
    mender.frame(frames.remove(0), &mut out);
    assert_eq!(out[0].bytes, bytes);
    let body = Bytes::from_static(b"{\"choices\" : [ {\"message\":{\"content\":\"x\"}}] }");
    assert_eq!(mender.whole(body.clone()), body);
}

#[test]
fn parts_become_text_and_thoughts() {
    let parts = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}, {"type": "text", "text": "u"}]},
        {"type": "text", "text": "a"},
    ]);
    let body = json!({"choices": [{"message": {"role": "assistant", "content": parts}}]});
    let told = whole(thoughts(Shown::Parts), &body);
    let wanted = json!({"role": "assistant", "content": "a", "reasoning_content": "tu"});
    assert_eq!(told["choices"][0]["message"], wanted);
    let thought = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}]);
    let text = json!([{"type": "text", "text": "a"}]);
    let told = events(
        mender(thoughts(Shown::Parts)),
        &[
            delta(json!({"content": thought})),
            delta(json!({"content": text})),
        ],
    );
    assert_eq!(
        told[0],
        delta(json!({"content": null, "reasoning_content": "t"}))
    );
    assert_eq!(told[1], delta(json!({"content": "a"})));
}

#[test]
fn thoughts_between_tags_become_thoughts() {
    for (said, text, thoughts) in [
        ("<think>t</think>\n\na", "a", json!("t")),
        (
            "\n <think>t\n</think>a </think>",
            "a </think>",
            json!("t\n"),
        ),
        ("a <think>t</think>", "a <think>t</think>", json!(null)),
        ("<thing>", "<thing>", json!(null)),
        ("<th", "<th", json!(null)),
        ("<think>t", "", json!("t")),
        ("<think></think>a", "a", json!(null)),
    ] {
        let body = json!({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]});
        let told = whole(tags(), &body);
        let message = &told["choices"][0]["message"];
        assert_eq!(message["content"], text, "{said}");
        assert_eq!(message["reasoning_content"], thoughts, "{said}");
    }
}

#[test]
fn what_a_stream_held_leaves_with_its_end() {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let told = events(mender(tags()), &[delta(json!({"content": "<thi"})), end]);
    assert_eq!(told[0], delta(json!({"content": null})));
    assert_eq!(told[1]["choices"][0]["delta"], json!({"content": "<thi"}));
}

#[test]
fn what_was_used_is_told_where_clients_look() {
    let quirks = || AnswerQuirks {
        usage_at: Some(vec![
            Step::Member("x_groq".into()),
            Step::Member("usage".into()),
        ]),
        ..AnswerQuirks::default()
    };
    let used = json!({"prompt_tokens": 1, "completion_tokens": 2});
    for body in [
        json!({"choices": [], "x_groq": {"usage": used}}),
        json!({"choices": [], "usage": null, "x_groq": {"usage": used}}),
    ] {
        assert_eq!(whole(quirks(), &body)["usage"], used);
        assert_eq!(events(mender(quirks()), &[body])[0]["usage"], used);
    }
    let own = json!({"choices": [], "usage": {"total_tokens": 9}, "x_groq": {"usage": used}});
    assert_eq!(whole(quirks(), &own), own);
}

#[test]
fn what_was_used_can_stand_in_a_choice() {
    let quirks = AnswerQuirks {
        usage_at: Some(vec![
            Step::Member("choices".into()),
            Step::Items,
            Step::Member("usage".into()),
        ]),
        ..AnswerQuirks::default()
    };
    let last =
        json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"total_tokens": 3}}]});
    let told = events(mender(quirks), &[last]);
    assert_eq!(told[0]["usage"], json!({"total_tokens": 3}));
}

#[test]
fn usage_that_grows_with_every_chunk_is_told_once() {
    let quirks = || AnswerQuirks {
        usage_in_own_chunk: true,
        ..AnswerQuirks::default()
    };
    let chunk = |text: &str, used: u64| {
        json!({"id": "a", "object": "o", "created": 1, "model": "m", "usage": {"total_tokens": used},
               "choices": [{"index": 0, "delta": {"content": text}}]})
    };
    let chunks = [chunk("x", 1), chunk("y", 2)];
    let told = events(mender(quirks()).telling_usage(), &chunks);
    assert!(told[0].get("usage").is_none() && told[1].get("usage").is_none());
    assert_eq!(
        told[2],
        json!({"id": "a", "object": "o", "created": 1, "model": "m", "choices": [],
               "usage": {"total_tokens": 2}})
    );
    assert_eq!(told.len(), 3);
    // For a client that asked for none the meter reads it and takes it out.
    assert_eq!(events(mender(quirks()), &chunks), chunks);
}

#[test]
fn the_end_of_an_answer_is_said_in_the_dialects_words() {
    let quirks = || AnswerQuirks {
        finish_reasons: vec![("eos".into(), "stop".into())],
        ..AnswerQuirks::default()
    };
    let body =
        |reason: &str| json!({"choices": [{"delta": {}, "message": {}, "finish_reason": reason}]});
    assert_eq!(whole(quirks(), &body("eos")), body("stop"));
    assert_eq!(whole(quirks(), &body("length")), body("length"));
    assert_eq!(events(mender(quirks()), &[body("eos")])[0], body("stop"));
}

#[test]
fn chunks_that_say_nothing_do_not_begin_a_stream() {
    let quirks = AnswerQuirks {
        empty_first_chunks: true,
        ..AnswerQuirks::default()
    };
    let empty = json!({"id": "", "object": "", "choices": [], "prompt_filter_results": []});
    let told = events(
        mender(quirks),
        &[empty.clone(), delta(json!({"content": "a"})), empty],
    );
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], delta(json!({"content": "a"})));
}

#[test]
fn a_stream_without_a_role_gets_one() {
    let quirks = AnswerQuirks {
        missing_role: true,
        ..AnswerQuirks::default()
    };
    let told = events(
        mender(quirks),
        &[
            delta(json!({"content": "a"})),
            delta(json!({"content": "b"})),
            delta(json!({})),
        ],
    );
    assert_eq!(told[0], delta(json!({"role": "assistant", "content": "a"})));
    assert_eq!(told[1], delta(json!({"content": "b"})));
}

#[test]
fn a_shortened_name_of_a_tool_comes_back_as_it_was() {
    let long = "mcp__weather__get_forecast";
    let names = Names::within(20, [long].into_iter());
    let call = |name: &str| json!({"tool_calls": [{"id": "c", "function": {"name": name, "arguments": ""}}]});
    let mender = || Mender::of(&Arc::default(), names.clone()).expect("names");
    let told = events(mender(), &[delta(call(names.outward(long)))]);
    assert_eq!(told[0], delta(call(long)));
    let body = json!({"choices": [{"message": call(names.outward(long))}]});
    let mended = mender().whole(body.to_string().into());
    let read: Value = serde_json::from_slice(&mended).expect("JSON");
    assert_eq!(read["choices"][0]["message"], call(long));
}

#[test]
fn an_error_is_left_as_it_is() {
    let error = json!({"error": {"message": "x"}, "choices": []});
    let quirks = AnswerQuirks {
        empty_first_chunks: true,
        ..AnswerQuirks::default()
    };
    assert_eq!(
        events(mender(quirks), std::slice::from_ref(&error)),
        [error]
    );
}

proptest! {
    #[test]
    fn a_streams_thoughts_do_not_depend_on_how_it_was_cut(
        said in prop_oneof![
            "(\n|<think>|</think>|a|é|<|/think>){0,8}",
            "\n?<think>[a<é/]{0,9}</think>\n{0,2}[b<]{0,5}",
        ],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let body = json!({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]});
        let once = whole(tags(), &body);
        let once = &once["choices"][0]["message"];
        let letters: Vec<char> = said.chars().collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(letters.len() + 1)).collect();
        cuts.extend([0, letters.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| letters[cut[0]..cut[1]].iter().collect::<String>());
        let mut chunks: Vec<Value> = pieces.map(|it| delta(json!({"content": it}))).collect();
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
        let told = events(mender(tags()), &chunks);
        let all = |key: &str| -> String {
            told.iter().filter_map(|it| it["choices"][0]["delta"][key].as_str()).collect()
        };
        prop_assert_eq!(all("content"), once["content"].as_str().unwrap_or_default());
        prop_assert_eq!(all("reasoning_content"), once["reasoning_content"].as_str().unwrap_or_default());
    }
}
