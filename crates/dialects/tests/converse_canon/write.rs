//! Blocks of a conversation are written.

use super::support::{CLAUDE, LLAMA, NOVA, asks, call, fields, result, talk, tool, write};
use Role::{Assistant, System, Tool as Tools, User};
use domain::canon::{
    Block, CacheMark, Json, Loss, Media, MediaKind, Request, Role, Source, ToolCall, ToolKind,
};
use serde_json::{Value, json as j};

fn media(kind: MediaKind, source: Source, mime: &str) -> Media {
    Media {
        kind,
        source,
        mime: (!mime.is_empty()).then(|| mime.to_owned()),
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    }
}

fn sent(media: Media) -> (Value, Vec<Loss>) {
    let request = talk(vec![(User, vec![Block::text("see"), Block::Media(media)])]);
    let (written, losses) = write(&request, CLAUDE);
    (written["messages"][0]["content"][1].clone(), losses)
}

#[test]
fn media_are_named_by_their_formats() {
    let bytes = || Source::Base64("iVBORw0KGgo=".to_owned());
    let source = j!({"bytes": "iVBORw0KGgo="});
    let all = [
        (MediaKind::Image, "image/jpg", "image", "jpeg"),
        // The first bytes tell what nobody says.
        (MediaKind::Image, "", "image", "png"),
        (MediaKind::Video, "video/3gpp", "video", "three_gp"),
        (MediaKind::Audio, "audio/mpeg; q=1", "audio", "mp3"),
    ];
    for (kind, mime, name, format) in all {
        let (block, losses) = sent(media(kind, bytes(), mime));
        assert_eq!(block[name], j!({"format": format, "source": source}));
        assert_eq!(losses, []);
    }
    let s3 = Source::Url("s3://bucket/film.mp4".to_owned());
    let (block, _) = sent(media(MediaKind::Video, s3, "video/mp4"));
    let place = j!({"s3Location": {"uri": "s3://bucket/film.mp4"}});
    assert_eq!(block["video"]["source"], place);
}

#[test]
fn what_bedrock_cannot_have_is_a_loss() {
    let all = [
        media(
            MediaKind::Image,
            Source::Url("https://a.b/c.png".to_owned()),
            "",
        ),
        media(MediaKind::Image, Source::File("file-1".to_owned()), ""),
        media(
            MediaKind::Image,
            Source::Base64("iVBO".to_owned()),
            "image/tiff",
        ),
        media(
            MediaKind::Image,
            Source::Base64("no base64".to_owned()),
            "image/png",
        ),
        media(MediaKind::Document, Source::Text(" ".to_owned()), ""),
    ];
    for media in all {
        let (block, losses) = sent(media);
        assert_eq!(block, Value::Null);
        assert_eq!(fields(&losses), ["messages[0].content[1]"]);
    }
}

#[test]
fn documents_have_names_of_their_own_and_words_beside_them() {
    let text = |name: &str| {
        Block::Media(Media {
            name: Some(name.to_owned()),
            context: Some("context".to_owned()),
            citations: true,
            ..media(MediaKind::Document, Source::Text("words".to_owned()), "")
        })
    };
    let request = talk(vec![(User, vec![text("notes.txt"), text("notes.md")])]);
    let (written, losses) = write(&request, CLAUDE);
    let content = &written["messages"][0]["content"];
    let first = j!({
        "name": "notes",
        "format": "txt",
        "source": {"bytes": "d29yZHM="},
        "context": "context",
        "citations": {"enabled": true},
    });
    assert_eq!(content[0]["document"], first);
    assert_eq!(content[1]["document"]["name"], "notes (2)");
    assert_eq!(content[2]["text"], "(See the document.)");
    assert_eq!(losses, []);
    let (_, losses) = write(&request, NOVA);
    assert_eq!(losses.len(), 2);
}

fn marked(text: &str, ttl: Option<&str>) -> Block {
    Block::Text {
        text: text.to_owned(),
        citations: Vec::new(),
        signature: None,
        cache: Some(CacheMark {
            ttl: ttl.map(str::to_owned),
        }),
    }
}

