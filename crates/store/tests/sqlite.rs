//! The database keeps each request once, and keys for every process.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;
use journal::Batch;
use sqlx::Row;
use store::{AdminChange, KeySecret, Store, StoredKey};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portcullis-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("portcullis.db")
    }

    async fn outcomes(&self) -> Vec<String> {
        let url = format!("sqlite://{}", self.file().display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("opens");
        let rows = sqlx::query("SELECT outcome FROM requests ORDER BY ticket")
            .fetch_all(&pool)
            .await
            .expect("reads");
        pool.close().await;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn opened(generation: u64, sequence: u64) -> Opened {
    Opened {
        ticket: TicketId {
            generation,
            core: 0,
            sequence,
        },
        at: UnixMicros(1_000_000),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
        model: "demo".into(),
        reserved_tokens: 10,
        asked: None,
    }
}

fn settled(opened: &Opened) -> Record {
    Record::Settled(Box::new(Settled {
        outcome: Outcome::Complete,
        status: 200,
        ..journal::lost(opened)
    }))
}

fn batch(records: Vec<Record>, mark: u64) -> Batch {
    Batch {
        records,
        marks: vec![("0000000000000007-0000-000001".to_owned(), mark)],
        ..Batch::default()
    }
}

fn key(id: &str, name: &str) -> StoredKey {
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    let terms = r#"{"models":["gpt-*"],"limits":[{"tokens":5,"per":"minute"}]}"#;
    StoredKey {
        key: VirtualKey {
            id: id.into(),
            name: name.to_owned(),
            owner: "default".into(),
            created: UnixMicros(1_000),
            expires: Some(UnixMicros(9_000)),
            revoked: None,
            terms: serde_json::from_str(terms).expect("terms"),
        },
        secrets: vec![KeySecret {
            digest,
            created: UnixMicros(1_000),
            expires: None,
        }],
    }
}

async fn add(store: &Store, key: &StoredKey) {
    let mut change = store.change().await.expect("begins");
    change.put_key(&key.key).await.expect("puts");
    for secret in &key.secrets {
        change.add_secret(&key.key.id, secret).await.expect("adds");
    }
    change.commit(&done("key.create")).await.expect("commits");
}

fn done(action: &str) -> AdminChange {
    AdminChange {
        at: UnixMicros(1_000),
        actor: "test".to_owned(),
        action: action.to_owned(),
        object: "key_1".to_owned(),
        tenant: "default".into(),
        before: None,
        after: Some("{}".to_owned()),
    }
}

#[tokio::test]
async fn a_batch_that_comes_twice_is_kept_once() {
    let folder = Folder::new("twice");
    let store = Store::open(&folder.file()).await.expect("opens");
    let first = opened(7, 1);
    let all = batch(vec![Record::Opened(first.clone()), settled(&first)], 64);
    store.carry(&all).await.expect("carries");
    store.carry(&all).await.expect("carries");
    let marks = store.marks().await.expect("marks");
    assert_eq!(marks.values().copied().collect::<Vec<_>>(), [64]);
    assert_eq!(folder.outcomes().await, ["complete"]);
    assert_eq!(store.conflicts(), 0, "it says the same");
}

#[tokio::test]
async fn a_record_that_says_something_else_than_the_ledger_is_an_alarm() {
    let folder = Folder::new("conflict");
    let store = Store::open(&folder.file()).await.expect("opens");
    let [first, second] = [1, 2].map(|sequence| opened(7, sequence));
    let ended = batch(vec![settled(&first), settled(&second)], 64);
    store.carry(&ended).await.expect("carries");
    let lost = Record::Settled(Box::new(journal::lost(&second)));
    let again = batch(vec![settled(&first), lost], 128);
    store.carry(&again).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["complete", "complete"]);
    assert_eq!(store.conflicts(), 1);
}

/// Root may write what no permission allows, so the file is made immutable
/// (`+i`, `-i`) where the file system knows that; elsewhere its mode is set.
fn set(file: &Path, flag: &str, mode: u32) {
    let mut chattr = Command::new("chattr");
    let done = chattr.arg(flag).arg(file).output();
    if !done.is_ok_and(|done| done.status.success()) {
        let permissions = Permissions::from_mode(mode);
        std::fs::set_permissions(file, permissions).expect("ours");
    }
}

/// The connection that carries is opened by the first batch, here while the file
/// is closed to it.
#[tokio::test]
async fn a_file_that_may_be_written_again_is_written_again() {
    let folder = Folder::new("immutable");
    let store = Store::open(&folder.file()).await.expect("opens");
    let one = opened(7, 1);
    let all = batch(vec![Record::Opened(one.clone()), settled(&one)], 64);
    set(&folder.file(), "+i", 0o400);
    let first = store.carry(&all).await;
    let second = store.carry(&all).await;
    set(&folder.file(), "-i", 0o600);
    store.carry(&all).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["complete"]);
    assert_eq!(first.is_err(), second.is_err());
}

