//! AWS Bedrock's dialect, Converse and `ConverseStream`; and what `InvokeModel`
//! wraps the makers' own dialects in.

pub mod canon;
pub(crate) mod invoke;
