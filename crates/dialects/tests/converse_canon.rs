//! Bedrock's Converse through the canonical form.

#[path = "converse_canon/answer.rs"]
mod answer;
#[path = "converse_canon/conversation.rs"]
mod conversation;
#[path = "converse_canon/fault.rs"]
mod fault;
#[path = "converse_canon/foreign.rs"]
mod foreign;
mod grammar;
mod known;
#[path = "converse_canon/makers.rs"]
mod makers;
#[path = "converse_canon/noise.rs"]
mod noise;
#[path = "converse_canon/rules.rs"]
mod rules;
#[path = "converse_canon/settings.rs"]
mod settings;
#[path = "converse_canon/stream.rs"]
mod stream;
#[path = "converse_canon/support.rs"]
mod support;
#[path = "support/eventstream.rs"]
mod wire;
#[path = "converse_canon/write.rs"]
mod write;
