//! `portcullis audit prove` and `check-proof`.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use audit::{Folder, Proof};
use clap::Args;

use super::Where;
use crate::audit_log;
use crate::commands::people::{find_store, run_on};
use crate::output;

/// Options of `audit prove`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProveArgs {
    /// Which log.
    #[command(flatten)]
    at: Where,
    /// The record: its number, or a request's id
    #[arg(value_name = "RECORD")]
    record: String,
    /// Write the record's bytes there: the proof is about them
    #[arg(long = "record", value_name = "FILE")]
    into: Option<PathBuf>,
}

/// Options of `audit check-proof`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// The log's public key, or a file with it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The proof, as `audit prove` prints it
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The record's bytes
    #[arg(value_name = "RECORD")]
    record: PathBuf,
}

/// Does it.
pub(super) fn prove(args: &ProveArgs) -> anyhow::Result<()> {
    let folder = args.at.folder()?;
    let record = number(&args.at, &args.record)?;
    let proof = audit::prove(&folder, record)?;
    if let Some(file) = &args.into {
        let bytes = bytes(&folder, record)?;
        std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    output::raw(&proof.render());
    Ok(())
}

/// Does it.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let key = audit_log::verifier(&args.key)?;
    let read = |file: &PathBuf| {
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
    };
    let text = String::from_utf8_lossy(&read(&args.proof)?).into_owned();
    let proof = Proof::parse(&text)?;
    let checkpoint = proof.check(&read(&args.record)?, &key)?;
    output::line(format!(
        "proved: it is record {} of {}, sealed among {}",
        proof.index, checkpoint.origin, checkpoint.size
    ));
    Ok(())
}

/// A record's stored bytes.
pub(super) fn bytes(folder: &Folder, record: u64) -> anyhow::Result<Vec<u8>> {
    let bytes = folder.entry(record)?;
    bytes.with_context(|| format!("record {record} is not there, or is no more"))
}

/// The number of a record that is named by it or by a request's id.
pub(super) fn number(at: &Where, record: &str) -> anyhow::Result<u64> {
    if let Ok(number) = record.parse() {
        return Ok(number);
    }
    let digits = record.strip_prefix("req_").filter(|it| it.len() == 32);
    let ticket = digits.and_then(|it| u128::from_str_radix(it, 16).ok());
    let ticket = ticket.ok_or_else(|| {
        anyhow!("`{record}` is no record: write its number, or a request's id, `req_…`")
    })?;
    let ticket = domain::ids::TicketId::from_bytes(ticket.to_be_bytes());
    let mut found = None;
    run_on(async {
        let origin = at.key(None)?.name().to_owned();
        let store = find_store(&at.place).await?;
        let log = store.known_audit_log(&origin).await?;
        let place = store.place_of(ticket).await?;
        found = place
            .filter(|place| log.is_some_and(|log| log.log == place.log))
            .map(|place| place.record);
        Ok(())
    })?;
    found.with_context(|| format!("this log has no record of {record} yet"))
}