#[tokio::test]
async fn what_was_in_flight_when_its_process_ended_is_lost_once() {
    let folder = Folder::new("lost");
    let store = Store::open(&folder.file()).await.expect("opens");
    let (first, second, alive) = (opened(7, 1), opened(7, 2), opened(8, 3));
    let open = [&first, &second, &alive].map(|o| Record::Opened(o.clone()));
    store
        .carry(&batch(open.to_vec(), 1))
        .await
        .expect("carries");
    store
        .carry(&batch(vec![settled(&second)], 2))
        .await
        .expect("carries");
    let end = Batch {
        alive: Some(8),
        ..Batch::default()
    };
    store.carry(&end).await.expect("carries");
    store.carry(&end).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["lost", "complete"]);
    store
        .carry(&batch(vec![settled(&alive)], 3))
        .await
        .expect("carries");
    assert_eq!(folder.outcomes().await, ["lost", "complete", "complete"]);
}

#[tokio::test]
async fn a_segment_that_is_gone_is_forgotten() {
    let store = Store::open_memory().await.expect("opens");
    store.carry(&batch(Vec::new(), 5)).await.expect("carries");
    let gone = Batch {
        gone: store.marks().await.expect("marks").into_keys().collect(),
        ..Batch::default()
    };
    store.carry(&gone).await.expect("carries");
    assert!(store.marks().await.expect("marks").is_empty());
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_kept() {
    let folder = Folder::new("keys");
    let made = key("key_1", "alice");
    let store = Store::open(&folder.file()).await.expect("opens");
    add(&store, &made).await;
    store.close().await;
    let again = Store::open(&folder.file()).await.expect("opens");
    assert_eq!(again.keys().await.expect("reads"), [made]);
}

#[tokio::test]
async fn another_process_sees_that_keys_changed() {
    let folder = Folder::new("changes");
    let gateway = Store::open(&folder.file()).await.expect("opens");
    let command = Store::open(&folder.file()).await.expect("opens");
    let before = gateway.change_mark().await.expect("reads");
    let mut made = key("key_1", "alice");
    add(&command, &made).await;
    let between = gateway.change_mark().await.expect("reads");
    made.key.revoked = Some(UnixMicros(2_000));
    let mut change = command.change().await.expect("begins");
    change.put_key(&made.key).await.expect("puts");
    change.commit(&done("key.revoke")).await.expect("commits");
    let after = gateway.change_mark().await.expect("reads");
    assert!(before != between && between != after);
    assert_eq!(gateway.keys().await.expect("reads"), [made]);
    let told = gateway.admin_changes(9).await.expect("reads");
    let actions: Vec<&str> = told.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["key.revoke", "key.create"]);
}

