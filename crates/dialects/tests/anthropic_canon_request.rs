//! Requests: read, refused, written back, written for other models.

#[path = "anthropic_canon/support.rs"]
mod support;

use dialects::anthropic::canon::{read_request, write_request};
use dialects::translate::{Names, Target};
use domain::canon::{
    Block, Dialect, Effort, Format, Json, Media, MediaKind, Message, Reasoning, Request, Role,
    Source, Tool, ToolCall, ToolChoice, ToolKind, Unknown, Weight,
};
use domain::refusal::Reason;
use serde_json::{Value, json as j};
use support::{doc, fields, fixture, fixtures, json, plain, request, value, write};

#[test]
fn a_request_comes_back_as_it_was() {
    for name in fixtures("request_") {
        let text = fixture(&name);
        let request = read_request(&doc(&text)).expect(&name);
        let (written, losses) = write(&request, &request.model);
        assert_eq!(losses, [], "{name}");
        assert_eq!(plain(written), plain(value(text.as_bytes())), "{name}");
    }
}

#[test]
fn numbers_schemas_and_arguments_keep_their_text() {
    for (name, text) in [
        ("request_plain.json", "0.70"),
        ("request_tools.json", r#""n": 1.50"#),
    ] {
        let request = read_request(&doc(&fixture(name))).expect(name);
        let names = Names::of(&request);
        let target = Target {
            model: "claude-sonnet-4-5",
            output_limit: None,
            reasons: true,
            names: &names,
        };
        let written = write_request(&request, &target).value;
        let written = String::from_utf8(written).expect("text");
        assert!(written.contains(text), "{written}");
    }
}

#[test]
fn the_conversation_is_read_in_its_order() {
    let request = read_request(&doc(&fixture("request_tools.json"))).expect("a request");
    let roles: Vec<Role> = request
        .messages
        .iter()
        .map(|message| message.role)
        .collect();
    use Role::{Assistant, System, Tool, User};
    assert_eq!(roles, [System, User, Assistant, Tool, User]);
    let Some(Block::ToolResult(result)) = request.messages[3].content.get(1) else {
        panic!("a result");
    };
    assert_eq!(result.name.as_deref(), Some("get_weather"));
    assert_eq!(result.is_error, Some(true));
    assert_eq!(request.tool_choice, Some(ToolChoice::Any));
    assert_eq!(request.parallel_tools, Some(false));
}

#[test]
fn thinking_is_read_into_effort_and_budget() {
    let read = |thinking: Value, config: Value| {
        let value =
            j!({"model": "m", "messages": [], "thinking": thinking, "output_config": config});
        request(&value).reasoning
    };
    let budget = read(j!({"type": "enabled", "budget_tokens": 2048}), j!({}));
    assert_eq!(budget.expect("reasoning").budget, Some(2048));
    let word = read(
        j!({"type": "adaptive", "display": "omitted"}),
        j!({"effort": "max"}),
    );
    let word = word.expect("reasoning");
    assert!(word.adaptive);
    assert_eq!(
        (word.effort, word.summary.as_deref()),
        (Some(Effort::Max), Some("none"))
    );
    for kind in ["disabled", "between_tools"] {
        let off = read(j!({"type": kind}), j!({"effort": "low"}));
        assert_eq!(off.expect("reasoning").effort, Some(Effort::None));
    }
    let effort = read(Value::Null, j!({"effort": "low"}));
    assert_eq!(effort.expect("reasoning").effort, Some(Effort::Low));
    assert_eq!(read(Value::Null, Value::Null), None);
}

#[test]
fn a_schema_is_read_under_both_its_names() {
    let format = j!({"type": "json_schema", "schema": {"type": "object"}});
    for value in [
        j!({"model": "m", "messages": [], "output_format": format}),
        j!({"model": "m", "messages": [], "output_config": {"format": format}}),
    ] {
        let Some(Format::Schema { schema, .. }) = request(&value).format else {
            panic!("a schema");
        };
        assert_eq!(schema.as_str(), r#"{"type":"object"}"#);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let message =
        |content: Value| j!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let cases = [
        (j!([]), Reason::BadJson, None),
        (j!({"messages": []}), Reason::MissingField, Some("model")),
        (j!({"model": "m"}), Reason::MissingField, Some("messages")),
        (
            j!({"model": "m", "messages": {}}),
            Reason::BadField,
            Some("messages"),
        ),
        (
            j!({"model": "m", "messages": [1]}),
            Reason::BadField,
            Some("messages[0]"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}),
            Reason::BadField,
            Some("messages[0].role"),
        ),
        (
            j!({"model": "m", "messages": [{"role": "user"}]}),
            Reason::MissingField,
            Some("messages[0].content"),
        ),
        (
            message(j!(1)),
            Reason::BadField,
            Some("messages[0].content"),
        ),
        (
            message(j!([{"text": "x"}])),
            Reason::MissingField,
            Some("messages[0].content[0].type"),
        ),
        (
            message(j!([{"type": "tool_use", "id": "a", "name": "b", "input": "{}"}])),
            Reason::BadField,
            Some("messages[0].content[0].input"),
        ),
        (
            message(
                j!([{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]}]),
            ),
            Reason::MissingField,
            Some("messages[0].content[0].content[0].text"),
        ),
        (
            message(j!([{"type": "image", "source": {"type": "base64"}}])),
            Reason::MissingField,
            Some("messages[0].content[0].source.data"),
        ),
        (
            j!({"model": "m", "messages": [], "max_tokens": "9"}),
            Reason::BadField,
            Some("max_tokens"),
        ),
        (
            j!({"model": "m", "messages": [], "thinking": {"type": "enabled"}}),
            Reason::MissingField,
            Some("thinking.budget_tokens"),
        ),
        (
            j!({"model": "m", "messages": [], "tool_choice": {"type": "tool"}}),
            Reason::MissingField,
            Some("tool_choice.name"),
        ),
        (
            j!({"model": "m", "messages": [], "tools": [{"name": "a"}]}),
            Reason::MissingField,
            Some("tools[0].input_schema"),
        ),
        (
            j!({"model": "m", "messages": [], "stop_sequences": [1]}),
            Reason::BadField,
            Some("stop_sequences[0]"),
        ),
    ];
    for (value, reason, param) in cases {
        let refusal = read_request(&doc(&value.to_string())).expect_err(&value.to_string());
        assert_eq!(
            (refusal.reason, refusal.param.as_deref()),
            (reason, param),
            "{value}"
        );
    }
}

fn asks(text: &str) -> Request {
    Request {
        model: "asked".to_owned(),
        messages: vec![Message::new(Role::User, vec![Block::text(text)])],
        ..Request::default()
    }
}

fn thinks(effort: Option<Effort>, budget: Option<u64>) -> Option<Reasoning> {
    Some(Reasoning {
        effort,
        budget,
        ..Reasoning::default()
    })
}

fn tool(name: &str, schema: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function {
            schema: json(schema),
        },
        strict: None,
        cache: None,
        rest: Vec::new(),
    }
}

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
    for (most, budget) in [(20_000, 10_000), (10_000, 5000), (2000, 1024), (1025, 1024)] {
        request.max_tokens = Some(most);
        let (written, losses) = write(&request, "claude-sonnet-4-5");
        assert_eq!(losses, []);
        assert_eq!(written["max_tokens"], most);
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
    request.reasoning = None;
    let (written, _) = write(&request, "claude-opus-5");
    assert_eq!(written["thinking"], j!({"type": "disabled"}));
}

