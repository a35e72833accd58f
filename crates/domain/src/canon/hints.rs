//! Members that a dialect knows and others do not, and without which the
//! answer is the same: they help a provider to keep, route, cache or bill.

use super::Unknown;

const HINTS: &[&str] = &[
    "background",
    "betas",
    "cache_control",
    "client_metadata",
    "context_management",
    // The same stands in the format of the answer, as JSON Schema.
    "generationConfig.responseSchema",
    "include",
    "inference_geo",
    "labels",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safetySettings",
    "safety_identifier",
    "safety_settings",
    "speed",
    "store",
    "stream_options",
    "truncation",
];

impl Unknown {
    /// Whether a request says the same without this member.
    #[must_use]
    pub fn is_hint(&self) -> bool {
        HINTS.contains(&self.name.as_str())
    }
}
