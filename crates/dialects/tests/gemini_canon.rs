//! Gemini's dialect through the canonical form.

#[path = "gemini_canon/answer.rs"]
mod answer;
#[path = "gemini_canon/embedding.rs"]
mod embedding;
#[path = "gemini_canon/fault.rs"]
mod fault;
mod known;
#[path = "gemini_canon/random.rs"]
mod random;
#[path = "gemini_canon/rules.rs"]
mod rules;
#[path = "gemini_canon/settings.rs"]
mod settings;
#[path = "gemini_canon/stream.rs"]
mod stream;
#[path = "gemini_canon/streaming.rs"]
mod streaming;
#[path = "gemini_canon/support.rs"]
mod support;
#[path = "gemini_canon/talk.rs"]
mod talk;
#[path = "gemini_canon/turns.rs"]
mod turns;
