//! Conversations that move to another provider in their middle.

mod known;

use bytes::Bytes;
use dialects::json::Document;
use dialects::translate::{Names, Target, codec, upstream};
use domain::canon::{Dialect, Loss, Weight, Written};

/// A client's request, written for a provider, and what it lost.
fn moved(from: Dialect, to: Dialect, body: &'static str) -> (String, Vec<Loss>) {
    let document = Document::parse(Bytes::from_static(body.as_bytes()), 64).expect("JSON");
    let client = codec(from).expect("a client's dialect");
    let mut request = (client.read_request)(&document).expect("a request");
    request.model = "m".to_owned();
    let names = Names::of(&request);
    let target = Target {
        model: "m",
        output_limit: None,
        reasons: true,
        traits: crate::known::traits(to, "m"),
        names: &names,
    };
    let provider = upstream(to).expect("a provider's dialect");
    let Written { value, losses } = (provider.write_request)(&request, &target);
    (String::from_utf8(value).expect("text"), losses)
}

/// What every provider of another dialect is told of a conversation; none of
/// it is refused, and these places are named to the client.
fn told_everywhere(from: Dialect, body: &'static str, words: &[&str], places: &[&str]) {
    for to in Dialect::ALL.into_iter().filter(|to| *to != from) {
        let (written, losses) = moved(from, to, body);
        for word in words {
            assert!(written.contains(word), "{to:?} {word}: {written}");
        }
        let lost = losses.iter().find(|loss| loss.weight == Weight::Meaning);
        assert_eq!(lost, None, "{to:?}");
        for place in places {
            let is_named = losses.iter().any(|loss| loss.field == *place);
            assert!(is_named, "{to:?} {place}: {losses:?}");
        }
        assert!(!written.contains("SEALED"), "{to:?}: {written}");
    }
    let (written, losses) = moved(from, upstream_of(from), body);
    assert!(written.contains("SEALED"), "{written}");
    assert_eq!(losses, []);
}

fn upstream_of(from: Dialect) -> Dialect {
    upstream(from).expect("a provider's dialect").dialect
}

const RESPONSES: &str = r#"{"model":"m","input":[
    {"role":"user","content":"Who won?"},
    {"type":"web_search_call","id":"SEALED1","status":"completed","action":{"type":"search",
        "query":"who won","sources":[{"type":"url","url":"https://a.example/news"}]}},
    {"type":"code_interpreter_call","id":"SEALED2","container_id":"SEALED","status":"completed",
        "code":"print(6*7)","outputs":[{"type":"logs","logs":"42"}]},
    {"type":"file_search_call","id":"SEALED3","status":"completed","queries":["rules"],
        "results":[{"file_id":"SEALED","filename":"rules.md","text":"Three wins."}]},
    {"type":"mcp_call","id":"SEALED4","server_label":"scores","name":"latest",
        "arguments":"{\"n\":1}","output":"Ann 3, Bob 2"},
    {"type":"compaction","id":"SEALED5","encrypted_content":"SEALED"},
    {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Ann."}]},
    {"role":"user","content":"Sure?"}]}"#;

#[test]
fn what_openais_tools_did_is_told_in_words() {
    let words = [
        "Searched the web for: who won",
        "https://a.example/news",
        "print(6*7)",
        "42",
        "rules.md",
        "Three wins.",
        "Called latest of scores",
        "Ann 3, Bob 2",
        "Ann.",
    ];
    let places = ["messages[1].content[0]", "messages[1].content[4]"];
    told_everywhere(Dialect::Responses, RESPONSES, &words, &places);
}

