//! Prices, usage and limits.
