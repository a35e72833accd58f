//! Why an answer ends, in Google's words and in ours.

use domain::canon::Stop;

/// What Google's word means behind so many calls: they are an ordinary end
/// there.
pub(super) fn read(word: &str, calls: u32) -> Stop {
    match word {
        "STOP" if calls > 0 => Stop::ToolCalls,
        "STOP" => Stop::End,
        "MAX_TOKENS" => Stop::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::Filtered,
        // The client goes on with the token beside it.
        "CONTINUATION" => Stop::Paused,
        // LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL,
        // TOO_MANY_TOOL_CALLS, NO_IMAGE, IMAGE_OTHER, and what comes later.
        other => Stop::Other(other.to_owned()),
    }
}

/// Whether the word says that the model wanted to go on by a call, and there is none
/// that anybody could run: without it the answer is none, whatever was said before.
pub(super) fn is_broken(word: &str) -> bool {
    const BROKEN: &[&str] = &[
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    ];
    BROKEN.contains(&word)
}

/// Google's word for it.
pub(super) fn write(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::ToolCalls | Stop::Sequence(_) => "STOP",
        Stop::Length | Stop::ContextFull => "MAX_TOKENS",
        Stop::Filtered | Stop::Refused => "SAFETY",
        Stop::Other(word) if is_own(word) => word,
        Stop::Paused | Stop::Other(_) => "OTHER",
    }
}

/// Whether Google would write such a word: its SDKs read an enumeration.
fn is_own(word: &str) -> bool {
    const OWN: &[&str] = &[
        "FINISH_REASON_UNSPECIFIED",
        "LANGUAGE",
        "OTHER",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "NO_IMAGE",
        "IMAGE_OTHER",
    ];
    OWN.contains(&word)
}
