//! Values that no provider takes are refused by the client's own name for them,
//! with what is expected instead, wherever a request is translated.

use dialects::json::Document;
use dialects::translate::{codec, wrong_value};
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use serde_json::{Value, json};

/// What is said of a request that goes to a provider of another dialect.
fn refused(dialect: Dialect, body: &Value) -> Option<Refusal> {
    let theirs = match dialect {
        Dialect::Cohere => Dialect::Ollama,
        _ => Dialect::Cohere,
    };
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let codec = codec(dialect).expect("a client's dialect");
    match (codec.read_request)(&document) {
        Ok(request) => wrong_value(&request, theirs),
        Err(refusal) => Some(refusal),
    }
}

/// A request that is right.
fn right(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Responses => json!({"model": "m", "input": "Hi"}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        _ => json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}),
    }
}

/// The same with this at a path of members.
fn with(dialect: Dialect, path: &str, value: &Value) -> Value {
    let mut body = right(dialect);
    let mut place = &mut body;
    for key in path.split('.') {
        if place.is_null() {
            *place = json!({});
        }
        place = match key.parse::<usize>() {
            Ok(at) => &mut place[at],
            Err(_) => &mut place[key],
        };
    }
    *place = value.clone();
    body
}

/// Checks lines of a path, the values that may not stand there, and some that may.
#[track_caller]
fn check(dialect: Dialect, table: &str) {
    assert_eq!(refused(dialect, &right(dialect)), None);
    for line in table.trim().lines() {
        let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [path, wrong, fine] = cells[..] else {
            panic!("no line of three cells: {line}")
        };
        let values = |cell| -> Vec<Value> {
            let list = format!("[{cell}]");
            serde_json::from_str(&list).unwrap_or_else(|error| panic!("{line}: {error}"))
        };
        let wrong = values(wrong);
        assert!(!wrong.is_empty(), "{line}");
        for value in &wrong {
            is_refused(dialect, path, value);
        }
        for value in &values(fine.trim_end_matches('.')) {
            let body = with(dialect, path, value);
            assert_eq!(refused(dialect, &body), None, "{body}");
        }
    }
}

/// The refusal names the field, in its sentence too.
#[track_caller]
fn is_refused(dialect: Dialect, path: &str, value: &Value) {
    let body = with(dialect, path, value);
    let said = refused(dialect, &body).unwrap_or_else(|| panic!("taken: {body}"));
    let is_said = matches!(said.reason, Reason::BadField | Reason::MissingField);
    assert!(is_said, "{body}: {said:?}");
    let field = said.param.expect("a field");
    let (plain, named) = (path.replace('.', ""), field.replace(['.', '[', ']'], ""));
    assert!(named.starts_with(&plain), "{body}: {field}");
    assert!(said.message.contains(&field), "{}", said.message);
}

const OPENAI: &str = r#"
max_tokens            | -1, 0, 1.5, "five", "5", [5]   | 1, null
max_completion_tokens | -1, 0, 1.5, "five", "5", [5]   | 1
temperature           | -0.1, 2.1, "1", true           | 0, 2, 0.7
top_p                 | -0.1, 1.1, "1", true           | 0, 1
presence_penalty      | -2.1, 2.1, "1", true           | -2, 2
frequency_penalty     | -2.1, 2.1, "1", true           | -2, 2
seed                  | 1.5, "1"                       | -7
n                     | -1, 0, 1.5, "five", [5]        | 2
logprobs              | 1, "yes"                       | true
top_logprobs          | 21, -1, "5"                    | 0, 20
stop                  | 7, [7], {}                     | "a", ["a", "b"]
reasoning_effort      | "banana", 7, {}                | "high", "none"
reasoning.effort      | "banana"                       | "low"
thinking.type         | "banana"                       | "disabled"
verbosity             | "banana", 7, {}                | "low"
response_format       | "json", []                     | {"type": "text"}
response_format.type  | "banana", null                 | "json_object"
tools                 | {}, "x", [7]                   | []
tool_choice           | "banana", 7                    | "auto"
parallel_tool_calls   | "no"                           | false
stream                | "yes", 1                       | true
user                  | 7                              | "u"
metadata              | "x", []                        | {"a": "b"}
messages              | [], {}, "Hi", null             | .
messages.0            | "Hi", 7                        | .
messages.0.role       | "banana", 7, null              | "developer"
messages.0.content    | 7, null, {}                    | ""
"#;

