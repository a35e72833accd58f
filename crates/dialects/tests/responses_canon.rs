//! Responses, from and into the canonical form.

#[path = "responses_canon/answer.rs"]
mod answer;
#[path = "responses_canon/background.rs"]
mod background;
#[path = "responses_canon/conversations.rs"]
mod conversations;
#[path = "responses_canon/emulated.rs"]
mod emulated;
#[path = "responses_canon/fault.rs"]
mod fault;
#[path = "responses_canon/foreign.rs"]
mod foreign;
#[path = "responses_canon/foreign_settings.rs"]
mod foreign_settings;
mod known;
#[path = "responses_canon/property.rs"]
mod property;
#[path = "responses_canon/request.rs"]
mod request;
#[path = "responses_canon/rules.rs"]
mod rules;
#[path = "responses_canon/stream.rs"]
mod stream;
#[path = "responses_canon/support.rs"]
mod support;
#[path = "responses_canon/writer.rs"]
mod writer;
