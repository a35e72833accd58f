//! Streamed answers.

mod broken;
mod lane;
mod line;
mod open;
mod order;
mod read;
mod thought;
mod write;

pub use broken::{write_broken, write_failed};
pub(super) use line::Line;
pub use read::StreamReader;
pub use write::StreamWriter;
