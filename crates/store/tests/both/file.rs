//! SQLite's file: who may read it, and what becomes of the store with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::record::Record;
use domain::time::UnixMicros;
use sqlx::Row;
use store::Store;

use crate::ledger::{batch, opened, settled};

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
