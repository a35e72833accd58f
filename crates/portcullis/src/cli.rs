//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use config::providers::Dialect;
use config::{ConfigError, Loaded};

use crate::commands::audit::AuditCommand;
use crate::commands::backup::{BackupArgs, RestoreArgs};
use crate::commands::connect::ConnectArgs;
use crate::commands::keys::KeysCommand;
use crate::commands::ledger::LedgerCommand;
use crate::commands::models::ModelsArgs;
use crate::commands::parties::PartiesCommand;
use crate::commands::spend::SpendArgs;
use crate::serve::ServeArgs;

/// A self-hosted gateway to language models: one address and one kind of key
/// for every provider, with limits, guards, cache and costs.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  portcullis                                  run with built-in defaults
  OPENAI_API_KEY=sk-… portcullis              the provider's models appear by themselves
  portcullis check                            is portcullis.yaml right?
  portcullis keys create --name ci --models 'gpt-*' --expires 30d
  portcullis import litellm config.yaml --output portcullis.yaml

Without a command, `portcullis` serves. `portcullis help COMMAND` tells more."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Options of `serve`, for when no command is named.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway (the default)
    #[command(after_help = "\
Examples:
  portcullis serve --listen 0.0.0.0:4000 --data-dir /var/lib/portcullis
  PORT=8080 portcullis serve

A change of the file, or SIGHUP, reloads it; a broken file changes nothing.")]
    Serve(ServeArgs),
    /// Say whether a configuration is right, and what it makes
    #[command(after_help = "\
Examples:
  portcullis check
  portcullis check --config new.yaml && systemctl reload portcullis

Exits with 1 and names file, line, column and field if something is wrong.")]
    Check(Place),
    /// Show what a new configuration would change; secrets are never shown
    #[command(after_help = "\
Examples:
  portcullis diff --config new.yaml                    against the one in use
  portcullis diff --config new.yaml --against old.yaml")]
    Diff(DiffArgs),
    /// Organisations that know nothing of each other
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis tenants create --name acme --budget 'usd: 500, per: month, calendar: Europe/Vienna'
  portcullis tenants edit acme --limit 'requests: 600, per: minute'
  portcullis tenants show acme"
    )]
    Tenants(PartiesCommand),
    /// Groups of people in a tenant
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis teams create --name research --in acme --models 'gpt-*'"
    )]
    Teams(PartiesCommand),
    /// Applications and projects, in a team or a tenant
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis apps create --name bot --in acme/research --limit 'parallel: 5, by: end_user'"
    )]
    Apps(PartiesCommand),
    /// People, in an app, a team or a tenant
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis users create --name ana --in acme/research --tag cost_center=4711"
    )]
    Users(PartiesCommand),
    /// Create, list, change, rotate and revoke virtual keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What was spent, by whom and for what
    #[command(after_help = "\
Examples:
  portcullis spend                                     this month, by tenant
  portcullis spend --by team,model --from 7d
  portcullis spend --by tag:cost_center --from 2026-10-01 --to 2026-11-01 --format csv
  portcullis spend --format focus > october.csv")]
    Spend(SpendArgs),
    /// Close the books of a time, or delete its rows
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis ledger status
  portcullis ledger lock --until 2026-11-01            reports of October do not change any more
  portcullis ledger prune --before 400d                reports stay right"
    )]
    Ledger(LedgerCommand),
    /// Copy the data folder while the gateway runs
    #[command(after_help = "\
Examples:
  portcullis backup /backups/2026-11-27

The database as it is at one moment, checked; the install secret; the audit log with
its key. What a server has (`store.url`) is the server's to copy.")]
    Backup(BackupArgs),
    /// Put a backup into an empty data folder
    #[command(after_help = "\
Examples:
  portcullis restore /backups/2026-11-27 --data-dir /var/lib/portcullis")]
    Restore(RestoreArgs),
    /// The log of every call and every change: verify, prove, search
    #[command(subcommand)]
    Audit(AuditCommand),
    /// List the models that clients can ask for, show one, refresh their prices
    #[command(after_help = "\
Examples:
  portcullis models
  portcullis models --json | jq -r '.[].name'
  portcullis models show gpt-4o
  portcullis models refresh --from prices.json")]
    Models(ModelsArgs),
    /// Print what a request is in another dialect, and what would be lost
    #[command(after_help = "\
Examples:
  portcullis translate --from openai --to anthropic < request.json
  portcullis translate --from gemini --to openai --answer < answer.json

Nothing is sent. What is lost stands on standard error.")]
    Translate(TranslateArgs),
    /// Print what a coding tool needs to ask the gateway, or write it
    #[command(after_help = "\
