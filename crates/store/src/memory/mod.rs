//! In process: limits and answers kept for reuse.

mod counters;
mod few;
mod hash;
mod shelf;
mod state;
mod window;

pub use counters::MemoryCounters;
pub use shelf::MemoryShelf;
