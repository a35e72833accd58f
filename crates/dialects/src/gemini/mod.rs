//! Google's dialect: `generateContent`.

pub mod canon;
