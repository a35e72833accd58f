//! Streamed answers.

mod lane;
mod line;
mod open;
mod order;
mod read;
mod thought;
mod write;

pub(super) use line::Line;
pub use read::StreamReader;
pub use write::StreamWriter;
