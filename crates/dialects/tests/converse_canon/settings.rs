//! Settings of requests, for models of different makers.

use super::support::{
    CLAUDE, GPT_OSS, LLAMA, NOVA, NOVA_2, asks, call, fields, json, result, talk, tool, write,
};
use domain::canon::{
    Block, Dialect, Effort, Format, Json, Loss, Reasoning, Request, Role, ToolChoice, Unknown,
    Weight,
};
use serde_json::{Value, json as j};

fn thinks(effort: Option<Effort>, budget: Option<u64>) -> Request {
    Request {
        reasoning: Some(Reasoning {
            effort,
            budget,
            ..Reasoning::default()
        }),
        ..asks("hi")
    }
}

fn extra(written: &Value) -> Value {
    written["additionalModelRequestFields"].clone()
}

fn meaning(losses: &[Loss]) -> Vec<&str> {
    let heavy = losses.iter().filter(|it| it.weight == Weight::Meaning);
    heavy.map(|loss| loss.field.as_str()).collect()
}

#[test]
fn a_request_says_neither_its_model_nor_that_it_streams() {
    let request = Request {
        stream: true,
        ..asks("hi")
    };
    let (written, losses) = write(&request, CLAUDE);
    assert_eq!(
        written,
        j!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
    );
    assert_eq!(losses, []);
}

#[test]
fn sampling_goes_where_the_maker_looks_for_it() {
    let request = Request {
        max_tokens: Some(100),
        temperature: json("0.50"),
        top_k: json("40"),
        stop: vec!["x".to_owned(), " ".to_owned()],
        ..asks("hi")
    };
    let (written, losses) = write(&request, CLAUDE);
    let config = j!({"maxTokens": 100, "temperature": 0.50, "stopSequences": ["x"]});
    assert_eq!(written["inferenceConfig"], config);
    assert_eq!(extra(&written), j!({"top_k": 40}));
    let asked = j!(["/stop_sequence"]);
    assert_eq!(written["additionalModelResponseFieldPaths"], asked);
    assert_eq!(fields(&losses), ["stop"]);
    let (written, losses) = write(&request, NOVA);
    assert_eq!(extra(&written), j!({"inferenceConfig": {"topK": 40}}));
    assert_eq!(written["inferenceConfig"]["stopSequences"], j!(["x", " "]));
    assert_eq!(losses, []);
    let (written, losses) = write(&request, LLAMA);
    assert_eq!(extra(&written), Value::Null);
    assert_eq!(fields(&losses), ["top_k"]);
    assert_eq!(meaning(&losses), [""; 0]);
}

#[test]
fn temperatures_end_at_one_and_claude_takes_one_of_two() {
    let request = Request {
        temperature: json("1.5"),
        top_p: json("0.9"),
        ..asks("hi")
    };
    let (written, losses) = write(&request, LLAMA);
    assert_eq!(
        written["inferenceConfig"],
        j!({"temperature": 1, "topP": 0.9})
    );
    assert_eq!(fields(&losses), ["temperature"]);
    let (written, losses) = write(&request, CLAUDE);
    assert_eq!(written["inferenceConfig"], j!({"temperature": 1}));
    assert_eq!(fields(&losses), ["top_p", "temperature"]);
    assert_eq!(meaning(&losses), [""; 0]);
    let (written, losses) = write(&request, "anthropic.claude-opus-4-8");
    assert_eq!(written.get("inferenceConfig"), None);
    assert_eq!(meaning(&losses), [""; 0]);
}

#[test]
fn what_gemini_cli_always_says_is_no_reason_to_refuse() {
    let request = Request {
        temperature: json("1"),
        top_p: json("0.95"),
        top_k: json("64"),
        ..asks("hi")
    };
    let (written, losses) = write(&request, CLAUDE);
    assert_eq!(written["inferenceConfig"], j!({"topP": 0.95}));
    assert_eq!(losses, []);
    let (_, losses) = write(&request, "anthropic.claude-opus-4-8");
    assert_eq!(fields(&losses), ["top_p", "top_k"]);
    assert_eq!(meaning(&losses), [""; 0]);
}

