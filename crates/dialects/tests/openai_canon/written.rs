//! Conversations of any dialect, written for a provider of this one.

use crate::rules;
use crate::support::{call, json, user, written};
use dialects::openai::canon::write_request;
use dialects::translate::{Names, Target};
use domain::canon::{
    Block, Dialect, Effort, Format, Json, Media, MediaKind, Message, Reasoning, Request, Role,
    Signature, Source, Thinking, Tool, ToolChoice, ToolKind, ToolResult, Unknown, Weight,
};

fn losses(request: &Request, reasons: [bool; 1]) -> Vec<(String, Weight)> {
    let names = Names::of(request);
    let target = Target {
        model: "m",
        output_limit: Some(100),
        reasons: reasons[0],
        traits: crate::known::traits(domain::canon::Dialect::OpenAi, "m"),
        names: &names,
    };
    let written = write_request(request, &target);
    rules::check(&written.value);
    let losses = written.losses.into_iter();
    losses.map(|loss| (loss.field, loss.weight)).collect()
}

#[test]
fn what_cannot_be_said_is_a_loss() {
    let mut asked = user(vec![Block::text("a")]);
    asked.top_k = Some(Json::trusted("40"));
    asked.max_tokens = Some(500);
    asked.service_tier = Some("priority_plus".to_owned());
    asked.stop = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
    asked.reasoning = Some(Reasoning {
        effort: Some(Effort::High),
        summary: Some("auto".to_owned()),
        ..Reasoning::default()
    });
    let unknown = |dialect, name: &str| Unknown::new(dialect, name, Json::trusted("true"));
    asked.rest = vec![
        unknown(Dialect::Gemini, "safetySettings"),
        unknown(Dialect::Responses, "include"),
        unknown(Dialect::Responses, "prompt_cache_key"),
        unknown(Dialect::OpenAi, "store"),
    ];
    let wanted = [
        ("max_tokens", Weight::Hint),
        ("top_k", Weight::Hint),
        ("stop", Weight::Meaning),
        ("reasoning_effort", Weight::Hint),
        ("reasoning.summary", Weight::Hint),
        ("service_tier", Weight::Hint),
        ("safetySettings", Weight::Hint),
        ("include", Weight::Hint),
    ];
    let wanted: Vec<_> = wanted
        .map(|(field, weight)| (field.to_owned(), weight))
        .into();
    assert_eq!(losses(&asked, [false]), wanted);
}

#[test]
fn reasoning_is_said_only_to_models_that_reason() {
    let mut asked = user(vec![Block::text("a")]);
    asked.max_tokens = Some(50);
    asked.reasoning = Some(Reasoning {
        budget: Some(10_000),
        ..Reasoning::default()
    });
    let written = written(&asked);
    assert_eq!(written["reasoning_effort"], "medium");
    assert_eq!(written["max_completion_tokens"], 50);
    assert_eq!(
        losses(&asked, [false]),
        [("reasoning_effort".to_owned(), Weight::Hint)]
    );
    asked.reasoning = Some(Reasoning {
        effort: Some(Effort::None),
        ..Reasoning::default()
    });
    assert_eq!(losses(&asked, [false]), []);
    let names = Names::default();
    let target = Target {
        model: "m",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::OpenAi, "m"),
        names: &names,
    };
    let plain = json(&write_request(&asked, &target).value);
    assert_eq!(plain["max_tokens"], 50);
    assert_eq!(plain.get("reasoning_effort"), None);
}

fn result(call: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        call: call.to_owned(),
        name: Some("f".to_owned()),
        content,
        is_error: None,
        custom: false,
        cache: None,
    })
}

fn image() -> Block {
    Block::Media(Media {
        kind: MediaKind::Image,
        source: Source::Base64("iVBORw0KGgo=".to_owned()),
        mime: None,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    })
}

