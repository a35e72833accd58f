//! The scanner takes what serde takes, but for what we refuse on purpose, and
//! its canonical form is a fixed point.

#![no_main]

use bytes::Bytes;
use dialects::json::{Document, ScanErrorKind, canonical};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|body: &[u8]| {
    let theirs =
        std::str::from_utf8(body).is_ok() && serde_json::from_slice::<Box<RawValue>>(body).is_ok();
    match Document::parse(Bytes::copy_from_slice(body), 100) {
        Ok(doc) => {
            assert!(theirs);
            let once = canonical(&doc, &[]);
            let again = Document::parse(once.clone().into(), 100).expect("canonical is valid");
            assert_eq!(canonical(&again, &[]), once);
        }
        Err(error) => {
            let on_purpose = [ScanErrorKind::TooDeep].contains(&error.kind)
                || matches!(error.kind, ScanErrorKind::DuplicateKey(_));
            assert!(!theirs || on_purpose, "{error}");
        }
    }
});
