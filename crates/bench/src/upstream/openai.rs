//! What the upstream says to who asks for chat completions.

use super::answers::{Words, no_moment};

/// The words.
pub(super) fn words() -> Words {
    let usage = "\"usage\":{\"prompt_tokens\":400,\"completion_tokens\":100,\"total_tokens\":500}";
    let plain = format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\
         \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{}\"}},\
         \"finish_reason\":\"stop\"}}],{usage}}}",
        "word ".repeat(100)
    );
    let content = format!("{{\"content\":\"at {} some words\"}}", no_moment());
    let finish = event(&choice("{}", "\"stop\""), "");
    let last = event("", &format!(",{usage}"));
    Words {
        plain,
        start: String::new(),
        chunk: event(&choice(&content, "null"), ""),
        end: format!("{finish}{last}data: [DONE]\n\n"),
    }
}

fn choice(delta: &str, reason: &str) -> String {
    format!("{{\"index\":0,\"delta\":{delta},\"finish_reason\":{reason}}}")
}

fn event(choices: &str, more: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
         \"model\":\"m\",\"choices\":[{choices}]{more}}}\n\n"
    )
}
