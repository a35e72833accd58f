//! `OpenAI`'s chat completions through the canonical form.

#[path = "openai_canon/answer.rs"]
mod answer;
#[path = "openai_canon/completion.rs"]
mod completion;
mod grammar;
mod known;
#[path = "openai_canon/old_calls.rs"]
mod old_calls;
#[path = "openai_canon/random.rs"]
mod random;
#[path = "openai_canon/request.rs"]
mod request;
#[path = "openai_canon/rules.rs"]
mod rules;
#[path = "openai_canon/stream.rs"]
mod stream;
#[path = "openai_canon/support.rs"]
mod support;
#[path = "openai_canon/written.rs"]
mod written;
