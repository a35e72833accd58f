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

/// A member, the values that it may not have, and some that it may.
type Line = (&'static str, Vec<Value>, Vec<Value>);

#[track_caller]
fn check(dialect: Dialect, lines: &[Line]) {
    assert_eq!(refused(dialect, &right(dialect)), None);
    for (path, wrong, fine) in lines {
        for value in wrong {
            let body = with(dialect, path, value);
            let said = refused(dialect, &body).unwrap_or_else(|| panic!("taken: {body}"));
            let is_said = matches!(said.reason, Reason::BadField | Reason::MissingField);
            assert!(is_said, "{body}: {said:?}");
            let field = said.param.expect("a field");
            let (plain, named) = (path.replace('.', ""), field.replace(['.', '[', ']'], ""));
            assert!(named.starts_with(&plain), "{body}: {field}");
            assert!(said.message.contains(&field), "{}", said.message);
        }
        for value in fine {
            let body = with(dialect, path, value);
            assert_eq!(refused(dialect, &body), None, "{body}");
        }
    }
}

fn counts() -> Vec<Value> {
    vec![json!(-1), json!(0), json!(1.5), json!("five"), json!([5])]
}

fn beyond(low: f64, high: f64) -> Vec<Value> {
    vec![json!(low - 0.1), json!(high + 0.1), json!("1"), json!(true)]
}

fn nonsense() -> Vec<Value> {
    vec![json!("banana"), json!(7), json!({})]
}

#[test]
fn openais() {
    let [temperature, part, penalty] = [beyond(0.0, 2.0), beyond(0.0, 1.0), beyond(-2.0, 2.0)];
    check(
        Dialect::OpenAi,
        &[
            (
                "max_tokens",
                [counts(), vec![json!("5")]].concat(),
                vec![json!(1), json!(null)],
            ),
            (
                "max_completion_tokens",
                [counts(), vec![json!("5")]].concat(),
                vec![json!(1)],
            ),
            (
                "temperature",
                temperature,
                vec![json!(0), json!(2), json!(0.7)],
            ),
            ("top_p", part, vec![json!(0), json!(1)]),
            (
                "presence_penalty",
                penalty.clone(),
                vec![json!(-2), json!(2)],
            ),
            ("frequency_penalty", penalty, vec![json!(-2), json!(2)]),
            ("seed", vec![json!(1.5), json!("1")], vec![json!(-7)]),
            ("n", counts(), vec![json!(2)]),
            ("logprobs", vec![json!(1), json!("yes")], vec![json!(true)]),
            (
                "top_logprobs",
                vec![json!(21), json!(-1), json!("5")],
                vec![json!(0), json!(20)],
            ),
            (
                "stop",
                vec![json!(7), json!([7]), json!({})],
                vec![json!("a"), json!(["a", "b"])],
            ),
            (
                "reasoning_effort",
                nonsense(),
                vec![json!("high"), json!("none")],
            ),
            (
                "reasoning.effort",
                vec![json!("banana")],
                vec![json!("low")],
            ),
            (
                "thinking.type",
                vec![json!("banana")],
                vec![json!("disabled")],
            ),
            ("verbosity", nonsense(), vec![json!("low")]),
            (
                "response_format",
                vec![json!("json"), json!([])],
                vec![json!({"type": "text"})],
            ),
            (
                "response_format.type",
                vec![json!("banana"), json!(null)],
                vec![json!("json_object")],
            ),
            (
                "tools",
                vec![json!({}), json!("x"), json!([7])],
                vec![json!([])],
            ),
            (
                "tool_choice",
                vec![json!("banana"), json!(7)],
                vec![json!("auto")],
            ),
            ("parallel_tool_calls", vec![json!("no")], vec![json!(false)]),
            ("stream", vec![json!("yes"), json!(1)], vec![json!(true)]),
            ("user", vec![json!(7)], vec![json!("u")]),
            (
                "metadata",
                vec![json!("x"), json!([])],
                vec![json!({"a": "b"})],
            ),
            (
                "messages",
                vec![json!([]), json!({}), json!("Hi"), json!(null)],
                vec![],
            ),
            ("messages.0", vec![json!("Hi"), json!(7)], vec![]),
            (
                "messages.0.role",
                vec![json!("banana"), json!(7), json!(null)],
                vec![json!("developer")],
            ),
            (
                "messages.0.content",
                vec![json!(7), json!(null), json!({})],
                vec![json!("")],
            ),
        ],
    );
}

#[test]
fn anthropics() {
    let part = beyond(0.0, 1.0);
    check(
        Dialect::Anthropic,
        &[
            (
                "max_tokens",
                [counts(), vec![json!("5")]].concat(),
                vec![json!(1)],
            ),
            ("temperature", part.clone(), vec![json!(0), json!(1)]),
            ("top_p", part, vec![json!(0), json!(1)]),
            (
                "top_k",
                vec![json!(-1), json!(1.5), json!("5")],
                vec![json!(5)],
            ),
            (
                "stop_sequences",
                vec![json!("a"), json!([7])],
                vec![json!(["a"])],
            ),
            ("output_config.effort", nonsense(), vec![json!("max")]),
            ("thinking.type", nonsense(), vec![json!("disabled")]),
            (
                "thinking",
                vec![
                    json!("on"),
                    json!({"type": "enabled"}),
                    json!({"type": "enabled", "budget_tokens": -1}),
                ],
                vec![json!({"type": "enabled", "budget_tokens": 2048})],
            ),
            ("tools", vec![json!({}), json!([7])], vec![json!([])]),
            (
                "tool_choice",
                vec![json!("auto"), json!({"type": "banana"})],
                vec![json!({"type": "auto"})],
            ),
            ("stream", vec![json!("yes")], vec![json!(false)]),
            ("metadata", vec![json!("x")], vec![json!({"user_id": "u"})]),
            ("system", vec![json!(7)], vec![json!("Be brief.")]),
            (
                "messages",
                vec![json!([]), json!({}), json!("Hi"), json!(null)],
                vec![],
            ),
            ("messages.0", vec![json!("Hi")], vec![]),
            (
                "messages.0.role",
                vec![json!("banana"), json!(7), json!(null)],
                vec![json!("assistant")],
            ),
            (
                "messages.0.content",
                vec![json!(7), json!(null)],
                vec![json!("")],
            ),
        ],
    );
}

#[test]
fn geminis() {
    let config = |member: &str| -> &'static str {
        Box::leak(format!("generationConfig.{member}").into_boxed_str())
    };
    let [temperature, part, penalty] = [beyond(0.0, 2.0), beyond(0.0, 1.0), beyond(-2.0, 2.0)];
    check(
        Dialect::Gemini,
        &[
            // Google takes whole numbers in quotes.
            (
                config("maxOutputTokens"),
                counts(),
                vec![json!(1), json!("5")],
            ),
            (config("temperature"), temperature, vec![json!(0), json!(2)]),
            (config("topP"), part, vec![json!(0.5)]),
            (config("topK"), vec![json!("many")], vec![json!(40)]),
            (config("presencePenalty"), penalty.clone(), vec![json!(1)]),
            (config("frequencyPenalty"), penalty, vec![json!(1)]),
            (config("seed"), vec![json!(1.5), json!("x")], vec![json!(7)]),
            (config("candidateCount"), counts(), vec![json!(2)]),
            (
                config("logprobs"),
                vec![json!(21), json!(-1)],
                vec![json!(5)],
            ),
            (
                config("responseLogprobs"),
                vec![json!("yes")],
                vec![json!(true)],
            ),
            (
                config("stopSequences"),
                vec![json!("a"), json!([7])],
                vec![json!(["a"])],
            ),
            (
                config("thinkingConfig.thinkingLevel"),
                vec![json!("banana")],
                vec![json!("LOW")],
            ),
            (
                config("thinkingConfig.thinkingBudget"),
                vec![json!(-2), json!("x")],
                vec![json!(-1)],
            ),
            (
                "generationConfig",
                vec![json!("x"), json!([])],
                vec![json!({})],
            ),
            ("tools", vec![json!({}), json!([7])], vec![json!([])]),
            (
                "contents",
                vec![json!([]), json!("Hi"), json!(null)],
                vec![],
            ),
            ("contents.0", vec![json!("Hi"), json!(7)], vec![]),
            (
                "contents.0.role",
                vec![json!("banana"), json!(7)],
                vec![json!("model")],
            ),
            ("contents.0.parts", vec![json!("Hi"), json!([7])], vec![]),
        ],
    );
}

