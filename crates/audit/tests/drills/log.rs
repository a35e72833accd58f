//! A log in a folder.

use audit::{AuditError, Durability, Folder, Log, Tile, bundle, tree};
use domain::time::UnixMicros;

use super::scene::{ORIGIN, Scene, entry, files};

#[test]
fn a_folder_is_laid_out_as_the_specification_says() {
    let scene = Scene::new();
    let log = scene.filled(600, 300);
    assert_eq!(
        files(&scene.path()),
        [
            "checkpoint",
            "checkpoints",
            "lock",
            "tail",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/88",
            "tile/1/000.p/1",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/88",
        ]
    );
    let leaves: Vec<_> = (0..600).map(|number| tree::leaf(&entry(number))).collect();
    let tile: Vec<u8> = leaves[256..512].iter().flat_map(|hash| hash.0).collect();
    assert_eq!(std::fs::read(scene.file("tile/0/001")).unwrap(), tile);
    let bytes = std::fs::read(scene.file("tile/entries/002.p/88")).unwrap();
    let read: Vec<_> = bundle::entries(&bytes).map(Result::unwrap).collect();
    let kept: Vec<_> = (512..600).map(entry).collect();
    assert_eq!(read, kept);
    assert_eq!(log.root(), tree::root(&leaves));
    assert_eq!(log.sealed().unwrap().root, log.root());
    for number in [0, 255, 256, 599] {
        assert_eq!(log.folder().entry(number).unwrap(), Some(entry(number)));
    }
    assert_eq!(log.folder().entry(600).unwrap(), None);
}

#[test]
fn a_log_goes_on_where_it_was() {
    let scene = Scene::new();
    let mut log = scene.filled(70_000, 7_000);
    log.append(&[b"not sealed"], Some(b"marks")).unwrap();
    let (size, root) = (log.size(), log.root());
    drop(log);
    let mut log = scene.open();
    assert_eq!((log.size(), log.root()), (size, root));
    assert_eq!(log.marks(), b"marks");
    assert_eq!(log.sealed().unwrap().size, 70_000);
    let appended = log.append(&["more", "and more"], None).unwrap();
    assert_eq!(appended.records, 70_001..70_003);
    assert_eq!(log.marks(), b"marks");
    log.seal(&scene.key, UnixMicros(0)).unwrap();
    assert!(scene.verify(Some(&scene.text("checkpoint"))).is_sound());
    assert!(scene.file(&Tile::full(1, 0).path()).exists());
}

#[test]
fn the_same_batch_is_appended_once() {
    let scene = Scene::new();
    let mut log = scene.open();
    let batch = [b"one".to_vec(), b"two".to_vec()];
    let first = log.append(&batch, Some(b"7")).unwrap();
    assert!(!first.is_repeated);
    drop(log);
    let mut log = scene.open();
    let again = log.append(&batch, Some(b"7")).unwrap();
    assert!(again.is_repeated);
    assert_eq!(again.records, first.records);
    assert_eq!(log.size(), 2);
    let other = log.append(&["three"], Some(b"7"));
    assert!(matches!(other, Err(AuditError::OtherEntries)), "{other:?}");
    assert_eq!(log.append(&["three"], Some(b"8")).unwrap().records, 2..3);
}

#[test]
fn a_batch_with_an_entry_too_long_is_not_appended() {
    let scene = Scene::new();
    let mut log = scene.open();
    let longest = vec![1; bundle::MOST_BYTES];
    let longer = vec![1; bundle::MOST_BYTES + 1];
    let refused = log.append(&[&longest, &longer], None);
    assert!(matches!(refused, Err(AuditError::EntryTooLong(65_536))));
    assert_eq!(log.size(), 0);
    log.append(&[&longest], None).unwrap();
    assert_eq!(log.folder().entry(0).unwrap(), Some(longest));
}

#[test]
fn one_process_writes_a_log() {
    let scene = Scene::new();
    let _log = scene.open();
    let second = Log::open(&scene.path(), ORIGIN, Durability::System);
    assert!(matches!(second, Err(AuditError::InUse(_))));
}

