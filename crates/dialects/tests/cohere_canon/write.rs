//! Requests, written.

use super::*;
use dialects::cohere::canon::write_request;
use dialects::openai::canon::read_request;
use dialects::translate::{Names, Target};
use domain::canon::{Loss, Request, Weight};
use proptest::prelude::*;

fn written(request: &Request, target: &Target<'_>) -> (Value, Vec<Loss>) {
    let written = write_request(request, target);
    let body = json(&written.value);
    rules::check(&body);
    (body, written.losses)
}

/// What a request of `OpenAI`'s dialect becomes for a model that reasons.
fn told(text: &str) -> (Value, Vec<String>) {
    let request = read_request(&document(text.to_owned())).expect("a request");
    let names = Names::of(&request);
    let (body, losses) = written(
        &request,
        &Target {
            model: "command-a",
            output_limit: Some(8000),
            reasons: true,
            traits: crate::known::traits(domain::canon::Dialect::Cohere, "command-a"),
            names: &names,
        },
    );
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
    let (body, lost) = told(text);
    assert_eq!(lost, Vec::<String>::new());
    body
}

#[test]
fn a_conversation_is_told_in_coheres_words() {
    let body = said(
        r#"{"model":"m","stream":true,"max_tokens":100,"temperature":0.5,"top_p":1,"seed":7,"stop":["x"],
        "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[
            {"type":"text","text":"What is it?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]},
            {"role":"assistant","content":"A dot."},{"role":"developer","content":"Shout."},
            {"role":"user","content":"And now?"}]}"#,
    );
    let wanted = r#"{"model":"command-a","stream":true,"messages":[
        {"role":"system","content":"Be brief."},
        {"role":"user","content":[{"type":"text","text":"What is it?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]},
        {"role":"assistant","content":"A dot."},{"role":"system","content":"Shout."},
        {"role":"user","content":"And now?"}],
        "max_tokens":100,"stop_sequences":["x"],"temperature":0.5,"p":0.99,"seed":7}"#;
    assert_eq!(body, json(wanted.as_bytes()));
}

const TOOLS: &str = r#""tools":[
    {"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}},
    {"type":"function","function":{"name":"now"}}]"#;

#[test]
fn results_stand_behind_their_calls_each_in_its_message() {
    let body = said(&format!(
        r#"{{"model":"m",{TOOLS},"messages":[{{"role":"user","content":"?"}},
        {{"role":"assistant","content":null,"reasoning_content":"Both.","tool_calls":[
            {{"id":"a","type":"function","function":{{"name":"get_weather","arguments":"{{\"city\":\"Zug\"}}"}}}},
            {{"id":"b","type":"function","function":{{"name":"now","arguments":""}}}}]}},
        {{"role":"tool","tool_call_id":"b","content":""}},
        {{"role":"tool","tool_call_id":"a","content":[{{"type":"text","text":"cold"}},{{"type":"text","text":"wet"}}]}}]}}"#
    ));
    let wanted = r#"[{"role":"user","content":"?"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Both."}],"tool_calls":[
            {"id":"a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Zug\"}"}},
            {"id":"b","type":"function","function":{"name":"now","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"cold"},{"type":"text","text":"wet"}]},
        {"role":"tool","tool_call_id":"b","content":"{}"}]"#;
    assert_eq!(body["messages"], json(wanted.as_bytes()));
    let empty = json(br#"{"type":"object","properties":{}}"#);
    assert_eq!(body["tools"][1]["function"]["parameters"], empty);
}

#[test]
fn a_model_that_does_not_reason_gets_its_thoughts_back_as_the_plan() {
    let text = format!(
        r#"{{"model":"m",{TOOLS},"messages":[
        {{"role":"assistant","content":null,"reasoning_content":"First the time.","tool_calls":[
            {{"id":"b","type":"function","function":{{"name":"now","arguments":""}}}}]}},
        {{"role":"tool","tool_call_id":"b","content":"noon"}}]}}"#
    );
    let request = read_request(&document(text)).expect("a request");
    let names = Names::of(&request);
    let target = Target {
        model: "m",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Cohere, "m"),
        names: &names,
    };
    let (body, losses) = written(&request, &target);
    assert_eq!(body["messages"][0]["tool_plan"], "First the time.");
    assert_eq!(losses, []);
}

#[test]
fn a_user_who_says_nothing_is_told_as_dots() {
    let text = r#"{"model":"m","messages":[{"role":"system","content":""},{"role":"user","content":""},
        {"role":"assistant","content":"?"},
        {"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"Hi"}]}]}"#;
    let wanted = r#"[{"role":"user","content":"..."},{"role":"assistant","content":"?"},
        {"role":"user","content":"Hi"}]"#;
    let (body, lost) = told(text);
    assert_eq!(body["messages"], json(wanted.as_bytes()));
    assert_eq!(lost, ["messages[1].content"]);
}

#[test]
fn a_tool_that_must_be_called_is_the_only_one_that_is_declared() {
    let body = said(&format!(
        r#"{{"model":"m",{TOOLS},"tool_choice":{{"type":"function","function":{{"name":"now"}}}},"messages":[{{"role":"user","content":"?"}}]}}"#
    ));
    assert_eq!(body["tool_choice"], "REQUIRED");
    assert_eq!(body["tools"].as_array().expect("tools").len(), 1);
}

