//! Logs and metrics, a folder an exporter.
//!
//! | room | what it holds |
//! |---|---|
//! | [`log`] | the process' log on stderr, JSON or human |
//! | [`prometheus`] | what `/metrics` answers |

pub mod log;
pub mod prometheus;

pub use log::{Format, LogError};
pub use prometheus::Exposition;
