//! Whatever ends the process between any two steps: each call is in the log once and
//! in the ledger once, and says the same in both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use audit::{KeyFile, VerifierKey, Work, verify};
use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::refusal::Reason;
use journal::{Config, Journal};
use store::LogPlace;

use super::*;

/// The process ends behind this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Open,
    Compose,
    Append,
    Keep,
    Done,
    Seal,
    Never,
}

/// A folder with all that a process leaves, and what was written into it.
struct Life {
    folder: PathBuf,
    generation: u64,
    tickets: BTreeSet<TicketId>,
    strangers: u64,
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Life {
    fn new(name: &str) -> Self {
        let name = format!("portcullis-book-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self {
            folder,
            generation: 0,
            tickets: BTreeSet::new(),
            strangers: 0,
        }
    }

    fn log(&self) -> AuditLog {
        let key = KeyFile::open_or_make(&self.folder.join("key"), "log.example/a");
        AuditLog {
            dir: self.folder.join("audit"),
            signer: Arc::new(key.expect("a key")),
            export: config::audit::Export::default(),
            keep: None,
            expires_after: None,
        }
    }

    async fn store(&self) -> Store {
        let store = Store::open(&self.folder.join("portcullis.db")).await;
        store.expect("a store")
    }

    /// One process: answers `calls`, of which every fifth has no end, and carries
    /// for so many rounds; in the last one it ends behind `step`.
    async fn process(&mut self, calls: u64, (rounds, last): (u32, Step)) {
        self.generation += 1;
        let bounds = Config {
            segment_bytes: 4096,
            max_bytes: 1 << 20,
            max_in_flight: 100,
        };
        let journal = Journal::open(&self.folder.join("journal"), bounds, self.generation);
        let journal = journal.expect("a journal");
        let writer = journal.writer(0).expect("a writer");
        let store = self.store().await;
        for sequence in 1..=calls {
            let opened = opened(self.generation, sequence);
            self.tickets.insert(opened.ticket);
            let ended = (sequence % 5 > 0).then(|| ended(&opened));
            writer.append(&[Record::Opened(opened)]).expect("written");
            if let Some(ended) = ended {
                writer.append(&[ended]).expect("written");
            }
        }
        if calls > 0 {
            change(&store, self.generation).await;
        }
        let strangers = Arc::new(Strangers::default());
        strangers.count(UnixMicros(0), None, Reason::NoCredential);
        let (sealed, _) = watch::channel(None);
        let mut book = Book::new(&self.log(), self.generation, &strangers, sealed);
        book.durability = Durability::System;
        let marks = store.marks().await.expect("marks");
        let mut carrier = Carrier::new(&journal, marks);
        for round in 1..=rounds {
            let end = if round == rounds { last } else { Step::Never };
            if self.round(&mut book, &mut carrier, &store, end).await {
                break;
            }
        }
        store.close().await;
    }

    /// One round as [`Book::carry`] has it; whether the process ended in it.
    async fn round(
        &mut self,
        book: &mut Book,
        carrier: &mut Carrier,
        store: &Store,
        end: Step,
    ) -> bool {
        book.open(carrier, store).await.expect("opens");
        if end == Step::Open {
            return true;
        }
        book.compose(carrier, store).await.expect("composes");
        if end == Step::Compose {
            return true;
        }
        book.append().await.expect("appends");
        let entries = book.pending.iter().flat_map(|it| &it.entries);
        self.strangers += entries.filter(|it| it.kind() == "strangers").count() as u64;
        if end == Step::Append {
            return true;
        }
        book.keep(store).await.expect("keeps");
        if end == Step::Keep {
            return true;
        }
        book.done(carrier);
        if end == Step::Done {
            return true;
        }
        book.seal().await;
        end == Step::Seal
    }

    /// Nothing is missing, nothing doubled, and all of it is signed.
    async fn check(&mut self) {
        // The last process carries all that is left.
        self.process(0, (60, Step::Never)).await;
        let log = self.log();
        let records = verified(&log.dir, log.signer.verifier());
        let store = self.store().await;
        let index = store.audit_log(log.origin()).await.expect("a log");
        assert_eq!(index.size, records.len() as u64);
        assert_eq!(store.unlogged().await.expect("counts"), 0);
        let mut tickets = BTreeSet::new();
        let (mut changes, mut strangers, mut starts) = (BTreeSet::new(), 0, 0);
        let mut calls = Vec::new();
        for (record, entry) in (0..).zip(&records) {
            match entry {
                Entry::Call(call) => {
                    assert!(tickets.insert(call.ticket), "{} twice", call.ticket);
                    let log = index.log;
                    calls.push((LogPlace { log, record }, &**call));
                    let is_open = call.ticket.sequence % 5 == 0;
                    assert_eq!(call.outcome == Outcome::Lost, is_open);
                }
                Entry::Change(logged) => {
                    assert!(changes.insert(logged.id), "a change twice");
                }
                Entry::Strangers(_) => strangers += 1,
                Entry::Start(_) => starts += 1,
            }
        }
        assert_eq!(tickets, self.tickets);
        assert_eq!(store.differences(&calls).await.expect("reads"), []);
        let rows = store.logged_calls(index.log, index.size).await;
        let rows = rows.expect("counts");
        assert_eq!(
            rows.within,
            tickets.len() as u64,
            "the ledger has them once"
        );
        assert_eq!(rows.beyond, 0);
        let known = store.logged_changes(index.log).await.expect("reads");
        assert_eq!(known.len(), changes.len());
        let all = store.admin_changes(1000).await.expect("reads");
        assert_eq!(all.len(), changes.len(), "every change");
        assert_eq!(strangers, self.strangers);
        assert!(starts > 0);
        assert_eq!(store.conflicts(), 0);
        store.close().await;
    }
}

fn opened(generation: u64, sequence: u64) -> Opened {
    Opened {
        ticket: TicketId {
            generation,
            core: 0,
            sequence,
        },
        at: UnixMicros(1_000),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
        model: "demo".into(),
        reserved_tokens: 100,
        asked: None,
        who: None,
        from: None,
    }
}

fn ended(opened: &Opened) -> Record {
    Record::Settled(Box::new(Settled {
        outcome: Outcome::Complete,
        status: 200,
        from: Some([192, 0, 2, 7].into()),
        ..journal::lost(opened)
    }))
}

async fn change(store: &Store, number: u64) {
    let change = store.change().await.expect("begins");
    let record = store::AdminChange {
        at: UnixMicros(1),
        actor: "cli:test".to_owned(),
        action: "key.edit".to_owned(),
        object: format!("key_{number}"),
        tenant: "default".into(),
        before: None,
        after: Some("{}".to_owned()),
    };
    change.commit(&record).await.expect("commits");
}

/// All records of a log that is sound and sealed to its end.
fn verified(dir: &Path, key: &VerifierKey) -> Vec<Entry> {
    let work = Work {
        key,
        anchor: None,
        threads: 1,
    };
    let report = verify(dir, work).expect("reads");
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.unsealed, 0);
    let folder = audit::Folder::new(dir);
    let mut records = Vec::new();
    while (records.len() as u64) < report.records {
        let bundle = folder.bundle_from(records.len() as u64).expect("reads");
        assert!(!bundle.is_empty());
        records.extend(bundle.iter().map(|it| entry::decode(it).expect("an entry")));
    }
    records
}

