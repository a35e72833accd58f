//! Wire formats and their framing; pure.
//!
//! No IO, no clock: bytes in, views and edits out. What no edit touches stays
//! the same byte.

pub mod json;
pub mod openai;
mod operation;
pub mod sse;

pub use operation::Operation;
