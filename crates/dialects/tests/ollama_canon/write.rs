//! Requests, written.

use super::*;
use dialects::ollama::canon::write_request;
use dialects::openai::canon::read_request;
use dialects::translate::{Names, Target};
use domain::canon::{Loss, Reasoning, Request, Weight};
use proptest::prelude::*;

fn written(request: &Request, target: &Target<'_>) -> (Value, Vec<Loss>) {
    let written = write_request(request, target);
    let body = json(&written.value);
    rules::check(&body);
    (body, written.losses)
}

/// Whether a model thinks.
#[derive(Clone, Copy, PartialEq)]
enum Thinks {
    Yes,
    NobodyKnows,
}

/// What a request of `OpenAI`'s dialect becomes for such a model.
fn told(text: &str, thinks: Thinks) -> (Value, Vec<String>) {
    let request = read_request(&document(text.to_owned())).expect("a request");
    let names = Names::of(&request);
    let target = Target {
        model: "gemma4",
        output_limit: None,
        reasons: thinks == Thinks::Yes,
        traits: crate::known::traits(domain::canon::Dialect::Ollama, "gemma4"),
        names: &names,
    };
    let (body, losses) = written(&request, &target);
    let lost = losses.into_iter().map(|loss| {
        let mark = if loss.weight == Weight::Meaning {
            "!"
        } else {
            ""
        };
        format!("{}{mark}", loss.field)
    });
    (body, lost.collect())
}

fn said(text: &str) -> Value {
    let (body, lost) = told(text, Thinks::Yes);
    assert_eq!(lost, Vec::<String>::new());
    body
}

#[test]
fn a_conversation_is_told_in_ollamas_words() {
    let body = said(
        r#"{"model":"m","max_tokens":100,"temperature":0.5,"top_p":1,"seed":-7,"stop":["x","y"],
        "logprobs":true,"top_logprobs":2,
        "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[
            {"type":"text","text":"What"},{"type":"text","text":"is it?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},
            {"role":"assistant","content":"A dot."},{"role":"user","content":"And now?"}]}"#,
    );
    let wanted = r#"{"model":"gemma4","stream":false,"messages":[
        {"role":"system","content":"Be brief."},
        {"role":"user","content":"What\nis it?","images":["iVBORw0KGgo="]},
        {"role":"assistant","content":"A dot."},{"role":"user","content":"And now?"}],
        "options":{"num_predict":100,"temperature":0.5,"top_p":1,"seed":-7,"stop":["x","y"]},
        "logprobs":true,"top_logprobs":2}"#;
    assert_eq!(body, json(wanted.as_bytes()));
}

const TOOLS: &str = r#""tools":[
    {"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},
    {"type":"function","function":{"name":"get.time/now"}}]"#;

#[test]
fn results_are_named_by_their_tools() {
    let body = said(&format!(
        r#"{{"model":"m",{TOOLS},"messages":[{{"role":"user","content":"?"}},
        {{"role":"assistant","content":null,"reasoning_content":"Both.","tool_calls":[
            {{"id":"a","type":"function","function":{{"name":"get_weather","arguments":"{{\"city\":\"Zug\"}}"}}}},
            {{"id":"b","type":"function","function":{{"name":"get.time/now","arguments":""}}}}]}},
        {{"role":"tool","tool_call_id":"b","content":"noon"}},
        {{"role":"tool","tool_call_id":"a","content":"cold"}}]}}"#
    ));
    let name = body["tools"][1]["function"]["name"]
        .as_str()
        .expect("a name");
    let wanted = format!(
        r#"[{{"role":"user","content":"?"}},
        {{"role":"assistant","content":"","thinking":"Both.","tool_calls":[
            {{"id":"a","function":{{"name":"get_weather","arguments":{{"city":"Zug"}}}}}},
            {{"id":"b","function":{{"name":"{name}","arguments":{{}}}}}}]}},
        {{"role":"tool","content":"cold","tool_name":"get_weather","tool_call_id":"a"}},
        {{"role":"tool","content":"noon","tool_name":"{name}","tool_call_id":"b"}}]"#
    );
    assert_eq!(body["messages"], json(wanted.as_bytes()));
}

