//! Conversations of any shape, written for this dialect.

use domain::canon::{Block, Dialect, Format, Json, MediaKind, Message, Role, Source, Unknown};
use proptest::prelude::*;
use serde_json::Value;

use crate::foreign::{call, checked, medium, of, result, thinking, tool, user};
use crate::support::{read, write};

fn any_block() -> impl Strategy<Value = Block> {
    let id = prop::sample::select(vec![
        "1",
        "2",
        "call_3",
        "",
        "a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id",
    ]);
    let words = prop::sample::select(vec!["", "hello", "json", "\u{1F44B} ünï\n"]);
    let family = prop::sample::select(vec![
        None,
        Some(Dialect::Responses),
        Some(Dialect::Anthropic),
        Some(Dialect::Gemini),
    ]);
    let kind = prop::sample::select(vec![
        MediaKind::Image,
        MediaKind::Audio,
        MediaKind::Video,
        MediaKind::Document,
    ]);
    let source = prop::sample::select(vec![
        Source::Base64("AAAA".to_owned()),
        Source::Url("https://a".to_owned()),
        Source::File("f".to_owned()),
        Source::Text("t".to_owned()),
    ]);
    prop_oneof![
        3 => words.clone().prop_map(Block::text),
        3 => id.clone().prop_map(|id| call(id, "f.g")),
        3 => (id, words.clone()).prop_map(|(id, text)| result(id, vec![Block::text(text)])),
        2 => (family, any::<bool>()).prop_map(|(family, has_id)| thinking(family, has_id.then_some("rs_1"))),
        1 => words.prop_map(|text| Block::Refusal(text.to_owned())),
        1 => (kind, source).prop_map(|(kind, source)| Block::Media(medium(kind, source))),
        1 => Just(Block::Unknown(Unknown::new(Dialect::Anthropic, "container_upload", Json::trusted("{}")))),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let role = prop::sample::select(vec![
        Role::System,
        Role::Developer,
        Role::User,
        Role::Assistant,
        Role::Tool,
    ]);
    let content = proptest::collection::vec(any_block(), 0..4);
    (role, content).prop_map(|(role, content)| Message::new(role, content))
}

/// A content of one plain text, as that text.
fn plainer(mut body: Value) -> Value {
    for item in body["input"].as_array_mut().into_iter().flatten() {
        for key in ["content", "output"] {
            let Some([part]) = item[key].as_array().map(Vec::as_slice) else {
                continue;
            };
            if part["type"] == "input_text" {
                item[key] = part["text"].clone();
            }
        }
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn whatever_the_conversation_is_the_provider_takes_it(
        messages in proptest::collection::vec(any_message(), 0..7),
        is_json in any::<bool>(),
    ) {
        let mut request = of(messages);
        let operator = Message::new(Role::System, vec![Block::text("Be kind.")]);
        request.messages.insert(0, operator);
        request.messages.push(user("go on"));
        request.format = is_json.then_some(Format::Json);
        request.tools = vec![tool("f.g")];
        let (body, _) = checked(&request);
        // What was mended once is as it should be.
        let (again, losses) = write(&read(&body));
        prop_assert_eq!(losses, []);
        prop_assert_eq!(plainer(again), plainer(body));
    }
}
