//! Proofs, checked by the library and by the separate verifier; and the bytes
//! of everything that is signed.

use std::path::Path;
use std::process::ExitCode;

use audit::note::SignerKey;
use audit::{AuditError, Checkpoint, Elsewhere, Hash, Proof, prove, tree};
use domain::time::UnixMicros;

use super::scene::{Scene, entry};
use super::verify_proof;

/// So that the example's own beginning is somebody's, here too.
const _: fn() -> ExitCode = verify_proof::main;

/// Of `golang.org/x/mod/sumdb/note`: signatures with it are always the same.
const KEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

#[test]
fn every_record_is_proved_to_the_library_and_to_the_separate_verifier() {
    let scene = Scene::new();
    let log = scene.filled(700, 100);
    let key = scene.verifier().to_string();
    for index in (0..700).step_by(37).chain([255, 256, 511, 512, 699]) {
        let text = prove(log.folder(), index).unwrap().render();
        let proof = Proof::parse(&text).unwrap();
        assert_eq!(proof.render(), text);
        assert_eq!(
            proof.check(&entry(index), scene.verifier()).unwrap().size,
            700
        );
        verify_proof::verify(&key, &text, &entry(index)).unwrap();
        assert!(proof.check(&entry(index + 1), scene.verifier()).is_err());
        verify_proof::verify(&key, &text, &entry(index + 1)).unwrap_err();
        let moved = text.replacen(
            &format!("index {index}"),
            &format!("index {}", index ^ 1),
            1,
        );
        verify_proof::verify(&key, &moved, &entry(index)).unwrap_err();
        let moved = Proof::parse(&moved).unwrap();
        assert!(moved.check(&entry(index), scene.verifier()).is_err());
    }
}

#[test]
fn a_proof_is_refused_wherever_a_letter_is_changed() {
    let scene = Scene::new();
    let log = scene.filled(300, 300);
    let key = scene.verifier().to_string();
    let text = prove(log.folder(), 123).unwrap().render();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        let checked =
            Proof::parse(&changed).and_then(|proof| proof.check(&entry(123), scene.verifier()));
        assert!(checked.is_err(), "changed at {at}");
        // It does not mind bits that no base64 needs.
        let is_padding = text.as_bytes()[at..]
            .iter()
            .take(2)
            .any(|byte| *byte == b'=');
        let separately = verify_proof::verify(&key, &changed, &entry(123));
        assert!(separately.is_err() || is_padding, "changed at {at}");
    }
}

#[test]
fn what_no_checkpoint_covers_is_not_proved() {
    let scene = Scene::new();
    let mut log = scene.open();
    let refused = prove(log.folder(), 0);
    assert!(matches!(
        refused,
        Err(AuditError::NotSealed { size: 0, .. })
    ));
    log.append(&["one", "two"], None).unwrap();
    log.seal(&scene.key, UnixMicros(0)).unwrap();
    log.append(&[b"three"], None).unwrap();
    assert!(prove(log.folder(), 1).is_ok());
    let refused = prove(log.folder(), 2);
    assert!(matches!(
        refused,
        Err(AuditError::NotSealed { size: 2, .. })
    ));
}

#[test]
fn a_record_is_proved_while_the_log_grows_past_its_checkpoint() {
    let scene = Scene::new();
    let mut log = scene.filled(300, 300);
    let more: Vec<_> = (300..900).map(entry).collect();
    log.append(&more, None).unwrap();
    let proof = prove(log.folder(), 290).unwrap();
    assert!(proof.check(&entry(290), scene.verifier()).is_ok());
    let report = scene.verify(None);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.records, report.unsealed), (300, 600));
}

#[test]
fn what_is_signed_has_the_bytes_it_always_had() {
    let scene = Scene::new();
    let key: SignerKey = KEY.parse().unwrap();
    let signer = Elsewhere::new(key.verifier().clone(), |text: &[u8]| {
        Ok(key.sign(text).to_vec())
    });
    let path = scene.path();
    let mut log = audit::Log::open(&path, "PeterNeumann", audit::Durability::System).unwrap();
    let entries: Vec<_> = (0..300).map(entry).collect();
    log.append(&entries, Some(b"marks")).unwrap();
    log.seal(&signer, UnixMicros(0)).unwrap();
    log.append(&[b"last"], Some(b"marks 2")).unwrap();
    log.seal(&signer, UnixMicros(0)).unwrap();
    log.expire(0..1, &signer).unwrap();
    golden("checkpoint", scene.text("checkpoint").as_bytes());
    golden("checkpoints", scene.text("checkpoints").as_bytes());
    golden("retention", scene.text("retention").as_bytes());
    golden("tail", &std::fs::read(scene.file("tail")).unwrap());
    let proof = prove(log.folder(), 299).unwrap().render();
    golden("record-299.tlog-proof", proof.as_bytes());
}

#[test]
fn a_proof_at_ten_million_records_fits_a_screen() {
    let any = tree::leaf(b"any");
    let path: Result<Vec<Hash>, std::convert::Infallible> =
        tree::inclusion(9_999_999 / 3, 10_000_000, &mut |_, _| Ok(any));
    let checkpoint = Checkpoint {
        origin: "audit.example/node-1".to_owned(),
        size: 10_000_000,
        root: any,
    };
    let scene = Scene::new();
    let proof = Proof {
        index: 9_999_999 / 3,
        path: path.unwrap(),
        checkpoint: checkpoint.sign(&scene.key).unwrap().render(),
    };
    assert!(proof.path.len() * 32 < 1_000);
    assert!(proof.render().len() < 1_500, "{}", proof.render().len());
}

/// Compares with a file of `fixtures`, or renews it.
fn golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    assert!(kept == bytes, "{name}: {}", String::from_utf8_lossy(bytes));
}
