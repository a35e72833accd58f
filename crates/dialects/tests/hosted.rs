//! A tool that the client's provider runs itself is run by the target's, and
//! the pages that the answer rests on are named in the client's own way.

mod known;

use dialects::json::Document;
use dialects::translate::{Head, Names, Target, codec, upstream};
use domain::canon::{Dialect, Request, Weight};
use serde_json::{Value, json};

const MODEL: &str = "the-model";

fn read(dialect: Dialect, body: &Value) -> Request {
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let codec = codec(dialect).expect("a client's dialect");
    (codec.read_request)(&document).expect("a request")
}

/// What `theirs` gets of it, what is lost, and whether that matters.
fn sent(theirs: Dialect, request: &Request) -> (Value, Vec<(String, Weight)>) {
    let names = Names::of(request);
    let target = Target {
        model: MODEL,
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(theirs, MODEL),
        names: &names,
    };
    let upstream = upstream(theirs).expect("a provider's dialect");
    let written = (upstream.write_request)(request, &target);
    let losses = written.losses.into_iter();
    let losses = losses.map(|loss| (loss.field, loss.weight)).collect();
    let body = serde_json::from_slice(&written.value).expect("JSON");
    (body, losses)
}

fn place() -> Value {
    json!({"type": "approximate", "city": "Rome", "country": "IT"})
}

/// A request for a search of two domains, near Rome, in each dialect.
fn searches() -> Vec<(Dialect, Value)> {
    let domains = json!(["a.example", "b.example"]);
    let chat = json!({
        "model": MODEL, "messages": [{"role": "user", "content": "Rain?"}],
        "web_search_options": {"user_location": {"type": "approximate",
            "approximate": {"city": "Rome", "country": "IT"}}},
    });
    let responses = json!({
        "model": MODEL, "input": "Rain?",
        "tools": [{"type": "web_search", "filters": {"allowed_domains": domains},
            "user_location": place()}],
    });
    let anthropic = json!({
        "model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": "Rain?"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search",
            "allowed_domains": domains, "user_location": place()}],
    });
    vec![
        (Dialect::OpenAi, chat),
        (Dialect::Responses, responses),
        (Dialect::Anthropic, anthropic),
    ]
}

#[test]
fn a_search_is_the_targets_own_search() {
    for (ours, body) in searches() {
        let request = read(ours, &body);
        for theirs in [Dialect::Anthropic, Dialect::Responses] {
            let (sent, losses) = sent(theirs, &request);
            let tool = &sent["tools"][0];
            assert_eq!(tool["user_location"], place(), "{ours:?} to {theirs:?}");
            let (kind, list) = match theirs {
                Dialect::Anthropic => ("web_search_20250305", &tool["allowed_domains"]),
                _ => ("web_search", &tool["filters"]["allowed_domains"]),
            };
            assert_eq!(tool["type"], kind);
            if ours != Dialect::OpenAi {
                assert_eq!(list, &json!(["a.example", "b.example"]));
            }
            assert_eq!(losses, [], "{ours:?} to {theirs:?}");
        }
    }
}

#[test]
fn where_to_search_is_not_dropped_in_silence() {
    for (ours, body) in searches() {
        let (sent, losses) = sent(Dialect::Gemini, &read(ours, &body));
        assert_eq!(sent["tools"], json!([{"googleSearch": {}}]));
        let field = "tools[0].allowed_domains".to_owned();
        let is_told = losses.contains(&(field, Weight::Meaning));
        assert_eq!(is_told, ours != Dialect::OpenAi, "{losses:?}");
    }
}