#[tokio::test]
async fn a_sudden_end_behind_any_step_misses_and_doubles_nothing() {
    use Step::{Append, Compose, Done, Keep, Open, Seal};
    for step in [Open, Compose, Append, Keep, Done, Seal] {
        let mut life = Life::new(&format!("{step:?}"));
        for rounds in 1..=3 {
            life.process(40, (rounds, step)).await;
        }
        life.check().await;
    }
}

#[tokio::test]
async fn sudden_ends_again_and_again_miss_and_double_nothing() {
    use Step::{Append, Compose, Done, Keep, Never, Open, Seal};
    let mut life = Life::new("random");
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..40 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let step = [Open, Compose, Append, Append, Keep, Done, Seal, Never];
        let step = step[(dice % 8) as usize];
        let (calls, rounds) = (dice >> 8 & 31, 1 + (dice >> 16 & 1));
        life.process(calls, (rounds as u32, step)).await;
    }
    life.check().await;
}

#[tokio::test]
async fn a_store_that_lost_what_it_had_gets_it_back_from_the_log() {
    let mut life = Life::new("restored");
    life.process(40, (2, Step::Never)).await;
    let file = life.folder.join("portcullis.db");
    let kept = life.folder.join("kept.db");
    std::fs::copy(&file, &kept).expect("copies");
    for _ in 0..3 {
        life.process(40, (3, Step::Never)).await;
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(life.folder.join(format!("portcullis.db{end}")));
    }
    std::fs::rename(&kept, &file).expect("renames");
    life.process(5, (3, Step::Never)).await;
    let log = life.log();
    let records = verified(&log.dir, log.signer.verifier());
    let calls = records.iter().filter(|it| it.kind() == "call").count() as u64;
    let store = life.store().await;
    let index = store.audit_log(log.origin()).await.expect("a log");
    let rows = store.logged_calls(index.log, index.size).await;
    assert_eq!(rows.expect("counts").within, calls);
}

