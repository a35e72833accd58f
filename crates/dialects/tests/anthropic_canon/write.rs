//! Requests of other dialects, written.

use super::support::{asks, fields, json, request, thinks, tool, value, write};
use domain::canon::{
    Block, Dialect, Effort, Format, Json, Media, MediaKind, Message, Role, Source, Tool, ToolCall,
    ToolChoice, ToolKind, Unknown, Weight,
};
use serde_json::json as j;

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
fn a_choice_of_what_anthropic_does_not_run_is_told() {
    let foreign = Unknown::new(Dialect::Responses, "file_search", Json::trusted("{}"));
    let mut request = asks("Hi");
    request.tools = vec![
        tool("a", "{}"),
        Tool {
            kind: ToolKind::BuiltIn(foreign),
            ..tool("file_search", "{}")
        },
    ];
    request.tool_choice = Some(ToolChoice::Named("file_search".to_owned()));
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    assert_eq!(fields(&losses), ["tools[1]", "tool_choice"]);
    assert_eq!(written["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(written["tool_choice"], j!({"type": "auto"}));
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
    let member = |name: &str| Unknown::new(Dialect::OpenAi, name, Json::trusted("true"));
    request.rest = vec![member("logit_bias"), member("store")];
    let (written, losses) = write(&request, "claude-sonnet-4-5");
    let meaning = losses.iter().filter(|loss| loss.weight == Weight::Meaning);
    let meaning: Vec<&str> = meaning.map(|loss| loss.field.as_str()).collect();
    let expected = [
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "stop",
    ];
    assert_eq!(meaning, expected);
    assert_eq!(losses.len(), expected.len() + 5);
    assert_eq!(written["stop_sequences"], j!(["END"]));
    assert_eq!(written["metadata"], j!({"user_id": "ann"}));
}

#[test]
fn the_cache_ends_at_four_places_at_most() {
    let mark = j!({"type": "ephemeral"});
    let marked = |text: &str| j!({"type": "text", "text": text, "cache_control": mark});
    let texts = j!([marked("1"), marked("2"), marked("3"), marked("4")]);
    let value = j!({
        "model": "m",
        "system": [marked("0")],
        "messages": [{"role": "user", "content": texts}],
    });
    let (written, losses) = write(&request(&value), "claude-sonnet-4-5");
    assert_eq!(fields(&losses), ["cache_control"]);
    assert_eq!(written["system"][0].get("cache_control"), None);
    assert_eq!(written["messages"][0]["content"], texts);
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
