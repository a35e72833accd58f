//! Whole answers.

mod echo;
mod items;
mod read;
mod write;

pub(super) use echo::{Echo, is_background};
pub(super) use items::{
    Call, Part, annotations, call_item, message_item, reasoning_item, thoughts, tokens, write_part,
};
pub(super) use read::{Seen, created, joined, others, stop_of, tokens_of};
pub use read::{read_answer, read_failure};
pub(super) use write::{Body, End, Wish, end_of, is_member, shown, write_body};
pub use write::{write_answer, write_queued};