#[tokio::test]
async fn records_whose_time_is_over_go_and_the_log_stays_sound() {
    let mut life = Life::new("expired");
    for _ in 0..8 {
        life.process(90, (9, Step::Never)).await;
    }
    let journal = Journal::open(&life.folder.join("journal"), Config::default(), 98);
    let journal = journal.expect("a journal");
    let store = life.store().await;
    let marks = store.marks().await.expect("marks");
    let mut carrier = Carrier::new(&journal, marks);
    let (sealed, _) = watch::channel(None);
    let mut log = life.log();
    let verified = |log: &AuditLog| {
        let key = log.signer.verifier();
        let work = Work {
            key,
            anchor: None,
            threads: 1,
        };
        let report = verify(&log.dir, work).expect("reads");
        assert!(report.is_sound(), "{:?}", report.findings);
        (report.records / 256 * 256, report.expired)
    };
    // A hold keeps all: see `AuditLog::of`. Starts are of today.
    let mut book = Book::new(&log, 98, &Arc::default(), sealed.clone());
    book.carry(&mut carrier, &store).await.expect("carries");
    book.expire_if_due().await;
    assert_eq!(verified(&log).1, 0);
    drop(book);
    log.expires_after = Some(Duration::ZERO);
    let mut book = Book::new(&log, 98, &Arc::default(), sealed);
    for _ in 0..3 {
        book.carry(&mut carrier, &store).await.expect("carries");
    }
    book.seal().await;
    book.looked_for_old = None;
    book.expire_if_due().await;
    let (whole, expired) = verified(&log);
    assert!(whole >= 256 && expired == whole, "{expired} of {whole}");
    // The next process finds it so, and goes on.
    drop((book, carrier, journal));
    store.close().await;
    life.process(9, (5, Step::Never)).await;
    assert_eq!(verified(&log).1, expired);
}

#[tokio::test]
async fn a_log_that_was_cut_back_is_not_written_on() {
    let mut life = Life::new("cut");
    life.process(40, (2, Step::Never)).await;
    std::fs::remove_dir_all(life.folder.join("audit")).expect("ours");
    let store = life.store().await;
    let journal = Journal::open(&life.folder.join("journal"), Config::default(), 99);
    let journal = journal.expect("a journal");
    let marks = store.marks().await.expect("marks");
    let mut carrier = Carrier::new(&journal, marks);
    let (sealed, _) = watch::channel(None);
    let mut book = Book::new(&life.log(), 99, &Arc::default(), sealed);
    let error = book
        .carry(&mut carrier, &store)
        .await
        .expect_err("cut back");
    assert!(error.to_string().contains("cut back"), "{error}");
}
