//! `OpenAI`'s dialect: requests, answers, streams, errors.

mod alike;
mod answer;
pub mod canon;
mod delta;
mod error;
mod estimate;
mod fold;
pub mod quirks;
mod replay;
mod request;
pub(crate) mod rooms;
mod rules;
mod stream;
mod usage;
mod weight;

pub use crate::texts::{Place, Text, decode};
pub use answer::{AnswerView, answer_texts, read_answer};
pub use delta::{Delta, Field};
pub use error::{error_body, error_event, model_body, models_body};
pub use estimate::{
    Estimate, estimate_media, estimate_prompt, estimate_tokens, prompt_texts, ready_tokens,
};
pub use replay::{IncludeUsage, to_plain, to_stream};
pub use request::{View, ask_usage, set_model, view};
pub(crate) use rules::chat_rules;
pub use rules::system_rules;
pub use stream::{Facts, FrameClass, Pass, Tap};
pub use usage::read_usage;
