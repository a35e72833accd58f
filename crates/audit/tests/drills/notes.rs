//! Notes, keys and checkpoints, against what others have signed.

use std::os::unix::fs::PermissionsExt as _;

use super::scene::{ORIGIN, Scene};
use super::verify_proof;
use audit::note::SignerKey;
use audit::{
    Checkpoint, Elsewhere, KeyFile, Note, NoteError, Proof, Retention, Signer as _, Tile,
    VerifierKey,
};
use proptest::prelude::*;

/// Of `golang.org/x/mod/sumdb/note`.
const GO_PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// Of C2SP signed-note.
const C2SP_PUBLIC: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// Texts of the pieces that all formats here are made of.
const STRANGE: &str = "(c2sp.org/tlog-proof@v1|index 1|extra|example.com/foo|— example.com/foo |Uw2QOkn8\
                       |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=|tile/|0/|x001/|234|.p/|[0-9]|\n|\n\n| |\\PC){0,40}";

/// Of C2SP tlog-checkpoint.
const C2SP_CHECKPOINT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

#[test]
fn a_note_is_signed_to_the_byte_as_go_signs_it() {
    let key: SignerKey = GO_PRIVATE.parse().unwrap();
    assert_eq!(key.verifier().to_string(), GO_PUBLIC);
    assert_eq!(key.expose(), GO_PRIVATE);
    let signer = Elsewhere::new(key.verifier().clone(), |text: &[u8]| {
        Ok(key.sign(text).to_vec())
    });
    let note = Note::sign(GO_TEXT, &signer).unwrap().render();
    assert_eq!(note, format!("{GO_TEXT}\n{GO_SIGNATURE}"));
}

#[test]
fn the_specifications_note_is_verified_by_its_key() {
    let key: VerifierKey = C2SP_PUBLIC.parse().unwrap();
    assert_eq!(key.to_string(), C2SP_PUBLIC);
    let note = Note::parse(C2SP_NOTE).unwrap();
    assert_eq!(
        note.verified(&key).unwrap(),
        "This is an example message.\n"
    );
    assert_eq!(note.render(), C2SP_NOTE);
    let other = Note::parse(&C2SP_NOTE.replace("example m", "example n")).unwrap();
    assert!(matches!(
        other.verified(&key),
        Err(NoteError::WrongSignature(_))
    ));
    let stranger: VerifierKey = GO_PUBLIC.parse().unwrap();
    assert!(matches!(
        note.verified(&stranger),
        Err(NoteError::Unsigned(_))
    ));
}

#[test]
fn signatures_of_others_are_passed_over() {
    let key: VerifierKey = C2SP_PUBLIC.parse().unwrap();
    let both = format!("{C2SP_NOTE}{GO_SIGNATURE}");
    let note = Note::parse(&both).unwrap();
    assert!(note.verified(&key).is_ok());
    assert_eq!(note.render(), both);
}