#[test]
fn choices_among_tools_are_kept() {
    let mut request = asks("Hi");
    request.tools = vec![tool("a", "{}"), tool("b", "{}")];
    request.parallel_tools = Some(false);
    let (written, _) = write(&request, "claude-sonnet-4-5");
    let single = j!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(written["tool_choice"], single);
    request.parallel_tools = None;
    request.tool_choice = Some(ToolChoice::Allowed {
        names: vec!["b".to_owned()],
        must: true,
    });
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["tool_choice"], j!({"type": "any"}));
    assert_eq!(written["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(losses, []);
    request.tools.clear();
    let (written, _) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written.get("tool_choice"), None);
}

#[test]
fn a_tool_of_free_text_takes_it_as_its_one_member() {
    let mut request = asks("Hi");
    request.tools = vec![Tool {
        kind: ToolKind::Custom {
            format: json(r#"{"type":"grammar","syntax":"lark","definition":"start: /a+/"}"#),
        },
        ..tool("apply_patch", "{}")
    }];
    let call = ToolCall {
        id: "call 1".to_owned(),
        name: "apply_patch".to_owned(),
        arguments: "*** Begin \"Patch\"".to_owned(),
        custom: true,
        signature: None,
        cache: None,
    };
    request
        .messages
        .push(Message::new(Role::Assistant, vec![Block::ToolCall(call)]));
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(
        written["tools"][0]["input_schema"]["required"],
        j!(["input"])
    );
    let call = &written["messages"][1]["content"][0];
    assert_eq!(call["input"], j!({"input": "*** Begin \"Patch\""}));
    assert_eq!(
        written["messages"][2]["content"][0]["tool_use_id"],
        call["id"]
    );
    assert_eq!(
        fields(&losses),
        ["tools[0].format", "messages[1].content[0]"]
    );
}

#[test]
fn arguments_are_always_an_object() {
    for (arguments, input) in [
        ("", j!({})),
        ("null", j!({})),
        (r#" {"a":1} "#, j!({"a": 1})),
        ("[1]", j!({"arguments": "[1]"})),
        (r#"{"a":"#, j!({"arguments": "{\"a\":"})),
    ] {
        let mut request = asks("Hi");
        let call = ToolCall {
            id: "c".to_owned(),
            name: "t".to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            signature: None,
            cache: None,
        };
        request
            .messages
            .push(Message::new(Role::Assistant, vec![Block::ToolCall(call)]));
        let (written, _) = write(&request, "claude-sonnet-4-5");
        assert_eq!(written["messages"][1]["content"][0]["input"], input);
        assert_eq!(written["tool_choice"], j!({"type": "none"}));
        assert_eq!(written["tools"][0]["name"], "t");
    }
}

#[test]
fn json_is_asked_for_in_the_way_that_the_model_knows() {
    let schema = |schema: &str| {
        Some(Format::Schema {
            name: Some("book".to_owned()),
            description: None,
            schema: Json::trusted(schema),
            strict: Some(true),
        })
    };
    let closed = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
    let mut request = asks("Hi");
    request.format = schema(closed);
    let (written, losses) = write(&request, "claude-opus-4-6");
    assert_eq!(
        written["output_config"]["format"]["schema"],
        value(closed.as_bytes())
    );
    assert_eq!(losses, []);
    let (written, losses) = write(&request, "claude-3-7-sonnet-20250219");
    assert_eq!(
        written["tools"][0]["input_schema"],
        value(closed.as_bytes())
    );
    assert_eq!(written["tool_choice"]["type"], "tool");
    assert_eq!(losses, []);
    request.reasoning = thinks(Some(Effort::Low), None);
    let (written, losses) = write(&request, "claude-3-7-sonnet-20250219");
    assert!(
        written["system"][0]["text"]
            .as_str()
            .expect("text")
            .contains(closed)
    );
    assert_eq!(fields(&losses), ["response_format"]);
    request.reasoning = None;
    request.format = Some(Format::Json);
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["tool_choice"]["type"], "tool");
    assert_eq!(losses, []);
    request.tools = vec![tool("look", "{}")];
    let (written, _) = write(&request, "claude-sonnet-4-5");
    assert_eq!(written["tool_choice"]["type"], "any");
    assert_eq!(written["tools"].as_array().map(Vec::len), Some(2));
    let (written, losses) = write(&request, "claude-opus-5-5");
    assert_eq!(written.get("tool_choice"), None);
    assert_eq!(losses[0].weight, Weight::Hint);
}

#[test]
fn what_anthropic_has_nothing_for_is_told() {
    let mut request = asks("Hi");
    request.seed = json("7");
    request.presence_penalty = json("0.5");
    request.frequency_penalty = json("0");
    request.n = Some(2);
    request.logprobs = Some(true);
    request.top_logprobs = Some(3);
    request.verbosity = Some("low".to_owned());
    request.metadata = json("{}");
    request.service_tier = Some("flex".to_owned());
    request.stop = vec!["\n".to_owned(), "END".to_owned()];
    request.user = Some("ann".to_owned());
    let member = |name: &str| Unknown::new(Dialect::OpenAi, name, Json::trusted("{}"));
    request.rest = vec![member("logit_bias"), member("store")];
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    let meaning = losses.iter().filter(|loss| loss.weight == Weight::Meaning);
    let meaning: Vec<&str> = meaning.map(|loss| loss.field.as_str()).collect();
    let expected = [
        "presence_penalty",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "stop",
    ];
    assert_eq!(meaning, expected);
    assert_eq!(losses.len(), expected.len() + 4);
    assert_eq!(written["stop_sequences"], j!(["END"]));
    assert_eq!(written["metadata"], j!({"user_id": "ann"}));
}

#[test]
fn media_that_claude_does_not_see_are_told() {
    let media = |kind, source, mime: Option<&str>| {
        Block::Media(Media {
            kind,
            source,
            mime: mime.map(str::to_owned),
            name: None,
            context: None,
            detail: None,
            citations: false,
            cache: None,
        })
    };
    use MediaKind::{Audio, Document, Image, Video};
    let bytes = |text: &str| Source::Base64(text.to_owned());
    let taken = [
        media(Image, bytes("/9j/4AAQ"), None),
        media(
            Image,
            bytes("iVBORw0KGgo"),
            Some("application/octet-stream"),
        ),
        media(Document, bytes("JVBERi0x"), None),
        media(
            Document,
            bytes("Z3LDvG4="),
            Some("text/markdown; charset=utf-8"),
        ),
        media(Document, Source::Text("x".to_owned()), None),
    ];
    let refused = [
        media(Image, bytes("Qk0="), Some("image/bmp")),
        media(Image, Source::Url("gs://bucket/a".to_owned()), None),
        media(Image, Source::File("file-abc".to_owned()), None),
        media(Document, bytes("UEsDBA=="), Some("application/msword")),
        media(Audio, bytes("AAAA"), Some("audio/wav")),
        media(Video, bytes("AAAA"), Some("video/mp4")),
    ];
    let count = taken.len();
    let mut request = asks("Look");
    request.messages[0].content.extend(taken);
    request.messages[0].content.extend(refused);
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    let blocks = written["messages"][0]["content"]
        .as_array()
        .expect("blocks");
    assert_eq!(blocks.len(), count + 1);
    assert_eq!(blocks[1]["source"]["media_type"], "image/jpeg");
    assert_eq!(blocks[4]["source"]["data"], "grün");
    assert_eq!(losses.len(), 6);
    assert!(losses.iter().all(|loss| loss.weight == Weight::Meaning));
    assert_eq!(losses[0].field, "messages[0].content[6]");
}