#[test]
fn googles_search_and_its_code_run_elsewhere() {
    let body = json!({
        "contents": [{"role": "user", "parts": [{"text": "Rain?"}]}],
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
    });
    let request = read(Dialect::Gemini, &body);
    let (to_openai, losses) = sent(Dialect::Responses, &request);
    let both = json!([
        {"type": "web_search"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
    ]);
    assert_eq!((&to_openai["tools"], losses), (&both, vec![]));
    let (to_anthropic, losses) = sent(Dialect::Anthropic, &request);
    let search = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    assert_eq!(to_anthropic["tools"], search);
    assert_eq!(losses, [("tools[1]".to_owned(), Weight::Hint)]);
}

#[test]
fn a_search_can_be_demanded() {
    let body = json!({
        "model": MODEL, "input": "Rain?", "tools": [{"type": "web_search_preview"}],
        "tool_choice": {"type": "web_search_preview"},
    });
    let (sent_on, losses) = sent(Dialect::Anthropic, &read(Dialect::Responses, &body));
    let wanted = json!({"type": "tool", "name": "web_search"});
    assert_eq!((&sent_on["tool_choice"], losses), (&wanted, vec![]));
    let body = json!({
        "model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": "Rain?"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "tool", "name": "web_search"},
    });
    let (sent_on, losses) = sent(Dialect::Responses, &read(Dialect::Anthropic, &body));
    let wanted = json!({"type": "web_search"});
    assert_eq!((&sent_on["tool_choice"], losses), (&wanted, vec![]));
}

/// Codex asks so by default: what it means is that nothing goes out.
#[test]
fn a_search_of_an_index_alone_is_no_search_of_the_web() {
    let body = json!({
        "model": MODEL, "input": "Rain?",
        "tools": [{"type": "web_search", "external_web_access": false}],
    });
    let (sent, losses) = sent(Dialect::Anthropic, &read(Dialect::Responses, &body));
    assert_eq!(sent.get("tools"), None);
    assert_eq!(losses, [("tools[0]".to_owned(), Weight::Hint)]);
}

#[test]
fn the_option_of_chat_completions_stays_where_it_was() {
    let (ours, body) = searches().remove(0);
    let (sent, losses) = sent(ours, &read(ours, &body));
    assert_eq!(sent["web_search_options"], body["web_search_options"]);
    assert_eq!((sent.get("tools"), losses), (None, vec![]));
}

/// An answer of Gemini's that rests on two pages.
fn grounded(text: &str, end: usize) -> Value {
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": "STOP", "index": 0,
            "groundingMetadata": {
                "groundingChunks": [
                    {"web": {"uri": "https://a.example", "title": "A"}},
                    {"web": {"uri": "https://b.example"}},
                ],
                "groundingSupports": [
                    {"segment": {"startIndex": 3, "endIndex": end, "text": "…"},
                        "groundingChunkIndices": [0, 1]},
                ],
            },
        }],
        "modelVersion": "gemini", "responseId": "r",
    })
}

fn answered(ours: Dialect, body: &Value) -> Value {
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let upstream = upstream(Dialect::Gemini).expect("a provider's dialect");
    let answer = (upstream.read_answer)(&document, &Names::default()).expect("an answer");
    let request = Request::default();
    let head = Head {
        request: &request,
        created: 0,
        id: "id",
        request_id: "req_1",
    };
    let codec = codec(ours).expect("a client's dialect");
    serde_json::from_slice(&(codec.write_answer)(&answer, &head)).expect("JSON")
}

#[test]
fn pages_of_googles_search_are_annotations() {
    let chat = answered(Dialect::OpenAi, &grounded("It rained.", 9));
    let note = |url: &str, title: &str| {
        json!({"type": "url_citation", "url_citation":
        {"start_index": 3, "end_index": 9, "url": url, "title": title}})
    };
    let both = json!([
        note("https://a.example", "A"),
        note("https://b.example", "https://b.example")
    ]);
    assert_eq!(chat["choices"][0]["message"]["annotations"], both);
    let responses = answered(Dialect::Responses, &grounded("It rained.", 9));
    let notes = &responses["output"][0]["content"][0]["annotations"];
    assert_eq!(notes[1]["url"], "https://b.example");
    assert_eq!(
        (&notes[0]["start_index"], &notes[0]["end_index"]),
        (&json!(3), &json!(9))
    );
}

/// Google counts bytes: where they are not characters, the whole text is meant.
#[test]
fn a_place_in_bytes_is_not_taken_for_one_in_characters() {
    let chat = answered(Dialect::OpenAi, &grounded("Él llovió.", 11));
    let note = &chat["choices"][0]["message"]["annotations"][0]["url_citation"];
    assert_eq!(
        (&note["start_index"], &note["end_index"]),
        (&json!(0), &json!(10))
    );
}
