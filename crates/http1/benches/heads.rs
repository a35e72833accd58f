//! What heads cost: `cargo bench -p portcullis-http1`.
fn main() {}