Examples:
  portcullis connect claude-code                           print it
  portcullis connect codex --model gpt-5 --write           write it
  portcullis connect opencode --model demo --key sk-pc-… --url https://llm.example.com --write

A file that is there is changed where it must be; what was in it before the first
change stays beside it as FILE.portcullis.bak.")]
    Connect(ConnectArgs),
    /// Print the version
    Version,
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  portcullis completions bash > /etc/bash_completion.d/portcullis
  portcullis completions fish > ~/.config/fish/completions/portcullis.fish")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Write our configuration from that of another gateway
    #[command(subcommand)]
    Import(ImportCommand),
}

/// Which configuration and which data folder.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Place {
    /// Configuration file [env: PORTCULLIS_CONFIG] [default: ./portcullis.yaml if it exists]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for database, journal and secrets [env: PORTCULLIS_DATA_DIR] [default: ./portcullis-data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Place {
    /// What `other` names in place of what this does not: options in front of a
    /// command are meant for it.
    #[must_use]
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            config: self.config.or_else(|| other.config.clone()),
            data_dir: self.data_dir.or_else(|| other.data_dir.clone()),
        }
    }

    /// The configuration, with the folder that these options name.
    ///
    /// # Errors
    /// It is wrong.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        let loaded = self.look()?;
        loaded.config.files()?;
        Ok(loaded)
    }

    /// [`Self::load`] for commands that serve nothing: the files that it names
    /// may be elsewhere.
    ///
    /// # Errors
    /// It is wrong.
    pub(crate) fn look(&self) -> Result<Loaded, ConfigError> {
        let mut loaded = config::load(self.config.as_deref())?;
        if let Some(folder) = &self.data_dir {
            loaded.config.data_dir.clone_from(folder);
        }
        Ok(loaded)
    }
}

/// Options of `diff`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DiffArgs {
    /// The new file
    #[arg(long, short, value_name = "NEW")]
    pub(crate) config: PathBuf,
    /// The old file [default: the one that `serve` would use]
    #[arg(long, value_name = "OLD")]
    pub(crate) against: Option<PathBuf>,
}

/// Options of `translate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TranslateArgs {
    /// The dialect of what is read: openai, responses, anthropic, gemini
    #[arg(long, value_name = "DIALECT", value_parser = Dialect::named)]
    pub(crate) from: Dialect,
    /// The dialect of what is written
    #[arg(long, value_name = "DIALECT", value_parser = Dialect::named)]
    pub(crate) to: Dialect,
    /// The target's model [default: the request's]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Standard input is an answer, not a request
    #[arg(long)]
    pub(crate) answer: bool,
}

/// Options of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Which configuration.
    #[command(flatten)]
    pub(crate) place: Place,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// From which gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// From LiteLLM's config.yaml, or its database
    #[command(after_help = "\
Examples:
  portcullis import litellm config.yaml                          print it
  portcullis import litellm config.yaml --output portcullis.yaml write it
  portcullis import litellm --database env:DATABASE_URL          print what would be moved in
  portcullis import litellm --database env:DATABASE_URL --apply  move it in

From the database come organisations, teams, projects, users and keys with their
limits, budgets and what is spent of them. Keys are moved in by their hashes: people
keep theirs.

What could not be carried over stands as comments on top of the file and on
stderr. Keys that stand in the old file are not copied: each becomes a
reference to an environment variable.")]
    Litellm(ImportArgs),
}

/// Options of an import.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// The other gateway's file
    #[arg(value_name = "CONFIG.yaml", required_unless_present = "database")]
    pub(crate) input: Option<PathBuf>,
    /// Where to write ours; a file that is there already is kept [default: stdout]
    #[arg(long, short, value_name = "FILE", conflicts_with = "database")]
    pub(crate) output: Option<PathBuf>,
    /// The other gateway's PostgreSQL: `env:DATABASE_URL`, `file:…`, or an address
    #[arg(long, value_name = "WHERE", conflicts_with = "input")]
    pub(crate) database: Option<String>,
    /// Move in what the database has; without, it is only told
    #[arg(long, requires = "database")]
    pub(crate) apply: bool,
    /// Which configuration and data folder people and keys are moved into.
    #[command(flatten)]
    pub(crate) place: Place,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_serve_with_its_options() {
        let cli = Cli::parse_from(["portcullis", "--listen", "0.0.0.0:80"]);
        assert!(cli.command.is_none());
        assert_eq!(
            cli.serve.listen.map(|l| l.to_string()),
            Some("0.0.0.0:80".into())
        );
    }
}
