//! What an auditor is handed: records, bundles, notes and proofs of anybody. Whatever
//! they are, reading them ends; and a record that is read is written as it was said.

#![no_main]

use audit::{Checkpoint, Note, Proof, Retention, VerifierKey, bundle, entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(mut read) = entry::decode(input) {
        let bytes = entry::encode(&mut read);
        let again = entry::decode(&bytes).expect("what was written is read");
        assert_eq!(again, read);
    }
    let read: usize = bundle::entries(input).flatten().map(|it| it.len() + 2).sum();
    assert!(read <= input.len());
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse::<VerifierKey>().ok(), Some(key.clone()));
        assert!(Retention::verified(text, &key).is_err());
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(Checkpoint::parse(&checkpoint.text()).ok(), Some(checkpoint));
    }
    if let Ok(note) = Note::parse(text) {
        let _ = Checkpoint::parse(note.unverified_text());
    }
    if let Ok(proof) = Proof::parse(text) {
        assert_eq!(Proof::parse(&proof.render()).ok(), Some(proof));
    }
});
