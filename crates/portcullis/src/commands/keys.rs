//! `portcullis keys`: virtual keys in the store. A key is shown once, when it
//! is made; the store keeps a digest.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use config::scalars::{Moment, Span};
use control::keys::{Created, NewKey};
use domain::principal::{Limits, Principal};
use domain::time::UnixMicros;
use identity::Install;
use serde_json::{Value, json};
use store::{Store, StoredKey};

use crate::cli::{ListArgs, Place};
use crate::clock;
use crate::database::Database;
use crate::output;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once
    #[command(after_help = "\
Examples:
  portcullis keys create --name alice
  portcullis keys create --name ci --models 'gpt-*,demo' --expires 30d --requests-per-minute 60

The key is shown this once; the store keeps a digest only.")]
    Create(CreateArgs),
    /// List the keys; never the keys themselves
    List(ListArgs),
    /// Stop a key; a running gateway notices within a second
    #[command(after_help = "\
Examples:
  portcullis keys revoke ci
  portcullis keys revoke key_4f8xk2m9q1zt")]
    Revoke(RevokeArgs),
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
    /// Models it may use, `*` at the end matches any rest [default: all]
    #[arg(long, value_name = "A,B*", value_delimiter = ',')]
    models: Option<Vec<String>>,
    /// When it stops working: `30d`, `12h`, or `2027-01-01T00:00:00Z` [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Requests in any 60 seconds [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_minute: Option<u64>,
    /// Tokens, prompt and answer, in any 60 seconds [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tokens_per_minute: Option<u64>,
    /// Requests running at the same time [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    parallel: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Options of `keys revoke`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// Id (`key_…`) or name
    #[arg(value_name = "ID|NAME")]
    key: String,
}

/// Does it.
pub(super) fn run(command: KeysCommand) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            match command {
                KeysCommand::Create(args) => create(args).await,
                KeysCommand::List(args) => list(&args).await,
                KeysCommand::Revoke(args) => revoke(&args).await,
            }
        })
}

/// The store and the secret; makes both if they are not there.
async fn open(place: &Place) -> anyhow::Result<(Store, Install)> {
    let config = place.look()?.config;
    let folder = &config.data_dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the data folder {}", folder.display()))?;
    let install = Install::load_or_create(folder)?;
    let store = Database::of(&config, folder)?.open().await?;
    Ok((store, install))
}

/// The store if it is there: who only looks makes none.
async fn find(place: &Place) -> anyhow::Result<Store> {
    let config = place.look()?.config;
    let database = Database::of(&config, &config.data_dir)?;
    if !database.may_exist() {
        bail!(
            "no database in the data folder {}; name the right one with --data-dir",
            config.data_dir.display()
        );
    }
    database.open().await
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let expires = args
        .expires
        .as_deref()
        .map(|text| ends(text, now))
        .transpose()?;
    let wanted = NewKey {
        name: args.name,
        models: args.models,
        expires,
        limits: Limits {
            requests_per_minute: args.requests_per_minute,
            tokens_per_minute: args.tokens_per_minute,
            parallel_requests: args.parallel,
        },
    };
    let (store, install) = open(&args.place).await?;
    let Created { key, stored } = control::keys::create(&store, &install, wanted, now).await?;
    if args.json {
        let mut all = as_json(&stored, now);
        all["key"] = Value::from(key.reveal());
        output::line(serde_json::to_string_pretty(&all)?);
    } else {
        output::line(key.reveal());
        let Principal { key: id, name, .. } = &stored.principal;
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

fn state(principal: &Principal, now: UnixMicros) -> &'static str {
    if principal.revoked.is_some_and(|at| at <= now) {
        "revoked"
    } else if principal.is_valid(now) {
        "valid"
    } else {
        "expired"
    }
}

fn as_json(key: &StoredKey, now: UnixMicros) -> Value {
    let p = &key.principal;
    let moment = |at: UnixMicros| Moment(at).to_string();
    json!({
        "id": p.key.as_str(),
        "name": p.name,
        "state": state(p, now),
        "models": p.models,
        "created": moment(key.created),
        "expires": p.expires.map(moment),
        "revoked": p.revoked.map(moment),
        "limits": {
            "requests_per_minute": p.limits.requests_per_minute,
            "tokens_per_minute": p.limits.tokens_per_minute,
            "parallel_requests": p.limits.parallel_requests,
        },
    })
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let store = find(&args.place).await?;
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
    let rows: Vec<Vec<String>> = stored.iter().map(|key| row(key, now)).collect();
    let head = [
        "ID", "NAME", "STATE", "CREATED", "EXPIRES", "LIMITS", "MODELS",
    ];
    output::raw(&output::table(&head, &rows));
    Ok(())
}

fn row(key: &StoredKey, now: UnixMicros) -> Vec<String> {
    let p = &key.principal;
    let minute = |at: UnixMicros| {
        let text = Moment(UnixMicros(at.seconds() * 1_000_000)).to_string();
        text.replace('T', " ").trim_end_matches('Z').to_owned()
    };
    let limits: Vec<String> = [
        (p.limits.requests_per_minute, "requests/min"),
        (p.limits.tokens_per_minute, "tokens/min"),
        (p.limits.parallel_requests, "parallel"),
    ]
    .iter()
    .filter_map(|(limit, unit)| limit.map(|n| format!("{n} {unit}")))
    .collect();
    vec![
        p.key.to_string(),
        p.name.clone(),
        state(p, now).to_owned(),
        minute(key.created),
        p.expires.map_or_else(|| "never".to_owned(), minute),
        if limits.is_empty() {
            "none".to_owned()
        } else {
            limits.join(", ")
        },
        p.models
            .as_ref()
            .map_or_else(|| "all".to_owned(), |m| m.join(", ")),
    ]
}

async fn revoke(args: &RevokeArgs) -> anyhow::Result<()> {
    let store = find(&args.place).await?;
    let id = control::keys::revoke(&store, &args.key, clock::now()).await?;
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
