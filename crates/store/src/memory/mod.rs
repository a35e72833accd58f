//! In process: limits, answers kept for reuse, and reasoning kept for clients.

mod counters;
mod few;
mod hash;
mod reasoning;
mod shelf;
mod state;
mod window;

pub use counters::MemoryCounters;
pub use reasoning::MemoryReasoning;
pub use shelf::MemoryShelf;
pub use state::{Look, Reached};
