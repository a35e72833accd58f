//! Organisations, teams, projects, users and keys from `LiteLLM`'s PostgreSQL.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use config::environment::process;
use config::secret::SecretRef;
use control::moved;
use store::{Server, foreign};

use super::super::people::{actor, open_store, run_on};
use super::people::{People, TABLES};
use crate::cli::ImportArgs;
use crate::output;

/// How long its server may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells what would be moved in; moves it in if that is wanted.
pub(super) fn run(place: &str, args: &ImportArgs) -> anyhow::Result<()> {
    let url = SecretRef::new(place);
    let url = url.resolve(&process).map_err(|error| anyhow!(error));
    let server = Server {
        url: url.context("--database")?,
        password: None,
        connections: 2,
        connect_timeout: PATIENCE,
        statement_timeout: PATIENCE,
    };
    server.check().context("--database")?;
    run_on(async {
        let by = actor();
        let tables = foreign::tables(&server, &TABLES).await;
        let tables = tables.context("LiteLLM's database cannot be read")?;
        let people = People::of(&tables)?;
        output::raw(&people.told());
        for note in &people.notes {
            output::error(&format!("note: {note}"));
        }
        if !args.apply {
            output::error("Nothing was moved in. `--apply` does it.");
            return Ok(());
        }
        let (store, install) = open_store(&args.place).await?;
        let all = (people.parties.as_slice(), people.keys.as_slice());
        let moved = moved::move_in(&store, &install, all, &by).await?;
        output::line(format!(
            "Moved in: {} tenants, teams, apps and users, {} keys; {} were here already.",
            moved.parties, moved.keys, moved.known
        ));
        Ok(())
    })
}
