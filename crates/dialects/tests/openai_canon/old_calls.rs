//! Clients that know calls as they were before there were several: they declare
//! `functions`, and read `function_call`.

use crate::support::{document, head, json, target, write_stream};
use dialects::openai::canon::{read_request, write_answer};
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Choice, Chunk, Delta, Json, Loss, Opened, Request, Signature, Stop, ToolCall,
    Unknown,
};
use serde_json::{Value, json};

const OLD: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],
    "functions":[{"name":"f","parameters":{"type":"object","properties":{}}}]}"#;

fn asked(text: &str) -> Request {
    read_request(&document(text.to_owned())).expect("a request")
}

fn call(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}

fn answered(request: &Request, calls: Vec<Block>) -> Value {
    let choice = Choice {
        content: calls,
        stop: Some(Stop::ToolCalls),
        logprobs: None,
    };
    let answer = Answer {
        choices: vec![choice],
        ..Answer::default()
    };
    json(&write_answer(&answer, &head(request)))["choices"][0].take()
}

#[test]
fn a_call_comes_back_in_the_form_in_which_it_was_declared() {
    let calls = || vec![call("a", "f", r#"{"x":1}"#), call("b", "f", "{}")];
    let choice = answered(&asked(OLD), calls());
    assert_eq!(choice["finish_reason"], "function_call");
    let message = &choice["message"];
    let wanted = json!({"name":"f","arguments":"{\"x\":1}"});
    assert_eq!(message["function_call"], wanted);
    assert_eq!(message.get("tool_calls"), None, "{message}");
    let nothing = answered(&asked(OLD), vec![call("a", "f", "")]);
    assert_eq!(nothing["message"]["function_call"]["arguments"], "{}");
    let both = OLD.replacen(
        '{',
        r#"{"tools":[{"type":"function","function":{"name":"g"}}],"#,
        1,
    );
    let bare = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
    for new in [&*both, bare] {
        let choice = answered(&asked(new), calls());
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert!(choice["message"]["tool_calls"].is_array(), "{choice}");
    }
}

#[test]
fn so_it_does_in_a_stream() {
    let open = |block, id: &str| Chunk::Open {
        choice: 0,
        block,
        opened: Opened::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            custom: false,
            signature: None,
        },
    };
    let grow = |block, delta| Chunk::Grow {
        choice: 0,
        block,
        delta,
    };
    let more = |block, text: &str| grow(block, Delta::Arguments(text.to_owned()));
    let signed = Delta::Signature(Signature {
        family: domain::canon::Dialect::Gemini,
        value: "c2ln".to_owned(),
    });
    let chunks = [
        open(0, "a"),
        more(0, "{\"x\""),
        more(0, ":1}"),
        grow(0, signed),
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        open(1, "b"),
        more(1, "{}"),
        Chunk::Close {
            choice: 0,
            block: 1,
        },
        Chunk::Stop {
            choice: 0,
            stop: Stop::ToolCalls,
        },
        Chunk::End,
    ];
    let text = String::from_utf8(write_stream(&chunks, &asked(OLD))).expect("text");
    assert!(!text.contains("tool_calls"), "{text}");
    let events = text.lines().filter_map(|line| line.strip_prefix("data: {"));
    let events = events.map(|event| json(format!("{{{event}").as_bytes()));
    let choices: Vec<Value> = events.map(|mut it| it["choices"][0].take()).collect();
    let calls = choices
        .iter()
        .filter_map(|it| it["delta"].get("function_call"));
    let calls: Vec<&Value> = calls.collect();
    assert_eq!(
        calls,
        [
            &json!({"name":"f","arguments":""}),
            &json!({"arguments":"{\"x\""}),
            &json!({"arguments":":1}"}),
        ]
    );
    let last = choices.last().expect("an end");
    assert_eq!(last["finish_reason"], "function_call");
}

/// What a target of this dialect is told of a request, and what is lost.
fn told(dialect: domain::canon::Dialect, request: &Request) -> (Value, Vec<Loss>) {
    let names = Names::of(request);
    let upstream = dialects::translate::upstream(dialect).expect("one");
    let written = (upstream.write_request)(request, &target("m", &names));
    (json(&written.value), written.losses)
}

const ALL: [domain::canon::Dialect; 7] = [
    domain::canon::Dialect::OpenAi,
    domain::canon::Dialect::Responses,
    domain::canon::Dialect::Anthropic,
    domain::canon::Dialect::Gemini,
    domain::canon::Dialect::Converse,
    domain::canon::Dialect::Cohere,
    domain::canon::Dialect::Ollama,
];

#[test]
fn who_says_that_nothing_is_to_be_kept_loses_nothing() {
    let store = |said: &str| Request {
        rest: vec![Unknown::new(
            domain::canon::Dialect::OpenAi,
            "store",
            Json::trusted(said),
        )],
        ..asked(r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#)
    };
    for dialect in ALL {
        let is_store = |loss: &Loss| loss.field == "store";
        let (_, losses) = told(dialect, &store("false"));
        assert!(!losses.iter().any(is_store), "{dialect:?} {losses:?}");
    }
    let (_, losses) = told(domain::canon::Dialect::Anthropic, &store("true"));
    assert!(losses.iter().any(|loss| loss.field == "store"));
}

#[test]
fn no_alternatives_to_a_token_are_no_wish_for_log_probabilities() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"top_logprobs":0}"#;
    for dialect in ALL {
        let (written, losses) = told(dialect, &asked(body));
        assert!(
            !written.to_string().to_lowercase().contains("logprobs"),
            "{written}"
        );
        assert!(losses.is_empty(), "{dialect:?} {losses:?}");
    }
    let both = body.replacen('{', r#"{"logprobs":true,"#, 1);
    let (written, _) = told(domain::canon::Dialect::Gemini, &asked(&both));
    let config = &written["generationConfig"];
    assert_eq!(
        (&config["responseLogprobs"], &config["logprobs"]),
        (&json!(true), &json!(0))
    );
    let some = body.replace(":0}", ":3}");
    let (written, _) = told(domain::canon::Dialect::Gemini, &asked(&some));
    assert_eq!(written["generationConfig"]["responseLogprobs"], true);
}
