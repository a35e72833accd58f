//! Settings of other dialects, written for this one.

use domain::canon::{
    Dialect, Format, Json, Reasoning, Tool, ToolChoice, ToolKind, Unknown, Weight,
};
use serde_json::json;

use crate::foreign::{checked, of, tool, user};

#[test]
fn an_effort_is_made_of_a_budget() {
    let mut request = of(vec![user("a")]);
    request.reasoning = Some(Reasoning {
        budget: Some(10_000),
        ..Reasoning::default()
    });
    assert_eq!(
        checked(&request).0["reasoning"],
        json!({"effort": "medium"})
    );
    request.reasoning = Some(Reasoning {
        adaptive: true,
        ..Reasoning::default()
    });
    assert_eq!(checked(&request).0.get("reasoning"), None);
}

#[test]
fn json_is_asked_for_in_words_too() {
    let mut request = of(vec![user("a")]);
    request.format = Some(Format::Json);
    let (body, losses) = checked(&request);
    assert_eq!(losses, []);
    assert_eq!(body["input"][0]["role"], "developer");
    request.messages = vec![user("as Json please")];
    assert_eq!(
        checked(&request).0["input"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_schema_has_a_name_that_is_taken() {
    let mut request = of(vec![user("a")]);
    for (name, wanted) in [
        (None, "answer"),
        (Some("My answer!"), "My_answer_"),
        (Some(""), "answer"),
    ] {
        request.format = Some(Format::Schema {
            name: name.map(str::to_owned),
            description: None,
            schema: Json::trusted(r#"{"type":"object"}"#),
            strict: None,
        });
        assert_eq!(checked(&request).0["text"]["format"]["name"], wanted);
    }
}

#[test]
fn tools_have_names_and_schemas_that_are_taken() {
    let mut request = of(vec![user("a")]);
    request.tools = vec![tool("files.list"), tool(&"x".repeat(90))];
    request.tool_choice = Some(ToolChoice::Named("files.list".to_owned()));
    request.tools.push(Tool {
        kind: ToolKind::Custom {
            format: Some(Json::trusted(
                r#"{"type":"grammar","grammar":{"syntax":"lark","definition":"s"}}"#,
            )),
        },
        ..tool("patch")
    });
    request.tools.push(Tool {
        kind: ToolKind::BuiltIn(Unknown::new(
            Dialect::Anthropic,
            "bash_20250124",
            Json::trusted("{}"),
        )),
        cache: None,
        ..tool("bash")
    });
    let (body, losses) = checked(&request);
    assert_eq!(
        body["tools"][2]["format"],
        json!({"type": "grammar", "syntax": "lark", "definition": "s"})
    );
    let of = |weight: Weight| -> Vec<&str> {
        let these = losses.iter().filter(|loss| loss.weight == weight);
        these.map(|loss| loss.field.as_str()).collect()
    };
    assert_eq!(of(Weight::Meaning), [""; 0]);
    assert!(of(Weight::Hint).contains(&"tools[3]"));
}

#[test]
fn a_choice_without_tools_is_left_out() {
    let mut request = of(vec![user("a")]);
    request.tool_choice = Some(ToolChoice::Auto);
    assert_eq!(checked(&request).1, []);
    request.tool_choice = Some(ToolChoice::Any);
    assert_eq!(checked(&request).1.len(), 1);
}

#[test]
fn what_this_dialect_has_no_word_for_is_a_loss() {
    let number = |text: &str| Some(Json::trusted(text));
    let mut request = of(vec![user("a")]);
    request.messages[0].name = Some("Ann".to_owned());
    request.top_k = number("4");
    request.presence_penalty = number("0.0");
    request.frequency_penalty = number("0.5");
    request.seed = number("1");
    request.stop = vec!["x".to_owned()];
    request.n = Some(2);
    request.max_tokens = Some(1);
    request.user = Some("u".repeat(90));
    request.service_tier = Some("standard_only".to_owned());
    request.rest = vec![
        Unknown::new(
            Dialect::Anthropic,
            "context_management",
            Json::trusted(r#"{"edits":[1]}"#),
        ),
        Unknown::new(Dialect::Anthropic, "mcp_servers", Json::trusted("[1]")),
        Unknown::new(Dialect::OpenAi, "prompt_cache_key", Json::trusted("\"k\"")),
        Unknown::new(Dialect::OpenAi, "store", Json::trusted("true")),
    ];
    let (body, losses) = checked(&request);
    assert_eq!(body["store"], true);
    assert_eq!(body["prompt_cache_key"], "k");
    assert_eq!(body["service_tier"], "default");
    let of = |weight: Weight| -> Vec<&str> {
        losses
            .iter()
            .filter(|loss| loss.weight == weight)
            .map(|loss| loss.field.as_str())
            .collect()
    };
    assert_eq!(of(Weight::Meaning), ["mcp_servers", "seed", "stop", "n"]);
    assert_eq!(
        of(Weight::Hint),
        [
            "messages[0].name",
            "max_tokens",
            "context_management",
            "top_k",
            "frequency_penalty"
        ]
    );
}