const ANTHROPIC: &str = r#"
max_tokens           | -1, 0, 1.5, "five", "5", [5]    | 1
temperature          | -0.1, 1.1, "1", true            | 0, 1
top_p                | -0.1, 1.1, "1", true            | 0, 1
top_k                | -1, 1.5, "5"                    | 5
stop_sequences       | "a", [7]                        | ["a"]
output_config.effort | "banana", 7, {}                 | "max"
thinking.type        | "banana", 7, {}                 | "disabled"
thinking             | "on", {"type": "enabled"}       | {"type": "enabled", "budget_tokens": 2048}
thinking             | {"type": "enabled", "budget_tokens": -1} | {"type": "adaptive"}
tools                | {}, [7]                         | []
tool_choice          | "auto", {"type": "banana"}      | {"type": "auto"}
stream               | "yes"                           | false
metadata             | "x"                             | {"user_id": "u"}
system               | 7                               | "Be brief."
messages             | [], {}, "Hi", null              | .
messages.0           | "Hi"                            | .
messages.0.role      | "banana", 7, null               | "assistant"
messages.0.content   | 7, null                         | ""
"#;

// Google takes whole numbers in quotes.
const GEMINI: &str = r#"
generationConfig.maxOutputTokens  | -1, 0, 1.5, "five", [5] | 1, "5"
generationConfig.temperature      | -0.1, 2.1, "1", true    | 0, 2
generationConfig.topP             | -0.1, 1.1, "1", true    | 0.5
generationConfig.topK             | "many"                  | 40
generationConfig.presencePenalty  | -2.1, 2.1, "1", true    | 1
generationConfig.frequencyPenalty | -2.1, 2.1, "1", true    | 1
generationConfig.seed             | 1.5, "x"                | 7
generationConfig.candidateCount   | -1, 0, 1.5, "five", [5] | 2
generationConfig.logprobs         | 21, -1                  | 5
generationConfig.responseLogprobs | "yes"                   | true
generationConfig.stopSequences    | "a", [7]                | ["a"]
generationConfig.thinkingConfig.thinkingLevel  | "banana"   | "LOW"
generationConfig.thinkingConfig.thinkingBudget | -2, "x"    | -1
generationConfig                  | "x", []                 | {}
tools                             | {}, [7]                 | []
contents                          | [], "Hi", null          | .
contents.0                        | "Hi", 7                 | .
contents.0.role                   | "banana", 7             | "model"
contents.0.parts                  | "Hi", [7]               | .
"#;

const RESPONSES: &str = r#"
max_output_tokens   | -1, 0, 1.5, "five", "5", [5]         | 16
temperature         | -0.1, 2.1, "1", true                 | 0, 2
top_p               | -0.1, 1.1, "1", true                 | 1
top_logprobs        | 21, -1, "5"                          | 20
reasoning           | "high"                               | {}
reasoning.effort    | "banana", 7, {}                      | "minimal"
reasoning.summary   | "banana", 7, {}                      | "auto"
text                | "json"                               | {}
text.verbosity      | "banana", 7, {}                      | "low"
text.format         | "json", {"type": "banana"}           | {"type": "text"}
include             | "x", [7]                             | []
tools               | {}, [7]                              | []
tool_choice         | "banana", 7                          | "required"
parallel_tool_calls | "no"                                 | false
stream              | "yes"                                | true
metadata            | "x"                                  | {"a": "b"}
input               | [], {}, 7, null                      | "Hi"
input               | ["Hi"], [{"content": "Hi"}]          | [{"role": "user", "content": "Hi"}]
input               | [{"role": "banana", "content": "Hi"}], [{"role": 7, "content": "Hi"}] | .
input               | [{"role": "user"}], [{"role": "user", "content": 7}] | .
"#;

#[test]
fn openais() {
    check(Dialect::OpenAi, OPENAI);
}

#[test]
fn anthropics() {
    check(Dialect::Anthropic, ANTHROPIC);
}

#[test]
fn geminis() {
    check(Dialect::Gemini, GEMINI);
}

#[test]
fn responses() {
    check(Dialect::Responses, RESPONSES);
}

#[test]
fn a_word_of_responses_that_is_new_goes_to_a_provider_that_speaks_it() {
    let body = json!({"model": "m", "input": "Hi", "reasoning": {"effort": "ultra"}});
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let codec = codec(Dialect::Responses).expect("a client's dialect");
    let request = (codec.read_request)(&document).expect("a request");
    assert_eq!(wrong_value(&request, Dialect::Responses), None);
    let said = wrong_value(&request, Dialect::Anthropic).expect("refused");
    assert!(said.message.contains("`minimal`"), "{}", said.message);
}

#[test]
fn anthropics_cache_is_warmed_by_an_answer_of_no_tokens() {
    let body = with(Dialect::Anthropic, "max_tokens", &json!(0));
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let codec = codec(Dialect::Anthropic).expect("a client's dialect");
    let request = (codec.read_request)(&document).expect("a request");
    assert_eq!(wrong_value(&request, Dialect::Anthropic), None);
    assert!(wrong_value(&request, Dialect::OpenAi).is_some());
}