#[test]
fn responses() {
    let [temperature, part] = [beyond(0.0, 2.0), beyond(0.0, 1.0)];
    check(
        Dialect::Responses,
        &[
            (
                "max_output_tokens",
                [counts(), vec![json!("5")]].concat(),
                vec![json!(16)],
            ),
            ("temperature", temperature, vec![json!(0), json!(2)]),
            ("top_p", part, vec![json!(1)]),
            (
                "top_logprobs",
                vec![json!(21), json!(-1), json!("5")],
                vec![json!(20)],
            ),
            ("reasoning", vec![json!("high")], vec![json!({})]),
            ("reasoning.effort", nonsense(), vec![json!("minimal")]),
            ("reasoning.summary", nonsense(), vec![json!("auto")]),
            ("text", vec![json!("json")], vec![json!({})]),
            ("text.verbosity", nonsense(), vec![json!("low")]),
            (
                "text.format",
                vec![json!("json"), json!({"type": "banana"})],
                vec![json!({"type": "text"})],
            ),
            ("include", vec![json!("x"), json!([7])], vec![json!([])]),
            ("tools", vec![json!({}), json!([7])], vec![json!([])]),
            (
                "tool_choice",
                vec![json!("banana"), json!(7)],
                vec![json!("required")],
            ),
            ("parallel_tool_calls", vec![json!("no")], vec![json!(false)]),
            ("stream", vec![json!("yes")], vec![json!(true)]),
            ("metadata", vec![json!("x")], vec![json!({"a": "b"})]),
            (
                "input",
                vec![json!([]), json!({}), json!(7), json!(null)],
                vec![json!("Hi")],
            ),
            (
                "input",
                vec![
                    json!(["Hi"]),
                    json!([{"content": "Hi"}]),
                    json!([{"role": "banana", "content": "Hi"}]),
                    json!([{"role": 7, "content": "Hi"}]),
                    json!([{"role": "user"}]),
                    json!([{"role": "user", "content": 7}]),
                ],
                vec![json!([{"role": "user", "content": "Hi"}])],
            ),
        ],
    );
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
