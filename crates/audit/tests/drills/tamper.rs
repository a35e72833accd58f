//! The tamper drill: whatever is done to a log's files, it is found, and the
//! first record that is not what it was is named.

use std::path::Path;

use audit::{Kind, Report, bundle};

use super::scene::{Scene, entry, files};

/// Seven full bundles and eight records more.
const RECORDS: u64 = 1_800;
const POSITIONS: [u64; 10] = [0, 1, 100, 254, 256, 300, 999, 1_600, 1_793, 1_797];

type Entries = Vec<Vec<u8>>;

/// What is done to a bundle at a place in it, and what the report says.
type Drill = (fn(&mut Entries, usize), Kind);

const DRILLS: [Drill; 5] = [
    (|entries, at| entries[at][0] ^= 1, Kind::Edited),
    (|entries, at| drop(entries.remove(at)), Kind::Deleted),
    (
        |entries, at| entries.insert(at, b"put in".to_vec()),
        Kind::Inserted,
    ),
    (|entries, at| entries.swap(at, at + 1), Kind::Reordered),
    (|entries, at| entries.truncate(at), Kind::Truncated),
];

fn bundle_path(record: u64) -> String {
    match record / 256 {
        7 => "tile/entries/007.p/8".to_owned(),
        number => format!("tile/entries/{number:03}"),
    }
}

fn change(path: &Path, at: usize, how: fn(&mut Entries, usize)) {
    let bytes = std::fs::read(path).unwrap();
    let entries = bundle::entries(&bytes).map(|entry| entry.unwrap().to_vec());
    let mut entries: Entries = entries.collect();
    how(&mut entries, at);
    let mut bytes = Vec::new();
    for entry in &entries {
        bundle::push(&mut bytes, entry);
    }
    std::fs::write(path, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    if !from.exists() {
        return;
    }
    for name in files(from) {
        let to = to.join(&name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&name), to).unwrap();
    }
}

fn first(report: &Report) -> (Kind, Option<u64>) {
    let finding = report.findings.first();
    let finding = finding.unwrap_or_else(|| panic!("nothing was found: {report:?}"));
    (finding.kind, finding.record)
}

#[test]
fn five_kinds_of_tampering_are_found_anywhere_with_the_first_bad_record() {
    let scene = Scene::new();
    drop(scene.filled(RECORDS, 200));
    let anchor = scene.text("checkpoint");
    assert!(scene.verify(Some(&anchor)).is_sound());
    for (how, kind) in DRILLS {
        for record in POSITIONS {
            let path = scene.file(&bundle_path(record));
            let kept = std::fs::read(&path).unwrap();
            change(&path, (record % 256) as usize, how);
            let report = scene.verify(None);
            assert_eq!(first(&report), (kind, Some(record)), "{report:?}");
            assert_eq!(report.findings.len(), 1, "{report:?}");
            std::fs::write(&path, kept).unwrap();
        }
    }
    assert!(scene.verify(Some(&anchor)).is_sound());
}

/// A log with other records, all of whose files fit each other.
fn forged(how: fn(&mut Entries, usize), record: u64) -> Scene {
    let scene = Scene::new();
    let mut entries: Entries = (0..RECORDS).map(entry).collect();
    how(&mut entries, record as usize);
    let mut log = scene.open();
    for batch in entries.chunks(200) {
        log.append(batch, None).unwrap();
        log.seal(&scene.key, domain::time::UnixMicros(0)).unwrap();
    }
    scene
}

#[test]
fn entries_that_moved_through_all_bundles_are_found() {
    for (how, _) in DRILLS {
        for record in [0, 255, 256, 700, 1_500] {
            let scene = Scene::new();
            drop(scene.filled(RECORDS, 200));
            let forged = forged(how, record);
            std::fs::remove_dir_all(scene.file("tile/entries")).unwrap();
            copy(&forged.file("tile/entries"), &scene.file("tile/entries"));
            let report = scene.verify(None);
            assert_eq!(report.first_bad(), Some(record), "{report:?}");
        }
    }
}

#[test]
fn a_log_that_was_written_anew_without_the_key_is_found_by_its_checkpoints() {
    for (how, _) in &DRILLS {
        for record in [0, 255, 700, 1_500] {
            let scene = Scene::new();
            drop(scene.filled(RECORDS, 200));
            let forged = forged(*how, record);
            for name in ["tile", "tail"] {
                let _ = std::fs::remove_dir_all(scene.file(name));
            }
            copy(&forged.file("tile"), &scene.file("tile"));
            std::fs::copy(forged.file("tail"), scene.file("tail")).unwrap();
            let report = scene.verify(None);
            let named = report.first_bad().unwrap();
            // As near as checkpoints and bundles are.
            assert!(
                named <= record && record < named + 256,
                "{record}: {report:?}"
            );
        }
    }
}

#[test]
fn a_bundle_that_was_hashed_anew_is_found_by_the_tile_above() {
    let scene = Scene::new();
    drop(scene.filled(RECORDS, RECORDS));
    let forged = forged(DRILLS[0].0, 700);
    for name in ["tile/0/002", "tile/entries/002"] {
        std::fs::copy(forged.file(name), scene.file(name)).unwrap();
    }
    assert_eq!(first(&scene.verify(None)), (Kind::Rewritten, Some(512)));
}

