//! AWS Bedrock's dialect: Converse and `ConverseStream`.

pub mod canon;