#[test]
fn all_tools_are_strict_or_none() {
    let tool = |name: &str, more: &str| {
        format!(
            r#"{{"type":"function","function":{{"name":"{name}","parameters":{{"type":"object","properties":{{"a":{{"type":"string"}}}},"required":["a"]}}{more}}}}}"#
        )
    };
    let ask = |tools: [String; 2]| {
        let tools = tools.join(",");
        told(&format!(
            r#"{{"model":"m","tools":[{tools}],"messages":[{{"role":"user","content":"?"}}]}}"#
        ))
    };
    let strict = r#","strict":true"#;
    let (body, lost) = ask([tool("a", strict), tool("b", strict)]);
    assert_eq!((&body["strict_tools"], lost.len()), (&Value::Bool(true), 0));
    let (body, lost) = ask([tool("a", strict), tool("b", "")]);
    assert_eq!(body.get("strict_tools"), None);
    assert_eq!(lost, ["tools[0].strict"]);
}

#[test]
fn a_schema_stands_beside_the_word_object() {
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}"#;
    let body = said(&format!(
        r#"{{"model":"m",{format},"messages":[{{"role":"user","content":"?"}}]}}"#
    ));
    let wanted = r#"{"type":"json_object","json_schema":{"type":"object"}}"#;
    assert_eq!(body["response_format"], json(wanted.as_bytes()));
}

#[test]
fn beside_tools_a_tool_takes_the_answer() {
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#;
    let messages = r#""messages":[{"role":"user","content":"?"}]"#;
    let body = said(&format!(r#"{{"model":"m",{format},{TOOLS},{messages}}}"#));
    assert_eq!(body["tool_choice"], "REQUIRED");
    let tool = &body["tools"][2]["function"];
    assert_eq!(tool["parameters"], json(br#"{"type":"object"}"#));
    assert_eq!(body.get("response_format"), None);
    // Who must not call one gets none; whose call must come gets no other.
    let body = said(&format!(
        r#"{{"model":"m",{format},{TOOLS},"tool_choice":"none",{messages}}}"#
    ));
    assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
    assert!(body.get("response_format").is_some());
    let body = said(&format!(
        r#"{{"model":"m",{format},{TOOLS},"tool_choice":"required",{messages}}}"#
    ));
    assert_eq!(body["tools"].as_array().expect("tools").len(), 2);
    let list = format.replace(r#"{"type":"object"}"#, r#"{"type":"array"}"#);
    let (_, lost) = told(&format!(r#"{{"model":"m",{list},{TOOLS},{messages}}}"#));
    assert_eq!(lost, ["response_format!"]);
}

#[test]
fn json_is_asked_for_in_words_too() {
    let format = r#""response_format":{"type":"json_object"}"#;
    let ask = |content: &str| {
        let body = said(&format!(
            r#"{{"model":"m",{format},"messages":[{{"role":"user","content":"{content}"}}]}}"#
        ));
        body["messages"].as_array().expect("messages").len()
    };
    assert_eq!(ask("?"), 2);
    assert_eq!(ask("Give me JSON."), 1);
}

#[test]
fn thinking_has_a_budget_or_is_off() {
    let ask = |effort: &str| {
        let body = said(&format!(
            r#"{{"model":"m","reasoning_effort":"{effort}","messages":[{{"role":"user","content":"?"}}]}}"#
        ));
        body["thinking"].to_string()
    };
    assert_eq!(ask("none"), r#"{"type":"disabled"}"#);
    assert_eq!(ask("low"), r#"{"type":"enabled","token_budget":1024}"#);
    assert_eq!(ask("xhigh"), r#"{"type":"enabled"}"#);
    let body = said(
        r#"{"model":"m","reasoning_effort":"high","max_tokens":1000,"messages":[{"role":"user","content":"?"}]}"#,
    );
    assert_eq!(body["thinking"]["token_budget"], 500, "room for the answer");
}

#[test]
fn a_clients_own_members_for_cohere_are_handed_on() {
    let body = said(
        r#"{"model":"m","messages":[{"role":"user","content":"?"}],"documents":[{"data":{"a":"b"}}],
        "citation_options":{"mode":"FAST"},"safety_mode":"STRICT","priority":3}"#,
    );
    assert_eq!(body["documents"][0]["data"]["a"], "b");
    assert_eq!(body["citation_options"]["mode"], "FAST");
    assert_eq!(body["priority"], 3);
}

#[test]
fn what_cohere_cannot_be_told_is_named() {
    let (_, lost) = told(
        r#"{"model":"m","n":2,"temperature":1.5,"presence_penalty":-1,"seed":-1,"top_logprobs":2,"logprobs":true,
        "max_tokens":9000,"user":"u","metadata":{"a":"b"},"verbosity":"low","logit_bias":{"1":2},
        "stop":["1","2","3","4","5","6"],"service_tier":"flex",
        "messages":[{"role":"user","name":"Ann","content":[
            {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
            {"type":"file","file":{"file_id":"file-1"}},{"type":"text","text":"?"}]}]}"#,
    );
    let mut lost: Vec<&str> = lost.iter().map(String::as_str).collect();
    lost.sort_unstable();
    let wanted = [
        "logit_bias!",
        "max_tokens",
        "messages[0].content[0]!",
        "messages[0].content[1]!",
        "messages[0].name",
        "metadata",
        "n!",
        "presence_penalty",
        "seed!",
        "service_tier",
        "stop!",
        "temperature",
        "top_logprobs!",
        "user",
        "verbosity",
    ];
    assert_eq!(lost, wanted);
}

proptest! {
    #[test]
    fn cohere_takes_whatever_was_said(request in grammar::request(), reasons in any::<bool>()) {
        let names = Names::of(&request);
        written(&request, &Target { model: "m", output_limit: None, reasons, traits: crate::known::traits(domain::canon::Dialect::Cohere, "m"), names: &names });
    }
}
