//! `portcullis audit`: the log of every call and every change, looked up, verified,
//! proved.

mod index;
mod lines;
mod prove;
mod search;
mod show;
mod verify;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::audit_log;
use crate::cli::Place;
use crate::output;

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print the log's public key: keep it where nobody of this machine can change it
    Key(Place),
    /// Say whether anything was changed, in the files and in the database
    #[command(after_help = "\
Examples:
  portcullis audit verify --key audit.pub --checkpoint /mnt/elsewhere/checkpoint
  portcullis audit verify --dir copied/audit --key 'portcullis-…+…+…' --files

Exits with 1 and names the first bad record if anything is wrong. Without an exported
checkpoint nobody can tell a log that was cut back: that is called unanchored.")]
    Verify(verify::VerifyArgs),
    /// Print a proof that a record stands in the log (C2SP tlog-proof)
    #[command(after_help = "\
Examples:
  portcullis audit prove req_… --record record.json > record.tlog-proof
  portcullis audit check-proof --key audit.pub record.tlog-proof record.json")]
    Prove(prove::ProveArgs),
    /// Check a proof with the public key and the record alone
    CheckProof(prove::CheckArgs),
    /// Find calls by who, what and when
    #[command(after_help = "\
Examples:
  portcullis audit search --tenant acme --outcome refused --since 7d
  portcullis audit search --guard secrets --json
  portcullis audit search --key key_… --from 203.0.113.7")]
    Search(search::SearchArgs),
    /// Show a record whole
    Show(show::ShowArgs),
    /// Show the newest records, and those that come
    Tail(show::TailArgs),
    /// Show what people changed, with before and after
    Changes(search::ChangesArgs),
}

/// Where the log is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Where {
    /// Which configuration.
    #[command(flatten)]
    place: Place,
    /// The log's folder [default: `audit.dir`, or `audit` in the data folder]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Where {
    /// The folder.
    fn folder(&self) -> anyhow::Result<audit::Folder> {
        let path = self.path()?;
        let folder = audit::Folder::new(&path);
        if folder.size()? == 0 {
            bail!("there is no audit log in {}", path.display());
        }
        Ok(folder)
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let config = self.place.look()?.config;
        Ok(audit_log::folder(&config, &config.data_dir))
    }

    /// The public key: the one that is named, or the gateway's own.
    fn key(&self, named: Option<&str>) -> anyhow::Result<audit::VerifierKey> {
        if let Some(key) = named {
            return audit_log::verifier(key);
        }
        let config = self.place.look()?.config;
        audit_log::public_key(&config, &config.data_dir)
    }
}

/// Does it.
pub(super) fn run(command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Key(place) => {
            let config = place.look()?.config;
            output::line(audit_log::public_key(&config, &config.data_dir)?);
            Ok(())
        }
        AuditCommand::Verify(args) => verify::run(&args),
        AuditCommand::Prove(args) => prove::prove(&args),
        AuditCommand::CheckProof(args) => prove::check(&args),
        AuditCommand::Search(args) => search::run(&args),
        AuditCommand::Show(args) => show::show(&args),
        AuditCommand::Tail(args) => show::tail(&args),
        AuditCommand::Changes(args) => search::changes(&args),
    }
}
