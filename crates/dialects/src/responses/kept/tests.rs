//! What is kept of conversations, and what becomes of it.

use std::collections::HashMap;

use serde_json::Value;

use super::*;

fn document(text: &str) -> Document {
    Document::parse(text.to_owned().into(), 64).expect("JSON")
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("JSON")
}

fn past() -> Past {
    let input = input(&document(r#"{"input":"Hi"}"#), "resp_1");
    let answer = r#"{"id":"resp_1","status":"completed","output":[
        {"type":"reasoning","id":"rs_1","encrypted_content":"of another account"},
        {"type":"message","id":"msg_1","role":"assistant","content":[]}]}"#;
    Past {
        input,
        answer: answer.into(),
    }
}

#[test]
fn what_only_a_provider_could_keep_is_refused_by_name() {
    let refusal = wish(&document(r#"{"conversation":true}"#)).expect_err("refused");
    assert_eq!(refusal.param.as_deref(), Some("conversation"));
    let usual = wish(&document(r#"{"store":null,"background":false}"#)).expect("a wish");
    assert!(usual.is_kept && usual.previous.is_none() && !usual.is_background);
}

#[test]
fn what_is_asked_in_the_background_must_be_kept() {
    let wished = wish(&document(r#"{"background":true}"#)).expect("a wish");
    assert!(wished.is_background && wished.is_kept);
    for (body, field) in [
        (r#"{"background":true,"store":false}"#, "store"),
        (r#"{"background":"yes"}"#, "background"),
    ] {
        let refusal = wish(&document(body)).expect_err("refused");
        assert_eq!(refusal.param.as_deref(), Some(field));
    }
}

#[test]
fn an_answer_says_how_it_stands_and_is_told_as_an_event() {
    let queued: Bytes = r#"{"id":"resp_1","status":"queued","error":null,"background":true,
        "output":[]}"#
        .into();
    let failed = restated(&queued, "failed", Some(("server_error", "It \"broke\".")));
    let body = json(&failed);
    assert_eq!(body["status"], "failed");
    assert_eq!(body["error"]["message"], "It \"broke\".");
    assert_eq!(body["background"], true);
    assert_eq!(standing(&failed).last_event(), "response.failed");
    let cancelled = restated(&queued, "cancelled", None);
    assert_eq!(json(&cancelled)["error"], Value::Null);
    assert_eq!(standing(&cancelled).last_event(), "response.cancelled");
    let event = told("response.queued", 1, &queued);
    let [(number, same)] = &events(&event)[..] else {
        panic!("one event");
    };
    assert_eq!((*number, same), (1, &event));
}

#[test]
fn a_replay_of_the_background_begins_where_it_was_queued_and_ends_as_it_stands() {
    let answer = |status: &str| -> Bytes {
        let text =
            format!(r#"{{"id":"resp_1","status":"{status}","background":true,"output":[]}}"#);
        text.into()
    };
    for (status, last) in [
        ("completed", "response.completed"),
        ("failed", "response.failed"),
        ("cancelled", "response.cancelled"),
    ] {
        let replayed = replay(&answer(status), Some(0));
        let text = String::from_utf8_lossy(&replayed);
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .collect();
        assert_eq!(names, ["response.queued", "response.in_progress", last]);
        let numbers = events(&replayed).into_iter();
        assert_eq!(
            numbers.map(|(number, _)| number).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }
}

#[test]
fn an_event_says_how_far_an_answer_is() {
    let read = |text: &'static str| {
        let mut frames = Vec::new();
        let framed = Framer::new(usize::MAX).push(text.into(), &mut frames);
        framed.expect("a frame");
        Event::of(&frames[0]).map(|event| (event.number, event.said))
    };
    assert_eq!(
        read("data: {\"type\":\"response.queued\",\"sequence_number\":1}\n\n"),
        Some((Some(1), Said::More))
    );
    assert_eq!(
        read("data: {\"type\":\"response.completed\",\"sequence_number\":9}\n\n"),
        Some((Some(9), Said::End))
    );
    let fault = read("data: {\"type\":\"error\",\"message\":\"No.\",\"code\":\"x\"}\n\n");
    let fault = fault.expect("an event").1;
    assert_eq!(
        fault,
        Said::Fault("server_error".to_owned(), "No.".to_owned())
    );
    assert_eq!(read(": keep-alive\n\n"), None);
}

#[test]
fn a_request_that_goes_on_stands_for_the_whole() {
    let new = document(r#"{"model":"m","previous_response_id":"resp_1","input":"And?"}"#);
    let expanded = expand(&new, &[past()]);
    let body = json(&expanded.body);
    let kinds: Vec<_> = body["input"].as_array().expect("items").iter().collect();
    assert_eq!(kinds.len(), 3, "{body}");
    assert_eq!(body["input"][0]["content"][0]["text"], "Hi");
    assert_eq!(body["input"][2]["content"][0]["text"], "And?");
    assert_eq!(
        expanded.left_out, 1,
        "what is sealed for an account stays there"
    );
    let without = expand(&document(r#"{"model":"m"}"#), &[past()]);
    assert_eq!(
        json(&without.body)["input"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn items_are_kept_with_an_id_and_their_parts() {
    let said = document(
        r#"{"input":[{"role":"user","content":"a"},{"type":"function_call_output","id":"x","call_id":"c","output":"1"}]}"#,
    );
    let kept = json(&input(&said, "resp_ab"));
    assert_eq!(kept[0]["type"], "message");
    assert_eq!(kept[0]["id"], "msg_in_ab_0");
    assert_eq!(kept[0]["content"][0]["text"], "a");
    assert_eq!(kept[1]["id"], "x");
}

#[test]
fn an_id_that_says_nothing_of_the_items_kind_is_told_to_nobody_else() {
    let said = r#"{"input":[{"type":"mcp_approval_response","approve":true},
        {"type":"computer_call_output","id":"cuo_1","call_id":"c","output":{}}]}"#;
    let input = input(&document(said), "resp_ab");
    assert_eq!(json(&input)[0]["id"], "item_in_ab_0");
    let answer = r#"{"id":"resp_ab","output":[]}"#.into();
    let past = Past { input, answer };
    let next = document(r#"{"model":"m","input":[]}"#);
    let whole = json(&expand(&next, &[past]).body);
    let approval = serde_json::json!({"type":"mcp_approval_response","approve":true});
    assert_eq!(whole["input"][0], approval);
    assert_eq!(whole["input"][1]["id"], "cuo_1", "the client gave it");
}

#[test]
fn items_that_a_request_names_are_put_in_their_places() {
    let core = "00112233445566778899aabbccddeeff";
    let text = r#"{"model":"m","input":[{"role":"user","content":"Hi"},
        {"type":"item_reference","id":"rs_pc_CORE_0"}, {"id":"msg_CORE_1"},
        {"type":"item_reference","id":"msg_of_a_provider"},{"role":"user","content":"And?"}]}"#;
    let request = document(&text.replace("CORE", core));
    let names = named(&request, |_| None);
    let ids: Vec<_> = names.iter().map(|name| name.id.as_str()).collect();
    assert_eq!(ids, [format!("rs_pc_{core}_0"), format!("msg_{core}_1")]);
    assert!(
        names
            .iter()
            .all(|name| name.answer == format!("resp_{core}"))
    );
    let answer = r#"{"output":[{"type":"reasoning","id":"rs_pc_CORE_0","summary":[]},
        {"type":"message","id":"msg_CORE_1","role":"assistant","content":[]}]}"#;
    let past = Past {
        input: "[]".into(),
        answer: answer.replace("CORE", core).into(),
    };
    let turns = HashMap::from([(format!("resp_{core}"), past)]);
    let spelling_of = spelling(&names, &turns).expect("all are there");
    let written = spelling_of.written(&request);
    assert!(written.len() <= spelling_of.grown(request.bytes().len()));
    let whole = json(&written);
    let kinds: Vec<_> = (0..5)
        .map(|at| whole["input"][at]["type"].as_str())
        .collect();
    let expected = [
        None,
        Some("reasoning"),
        Some("message"),
        Some("item_reference"),
        None,
    ];
    assert_eq!(kinds, expected, "{whole}");
    let none = HashMap::new();
    let gone = spelling(&names, &none).expect_err("none is there");
    assert_eq!(gone, format!("rs_pc_{core}_0"));
}

#[test]
fn what_was_asked_and_what_was_answered_have_ids_of_their_own() {
    let asked = json(&input(&document(r#"{"input":"Hi"}"#), "resp_1"));
    assert_ne!(asked[0]["id"], "msg_1_0", "the answer's first item has it");
}

#[test]
fn a_page_goes_on_behind_the_last_one() {
    let items: Vec<String> = (0..5)
        .map(|n| format!(r#"{{"role":"user","content":"{n}"}}"#))
        .collect();
    let body = format!(r#"{{"input":[{}]}}"#, items.join(","));
    let turns = [Past {
        input: input(&document(&body), "resp_1"),
        answer: "{}".into(),
    }];
    let mut wanted = Page {
        limit: 3,
        ..Page::default()
    };
    let first = json(&page(&turns, &wanted));
    assert_eq!(first["first_id"], "msg_in_1_4", "the newest first");
    assert_eq!(first["has_more"], true);
    wanted.after = first["last_id"].as_str().map(str::to_owned);
    let second = json(&page(&turns, &wanted));
    assert_eq!(second["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(second["has_more"], false);
}

#[test]
fn the_end_of_a_stream_can_say_that_nothing_is_kept() {
    let event = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"store\":true,\"output\":[]}}\n\n";
    let ending = Ending::of(&Bytes::from(event)).expect("an ending");
    assert_eq!(ending.id().as_deref(), Some("resp_1"));
    assert!(ending.is_kept());
    let said = ending.unkept();
    assert_eq!(said, event.replace("\"store\":true", "\"store\":false"));
    let whole = Bytes::from(r#"{"id":"resp_1","status":"completed","output":[]}"#);
    let said = Ending::of(&whole).expect("an ending").unkept();
    assert_eq!(json(&said)["store"], false);
    let failed = Bytes::from(r#"{"id":"resp_1","status":"failed","output":[]}"#);
    assert!(Ending::of(&failed).is_none());
}

#[test]
fn a_replay_ends_with_the_answer_and_goes_on_where_it_broke_off() {
    let text = replay(&past().answer, None);
    let text = String::from_utf8(text.to_vec()).expect("text");
    assert!(text.starts_with("event: response.created\n"), "{text}");
    assert_eq!(text.matches("event: response.output_item.done").count(), 2);
    let rest = replay(&past().answer, Some(5));
    assert!(rest.starts_with(b"event: response.completed\n"), "{rest:?}");
}
