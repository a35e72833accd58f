//! Thinking, told to every generation of models in its way.

use super::support::{asks, fields, json, thinks, tool, value, write};
use dialects::anthropic::canon::write_request;
use dialects::translate::{Names, Target};
use domain::canon::{Effort, ToolChoice, Weight};
use serde_json::json as j;

#[test]
fn every_generation_is_told_to_think_in_its_own_way() {
    let mut request = asks("Hi");
    request.reasoning = thinks(Some(Effort::High), None);
    let (old, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(losses, []);
    assert_eq!(
        old["thinking"],
        j!({"type": "enabled", "budget_tokens": 24_576})
    );
    assert_eq!(old["max_tokens"], 24_576 + 4096);
    let (new, losses) = write(&request, "claude-opus-4-7");
    assert_eq!(losses, []);
    assert_eq!(new["thinking"], j!({"type": "adaptive"}));
    assert_eq!(new["output_config"], j!({"effort": "high"}));
    request.reasoning = thinks(None, Some(3000));
    let (either, _) = write(&request, "claude-opus-4-6");
    assert_eq!(
        either["thinking"],
        j!({"type": "enabled", "budget_tokens": 3000})
    );
    let (new, _) = write(&request, "claude-opus-5-5");
    assert_eq!(new["thinking"], j!({"type": "adaptive"}));
    assert_eq!(new["output_config"], j!({"effort": "low"}));
    request.reasoning = thinks(Some(Effort::None), None);
    let off = |model: &str| write(&request, model).0["thinking"].clone();
    assert_eq!(off("claude-sonnet-4-5"), j!({"type": "disabled"}));
    assert_eq!(off("claude-opus-5"), j!({"type": "disabled"}));
    assert_eq!(off("claude-sonnet-5-5"), j!({"type": "between_tools"}));
    let (never, losses) = write(&request, "claude-opus-5-5");
    assert_eq!(never["output_config"], j!({"effort": "low"}));
    assert_eq!(fields(&losses), ["reasoning"]);
}

#[test]
fn a_budget_leaves_room_for_the_answer() {
    let mut request = asks("Hi");
    request.reasoning = thinks(None, Some(10_000));
    for (most, budget) in [(20_000, 10_000), (10_000, 5904), (2000, 1024), (1025, 1024)] {
        request.max_tokens = Some(most);
        let (written, losses) = write(&request, "claude-sonnet-4-5");
        assert_eq!(losses, []);
        assert_eq!(written["max_tokens"], most);
        assert_eq!(written["thinking"]["budget_tokens"], budget);
    }
    request.reasoning = thinks(Some(Effort::High), None);
    for (most, budget) in [(30_000, 24_576), (8192, 4096), (1500, 1024)] {
        request.max_tokens = Some(most);
        let (written, _) = write(&request, "claude-sonnet-4-5");
        assert_eq!(written["thinking"]["budget_tokens"], budget);
    }
    request.max_tokens = Some(1024);
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written.get("thinking"), None);
    assert_eq!(fields(&losses), ["reasoning"]);
}

#[test]
fn the_answers_length_is_always_said_and_never_beyond_the_model() {
    let mut request = asks("Hi");
    assert_eq!(write(&request, "claude-x").0["max_tokens"], 4096);
    let names = Names::default();
    let target = Target {
        model: "claude-x",
        output_limit: Some(8192),
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Anthropic, "claude-x"),
        names: &names,
    };
    let written = write_request(&request, &target);
    assert_eq!(value(&written.value)["max_tokens"], 8192);
    request.max_tokens = Some(100_000);
    let written = write_request(&request, &target);
    assert_eq!(value(&written.value)["max_tokens"], 8192);
    assert_eq!(fields(&written.losses), ["max_tokens"]);
}

#[test]
fn a_model_that_does_not_think_is_not_told_to() {
    let mut request = asks("Hi");
    request.reasoning = thinks(Some(Effort::High), None);
    request.temperature = json("0.2");
    let names = Names::default();
    let target = Target {
        model: "claude-3-haiku-20240307",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Anthropic, "claude-3-haiku-20240307"),
        names: &names,
    };
    let written = write_request(&request, &target);
    let text = value(&written.value);
    assert_eq!(text.get("thinking"), None);
    assert_eq!(text["temperature"], 0.2);
    assert_eq!(fields(&written.losses), ["reasoning"]);
    assert_eq!(written.losses[0].weight, Weight::Hint);
}

#[test]
fn sampling_goes_only_where_it_is_taken() {
    let mut request = asks("Hi");
    request.temperature = json("1.5");
    request.top_p = json("0.5");
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["temperature"], 1);
    assert_eq!(written.get("top_p"), None);
    assert_eq!(fields(&losses), ["temperature", "top_p"]);
    let (written, losses) = write(&request, "claude-opus-4-7");
    assert_eq!(
        (written.get("temperature"), written.get("top_p")),
        (None, None)
    );
    assert_eq!(fields(&losses), ["temperature", "top_p"]);
    request.temperature = json("1");
    request.top_p = json("1.0");
    let (written, losses) = write(&request, "claude-opus-4-7");
    assert_eq!(written.get("temperature"), None);
    assert_eq!(losses, []);
    request.reasoning = thinks(Some(Effort::Low), None);
    request.top_k = json("5");
    let (_, losses) = write(&request, "claude-3-7-sonnet-20250219");
    assert_eq!(fields(&losses), ["top_k"]);
}

#[test]
fn what_gemini_cli_always_says_is_no_reason_to_refuse() {
    let mut request = asks("Hi");
    request.temperature = json("1");
    request.top_p = json("0.95");
    request.top_k = json("64");
    let (written, losses) = write(&request, "claude-haiku-4-5");
    assert_eq!(written.get("temperature"), None);
    assert_eq!((&written["top_p"], &written["top_k"]), (&j!(0.95), &j!(64)));
    assert_eq!(losses, []);
    let (_, losses) = write(&request, "claude-opus-4-8");
    assert_eq!(fields(&losses), ["top_p", "top_k"]);
    assert!(losses.iter().all(|loss| loss.weight == Weight::Hint));
}

#[test]
fn a_forced_tool_comes_before_thinking() {
    let mut request = asks("Hi");
    request.reasoning = thinks(Some(Effort::High), None);
    request.tools = vec![tool("look.up", r#"{"type":"object"}"#)];
    request.tool_choice = Some(ToolChoice::Named("look.up".to_owned()));
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["thinking"], j!({"type": "disabled"}));
    assert_eq!(written["tool_choice"]["name"], written["tools"][0]["name"]);
    assert_eq!(fields(&losses), ["reasoning"]);
    let (written, losses) = write(&request, "claude-opus-5-5");
    assert_eq!(written["tool_choice"], j!({"type": "auto"}));
    assert_eq!(written["thinking"], j!({"type": "adaptive"}));
    assert_eq!(fields(&losses), ["tool_choice"]);
    assert_eq!(losses[0].weight, Weight::Hint);
    let told = written["system"][0]["text"].as_str().expect("words");
    let name = written["tools"][0]["name"].as_str().expect("a name");
    assert!(
        told.contains(&format!("calling the tool `{name}`")),
        "{told}"
    );
    request.reasoning = None;
    let (written, _) = write(&request, "claude-opus-5");
    assert_eq!(written["thinking"], j!({"type": "disabled"}));
}