#[test]
fn images_of_results_stand_behind_all_results() {
    let asked = Request {
        model: "m".to_owned(),
        messages: vec![
            Message::new(Role::Assistant, vec![call("a", ""), call("b", "{}")]),
            Message::new(Role::User, vec![Block::text("and?")]),
            Message::new(
                Role::Tool,
                vec![
                    result("b", vec![Block::text("seen")]),
                    result("a", vec![image()]),
                ],
            ),
        ],
        ..Request::default()
    };
    let written = written(&asked);
    let roles: Vec<_> = written["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| m["role"].as_str().expect("role"))
        .collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user", "user"]);
    assert_eq!(written["messages"][1]["tool_call_id"], "a");
    assert_eq!(written["messages"][2]["content"], "seen");
    let url = &written["messages"][3]["content"][1]["image_url"]["url"];
    assert_eq!(url, "data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(
        written["messages"][0]["tool_calls"][0]["function"]["arguments"],
        "{}"
    );
}

#[test]
fn calls_without_results_and_results_without_calls_are_made_up_for() {
    let asked = Request {
        model: "m".to_owned(),
        messages: vec![
            Message::new(Role::User, vec![Block::text("a")]),
            Message::new(Role::Tool, vec![result("x", vec![Block::text("late")])]),
            Message::new(Role::Assistant, vec![call("a", "{}")]),
        ],
        ..Request::default()
    };
    let fields = losses(&asked, [true]);
    assert_eq!(
        fields,
        [
            ("messages[1].content[0]".to_owned(), Weight::Hint),
            ("messages[2].tool_calls".to_owned(), Weight::Hint)
        ]
    );
    let written = written(&asked);
    assert_eq!(written["messages"][1]["role"], "user");
    assert_eq!(
        written["messages"][3]["content"],
        "This call was not answered."
    );
}

#[test]
fn an_id_that_comes_twice_finds_the_result_of_its_own_turn() {
    let turn = |words: &str| {
        [
            Message::new(Role::Assistant, vec![call("same", "{}")]),
            Message::new(Role::Tool, vec![result("same", vec![Block::text(words)])]),
        ]
    };
    let asked = Request {
        model: "m".to_owned(),
        messages: turn("one").into_iter().chain(turn("two")).collect(),
        ..Request::default()
    };
    assert_eq!(losses(&asked, [true]), []);
    let written = written(&asked);
    assert_eq!(written["messages"][1]["content"], "one");
    assert_eq!(written["messages"][3]["content"], "two");
}

#[test]
fn tools_of_other_dialects_are_losses_and_take_their_choice_along() {
    let mut asked = user(vec![Block::text("a")]);
    asked.tools = vec![Tool {
        name: "web_search".to_owned(),
        description: None,
        kind: ToolKind::BuiltIn(Unknown::new(
            Dialect::Anthropic,
            "web_search_20250305",
            Json::trusted(r#"{"type":"web_search_20250305","name":"web_search"}"#),
        )),
        strict: None,
        cache: None,
        rest: Vec::new(),
        declared: None,
    }];
    asked.tool_choice = Some(ToolChoice::Named("web_search".to_owned()));
    asked.parallel_tools = Some(true);
    let fields = losses(&asked, [true]);
    assert_eq!(fields[0], ("tools[0]".to_owned(), Weight::Hint));
    assert_eq!(fields[1], ("tool_choice".to_owned(), Weight::Meaning));
}

#[test]
fn json_mode_says_json_where_nobody_does() {
    let mut asked = user(vec![Block::text("A point.")]);
    asked.format = Some(Format::Json);
    assert_eq!(written(&asked)["messages"][0]["role"], "system");
    asked.messages[0].content = vec![Block::text("A point as Json.")];
    assert_eq!(written(&asked)["messages"][0]["role"], "user");
}

#[test]
fn a_signature_of_another_family_never_reaches_a_provider() {
    let thinking = Thinking {
        text: "secret plan".to_owned(),
        signature: Some(Signature {
            family: Dialect::Anthropic,
            value: "c2ln".to_owned(),
        }),
        ..Thinking::default()
    };
    let asked = Request {
        model: "m".to_owned(),
        messages: vec![
            Message::new(Role::User, vec![Block::text("a")]),
            Message::new(Role::Assistant, vec![Block::Thinking(thinking.clone())]),
            Message::new(
                Role::Assistant,
                vec![Block::Thinking(thinking), Block::text("b")],
            ),
        ],
        ..Request::default()
    };
    let written = written(&asked);
    assert_eq!(written["messages"].as_array().expect("messages").len(), 2);
    assert!(!written.to_string().contains("secret"));
}

#[test]
fn many_calls_take_no_more_time_each_than_few() {
    // With time that grows by the square this would not end.
    let many = 50_000;
    let id = |at: usize| format!("call_{at}");
    let calls = (0..many).map(|at| call(&id(at), "{}")).collect();
    let results = (0..many).rev().map(|at| result(&id(at), Vec::new()));
    let apart = results.map(|result| Message::new(Role::Tool, vec![result]));
    let mut messages = vec![Message::new(Role::Assistant, calls)];
    messages.extend(apart);
    let asked = Request {
        model: "m".to_owned(),
        messages,
        ..Request::default()
    };
    let names = dialects::translate::Names::of(&asked);
    let target = crate::support::target("m", &names);
    let written = dialects::openai::canon::write_request(&asked, &target);
    assert_eq!(written.losses, Vec::new());
    let written = json(&written.value);
    assert_eq!(
        written["messages"].as_array().expect("messages").len(),
        many + 1
    );
    assert_eq!(written["messages"][1]["tool_call_id"], "call_0");
}

#[test]
fn what_a_model_does_not_sample_by_is_left_out() {
    let mut asked = user(vec![Block::text("a")]);
    asked.temperature = Some(Json::trusted("0"));
    asked.top_p = Some(Json::trusted("0.95"));
    asked.presence_penalty = Some(Json::trusted("0.5"));
    asked.frequency_penalty = Some(Json::trusted("0"));
    let written = |model: &str| {
        let names = Names::of(&asked);
        let written = write_request(&asked, &crate::support::target(model, &names));
        (json(&written.value), written.losses)
    };
    for model in [
        "gpt-5",
        "gpt-5.1",
        "gpt-5.6-mini",
        "o3",
        "o4-mini",
        "openai/o1",
    ] {
        let (body, losses) = written(model);
        for member in [
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
        ] {
            assert_eq!(body.get(member), None, "{model} {member}");
        }
        let told = losses.iter().map(|loss| (loss.field.as_str(), loss.weight));
        let wanted = ["temperature", "top_p", "presence_penalty"];
        assert_eq!(
            told.collect::<Vec<_>>(),
            wanted.map(|field| (field, Weight::Hint)),
            "{model}"
        );
    }
    for model in ["gpt-4.1", "gpt-5-chat-latest", "gpt-oss-120b"] {
        let (body, losses) = written(model);
        assert_eq!(body["temperature"], 0, "{model}");
        assert_eq!(losses, [], "{model}");
    }
}

#[test]
fn a_model_without_stop_sequences_is_told_none() {
    let mut asked = user(vec![Block::text("a")]);
    asked.stop = vec!["x".to_owned()];
    let names = Names::of(&asked);
    let written = write_request(&asked, &crate::support::target("gpt-5", &names));
    assert_eq!(json(&written.value).get("stop"), None);
    assert_eq!(written.losses[0].weight, Weight::Meaning);
}

#[test]
fn a_grammar_of_responses_stands_one_deeper() {
    let mut asked = user(vec![Block::text("a")]);
    let format = r#"{"type":"grammar","syntax":"lark","definition":"start: /a/"}"#;
    let kind = |format: &str| ToolKind::Custom {
        format: Some(Json::trusted(format)),
    };
    asked.tools = vec![Tool::new("apply_patch", kind(format))];
    let inner = r#"{"syntax":"lark","definition":"start: /a/"}"#;
    let wanted = format!(r#"{{"type":"grammar","grammar":{inner}}}"#);
    let written_format = |asked: &Request| written(asked)["tools"][0]["custom"]["format"].clone();
    assert_eq!(written_format(&asked), json(wanted.as_bytes()));
    for same in [wanted.as_str(), r#"{"type":"text"}"#] {
        asked.tools = vec![Tool::new("apply_patch", kind(same))];
        assert_eq!(written_format(&asked), json(same.as_bytes()));
    }
}
