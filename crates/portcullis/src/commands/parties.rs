//! `portcullis tenants|teams|apps|users`: who keys belong to.

use clap::{Args, Subcommand};
use control::parties::{self, NewParty};
use domain::ids::PartyId;
use domain::party::{Level, Parties, Party};
use domain::terms::Terms;
use domain::time::{Moment, UnixMicros};
use serde_json::{Value, json};

use super::people::{actor, find_store, minute, open_store, run_on};
use super::terms::{TermArgs, brief, clear};
use crate::cli::{ListArgs, Place};
use crate::clock;
use crate::output;

/// What to do with tenants, teams, apps or users.
#[derive(Debug, Subcommand)]
pub(crate) enum PartiesCommand {
    /// Make one
    Create(CreateArgs),
    /// List them
    List(ListArgs),
    /// Show one, with what holds for it
    Show(NamedArgs),
    /// Change what holds for one; a running gateway notices within a second
    Edit(EditArgs),
    /// Stop one, and the keys of all below it
    Revoke(NamedArgs),
}

/// Options of `create`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CreateArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// What to call it
    #[arg(long)]
    name: String,
    /// In whom it stands: an id, a path like `acme/research`, or a name [default: the tenant `default`]
    #[arg(long = "in", value_name = "WHO")]
    within: Option<String>,
    /// What holds for it.
    #[command(flatten)]
    terms: TermArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// One of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct NamedArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// Id, path like `acme/research`, or name
    #[arg(value_name = "WHO")]
    name: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Options of `edit`.
#[derive(Clone, Debug, Args)]
pub(crate) struct EditArgs {
    /// Which one.
    #[command(flatten)]
    named: NamedArgs,
    /// Another name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// What shall hold for it.
    #[command(flatten)]
    terms: TermArgs,
    /// Fields that shall say nothing any more: models, limits, budgets, …
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    unset: Vec<String>,
}

/// Does it.
pub(super) fn run(level: Level, command: PartiesCommand) -> anyhow::Result<()> {
    run_on(async {
        match command {
            PartiesCommand::Create(args) => create(level, args).await,
            PartiesCommand::List(args) => list(level, &args).await,
            PartiesCommand::Show(args) => show(level, &args).await,
            PartiesCommand::Edit(args) => edit(level, args).await,
            PartiesCommand::Revoke(args) => revoke(level, &args).await,
        }
    })
}

async fn create(level: Level, args: CreateArgs) -> anyhow::Result<()> {
    let mut terms = Terms::default();
    args.terms.apply(&mut terms)?;
    let wanted = NewParty {
        level,
        name: args.name,
        parent: args.within,
        terms,
    };
    let (store, _) = open_store(&args.place).await?;
    let made = parties::create(&store, wanted, &actor()).await?;
    let tree = parties::tree(&store.parties().await?);
    if args.json {
        output::line(serde_json::to_string_pretty(&as_json(
            &made,
            &tree,
            clock::now(),
        ))?);
    } else {
        output::line(&made.id);
        output::error(&format!("The {level} `{}` is made.", tree.path(&made.id)));
    }
    Ok(())
}

fn state(party: &Party, tree: &Parties, now: UnixMicros) -> &'static str {
    if !party.is_valid(now) {
        return "revoked";
    }
    let chain = tree.chain(&party.id).unwrap_or_default();
    match !chain.is_empty() && chain.iter().all(|it| it.is_valid(now)) {
        true => "valid",
        false => "revoked above",
    }
}

fn as_json(party: &Party, tree: &Parties, now: UnixMicros) -> Value {
    let moment = |at: UnixMicros| Moment(at).to_string();
    json!({
        "id": party.id.as_str(),
        "name": party.name,
        "path": tree.path(&party.id),
        "level": party.level.as_str(),
        "in": party.parent.as_ref().map(PartyId::as_str),
        "state": state(party, tree, now),
        "created": moment(party.created),
        "revoked": party.revoked.map(moment),
        "terms": party.terms,
    })
}

async fn list(level: Level, args: &ListArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find_store(&args.place).await?;
    let all = parties::list(&store).await?;
    let tree = parties::tree(&all);
    let of_level = all.iter().filter(|party| party.level == level);
    if args.json {
        let all: Vec<Value> = of_level.map(|it| as_json(it, &tree, now)).collect();
        output::line(serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    let row = |party: &Party| {
        vec![
            party.id.to_string(),
            tree.path(&party.id),
            state(party, &tree, now).to_owned(),
            minute(party.created),
            brief(&party.terms),
        ]
    };
    let rows: Vec<Vec<String>> = of_level.map(row).collect();
    if rows.is_empty() {
        output::error(&format!(
            "No {level}s yet. `portcullis {level}s create --name …` makes one."
        ));
        return Ok(());
    }
    let head = ["ID", "PATH", "STATE", "CREATED", "LIMITS AND BUDGETS"];
    output::raw(&output::table(&head, &rows));
    Ok(())
}

async fn show(level: Level, args: &NamedArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find_store(&args.place).await?;
    let all = parties::list(&store).await?;
    let party = parties::find(&all, Some(level), &args.name, &actor())?;
    let tree = parties::tree(&all);
    let told = as_json(party, &tree, now);
    match args.json {
        true => output::line(serde_json::to_string_pretty(&told)?),
        false => output::raw(&super::yaml::block(&told)),
    }
    Ok(())
}

async fn edit(level: Level, args: EditArgs) -> anyhow::Result<()> {
    let store = find_store(&args.named.place).await?;
    // What the options say is read before anything is changed.
    args.terms.apply(&mut Terms::default())?;
    clear(&mut Terms::default(), &args.unset)?;
    let named = (level, args.named.name.as_str());
    let by = actor();
    let edited = parties::edit(&store, named, &by, |party| {
        if let Some(name) = args.rename {
            party.name = name;
        }
        let _ = clear(&mut party.terms, &args.unset);
        let _ = args.terms.apply(&mut party.terms);
    });
    let edited = edited.await?;
    let tree = parties::tree(&store.parties().await?);
    match args.named.json {
        true => output::line(serde_json::to_string_pretty(&as_json(
            &edited,
            &tree,
            clock::now(),
        ))?),
        false => output::error(&format!(
            "The {level} `{}` is changed.",
            tree.path(&edited.id)
        )),
    }
    Ok(())
}

async fn revoke(level: Level, args: &NamedArgs) -> anyhow::Result<()> {
    let store = find_store(&args.place).await?;
    let revoked = parties::revoke(&store, (level, &args.name), &actor()).await?;
    output::error(&format!(
        "{} (`{}`) is revoked, and with it all keys below.",
        revoked.id, revoked.name
    ));
    Ok(())
}
