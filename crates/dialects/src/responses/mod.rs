//! `OpenAI`'s Responses.

pub mod canon;
