//! `OpenAI`'s Responses.

pub mod canon;
pub mod kept;
