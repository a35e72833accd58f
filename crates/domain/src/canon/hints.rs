//! Members that a dialect knows and others do not, and without which the
//! answer is the same: they help a provider to keep, route, cache or bill.

use super::{Dialect, Unknown};

const HINTS: &[&str] = &[
    "background",
    "betas",
    "cache_control",
    "client_metadata",
    "context_management",
    "generationConfig.mediaResolution",
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
    "toolConfig.functionCallingConfig",
    "toolConfig.includeServerSideToolInvocations",
    "toolConfig.retrievalConfig",
    "truncation",
];

/// Members that are the same in other words, kept for the way back: what they
/// say stands in the form, too.
const TOLD: &[&str] = &["generationConfig.responseSchema"];

impl Unknown {
    /// Whether the form says the same: nothing is lost without it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        TOLD.contains(&self.name.as_str())
            || self.is_text_only()
            || self.is_empty()
            || self.is_kept_by_nobody()
    }

    /// Whether it says nothing: SDKs send empty places too, and Google's protocol
    /// buffers hold other values where nothing is said.
    fn is_empty(&self) -> bool {
        let said: String = self.raw.as_str().split_whitespace().collect();
        match &*said {
            "{}" | "[]" | "null" => true,
            "false" | "\"\"" | "0" => self.dialect == Dialect::Gemini,
            _ => false,
        }
    }

    /// Whether it says that nobody shall keep the answer, as nobody does who does not
    /// know the word.
    fn is_kept_by_nobody(&self) -> bool {
        self.name == "store" && self.raw.as_str() == "false"
    }

    /// Whether it says that the answer is text, as every answer is.
    fn is_text_only(&self) -> bool {
        let is_modalities = matches!(
            &*self.name,
            "modalities" | "generationConfig.responseModalities"
        );
        let word = self
            .raw
            .as_str()
            .trim_matches(|c: char| !c.is_ascii_alphabetic());
        is_modalities && word.eq_ignore_ascii_case("text")
    }

    /// Whether a request says the same without this member.
    #[must_use]
    pub fn is_hint(&self) -> bool {
        HINTS.contains(&self.name.as_str())
    }
}
