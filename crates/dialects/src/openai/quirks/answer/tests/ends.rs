//! What leaves at the end of a stream, or of one of its choices.

use domain::canon::{Dialect, Request};

use super::*;
use crate::framing::Cutter;
use crate::translate::{Client, Frames, Head, codec, upstream};

fn held(index: u64) -> Value {
    json!({"id": "a", "model": "m", "choices": [{"index": index, "delta": {"content": "<t"}}]})
}

fn data(chunks: &[Value]) -> Bytes {
    let text: String = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
    text.into()
}

#[test]
fn what_was_held_leaves_with_an_end_that_has_no_delta() {
    for end in [
        json!({"choices": [{"index": 0, "finish_reason": "stop"}]}),
        json!({"choices": [{"index": 0, "finish_reason": "stop", "delta": null}]}),
        json!({"choices": [{"finish_reason": "stop"}]}),
    ] {
        let told = events(mender(tags()), &[held(0), end]);
        assert_eq!(told.len(), 2);
        let choice = &told[1]["choices"][0];
        assert_eq!(choice["delta"], json!({"content": "<t"}));
        assert_eq!(choice["finish_reason"], "stop");
    }
    let thought = delta(json!({"content": "<think>t</th"}));
    let end = json!({"choices": [{"index": 0, "finish_reason": "stop"}]});
    let told = events(mender(tags()), &[thought, end]);
    let rest = json!({"content": null, "reasoning_content": "</th"});
    assert_eq!(told[1]["choices"][0]["delta"], rest);
}

#[test]
fn an_end_that_held_nothing_is_the_same() {
    let end = json!({"choices": [{"index": 0, "finish_reason": "stop"}]});
    let chunks = [delta(json!({"content": "a"})), end];
    assert_eq!(events(mender(tags()), &chunks), chunks);
}

#[test]
fn what_was_held_of_a_choice_without_an_end_leaves_before_the_mark() {
    let end = json!({"choices": [{"index": 1, "finish_reason": "stop"}]});
    let told = events(mender(tags()), &[held(0), held(1), end, held(2)]);
    let choice =
        |index: u64| json!({"index": index, "delta": {"content": "<t"}, "finish_reason": null});
    let last = json!({"id": "a", "model": "m", "choices": [choice(0), choice(2)]});
    assert_eq!(told[4..], [last]);
}

#[test]
fn what_was_held_leaves_where_no_mark_comes() {
    let mut frames = Frames::same(Cutter::events(1 << 20)).mended(Some(mender(tags())));
    let mut out = Vec::new();
    frames.push(data(&[held(0)]), &mut out).expect("frames");
    frames.finish(&mut out).expect("an end");
    let last = out.last().and_then(|it| it.data.clone()).expect("data");
    let last: Value = serde_json::from_slice(&last).expect("JSON");
    assert_eq!(last["choices"][0]["delta"]["content"], "<t");
}

#[test]
fn a_client_of_another_dialect_is_told_it_too() {
    let request = Request::default();
    let head = Head {
        request: &request,
        created: 1,
        id: "a",
        request_id: "",
    };
    let codec = codec(Dialect::OpenAi).expect("a codec");
    let theirs = upstream(Dialect::OpenAi).expect("a provider's dialect");
    let frames = Frames::translated(
        Cutter::events(1 << 20),
        (theirs.read_stream)(Names::default()),
        (codec.write_stream)(&head),
        Client::Written((codec.write_stream)(&head)),
    );
    let mut frames = frames.mended(Some(mender(tags())));
    let mut out = Vec::new();
    frames.push(data(&[held(0)]), &mut out).expect("frames");
    frames.finish(&mut out).expect("an end");
    let leaves: Vec<u8> = out.iter().flat_map(|it| it.bytes.to_vec()).collect();
    let leaves = String::from_utf8(leaves).expect("text");
    assert!(leaves.contains(r#""content":"<t""#), "{leaves}");
}
