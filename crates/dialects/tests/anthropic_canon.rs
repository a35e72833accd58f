//! Anthropic's Messages through the canonical form.

#[path = "anthropic_canon/answer.rs"]
mod answer;
#[path = "anthropic_canon/conversation.rs"]
mod conversation;
#[path = "anthropic_canon/emulated.rs"]
mod emulated;
#[path = "anthropic_canon/fault.rs"]
mod fault;
#[path = "anthropic_canon/foreign.rs"]
mod foreign;
mod known;
#[path = "anthropic_canon/random.rs"]
mod random;
#[path = "anthropic_canon/read.rs"]
mod read;
#[path = "anthropic_canon/rules.rs"]
mod rules;
#[path = "anthropic_canon/stream.rs"]
mod stream;
#[path = "anthropic_canon/support.rs"]
mod support;
#[path = "anthropic_canon/thinking.rs"]
mod thinking;
#[path = "anthropic_canon/write.rs"]
mod write;
