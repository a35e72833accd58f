//! `portcullis keys`: virtual keys in the store. A key is shown once, when it
//! is made or rotated; the store keeps a digest.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use config::scalars::{Moment, Span};
use control::keys::{Created, NewKey};
use control::parties;
use domain::party::Parties;
use domain::terms::Terms;
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;
use serde_json::{Value, json};
use store::StoredKey;

use super::people::{actor, find_store, minute, open_store, run_on};
use super::terms::{TermArgs, brief, clear};
use crate::cli::{ListArgs, Place};
use crate::clock;
use crate::output;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once
    #[command(after_help = "\
Examples:
  portcullis keys create --name alice
  portcullis keys create --name ci --models 'gpt-*,demo' --expires 30d --requests-per-minute 60
  portcullis keys create --name bot --owner acme/research --budget 'usd: 50, per: month'

The key is shown this once; the store keeps a digest only.")]
    Create(CreateArgs),
    /// List the keys; never the keys themselves
    List(ListArgs),
    /// Show one, with what holds for it and when it was last used
    Show(NamedArgs),
    /// Change a key; a running gateway notices within a second
    #[command(after_help = "\
Examples:
  portcullis keys edit ci --models 'gpt-*' --expires 90d
  portcullis keys edit ci --unset models,limits")]
    Edit(EditArgs),
    /// Give a key a new secret; the old one works a while longer
    #[command(after_help = "\
Examples:
  portcullis keys rotate ci                     the old secret works for another 24 hours
  portcullis keys rotate ci --overlap 0s        it stops at once")]
    Rotate(RotateArgs),
    /// Stop a key; a running gateway notices within a second
    #[command(after_help = "\
Examples:
  portcullis keys revoke ci
  portcullis keys revoke key_4f8xk2m9q1zt")]
    Revoke(NamedArgs),
}

/// Options of `keys create`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CreateArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// What to call it
    #[arg(long)]
    name: String,
    /// Whose it is: an id, a path like `acme/research`, or a name [default: the tenant `default`]
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    /// When it stops working: `30d`, `12h`, or `2027-01-01T00:00:00Z` [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// What holds for it beside its owner's terms.
    #[command(flatten)]
    terms: TermArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// One of the keys.
#[derive(Clone, Debug, Args)]
pub(crate) struct NamedArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// Id (`key_…`) or name
    #[arg(value_name = "ID|NAME")]
    key: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Options of `keys edit`.
#[derive(Clone, Debug, Args)]
pub(crate) struct EditArgs {
    /// Which one.
    #[command(flatten)]
    named: NamedArgs,
    /// Another name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// When it stops working: `30d`, `2027-01-01`, or `never`
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// What shall hold for it.
    #[command(flatten)]
    terms: TermArgs,
    /// Fields that shall say nothing any more: models, limits, budgets, …
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    unset: Vec<String>,
}

/// Options of `keys rotate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RotateArgs {
    /// Which one.
    #[command(flatten)]
    named: NamedArgs,
    /// How long the old secret goes on working
    #[arg(long, value_name = "TIME", default_value = "24h")]
    overlap: Span,
}

/// Does it.
pub(super) fn run(command: KeysCommand) -> anyhow::Result<()> {
    run_on(async {
        match command {
            KeysCommand::Create(args) => create(args).await,
            KeysCommand::List(args) => list(&args).await,
            KeysCommand::Show(args) => show(&args).await,
            KeysCommand::Edit(args) => edit(args).await,
            KeysCommand::Rotate(args) => rotate(&args).await,
            KeysCommand::Revoke(args) => revoke(&args).await,
        }
    })
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let expires = args.expires.as_deref();
    let mut terms = Terms::default();
    args.terms.apply(&mut terms)?;
    let wanted = NewKey {
        name: args.name,
        owner: args.owner,
        expires: expires.map(|text| ends(text, now)).transpose()?,
        terms,
    };
    let (store, install) = open_store(&args.place).await?;
    let created = control::keys::create(&store, &install, wanted, &actor()).await?;
    tell(&created, args.json.into(), now)
}

/// For whom something is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A program.
    Json,
    /// A person.
    Text,
}

impl From<bool> for Told {
    fn from(is_json: bool) -> Self {
        if is_json { Self::Json } else { Self::Text }
    }
}

/// Shows a key, this once.
fn tell(created: &Created, how: Told, now: UnixMicros) -> anyhow::Result<()> {
    let Created { key, stored } = created;
    if how == Told::Json {
        let mut all = as_json(stored, now);
        all["key"] = Value::from(key.reveal());
        output::line(serde_json::to_string_pretty(&all)?);
    } else {
        output::line(key.reveal());
        let VirtualKey { id, name, .. } = &stored.key;
        output::error(&format!(
            "{id} (`{name}`). This is the only time that the key is shown."
        ));
    }
    Ok(())
}

/// `30d` from now, or a point in time; never one that is past.
fn ends(text: &str, now: UnixMicros) -> anyhow::Result<UnixMicros> {
    let at = match text.parse::<Span>() {
        Ok(Span(span)) => after(now, span),
        Err(_) => match text.parse::<Moment>() {
            Ok(moment) => Some(moment.0),
            Err(_) => bail!(
                "--expires: `{text}` is neither a length of time (`30d`) nor a point (`2027-01-01T00:00:00Z`)"
            ),
        },
    };
    match at {
        Some(at) if at > now => Ok(at),
        _ => bail!("--expires: `{text}` is not in the future"),
    }
}

