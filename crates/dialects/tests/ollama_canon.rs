//! Ollama's chat, from and into the canonical form.

#[path = "grammar/mod.rs"]
mod grammar;
mod known;

#[path = "ollama_canon/embedding.rs"]
mod embedding;
#[path = "ollama_canon/read.rs"]
mod read;
#[path = "ollama_canon/rules.rs"]
mod rules;
#[path = "ollama_canon/stream.rs"]
mod stream;
#[path = "ollama_canon/write.rs"]
mod write;

use bytes::Bytes;
use dialects::json::Document;
use serde_json::Value;

fn document(text: impl Into<Bytes>) -> Document {
    Document::parse(text.into(), 128).expect("valid JSON")
}

fn json(text: &[u8]) -> Value {
    let shown = || String::from_utf8_lossy(text);
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {}", shown()))
}

/// The files of a folder of fixtures, by their names without what follows the
/// dot.
fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let path = format!(
        "{}/fixtures/ollama/canon/{folder}",
        env!("CARGO_MANIFEST_DIR")
    );
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let read = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        (name.into_owned(), std::fs::read(&path).expect("readable"))
    });
    let mut all: Vec<_> = read.collect();
    all.sort();
    assert!(!all.is_empty(), "{path}");
    all
}

fn fixture(folder: &str, name: &str) -> Vec<u8> {
    let all = fixtures(folder);
    let found = all.into_iter().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {folder}/{name}")).1
}