#[test]
fn cache_marks_are_points_behind_their_blocks() {
    let mut request = talk(vec![
        (System, vec![marked("rules", Some("1h"))]),
        (User, vec![marked("one", None), Block::text("two")]),
    ]);
    request.tools = vec![domain::canon::Tool {
        cache: Some(CacheMark::default()),
        ..tool("f")
    }];
    let (written, losses) = write(&request, CLAUDE);
    let hour = j!([{"text": "rules"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]);
    assert_eq!(written["system"], hour);
    let usual = j!([{"text": "one"}, {"cachePoint": {"type": "default"}}, {"text": "two"}]);
    assert_eq!(written["messages"][0]["content"], usual);
    let point = &written["toolConfig"]["tools"][1];
    assert_eq!(point, &j!({"cachePoint": {"type": "default"}}));
    assert_eq!(losses, []);
    // Nova knows no hour and no tools in the cache, others nothing of it.
    let (written, losses) = write(&request, NOVA);
    assert_eq!(
        written["system"][1],
        j!({"cachePoint": {"type": "default"}})
    );
    assert_eq!(fields(&losses), ["tools[0].cache_control"]);
    let (_, losses) = write(&request, LLAMA);
    assert_eq!(losses.len(), 3);
}

#[test]
fn arguments_are_objects_whatever_the_model_wrote() {
    let input = |arguments: &str, custom: bool| {
        let call = Block::ToolCall(ToolCall {
            id: "a".to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
            custom,
            signature: None,
            cache: None,
        });
        let request = talk(vec![
            (User, vec![Block::text("one")]),
            (Assistant, vec![call]),
            (Tools, vec![result("a", "A")]),
        ]);
        let (written, _) = write(&request, CLAUDE);
        written["messages"][1]["content"][0]["toolUse"]["input"].clone()
    };
    assert_eq!(input("", false), j!({}));
    assert_eq!(input("null", false), j!({}));
    assert_eq!(input(r#"{"a":[1]}"#, false), j!({"a": [1]}));
    assert_eq!(input("{\"cut", false), j!({"arguments": "{\"cut"}));
    assert_eq!(input("*** Patch", true), j!({"input": "*** Patch"}));
}

#[test]
fn results_say_that_they_failed_and_show_pictures() {
    let failed = |model: &str| {
        let Block::ToolResult(mut said) = result("a", "") else {
            panic!("a result");
        };
        said.is_error = Some(true);
        let png = Source::Base64("iVBORw0KGgo=".to_owned());
        said.content.push(Block::Media(Media {
            cache: Some(CacheMark::default()),
            ..media(MediaKind::Image, png, "image/png")
        }));
        let request = talk(vec![
            (User, vec![Block::text("one")]),
            (Assistant, vec![call("a")]),
            (Tools, vec![Block::ToolResult(said)]),
        ]);
        let (written, _) = write(&request, model);
        written["messages"][2]["content"].clone()
    };
    let of_claude = failed(CLAUDE);
    assert_eq!(of_claude[0]["toolResult"]["status"], "error");
    let shown = &of_claude[0]["toolResult"]["content"][0]["image"]["format"];
    assert_eq!(shown, "png");
    // The point stands behind the result, not within.
    assert_eq!(of_claude[1], j!({"cachePoint": {"type": "default"}}));
    let of_llama = failed(LLAMA);
    let said = &of_llama[0]["toolResult"]["content"][0]["text"];
    assert_eq!(said, "The tool failed.");
    assert_eq!(of_llama.as_array().map(Vec::len), Some(1));
}

#[test]
fn an_empty_result_says_so() {
    let request = talk(vec![
        (User, vec![Block::text("one")]),
        (Assistant, vec![call("a")]),
        (Tools, vec![result("a", " ")]),
    ]);
    let (written, _) = write(&request, NOVA);
    let content = &written["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(content, &j!([{"text": "(no output)"}]));
}

#[test]
fn tools_are_specifications_of_objects() {
    let request = Request {
        tools: vec![
            domain::canon::Tool {
                description: Some("Does it.".to_owned()),
                strict: Some(true),
                ..tool("f")
            },
            domain::canon::Tool {
                kind: ToolKind::Custom {
                    format: Some(Json::trusted(r#"{"type":"grammar","definition":"x"}"#)),
                },
                ..tool("patch")
            },
            domain::canon::Tool {
                kind: ToolKind::Function { schema: None },
                ..tool("none")
            },
        ],
        ..asks("hi")
    };
    let (written, losses) = write(&request, CLAUDE);
    let tools = &written["toolConfig"]["tools"];
    let schema = j!({
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": false,
    });
    let first = j!({
        "name": "f",
        "description": "Does it.",
        "inputSchema": {"json": schema},
        "strict": true,
    });
    assert_eq!(tools[0]["toolSpec"], first);
    let told = tools[1]["toolSpec"]["description"].as_str();
    assert!(told.is_some_and(|told| told.contains("grammar")));
    let nothing = j!({"type": "object", "properties": {}});
    assert_eq!(tools[2]["toolSpec"]["inputSchema"]["json"], nothing);
    assert_eq!(fields(&losses), ["tools[1].format"]);
    let (written, losses) = write(&request, LLAMA);
    assert_eq!(
        written["toolConfig"]["tools"][0]["toolSpec"].get("strict"),
        None
    );
    assert_eq!(fields(&losses), ["tools[0].strict", "tools[1].format"]);
}