fn after(now: UnixMicros, span: Duration) -> Option<UnixMicros> {
    let micros = i64::try_from(span.as_micros()).ok()?;
    now.0.checked_add(micros).map(UnixMicros)
}

fn state(key: &VirtualKey, now: UnixMicros) -> &'static str {
    if key.revoked.is_some_and(|at| at <= now) {
        "revoked"
    } else if key.is_valid(now) {
        "valid"
    } else {
        "expired"
    }
}

/// Its state, or that of whoever above it is there no more.
fn of_all(key: &VirtualKey, tree: &Parties, now: UnixMicros) -> &'static str {
    let chain = tree.chain(&key.owner);
    let is_there = chain.is_some_and(|chain| chain.iter().all(|it| it.is_valid(now)));
    match state(key, now) {
        "valid" if !is_there => "revoked above",
        state => state,
    }
}

fn as_json(stored: &StoredKey, now: UnixMicros) -> Value {
    let key = &stored.key;
    let moment = |at: UnixMicros| Moment(at).to_string();
    let ends = stored.secrets.iter().filter_map(|it| it.expires);
    let ends = ends.filter(|at| *at > now).map(moment);
    json!({
        "id": key.id.as_str(),
        "name": key.name,
        "owner": key.owner.as_str(),
        "state": state(key, now),
        "created": moment(key.created),
        "expires": key.expires.map(moment),
        "revoked": key.revoked.map(moment),
        "old_secrets_end": ends.collect::<Vec<_>>(),
        "terms": key.terms,
    })
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find_store(&args.place).await?;
    let stored = control::keys::list(&store).await?;
    if args.json {
        let all: Vec<Value> = stored.iter().map(|key| as_json(key, now)).collect();
        output::line(serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if stored.is_empty() {
        output::error("No keys yet. `portcullis keys create --name alice` makes one.");
        return Ok(());
    }
    let tree = parties::tree(&store.parties().await?);
    let rows: Vec<Vec<String>> = stored.iter().map(|it| row(&it.key, &tree, now)).collect();
    let head = [
        "ID", "NAME", "OWNER", "STATE", "CREATED", "EXPIRES", "LIMITS", "MODELS",
    ];
    output::raw(&output::table(&head, &rows));
    Ok(())
}

fn row(key: &VirtualKey, tree: &Parties, now: UnixMicros) -> Vec<String> {
    let models = key.terms.models.as_ref();
    vec![
        key.id.to_string(),
        key.name.clone(),
        tree.path(&key.owner),
        of_all(key, tree, now).to_owned(),
        minute(key.created),
        key.expires.map_or_else(|| "never".to_owned(), minute),
        brief(&key.terms),
        models.map_or_else(|| "all".to_owned(), |m| m.join(", ")),
    ]
}

async fn show(args: &NamedArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find_store(&args.place).await?;
    let all = control::keys::list(&store).await?;
    let stored = control::keys::find(&all, &args.key, &actor())?;
    let mut told = as_json(stored, now);
    let tree = parties::tree(&store.parties().await?);
    told["owner_path"] = Value::from(tree.path(&stored.key.owner));
    let used = store.last_use(&stored.key.id).await?;
    told["last_used"] = Value::from(used.map(|at| Moment(at).to_string()));
    match args.json {
        true => output::line(serde_json::to_string_pretty(&told)?),
        false => output::raw(&super::yaml::block(&told)),
    }
    Ok(())
}

async fn edit(args: EditArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find_store(&args.named.place).await?;
    let expires = match args.expires.as_deref() {
        None => None,
        Some("never") => Some(None),
        Some(text) => Some(Some(ends(text, now)?)),
    };
    // What the options say is read before anything is changed.
    args.terms.apply(&mut Terms::default())?;
    clear(&mut Terms::default(), &args.unset)?;
    let by = actor();
    let edited = control::keys::edit(&store, &args.named.key, &by, |key| {
        if let Some(name) = args.rename {
            key.name = name;
        }
        if let Some(expires) = expires {
            key.expires = expires;
        }
        let _ = clear(&mut key.terms, &args.unset);
        let _ = args.terms.apply(&mut key.terms);
    });
    let edited = edited.await?;
    if args.named.json {
        let stored = StoredKey {
            key: edited,
            secrets: Vec::new(),
        };
        output::line(serde_json::to_string_pretty(&as_json(&stored, now))?);
    } else {
        output::error(&format!("{} (`{}`) is changed.", edited.id, edited.name));
    }
    Ok(())
}

async fn rotate(args: &RotateArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let Some(ends) = after(now, args.overlap.0) else {
        bail!("--overlap: `{}` is too long", args.overlap);
    };
    let (store, install) = open_store(&args.named.place).await?;
    let named = (args.named.key.as_str(), ends);
    let created = control::keys::rotate(&store, &install, named, &actor()).await?;
    tell(&created, args.named.json.into(), now)?;
    output::error(&format!("The old secret works until {}.", Moment(ends)));
    Ok(())
}

async fn revoke(args: &NamedArgs) -> anyhow::Result<()> {
    let store = find_store(&args.place).await?;
    let id = control::keys::revoke(&store, &args.key, &actor()).await?;
    output::error(&format!("{id} (`{}`) is revoked.", args.key));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_span_or_a_point_and_never_past() {
        let now = UnixMicros(1_800_000_000_000_000);
        assert_eq!(
            ends("1h", now).expect("an hour"),
            UnixMicros(now.0 + 3_600_000_000)
        );
        assert!(ends("2100-01-01", now).is_ok());
        assert!(ends("2001-01-01", now).is_err());
        assert!(ends("soon", now).is_err());
    }
}