const ANTHROPIC: &str = r#"{"model":"m","max_tokens":9,"messages":[
    {"role":"user","content":"Who won?"},
    {"role":"assistant","content":[
        {"type":"server_tool_use","id":"srvtoolu_SEALED","name":"web_search","input":{"query":"who won"}},
        {"type":"web_search_tool_result","tool_use_id":"srvtoolu_SEALED","content":[
            {"type":"web_search_result","title":"News","url":"https://a.example/news",
             "encrypted_content":"SEALED","page_age":"today"}]},
        {"type":"server_tool_use","id":"srvtoolu_2","name":"bash_code_execution","input":{"command":"ls /tmp"}},
        {"type":"bash_code_execution_tool_result","tool_use_id":"srvtoolu_2","content":
            {"type":"bash_code_execution_result","stdout":"a.txt\n","stderr":"","return_code":0,"content":[]}},
        {"type":"mcp_tool_use","id":"mcptoolu_1","name":"latest","server_name":"scores","input":{"n":1}},
        {"type":"mcp_tool_result","tool_use_id":"mcptoolu_1","is_error":false,
            "content":[{"type":"text","text":"Ann 3, Bob 2"}]},
        {"type":"text","text":"Ann."}]},
    {"role":"user","content":"Sure?"}]}"#;

#[test]
fn what_anthropics_tools_did_is_told_in_words() {
    let words = [
        "Searched the web for: who won",
        "News",
        "https://a.example/news",
        "ls /tmp",
        "a.txt",
        "Called latest of scores",
        "Ann 3, Bob 2",
        "Ann.",
    ];
    let places = ["messages[1].content[0]", "messages[1].content[5]"];
    told_everywhere(Dialect::Anthropic, ANTHROPIC, &words, &places);
}

const GEMINI: &str = r#"{"contents":[
    {"role":"user","parts":[{"text":"6*7?"}]},
    {"role":"model","parts":[
        {"executableCode":{"language":"PYTHON","code":"print(6*7)","id":"SEALED"}},
        {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"42\n"}},
        {"text":"It is 42."}]},
    {"role":"user","parts":[{"text":"Sure?"}]}]}"#;

#[test]
fn what_googles_tools_did_is_told_in_words() {
    let words = ["print(6*7)", "It gave:\\n42", "It is 42."];
    let places = ["messages[1].content[0]", "messages[1].content[1]"];
    told_everywhere(Dialect::Gemini, GEMINI, &words, &places);
}

const SWITCHES: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],
    "tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}],
    "toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","streamFunctionCallArguments":false},
        "includeServerSideToolInvocations":true,"retrievalConfig":{"languageCode":"SEALED"}},
    "generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW","audioTimestamp":false,
        "speechConfig":{},"routingConfig":{}}}"#;

#[test]
fn googles_switches_that_change_no_answer_refuse_nothing() {
    let places = ["toolConfig.functionCallingConfig"];
    told_everywhere(Dialect::Gemini, SWITCHES, &["\"f\""], &places);
    let (written, _) = moved(Dialect::Gemini, Dialect::OpenAi, SWITCHES);
    assert!(written.contains(r#""tool_choice":"auto""#), "{written}");
}

const LEFT_OUT: &str = r#"{"model":"m","input":[
    {"type":"compaction","encrypted_content":"SEALED"},
    {"role":"user","content":"Hi"},
    {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."},
        {"type":"input_image","image_url":"https://a.example/SEALED.png"}]},
    {"role":"user","content":"And?"}]}"#;

#[test]
fn places_behind_what_was_left_out_are_still_the_clients() {
    let (_, losses) = moved(Dialect::Responses, Dialect::OpenAi, LEFT_OUT);
    let fields: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(fields, ["messages[2].content[1]", "messages[0].content[0]"]);
}

const TO_READ: &str = r#"{"model":"m","max_tokens":9,"messages":[
    {"role":"user","content":[
        {"type":"text","text":"Read."},
        {"type":"search_result","title":"Rules","source":"https://a.example/rules","citations":{"enabled":true},
            "content":[{"type":"text","text":"Three wins."}]},
        {"type":"document","title":"Scores","source":{"type":"content",
            "content":[{"type":"text","text":"Ann 3."},{"type":"text","text":"Bob 2."}]}}]},
    {"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"find","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[
        {"type":"search_result","title":"More","source":"kb/7","content":[{"type":"text","text":"Cy 1."}]},
        {"type":"tool_reference","tool_name":"latest"}]}]}]}"#;