#[test]
fn what_departs_from_the_format_is_no_note() {
    let signed = format!("text\n\n{GO_SIGNATURE}");
    assert!(Note::parse(&signed).is_ok());
    for wrong in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        GO_SIGNATURE.to_owned(),
        signed.trim_end().to_owned(),
        signed.replace("text", "te\txt"),
        signed.replace("text", "te\rxt"),
        signed.replace("— ", "- "),
        signed.replace("PeterNeumann", "Peter+Neumann"),
        signed.replace("PeterNeumann", "Peter\u{a0}Neumann"),
        signed.replace("PeterNeumann", ""),
        signed.replace("AM=", "AM"),
        signed.replace("AM=", "AN="),
        format!("{signed}\n"),
        format!("{signed}more\n"),
        "text\n\n— name AAAAAA==\n".to_owned(),
    ] {
        assert!(Note::parse(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_key_that_was_changed_anywhere_is_none() {
    for (key, read) in [
        (
            GO_PUBLIC,
            (|text| text.parse::<VerifierKey>().is_ok()) as fn(&str) -> bool,
        ),
        (GO_PRIVATE, |text| text.parse::<SignerKey>().is_ok()),
    ] {
        assert!(read(key));
        for at in 0..key.len() {
            let mut bytes = key.as_bytes().to_vec();
            bytes[at] += 1;
            assert!(
                !read(std::str::from_utf8(&bytes).unwrap()),
                "changed at {at}"
            );
            assert!(!read(&key[..at]), "cut at {at}");
        }
    }
}

#[test]
fn a_checkpoint_is_read_as_the_specification_writes_it() {
    let read = Checkpoint::parse(C2SP_CHECKPOINT).unwrap();
    assert_eq!(
        (&*read.origin, read.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(read.text(), C2SP_CHECKPOINT);
    assert!(Checkpoint::parse(&format!("{C2SP_CHECKPOINT}extension\n")).is_ok());
    for wrong in [
        C2SP_CHECKPOINT.replace("20852163", "020852163"),
        C2SP_CHECKPOINT.replace("20852163", "+20852163"),
        C2SP_CHECKPOINT.replace("20852163", ""),
        C2SP_CHECKPOINT.replace("q2I=", "q2J="),
        C2SP_CHECKPOINT.replace("CsUY", ""),
        format!("\n{C2SP_CHECKPOINT}"),
        format!("{C2SP_CHECKPOINT}\n"),
        C2SP_CHECKPOINT.trim_end().to_owned(),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_key_is_made_on_first_use_for_its_owner_only() {
    let scene = Scene::new();
    let path = scene.folder.join("key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = KeyFile::open_or_make(&path, ORIGIN).unwrap();
    assert_eq!(again.verifier(), scene.verifier());
    assert!(KeyFile::open_or_make(&path, "audit.example/node-2").is_err());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = KeyFile::open_or_make(&path, ORIGIN)
        .unwrap_err()
        .to_string();
    assert!(error.contains("0640"), "{error}");
}

#[test]
fn a_signer_elsewhere_is_believed_only_if_its_signature_fits() {
    let key = SignerKey::generate(ORIGIN).unwrap();
    let encoded = |text: &[u8]| {
        use base64::Engine as _;
        let signature = base64::engine::general_purpose::STANDARD.encode(key.sign(text));
        Ok(format!("{signature}\n").into_bytes())
    };
    let signer = Elsewhere::new(key.verifier().clone(), encoded);
    assert!(Note::sign("text\n", &signer).is_ok());
    let signer = Elsewhere::new(key.verifier().clone(), |_: &[u8]| Ok(vec![7; 64]));
    let error = Note::sign("text\n", &signer).unwrap_err();
    assert!(matches!(error, NoteError::WrongSignature(_)), "{error}");
    let signer = Elsewhere::new(key.verifier().clone(), |_: &[u8]| Ok(b"no".to_vec()));
    assert!(matches!(
        Note::sign("text\n", &signer),
        Err(NoteError::Signer(_))
    ));
    let signer = Elsewhere::new(key.verifier().clone(), |_: &[u8]| Err("locked".to_owned()));
    let error = Note::sign("text\n", &signer).unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
}

#[test]
fn a_key_does_not_print_its_secret() {
    let key = SignerKey::generate(ORIGIN).unwrap();
    let secret = key.expose();
    let secret = secret.rsplit('+').next().unwrap();
    assert!(!format!("{key:?}").contains(secret));
}

proptest! {
    #[test]
    fn what_strangers_write_is_refused_without_a_panic(text in STRANGE) {
        let key: VerifierKey = C2SP_PUBLIC.parse().unwrap();
        prop_assert!(Checkpoint::verified(&text, &key).is_err());
        prop_assert!(Retention::verified(&text, &key).is_err());
        let _ = Checkpoint::parse(&text);
        let _ = Tile::parse(&text);
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.render(), text.clone());
        }
        if let Ok(proof) = Proof::parse(&text) {
            prop_assert!(proof.check(b"record", &key).is_err());
        }
        prop_assert!(verify_proof::verify(C2SP_PUBLIC, &text, b"record").is_err());
    }
}