#[test]
fn claude_thinks_as_at_anthropic() {
    let (written, _) = write(&thinks(None, Some(2000)), CLAUDE);
    let thinking = j!({"thinking": {"type": "enabled", "budget_tokens": 2000}});
    assert_eq!(extra(&written), thinking);
    assert_eq!(written["inferenceConfig"]["maxTokens"], 2000 + 4096);
    let request = thinks(Some(Effort::Medium), None);
    let (written, _) = write(&request, "anthropic.claude-opus-4-8");
    assert_eq!(extra(&written), j!({"thinking": {"type": "adaptive"}}));
    assert_eq!(written["outputConfig"], j!({"effort": "medium"}));
    assert_eq!(written.get("inferenceConfig"), None);
}

#[test]
fn others_think_in_their_own_words() {
    let high = thinks(Some(Effort::High), None);
    let (written, losses) = write(&high, GPT_OSS);
    assert_eq!(extra(&written), j!({"reasoning_effort": "high"}));
    assert_eq!(losses, []);
    let (written, _) = write(&high, NOVA_2);
    let config =
        |effort: &str| j!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}});
    assert_eq!(extra(&written), config("high"));
    let bound = Request {
        max_tokens: Some(5000),
        ..high.clone()
    };
    let (written, losses) = write(&bound, NOVA_2);
    assert_eq!(extra(&written), config("medium"));
    assert_eq!(fields(&losses), ["reasoning"]);
    let (written, _) = write(&thinks(Some(Effort::None), None), NOVA_2);
    assert_eq!(
        extra(&written),
        j!({"reasoningConfig": {"type": "disabled"}})
    );
    let (written, losses) = write(&high, LLAMA);
    assert_eq!(extra(&written), Value::Null);
    assert_eq!(fields(&losses), ["reasoning"]);
}

fn shaped() -> Request {
    Request {
        format: Some(Format::Schema {
            name: Some("point".to_owned()),
            description: None,
            schema: Json::trusted(r#"{"type":"object","properties":{"x":{"type":"number"}}}"#),
            strict: Some(true),
        }),
        ..asks("where?")
    }
}

#[test]
fn a_schema_is_enforced_forced_or_told() {
    for model in [CLAUDE, GPT_OSS, "qwen.qwen3-32b-v1:0"] {
        let (written, _) = write(&shaped(), model);
        let format = &written["outputConfig"]["textFormat"];
        let schema = r#"{"type":"object","properties":{"x":{"type":"number"}},"additionalProperties":false}"#;
        let shape = j!({"jsonSchema": {"schema": schema, "name": "point"}});
        assert_eq!(format, &j!({"type": "json_schema", "structure": shape}));
        assert_eq!(written.get("toolConfig"), None);
    }
    for model in [NOVA, "anthropic.claude-3-haiku-20240307-v1:0"] {
        let (written, losses) = write(&shaped(), model);
        let choice = j!({"tool": {"name": "portcullis_json_answer"}});
        assert_eq!(written["toolConfig"]["toolChoice"], choice);
        assert_eq!(losses, []);
    }
    let (written, losses) = write(&shaped(), LLAMA);
    let told = written["system"][0]["text"].as_str().expect("words");
    assert!(told.contains("JSON Schema"));
    assert_eq!(fields(&losses), ["response_format"]);
    assert_eq!(meaning(&losses), [""; 0]);
}

fn with_tools(choice: Option<ToolChoice>) -> Request {
    Request {
        tools: vec![tool("f"), tool("g.h")],
        tool_choice: choice,
        ..asks("hi")
    }
}

#[test]
fn a_choice_is_said_where_the_model_knows_it() {
    let choice = |choice: ToolChoice, model: &str| {
        let (written, losses) = write(&with_tools(Some(choice)), model);
        let lost = losses.iter().any(|loss| loss.field == "tool_choice");
        (written["toolConfig"]["toolChoice"].clone(), lost)
    };
    let named = || ToolChoice::Named("g.h".to_owned());
    assert_eq!(choice(ToolChoice::Any, CLAUDE), (j!({"any": {}}), false));
    let (said, lost) = choice(named(), NOVA);
    assert!(
        said["tool"]["name"]
            .as_str()
            .is_some_and(|it| it.starts_with("g_h_"))
            && !lost
    );
    assert_eq!(choice(ToolChoice::Auto, CLAUDE), (j!({"auto": {}}), false));
    assert_eq!(choice(ToolChoice::Auto, LLAMA), (Value::Null, false));
    let profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x";
    assert_eq!(choice(ToolChoice::Any, profile), (j!({"any": {}}), false));
    assert_eq!(choice(ToolChoice::Any, LLAMA), (Value::Null, true));
    assert_eq!(choice(named(), GPT_OSS), (Value::Null, true));
    let missing = ToolChoice::Named("missing".to_owned());
    assert_eq!(choice(missing, CLAUDE), (Value::Null, true));
}

#[test]
fn a_model_that_cannot_be_forced_to_call_is_asked_in_words() {
    let (written, losses) = write(&with_tools(Some(ToolChoice::Any)), LLAMA);
    let told = written["system"][0]["text"].as_str().expect("words");
    assert!(told.contains("calling one of the tools"), "{told}");
    assert_eq!(fields(&losses), ["tool_choice"]);
    assert_eq!(meaning(&losses), [""; 0]);
}

#[test]
fn no_tool_is_offered_where_none_may_be_called() {
    let (written, losses) = write(&with_tools(Some(ToolChoice::None)), CLAUDE);
    assert_eq!(written.get("toolConfig"), None);
    assert_eq!(losses, []);
}

#[test]
fn a_conversation_with_calls_declares_tools_and_says_to_call_none() {
    let request = talk(vec![
        (Role::User, vec![Block::text("one")]),
        (Role::Assistant, vec![call("a")]),
        (Role::Tool, vec![result("a", "A")]),
    ]);
    let none = Request {
        tools: vec![tool("f")],
        tool_choice: Some(ToolChoice::None),
        ..request.clone()
    };
    for request in [request, none] {
        let (written, losses) = write(&request, CLAUDE);
        let tools = written["toolConfig"]["tools"].as_array();
        assert_eq!(tools.map(Vec::len), Some(1));
        assert_eq!(
            written["system"],
            j!([{"text": "Do not call any tool now."}])
        );
        assert_eq!(fields(&losses), ["tool_choice"]);
        assert_eq!(meaning(&losses), [""; 0]);
    }
}

#[test]
fn one_call_at_a_time_is_said_in_claudes_own_words() {
    let request = Request {
        parallel_tools: Some(false),
        ..with_tools(None)
    };
    let (written, losses) = write(&request, CLAUDE);
    let single = j!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}});
    assert_eq!(extra(&written), single);
    assert_eq!(losses, []);
    let (_, losses) = write(&request, NOVA);
    assert_eq!(fields(&losses), ["parallel_tool_calls"]);
}