#[test]
fn a_log_cut_back_to_an_earlier_checkpoint_is_found_by_the_exported_one() {
    let scene = Scene::new();
    drop(scene.filled(1_000, 200));
    let earlier = Scene::new();
    copy(&scene.folder, &earlier.folder);
    drop(earlier.open());
    let mut log = scene.open();
    log.append(&[b"unwelcome"], None).unwrap();
    log.seal(&scene.key, domain::time::UnixMicros(0)).unwrap();
    let anchor = scene.text("checkpoint");
    drop(log);
    std::fs::remove_dir_all(scene.path()).unwrap();
    copy(&earlier.path(), &scene.path());
    let report = scene.verify(None);
    assert!(report.is_sound() && report.anchored.is_none());
    let report = scene.verify(Some(&anchor));
    assert_eq!(first(&report), (Kind::Truncated, Some(1_000)));
    assert_eq!(report.anchored, Some(1_001));
}

#[test]
fn a_changed_tile_is_told_from_changed_records() {
    for name in ["tile/0/003", "tile/0/007.p/8", "tile/1/000.p/7"] {
        let scene = Scene::new();
        drop(scene.filled(RECORDS, 200));
        let mut bytes = std::fs::read(scene.file(name)).unwrap();
        bytes[100] ^= 1;
        std::fs::write(scene.file(name), bytes).unwrap();
        let report = scene.verify(None);
        assert_eq!(first(&report).0, Kind::Tile, "{name}: {report:?}");
        assert_eq!(report.findings.len(), 1, "{report:?}");
        std::fs::remove_file(scene.file(name)).unwrap();
        let report = scene.verify(None);
        assert_eq!(first(&report).0, Kind::Tile, "{name}: {report:?}");
        assert_eq!(report.findings.len(), 1, "{report:?}");
    }
}

#[test]
fn a_changed_tail_is_found() {
    let scene = Scene::new();
    drop(scene.filled(RECORDS, 200));
    let kept = std::fs::read(scene.file("tail")).unwrap();
    let mut bytes = kept.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(scene.file("tail"), bytes).unwrap();
    assert_eq!(first(&scene.verify(None)).0, Kind::Truncated);
    std::fs::copy(forged(DRILLS[0].0, 1_795).file("tail"), scene.file("tail")).unwrap();
    assert_eq!(first(&scene.verify(None)), (Kind::Edited, Some(1_795)));
    std::fs::remove_file(scene.file("tail")).unwrap();
    assert_eq!(first(&scene.verify(None)).0, Kind::Truncated);
}

#[test]
fn checkpoints_are_believed_only_if_signed_and_in_order() {
    let scene = Scene::new();
    drop(scene.filled(1_000, 200));
    let kept = scene.text("checkpoints");
    let changed = |text: String| {
        std::fs::write(scene.file("checkpoints"), text).unwrap();
        let report = scene.verify(None);
        std::fs::write(scene.file("checkpoints"), &kept).unwrap();
        first(&report)
    };
    // Another size, under the old signature.
    let other = changed(kept.replacen("\n400\n", "\n401\n", 1));
    assert_eq!(other, (Kind::Checkpoint, Some(200)));
    // Twice.
    let twice = changed(format!("{kept}{kept}"));
    assert_eq!(twice, (Kind::Checkpoint, Some(200)));
    // The newest is gone from the history.
    let end = kept.rfind("audit.example/node-1\n1000").unwrap();
    let cut = changed(kept[..end].to_owned());
    assert_eq!(cut, (Kind::Checkpoint, Some(800)));
    // Of another log's key.
    let stranger = Scene::new();
    drop(stranger.filled(1_000, 200));
    let other = changed(stranger.text("checkpoints"));
    assert_eq!(other, (Kind::Checkpoint, Some(0)));
    assert!(scene.verify(None).is_sound());
}

#[test]
fn a_checkpoint_that_the_key_signed_over_another_tree_is_found() {
    let scene = Scene::new();
    drop(scene.filled(400, 200));
    let key = std::fs::read(scene.folder.join("key")).unwrap();
    let fork = Scene::new();
    std::fs::write(fork.folder.join("key"), key).unwrap();
    let signer = audit::KeyFile::open_or_make(&fork.folder.join("key"), super::scene::ORIGIN);
    let mut log = fork.open();
    let others: Vec<_> = (0..300).map(|number| entry(number + 1)).collect();
    log.append(&others, None).unwrap();
    let sealed = log
        .seal(&signer.unwrap(), domain::time::UnixMicros(0))
        .unwrap();
    // As if it had been exported.
    let report = scene.verify(sealed.note.as_deref());
    assert_eq!(first(&report), (Kind::Checkpoint, Some(300)));
}

/// What the newest checkpoint needs. Partial tiles of earlier ones are kept for
/// whoever still has those checkpoints; nothing is verified by them.
fn is_needed(name: &str) -> bool {
    let newest = ["tile/0/007.p/8", "tile/entries/007.p/8", "tile/1/000.p/7"];
    name != "lock" && (!name.contains(".p/") || newest.contains(&name))
}

#[test]
fn a_single_bit_is_found_in_whatever_file_it_was_turned() {
    let scene = Scene::new();
    let mut log = scene.filled(RECORDS, 200);
    log.expire(1..2, &scene.key).unwrap();
    drop(log);
    let anchor = scene.text("checkpoint");
    assert!(scene.verify(Some(&anchor)).is_sound());
    let names = files(&scene.path());
    let mut tried = 0;
    for name in names.iter().filter(|name| is_needed(name)) {
        let kept = std::fs::read(scene.file(name)).unwrap();
        for place in 0..9 {
            let at = place * (kept.len() - 1) / 8;
            let mut bytes = kept.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(scene.file(name), bytes).unwrap();
            let report = scene.verify(Some(&anchor));
            assert!(!report.is_sound(), "{name}, byte {at}");
            tried += 1;
        }
        std::fs::write(scene.file(name), kept).unwrap();
    }
    assert!(scene.verify(Some(&anchor)).is_sound());
    assert!(tried > 9 * 18, "{tried} were tried, of {names:?}");
}
