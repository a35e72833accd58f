//! `portcullis ledger`: the state of the books; closed up to a time, rid of old rows.

use anyhow::bail;
use clap::{Args, Subcommand};
use config::scalars::Moment;
use control::books;
use domain::time::UnixMicros;
use serde_json::{Value, json};
use store::Books;

use super::people::{actor, find_store, run_on, when};
use crate::cli::{ListArgs, Place};
use crate::output;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Up to when it is closed, and since when it has a row for each request
    Status(ListArgs),
    /// Close the books up to a time: reports of the time before do not change any more
    Lock(LockArgs),
    /// Delete the rows of requests that came before a time; reports stay right
    Prune(PruneArgs),
}

/// Options of `lock`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LockArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// Up to when, not included: a point (`2026-11-01`), or so long ago (`7d`)
    #[arg(long, value_name = "WHEN")]
    until: String,
}

/// Options of `prune`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PruneArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// Those that came before: a point (`2026-11-01`), or so long ago (`400d`)
    #[arg(long, value_name = "WHEN")]
    before: String,
}

/// Does it.
pub(super) fn run(command: LedgerCommand) -> anyhow::Result<()> {
    run_on(async {
        let by = actor();
        match command {
            LedgerCommand::Status(args) => {
                let store = find_store(&args.place).await?;
                let books = store.books().await?;
                match args.json {
                    true => output::line(as_json(books).to_string()),
                    false => tell(books),
                }
            }
            LedgerCommand::Lock(args) => {
                let until = when("until", &args.until, by.now)?;
                let store = find_store(&args.place).await?;
                let books = books::lock(&store, until, &by).await?;
                output::line(format!("Closed up to {}.", Moment(books.locked_until)));
            }
            LedgerCommand::Prune(args) => {
                let before = when("before", &args.before, by.now)?;
                if args.place.look()?.config.audit.hold {
                    bail!("`audit.hold` keeps every row; nothing was deleted");
                }
                let store = find_store(&args.place).await?;
                books::prune(&store, before, &by).await?;
                tell(store.books().await?);
            }
        }
        Ok(())
    })
}

fn moment(at: UnixMicros) -> Option<String> {
    (at.0 > 0).then(|| Moment(at).to_string())
}

fn as_json(books: Books) -> Value {
    json!({
        "locked_until": moment(books.locked_until),
        "pruned_until": moment(books.pruned_until),
    })
}

fn tell(books: Books) {
    match moment(books.locked_until) {
        Some(at) => output::line(format!("The books are closed up to {at}.")),
        None => output::line("The books are open."),
    }
    match moment(books.pruned_until) {
        Some(at) => output::line(format!("Rows of single requests are there since {at}.")),
        None => output::line("There is a row for each request."),
    }
}