#[test]
fn who_must_not_call_a_tool_is_told_of_none_and_who_must_is_told_in_words() {
    let ask = |choice: &str| {
        told(
            &format!(
                r#"{{"model":"m",{TOOLS},"tool_choice":{choice},"messages":[{{"role":"user","content":"?"}}]}}"#
            ),
            Thinks::Yes,
        )
    };
    let (body, lost) = ask("\"none\"");
    assert_eq!((body.get("tools"), lost.len()), (None, 0));
    let rule = |body: &Value| body["messages"][0]["content"].clone();
    let (body, lost) = ask("\"required\"");
    assert_eq!(lost, ["tool_choice"]);
    let words = "Answer by calling one of the tools, without any words of your own.";
    assert_eq!(rule(&body), words);
    let (body, lost) = ask(r#"{"type":"function","function":{"name":"get_weather"}}"#);
    assert_eq!(body["tools"].as_array().expect("tools").len(), 1);
    assert_eq!(lost, ["tool_choice"]);
    let words = "Answer by calling the tool `get_weather`, without any words of your own.";
    assert_eq!(rule(&body), words);
}

#[test]
fn a_schema_is_the_format() {
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#;
    let messages = r#""messages":[{"role":"user","content":"?"}]"#;
    let body = said(&format!(r#"{{"model":"m",{format},{messages}}}"#));
    assert_eq!(body["format"], json(br#"{"type":"object"}"#));
    let json_object = r#""response_format":{"type":"json_object"}"#;
    let body = said(&format!(r#"{{"model":"m",{json_object},{messages}}}"#));
    assert_eq!(body["format"], "json");
    assert_eq!(body["messages"][0]["content"], "Answer with a JSON object.");
}

#[test]
fn beside_tools_the_format_is_told_in_words() {
    let ask = |strict: bool| {
        let text = format!(
            r#"{{"model":"m","response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{{"type":"object"}},"strict":{strict}}}}},{TOOLS},"messages":[{{"role":"user","content":"?"}}]}}"#
        );
        told(&text, Thinks::Yes)
    };
    let (body, lost) = ask(false);
    assert_eq!(
        (body.get("format"), lost.as_slice()),
        (None, &["response_format".to_owned()][..])
    );
    let rule = body["messages"][0]["content"].as_str().expect("a text");
    assert!(rule.ends_with(r#"{"type":"object"}"#), "{rule}");
    assert_eq!(ask(true).1, ["response_format!"]);
}

#[test]
fn only_a_model_that_is_known_to_think_is_asked_to() {
    let ask = |effort: &str, thinks| {
        let text = format!(
            r#"{{"model":"m","reasoning_effort":"{effort}","messages":[{{"role":"user","content":"?"}}]}}"#
        );
        let (body, lost) = told(&text, thinks);
        (body.get("think").map(ToString::to_string), lost.len())
    };
    assert_eq!(ask("none", Thinks::Yes), (Some("false".to_owned()), 0));
    assert_eq!(ask("minimal", Thinks::Yes), (Some("\"low\"".to_owned()), 0));
    assert_eq!(ask("xhigh", Thinks::Yes), (Some("\"max\"".to_owned()), 0));
    assert_eq!(ask("high", Thinks::NobodyKnows), (None, 1));
    assert_eq!(
        ask("none", Thinks::NobodyKnows),
        (Some("false".to_owned()), 0)
    );
    let request = Request {
        reasoning: Some(Reasoning {
            budget: Some(9000),
            ..Reasoning::default()
        }),
        ..Request::default()
    };
    for (model, think) in [
        ("gpt-oss:20b", Value::from("medium")),
        ("hf.co/somebody/qwen3", Value::from("medium")),
        ("qwen3:4b-instruct", Value::Null),
        ("qwen3-coder", Value::Null),
        ("llama3.2", Value::Null),
    ] {
        let traits = crate::known::traits(domain::canon::Dialect::Ollama, model);
        let target = Target {
            model,
            output_limit: None,
            reasons: traits.thinks.or(None) == Some(true),
            traits,
            names: &Names::default(),
        };
        assert_eq!(written(&request, &target).0["think"], think, "{model}");
    }
}

#[test]
fn a_clients_own_members_for_ollama_are_handed_on() {
    let body = said(
        r#"{"model":"m","messages":[{"role":"user","content":"?"}],"keep_alive":"10m","think":"high",
        "temperature":0.1,"options":{"num_ctx":8192,"temperature":1,"min_p":0.1}}"#,
    );
    assert_eq!(
        (&body["keep_alive"], &body["think"]),
        (&Value::from("10m"), &Value::from("high"))
    );
    let wanted = json(br#"{"temperature":0.1,"num_ctx":8192,"min_p":0.1}"#);
    assert_eq!(body["options"], wanted);
}

#[test]
fn what_ollama_cannot_be_told_is_named() {
    let (_, lost) = told(
        r#"{"model":"m","n":2,"user":"u","metadata":{"a":"b"},"verbosity":"low","logit_bias":{"1":2},
        "service_tier":"flex","messages":[{"role":"user","name":"Ann","content":[
            {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
            {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
            {"type":"file","file":{"file_id":"file-1"}},{"type":"text","text":"?"}]}]}"#,
        Thinks::Yes,
    );
    let mut lost: Vec<&str> = lost.iter().map(String::as_str).collect();
    lost.sort_unstable();
    let wanted = [
        "logit_bias!",
        "messages[0].content[0]!",
        "messages[0].content[1]!",
        "messages[0].content[2]!",
        "messages[0].name",
        "metadata",
        "n!",
        "service_tier",
        "user",
        "verbosity",
    ];
    assert_eq!(lost, wanted);
}

proptest! {
    #[test]
    fn ollama_takes_whatever_was_said(request in grammar::request(), reasons in any::<bool>()) {
        let names = Names::of(&request);
        let target = Target { model: "m", output_limit: None, reasons, traits: crate::known::traits(domain::canon::Dialect::Ollama, "m"), names: &names };
        // A number that no double holds is one all the same.
        if !String::from_utf8_lossy(&write_request(&request, &target).value).contains("1e400") {
            written(&request, &target);
        }
    }
}