#[tokio::test]
async fn a_change_that_is_not_ended_was_none() {
    let store = Store::open_memory().await.expect("opens");
    let before = store.change_mark().await.expect("reads");
    let mut change = store.change().await.expect("begins");
    change
        .put_key(&key("key_1", "alice").key)
        .await
        .expect("puts");
    drop(change);
    assert!(store.keys().await.expect("reads").is_empty());
    assert!(store.admin_changes(9).await.expect("reads").is_empty());
    assert_eq!(store.change_mark().await.expect("reads"), before);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("modes");
    std::fs::write(folder.file(), b"").expect("writes");
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.file(), open).expect("opens it to others");
    let store = Store::open(&folder.file()).await.expect("opens");
    store.keys().await.expect("reads");
    for entry in std::fs::read_dir(&folder.0).expect("lists") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn a_disk_that_was_full_for_long_is_forgiven_without_a_restart() {
    let folder = Folder::new("full");
    let store = Store::open(&folder.file()).await.expect("opens");
    let url = format!("sqlite://{}", folder.file().display());
    let other = sqlx::SqlitePool::connect(&url).await.expect("opens");
    // As on a full disk: SQLite ends the transaction by itself.
    let full = "CREATE TRIGGER full BEFORE INSERT ON marks \
                BEGIN SELECT RAISE(ROLLBACK, 'full'); END";
    sqlx::query(full).execute(&other).await.expect("fills");
    let first = opened(7, 1);
    let all = batch(vec![Record::Opened(first.clone()), settled(&first)], 64);
    for _ in 0..8 {
        store.carry(&all).await.expect_err("no room");
    }
    let empty = "DROP TRIGGER full";
    sqlx::query(empty).execute(&other).await.expect("frees");
    other.close().await;
    store.carry(&all).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["complete"]);
}

#[tokio::test]
async fn a_row_of_another_version_keeps_nothing_else_out_of_the_ledger() {
    let folder = Folder::new("version");
    let store = Store::open(&folder.file()).await.expect("opens");
    let (first, second) = (opened(7, 1), opened(8, 1));
    let open = [&first, &second].map(|o| Record::Opened(o.clone()));
    store.carry(&batch(open.to_vec(), 64)).await.expect("opens");
    let url = format!("sqlite://{}", folder.file().display());
    let other = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let garble = "INSERT INTO open_requests (ticket, record) VALUES (x'00', '{\"new\": 1}')";
    sqlx::query(garble).execute(&other).await.expect("writes");
    other.close().await;
    let ended = Batch {
        alive: Some(9),
        ..Batch::default()
    };
    store.carry(&ended).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["lost", "lost"]);
}

#[tokio::test]
async fn what_is_written_into_a_removed_file_is_not_kept() {
    let folder = Folder::new("gone");
    let store = Store::open(&folder.file()).await.expect("opens");
    let first = opened(7, 1);
    let all = batch(vec![Record::Opened(first.clone()), settled(&first)], 64);
    let aside = folder.0.join("aside");
    std::fs::rename(folder.file(), &aside).expect("moves");
    // By a connection that is open, or by one that finds nothing to open.
    store.carry(&all).await.expect_err("nobody will find it");
    assert!(!folder.file().exists(), "nor is there an empty one");
    std::fs::rename(&aside, folder.file()).expect("moves back");
    store.carry(&all).await.expect("carries");
    assert_eq!(folder.outcomes().await, ["complete"]);
}

#[tokio::test]
async fn a_start_waits_for_no_other_writer() {
    let folder = Folder::new("writer");
    let store = Store::open(&folder.file()).await.expect("opens");
    assert!(store.claim([1; 32], UnixMicros(1)).await.expect("claims"));
    store.close().await;
    let url = format!("sqlite://{}", folder.file().display());
    let other = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let write = other.begin_with("BEGIN IMMEDIATE").await.expect("begins");
    let started = async {
        let store = Store::open(&folder.file()).await.expect("opens");
        store.claim([1; 32], UnixMicros(2)).await.expect("claims")
    };
    let within = std::time::Duration::from_secs(2);
    assert!(
        tokio::time::timeout(within, started)
            .await
            .expect("at once")
    );
    drop(write);
}