#[test]
fn what_anthropics_clients_give_to_read_is_text_for_others() {
    let words = [
        "Rules",
        "https://a.example/rules",
        "Three wins.",
        "Scores",
        "Ann 3.",
        "Bob 2.",
        "kb/7",
        "Cy 1.",
        "The tool `latest` can be called.",
    ];
    for to in Dialect::ALL
        .into_iter()
        .filter(|to| *to != Dialect::Anthropic)
    {
        let (written, losses) = moved(Dialect::Anthropic, to, TO_READ);
        for word in words {
            assert!(written.contains(word), "{to:?} {word}: {written}");
        }
        let lost = losses.iter().find(|loss| loss.weight == Weight::Meaning);
        assert_eq!(lost, None, "{to:?}");
        for place in ["messages[0].content[1]", "messages[0].content[2]"] {
            assert!(
                losses.iter().any(|loss| loss.field == place),
                "{to:?}: {losses:?}"
            );
        }
    }
}

#[test]
fn files_of_text_are_text_where_no_other_files_are_read() {
    // `a,b` and a line of numbers.
    let asked = r#"{"contents":[{"role":"user","parts":[{"text":"Sum?"},
        {"inlineData":{"mimeType":"text/csv","displayName":"t.csv","data":"YSxiCjEsMgo="}}]}]}"#;
    for to in [Dialect::OpenAi, Dialect::Cohere, Dialect::Ollama] {
        let (written, losses) = moved(Dialect::Gemini, to, asked);
        assert!(written.contains(r"a,b\n1,2"), "{to:?}: {written}");
        assert_eq!(losses, [], "{to:?}");
    }
    let (written, _) = moved(Dialect::Gemini, Dialect::Converse, asked);
    assert!(written.contains(r#""format":"csv""#), "{written}");
}

#[test]
fn the_schema_of_a_tool_in_googles_older_form_is_not_lost() {
    let asked = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"tools":[{"functionDeclarations":[
        {"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]}}]}]}"#;
    for to in Dialect::ALL {
        let (written, losses) = moved(Dialect::Gemini, to, asked);
        assert!(written.contains(r#""required":["a"]"#), "{to:?}: {written}");
        assert_eq!(losses, [], "{to:?}");
    }
}

#[test]
fn one_word_of_a_list_is_asked_for_in_words_where_it_cannot_be_told() {
    let schemas = [
        r#""responseSchema":{"type":"STRING","enum":["yes","no"]}"#,
        r#""responseJsonSchema":{"type":"string","enum":["yes","no"]}"#,
    ];
    for schema in schemas {
        let asked = format!(
            r#"{{"contents":[{{"role":"user","parts":[{{"text":"Is it?"}}]}}],
            "generationConfig":{{"responseMimeType":"text/x.enum",{schema}}}}}"#
        );
        let asked: &'static str = asked.leak();
        for to in Dialect::ALL.into_iter().filter(|to| *to != Dialect::Gemini) {
            let (written, losses) = moved(Dialect::Gemini, to, asked);
            assert!(
                written.contains("nothing else: yes, no"),
                "{to:?}: {written}"
            );
            assert!(!written.contains("enum"), "{to:?}: {written}");
            let fields: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
            assert_eq!(fields, ["generationConfig.responseMimeType"], "{to:?}");
            assert_eq!(losses[0].weight, Weight::Hint);
        }
        let (written, losses) = moved(Dialect::Gemini, Dialect::Gemini, asked);
        assert!(
            written.contains("text/x.enum") && written.contains(schema),
            "{written}"
        );
        assert_eq!(losses, []);
    }
}

#[test]
fn a_file_that_says_to_be_text_and_is_none_stays_a_file() {
    let asked = r#"{"contents":[{"role":"user","parts":[{"text":"?"},
        {"inlineData":{"mimeType":"text/plain","data":"/w=="}}]}]}"#;
    let (written, _) = moved(Dialect::Gemini, Dialect::OpenAi, asked);
    assert!(written.contains("data:text/plain;base64,/w=="), "{written}");
}
