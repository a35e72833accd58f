//! What a thousand denied words cost: `cargo bench -p portcullis-guards`.
#![expect(clippy::print_stdout, reason = "a measurement talks to the terminal")]

use std::time::Instant;

use domain::guard::Direction;
use serde_json::json;

fn main() {
    let words: Vec<String> = (0..1000_u32)
        .map(|n| format!("wörd{}x", n * 7919 % 9973))
        .collect();
    let start = Instant::now();
    let guard = guards::build("deny", "bench", &json!({"literals": words})).expect("a guard");
    println!("1000 literals compiled in {:?}", start.elapsed());
    let text = "the words of wörd12 are ordinary, and nothing here is denied. ".repeat(1700);
    for _ in 0..3 {
        let start = Instant::now();
        assert!(guard.screen(Direction::Request, &[&text]).is_empty());
        println!("{} bytes screened in {:?}", text.len(), start.elapsed());
    }
    let mut stream = guard.stream().expect("reads answers");
    let start = Instant::now();
    for piece in text.split_inclusive(' ') {
        assert!(stream.push(piece).findings.is_empty());
    }
    println!(
        "{} bytes streamed by words in {:?}",
        text.len(),
        start.elapsed()
    );
    let hostile =
        guards::build("deny", "bench", &json!({"patterns": ["a.*secret"]})).expect("a guard");
    let mut stream = hostile.stream().expect("reads answers");
    let start = Instant::now();
    for n in 0..25_000 {
        stream.push(if n % 2000 == 1999 { "ab.\n" } else { "abab" });
    }
    println!("100 KB of endless lines streamed in {:?}", start.elapsed());
}
