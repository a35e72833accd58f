//! What a request costs, and how much of a limit it takes. Pure.
//!
//! | room | what it answers |
//! |---|---|
//! | [`cost()`], [`itemise`] | what an answer cost, in whole nano-dollars |
//! | [`reserve`] | how many tokens a request takes from its limits at admit |

mod cost;
mod reserve;

pub use cost::{Cost, PARTS, cost, itemise, most};
pub use reserve::reserve;
