//! Built-in tools that the client runs itself.

use dialects::responses::canon as responses;
use domain::canon::{Block, Chunk, Delta, Opened, Request, Role, Stop, ToolChoice, ToolKind};
use serde_json::{Value, json};

use crate::support::{events, fixture, head, read, value, write, written};
use crate::{rules, writer};

fn request() -> Request {
    read(&value(&fixture("request_builtin.json")))
}

#[test]
fn they_are_functions_for_others() {
    let request = request();
    let names: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "shell",
            "apply_patch",
            "local_shell",
            "tool_search",
            "code_interpreter",
            "crm\u{1f}find"
        ]
    );
    let is_function = |at: usize| matches!(request.tools[at].kind, ToolKind::Function { .. });
    assert!((0..4).all(is_function) && is_function(5));
    assert!(matches!(request.tools[4].kind, ToolKind::BuiltIn(_)));
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Named("shell".to_owned()))
    );
    let calls: Vec<(&str, &str)> = request.messages[1]
        .content
        .iter()
        .filter_map(|block| match block {
            Block::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
            _ => None,
        })
        .collect();
    let wanted = [
        ("call_1", "shell"),
        ("call_2", "apply_patch"),
        ("call_3", "local_shell"),
        ("call_4", "tool_search"),
    ];
    assert_eq!(calls, wanted);
    assert_eq!(request.messages[2].role, Role::Tool);
    let Block::ToolResult(patched) = &request.messages[2].content[1] else {
        panic!();
    };
    assert_eq!(patched.is_error, Some(true));
}

#[test]
fn the_provider_of_this_dialect_gets_them_as_they_are() {
    let before = value(&fixture("request_builtin.json"));
    let (after, losses) = write(&request());
    rules::check(&after, true);
    assert!(
        losses.iter().all(|loss| loss.field.ends_with("is_error")),
        "{losses:?}"
    );
    assert_eq!(after["tool_choice"], before["tool_choice"]);
    for at in [0, 1, 2, 4] {
        assert_eq!(after["tools"][at], before["tools"][at]);
    }
    for at in [1, 2, 3, 5, 6, 7] {
        assert_eq!(after["input"][at], before["input"][at]);
    }
    // A search is told as a function, and what it found as tools.
    assert_eq!(after["input"][4]["type"], "function_call");
    assert_eq!(after["input"][8]["type"], "function_call_output");
    assert_eq!(after["tools"][3]["type"], "function");
    assert_eq!(after["tools"][3].get("built_in"), None);
}

fn chunks(name: &str, arguments: &[&str]) -> Vec<Chunk> {
    let choice = 0;
    let block = 0;
    let mut out = vec![Chunk::Open {
        choice,
        block,
        opened: Opened::ToolCall {
            id: "toolu_1".to_owned(),
            name: name.to_owned(),
            custom: false,
            signature: None,
        },
    }];
    out.extend(arguments.iter().map(|more| Chunk::Grow {
        choice,
        block,
        delta: Delta::Arguments((*more).to_owned()),
    }));
    out.push(Chunk::Close { choice, block });
    out.push(Chunk::Stop {
        choice,
        stop: Stop::ToolCalls,
    });
    out.push(Chunk::End);
    out
}

#[test]
fn calls_of_them_are_items_of_their_own_again() {
    let cases: &[(&str, &[&str], &str, Value)] = &[
        (
            "shell",
            &["{\"comm", "ands\":[\"ls\"]}"],
            "action",
            json!({"commands": ["ls"]}),
        ),
        (
            "apply_patch",
            &["{\"type\":\"delete_file\",\"path\":\"a\"}"],
            "operation",
            json!({"type": "delete_file", "path": "a"}),
        ),
        (
            "tool_search",
            &["{\"query\":\"crm\"}"],
            "arguments",
            json!({"query": "crm"}),
        ),
        (
            "local_shell",
            &["not json"],
            "action",
            json!({"type": "exec", "command": [], "env": {}}),
        ),
    ];
    let request = request();
    for (name, arguments, key, wanted) in cases {
        let chunks = chunks(name, arguments);
        let events = events(&written(&chunks, &request));
        writer::check(&events);
        let last = &events[events.len() - 1]["response"];
        let item = &last["output"][0];
        assert_eq!(item["type"], format!("{name}_call"));
        assert_eq!((&item["call_id"], &item[*key]), (&json!("toolu_1"), wanted));
        // OpenAI looks at it when the item comes back.
        let prefix = match *name {
            "shell" => "sh_",
            "apply_patch" => "apc_",
            "tool_search" => "tsc_",
            _ => "lsh_",
        };
        let id = item["id"].as_str().expect("an id");
        assert!(id.starts_with(prefix), "{id}");
        let (answer, _) = crate::support::folded(&chunks);
        let whole = value(&responses::write_answer(&answer, &head(&request)));
        assert_eq!(&whole["output"][0], item);
    }
}

#[test]
fn what_the_provider_runs_stays_a_built_in_tool() {
    let request = read(&json!({"model": "m", "input": "a", "tools": [
        {"type": "tool_search"},
        {"type": "shell", "environment": {"type": "container_auto"}},
    ]}));
    assert!(
        request
            .tools
            .iter()
            .all(|tool| matches!(tool.kind, ToolKind::BuiltIn(_)))
    );
    assert_eq!(write(&request).1, []);
}
