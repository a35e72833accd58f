//! Tools of Anthropic's that the client runs itself.

use super::support::{fields, request, value, write};
use dialects::translate::{Names, Target};
use domain::canon::{Dialect, ToolChoice, ToolKind};
use serde_json::{Value, json as j};

fn declared() -> Value {
    j!([
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 9000},
        {"type": "memory_20250818", "name": "memory", "cache_control": {"type": "ephemeral"}},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1280, "display_height_px": 800}
    ])
}

fn asked(tools: &Value) -> Value {
    j!({
        "model": "m", "max_tokens": 99, "tools": tools,
        "tool_choice": {"type": "tool", "name": "bash"},
        "messages": [{"role": "user", "content": "Hi"}]
    })
}

/// What `OpenAI` is told of each tool.
fn functions(tools: &Value) -> Vec<Value> {
    let request = request(&asked(tools));
    let names = Names::of(&request);
    let target = Target {
        model: "gpt-4o",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(Dialect::OpenAi, "gpt-4o"),
        names: &names,
    };
    let written = dialects::openai::canon::write_request(&request, &target);
    let field = |loss: &domain::canon::Loss| loss.field.starts_with("tool");
    let caches = |loss: &domain::canon::Loss| loss.field.ends_with("cache_control");
    let lost: Vec<_> = written.losses.iter().filter(|it| field(it)).collect();
    assert!(lost.iter().all(|loss| caches(loss)), "{lost:?}");
    let written = value(&written.value);
    assert_eq!(written["tool_choice"]["function"]["name"], "bash");
    let tools = written["tools"].as_array().expect("tools").clone();
    tools
        .into_iter()
        .map(|tool| tool["function"].clone())
        .collect()
}

#[test]
fn others_get_functions_with_the_input_that_clients_expect() {
    let told = functions(&declared());
    let names: Vec<&Value> = told.iter().map(|tool| &tool["name"]).collect();
    assert_eq!(
        names,
        ["bash", "str_replace_based_edit_tool", "memory", "computer"]
    );
    let members = |at: usize| &told[at]["parameters"]["properties"];
    assert_eq!(members(0)["command"]["type"], "string");
    assert_eq!(members(0)["restart"]["type"], "boolean");
    let commands = j!(["view", "create", "str_replace", "insert"]);
    assert_eq!(members(1)["command"]["enum"], commands);
    assert_eq!(members(1)["insert_text"]["type"], "string");
    assert_eq!(members(2)["new_path"]["type"], "string");
    let actions = members(3)["action"]["enum"].as_array().expect("actions");
    assert!(actions.contains(&j!("scroll")) && !actions.contains(&j!("zoom")));
    let screen = told[3]["description"].as_str().expect("a description");
    assert!(
        screen.ends_with("The screen is 1280x800 pixels."),
        "{screen}"
    );
}

#[test]
fn an_older_version_is_told_as_what_it_is() {
    let told = functions(&j!([
        {"type": "bash_20241022", "name": "bash"},
        {"type": "text_editor_20250124", "name": "str_replace_editor"},
        {"type": "computer_20241022", "name": "computer", "display_width_px": 9, "display_height_px": 9}
    ]));
    let editor = &told[1]["parameters"]["properties"];
    let commands = editor["command"]["enum"].as_array().expect("commands");
    assert!(commands.contains(&j!("undo_edit")));
    assert_eq!(editor.get("insert_text"), None);
    let how = told[1]["description"].as_str().expect("a description");
    assert!(how.contains("`insert` puts `new_str`"), "{how}");
    let actions = &told[2]["parameters"]["properties"]["action"]["enum"];
    assert!(!actions.as_array().expect("actions").contains(&j!("scroll")));
}

#[test]
fn a_screen_is_looked_at_closely_where_the_client_lets_it() {
    let computer = |zooms: bool| {
        functions(&j!([
            {"type": "bash_20250124", "name": "bash"},
            {"type": "computer_20251124", "name": "computer", "display_width_px": 9,
             "display_height_px": 9, "enable_zoom": zooms}
        ]))[1]["parameters"]["properties"]["action"]["enum"]
            .to_string()
            .contains("zoom")
    };
    assert!(computer(true) && !computer(false));
}

#[test]
fn claude_gets_them_as_they_were_declared() {
    let request = request(&asked(&declared()));
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["tools"], declared());
    assert_eq!(fields(&losses), [""; 0]);
}

#[test]
fn one_without_a_name_or_of_an_unknown_kind_stays_what_the_provider_runs() {
    let request = request(&j!({
        "model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "bash_20250124"}, {"type": "web_search_20250305", "name": "web_search"}]
    }));
    let is_own = |kind: &ToolKind| matches!(kind, ToolKind::BuiltIn(_));
    assert!(request.tools.iter().all(|tool| is_own(&tool.kind)));
    assert_eq!(request.tool_choice, None::<ToolChoice>);
}
