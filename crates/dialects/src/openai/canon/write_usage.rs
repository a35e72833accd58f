//! What an answer used, as `OpenAI` counts: the parts lie within the whole.

use domain::usage::Usage;

use crate::json::Object;

/// Writes a `usage` object.
pub(super) fn write(object: &mut Object<'_>, usage: &Usage) {
    object.number("prompt_tokens", usage.prompt());
    object.number("completion_tokens", usage.completion());
    object.number("total_tokens", usage.total());
    object.object("prompt_tokens_details", |details| {
        details.number("cached_tokens", usage.cached_input);
        if usage.written() > 0 {
            details.number("cache_write_tokens", usage.written());
        }
        // OpenAI has no such member. It costs more, so whoever reads these
        // bytes next has to know.
        if usage.cache_write_1h > 0 {
            details.number("cache_write_1h_tokens", usage.cache_write_1h);
        }
        details.number("audio_tokens", usage.audio_input);
    });
    object.object("completion_tokens_details", |details| {
        details.number("reasoning_tokens", usage.reasoning);
        details.number("audio_tokens", usage.audio_output);
        details.number("accepted_prediction_tokens", 0);
        details.number("rejected_prediction_tokens", 0);
    });
}