#[test]
fn tiers_and_notes_are_passed_on() {
    let tier = |tier: &str| {
        let request = Request {
            service_tier: Some(tier.to_owned()),
            ..asks("hi")
        };
        let (written, losses) = write(&request, CLAUDE);
        (written["serviceTier"]["type"].clone(), losses.len())
    };
    assert_eq!(tier("priority"), (j!("priority"), 0));
    assert_eq!(tier("standard_only"), (j!("default"), 0));
    assert_eq!(tier("auto"), (Value::Null, 0));
    assert_eq!(tier("scale"), (Value::Null, 1));
    let notes = |notes: &str| {
        let request = Request {
            metadata: json(notes),
            ..asks("hi")
        };
        let (written, losses) = write(&request, CLAUDE);
        (written["requestMetadata"].clone(), losses.len())
    };
    assert_eq!(notes(r#"{"team":"a b"}"#), (j!({"team": "a b"}), 0));
    assert_eq!(notes(r#"{"team":"ä"}"#), (Value::Null, 1));
    assert_eq!(notes("{}"), (Value::Null, 0));
}

#[test]
fn members_that_only_bedrock_has_are_taken_from_any_dialect() {
    let member = |name: &str, raw: &str| Unknown::new(Dialect::OpenAi, name, Json::trusted(raw));
    let request = Request {
        top_k: json("5"),
        rest: vec![
            member("performanceConfig", r#"{"latency":"optimized"}"#),
            member("guardrailConfig", r#"{"guardrailIdentifier":"g"}"#),
            member(
                "additionalModelRequestFields",
                r#"{"top_k":1,"anthropic_beta":["x"]}"#,
            ),
            member("promptVariables", "7"),
            member("logit_bias", r#"{"1":2}"#),
            member("store", "true"),
        ],
        ..asks("hi")
    };
    let (written, losses) = write(&request, CLAUDE);
    assert_eq!(written["performanceConfig"], j!({"latency": "optimized"}));
    assert_eq!(written["guardrailConfig"]["guardrailIdentifier"], "g");
    assert_eq!(extra(&written), j!({"top_k": 5, "anthropic_beta": ["x"]}));
    assert_eq!(fields(&losses), ["promptVariables", "logit_bias", "store"]);
    assert_eq!(meaning(&losses), ["promptVariables", "logit_bias"]);
}
