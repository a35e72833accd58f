//! Entries that were deleted on purpose, and those that were not.

use audit::{AuditError, Kind, Retention, prove};

use super::scene::{ORIGIN, Scene, entry};

#[test]
fn expired_records_are_counted_and_their_tree_stays() {
    let scene = Scene::new();
    let mut log = scene.filled(2_000, 500);
    log.expire(0..2, &scene.key).unwrap();
    log.expire(4..5, &scene.key).unwrap();
    assert!(!scene.file("tile/entries/001").exists());
    assert!(scene.file("tile/0/001").exists());
    let report = scene.verify(None);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.expired, 3 * 256);
    let proof = prove(log.folder(), 300).unwrap();
    assert!(proof.check(&entry(300), scene.verifier()).is_ok());
    assert_eq!(log.folder().entry(300).unwrap(), None);
}

#[test]
fn records_are_missing_if_no_retention_says_so() {
    let scene = Scene::new();
    let mut log = scene.filled(2_000, 500);
    log.expire(0..2, &scene.key).unwrap();
    std::fs::remove_file(scene.file("tile/entries/003")).unwrap();
    let report = scene.verify(None);
    let [finding] = &report.findings[..] else {
        panic!("{report:?}")
    };
    assert_eq!((finding.kind, finding.record), (Kind::Missing, Some(768)));
    assert_eq!(report.expired, 512);
}

#[test]
fn a_retention_that_the_key_did_not_sign_excuses_nothing() {
    let scene = Scene::new();
    let mut log = scene.filled(2_000, 500);
    log.expire(1..2, &scene.key).unwrap();
    let note = scene.text("retention").replace("\n1 2\n", "\n0 2\n");
    std::fs::write(scene.file("retention"), note).unwrap();
    std::fs::remove_file(scene.file("tile/entries/000")).unwrap();
    let report = scene.verify(None);
    let kinds: Vec<_> = report.findings.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [Kind::Missing, Kind::Missing, Kind::Retention]);
    assert_eq!(report.first_bad(), Some(0));
}

#[test]
fn only_sealed_bundles_expire() {
    let scene = Scene::new();
    let mut log = scene.filled(500, 500);
    let refused = log.expire(0..2, &scene.key);
    assert!(matches!(
        refused,
        Err(AuditError::NotSealed { size: 500, .. })
    ));
    log.expire(0..1, &scene.key).unwrap();
}

#[test]
fn ranges_are_joined() {
    let mut retention = Retention::new(ORIGIN);
    for range in [5..7, 0..2, 2..3, 6..9, 4..4] {
        retention.add(range);
    }
    assert_eq!(retention.bundles(), [0..3, 5..9]);
    let has: Vec<_> = (0..10).filter(|bundle| retention.has(*bundle)).collect();
    assert_eq!(has, [0, 1, 2, 5, 6, 7, 8]);
}
