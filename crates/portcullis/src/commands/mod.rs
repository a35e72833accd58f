//! The commands, a file each.

pub(crate) mod audit;
pub(crate) mod backup;
mod check;
mod completions;
pub(crate) mod connect;
mod diff;
mod import_litellm;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod models;
pub(crate) mod parties;
mod people;
pub(crate) mod spend;
mod terms;
mod translate;
mod version;
mod whole;
pub(crate) mod world;
mod yaml;

use domain::party::Level;

use crate::cli::{Cli, Command, ImportCommand};
use crate::serve;

/// Does what the command line says.
///
/// # Errors
/// What went wrong, for the person at the terminal.
pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Check(place)) => check::run(&place),
        Some(Command::Diff(args)) => diff::run(&args),
        Some(Command::Tenants(command)) => parties::run(Level::Tenant, command),
        Some(Command::Teams(command)) => parties::run(Level::Team, command),
        Some(Command::Apps(command)) => parties::run(Level::App, command),
        Some(Command::Users(command)) => parties::run(Level::User, command),
        Some(Command::Keys(command)) => keys::run(command),
        Some(Command::Spend(args)) => spend::run(&args),
        Some(Command::Audit(command)) => audit::run(command),
        Some(Command::Ledger(command)) => ledger::run(command),
        Some(Command::Backup(args)) => backup::backup(&args),
        Some(Command::Restore(args)) => backup::restore(&args),
        Some(Command::Models(args)) => models::run(&args),
        Some(Command::Translate(args)) => translate::run(&args),
        Some(Command::Connect(args)) => connect::run(&args),
        Some(Command::Version) => version::run(),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::Import(ImportCommand::Litellm(args))) => import_litellm::run(&args),
    }
}
