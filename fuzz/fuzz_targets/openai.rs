//! A request that is taken can be read and edited, and stays valid; an answer
//! can be told as a stream and back.

#![no_main]

use bytes::Bytes;
use dialects::Operation::{Chat, Completion, Embedding};
use dialects::json::Document;
use dialects::openai::{
    IncludeUsage, answer_texts, ask_usage, decode, estimate_prompt, read_answer, set_model,
    to_plain, to_stream, view,
};
use domain::edit::Edits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(doc) = Document::parse(Bytes::copy_from_slice(body), 64) else {
        return;
    };
    for op in [Chat, Completion, Embedding] {
        let _ = read_answer(op, &doc);
        for text in &answer_texts(&doc) {
            let _ = decode(&doc, text);
        }
        if let Some(stream) = to_stream(op, doc.bytes(), IncludeUsage::Yes) {
            let _ = to_plain(op, &stream);
        }
        let Ok(view) = view(op, &doc) else { continue };
        let _ = estimate_prompt(&doc, &view);
        let mut edits = Edits::new();
        edits.add(set_model(&view, "other")).expect("within");
        if let Some(edit) = ask_usage(op, &doc, &view) {
            edits.add(edit).expect("disjoint");
        }
        let sent = edits.apply(doc.bytes()).concat();
        Document::parse(sent.into(), 64).expect("still valid");
    }
});
