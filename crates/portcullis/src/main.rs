//! Portcullis: a self-hosted LLM gateway.
fn main() {}