#[test]
fn a_log_is_due_after_a_second_or_a_thousand_records() {
    let scene = Scene::new();
    let mut log = scene.open();
    let at = UnixMicros(1_790_000_000_000_000);
    assert!(!log.is_due(at));
    log.append(&[b"one"], None).unwrap();
    assert!(log.is_due(at));
    assert!(log.seal(&scene.key, at).unwrap().note.is_some());
    assert!(log.seal(&scene.key, at).unwrap().note.is_none());
    log.append(&[b"two"], None).unwrap();
    assert!(!log.is_due(UnixMicros(at.0 + 999_999)));
    assert!(log.is_due(UnixMicros(at.0 + 1_000_000)));
    let many: Vec<_> = (0..999).map(entry).collect();
    log.append(&many, None).unwrap();
    assert!(log.is_due(at));
}

#[test]
fn a_log_that_does_not_bear_out_its_checkpoint_is_not_written_on() {
    let scene = Scene::new();
    let mut log = scene.filled(100, 100);
    let older = std::fs::read(scene.file("tail")).unwrap();
    let more: Vec<_> = (100..300).map(entry).collect();
    log.append(&more, None).unwrap();
    log.seal(&scene.key, UnixMicros(0)).unwrap();
    drop(log);
    let is_refused = || {
        let before = contents(&scene);
        let refused = Log::open(&scene.path(), ORIGIN, Durability::System);
        assert_eq!(contents(&scene), before);
        matches!(
            refused,
            Err(AuditError::NotBorneOut { .. } | AuditError::Damaged { .. })
        )
    };
    let newest = std::fs::read(scene.file("tail")).unwrap();
    std::fs::write(scene.file("tail"), older).unwrap();
    assert!(is_refused());
    std::fs::remove_file(scene.file("tail")).unwrap();
    assert!(is_refused());
    std::fs::write(scene.file("tail"), newest).unwrap();
    scene.open();
    let mut tile = std::fs::read(scene.file("tile/0/000")).unwrap();
    tile[77] ^= 1;
    std::fs::write(scene.file("tile/0/000"), tile).unwrap();
    assert!(is_refused());
}

#[test]
fn a_log_takes_only_the_key_of_its_name() {
    let scene = Scene::new();
    let mut log = Log::open(&scene.path(), "audit.example/node-2", Durability::Disk).unwrap();
    log.append(&[b"one"], None).unwrap();
    assert!(log.seal(&scene.key, UnixMicros(0)).is_err());
    drop(log);
    drop(scene.filled(2, 1));
    let other = Log::open(&scene.path(), "audit.example/node-2", Durability::Disk);
    assert!(other.is_err());
}

#[test]
fn batches_without_entries_do_not_let_the_tail_grow_for_ever() {
    let scene = Scene::new();
    let mut log = scene.open();
    for mark in 1..2_000_u32 {
        log.append::<&[u8]>(&[], Some(&mark.to_be_bytes())).unwrap();
    }
    assert!(std::fs::metadata(scene.file("tail")).unwrap().len() < 64 * 1024);
    drop(log);
    assert_eq!(scene.open().marks(), 1_999_u32.to_be_bytes());
}

#[test]
fn what_is_brought_to_disk_reads_the_same() {
    let scene = Scene::new();
    let mut log = Log::open(&scene.path(), ORIGIN, Durability::Disk).unwrap();
    let entries: Vec<_> = (0..1_000).map(entry).collect();
    log.append(&entries, Some(b"1")).unwrap();
    log.seal(&scene.key, UnixMicros(0)).unwrap();
    assert_eq!(
        Folder::new(&scene.path()).entry(999).unwrap(),
        Some(entry(999))
    );
    assert!(scene.verify(None).is_sound());
}

fn contents(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let files = files(&scene.path());
    let read = |name: String| (name.clone(), std::fs::read(scene.file(&name)).unwrap());
    files.into_iter().map(read).collect()
}
