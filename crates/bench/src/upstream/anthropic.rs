//! What the upstream says to who asks for Messages: as much as in `OpenAI`'s
//! shape.

use super::answers::{Words, no_moment};

/// The words.
pub(super) fn words() -> Words {
    let text = format!(
        "[{{\"type\":\"text\",\"text\":\"{}\"}}]",
        "word ".repeat(100)
    );
    let begun = event(
        "message_start",
        &format!("\"message\":{}", message("[]", "null", 1)),
    );
    let opened = event(
        "content_block_start",
        "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}",
    );
    let content = format!(
        "\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"at {} some words\"}}",
        no_moment()
    );
    let end = [
        event("content_block_stop", "\"index\":0"),
        event(
            "message_delta",
            "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\
             \"usage\":{\"output_tokens\":100}",
        ),
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".to_owned(),
    ];
    Words {
        plain: message(&text, "\"end_turn\"", 100),
        start: begun + &opened,
        chunk: event("content_block_delta", &content),
        end: end.concat(),
    }
}

fn message(content: &str, reason: &str, output: u32) -> String {
    format!(
        "{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\
         \"content\":{content},\"stop_reason\":{reason},\"stop_sequence\":null,\
         \"usage\":{{\"input_tokens\":400,\"output_tokens\":{output}}}}}"
    )
}

fn event(name: &str, members: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\",{members}}}\n\n")
}
