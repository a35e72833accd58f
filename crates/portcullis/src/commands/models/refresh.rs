//! `portcullis models refresh`: what somebody else's price list says
//! otherwise, and that written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use config::Config;
use config::scalars::Moment;
use domain::suggest;
use providers::refresh::{self, Change, Facts, Field, Format, Kind, Wish};
use providers::{Catalogue, CatalogueModel, ModelsRead, is_date, write_models};

use super::super::whole;
use crate::build::models::entry;
use crate::cli::Place;
use crate::{catalogue, clock, output};

/// Options of `models refresh`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RefreshArgs {
    /// The price list; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Whose it is: litellm or models-dev [default: by what stands in it]
    #[arg(long, value_name = "FORMAT", value_parser = Format::named)]
    format: Option<Format>,
    /// Only these providers, by our names [default: all of the catalogue]
    #[arg(long = "provider", value_name = "NAME", value_delimiter = ',')]
    providers: Vec<String>,
    /// Only models that are known already
    #[arg(long)]
    known: bool,
    /// Where the list is from [default: litellm or models.dev]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// When its numbers were so, like 2026-11-26 [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// Write the changes down
    #[arg(long)]
    write: bool,
    /// Show what would change and write nothing (the default)
    #[arg(long, conflicts_with = "write")]
    dry_run: bool,
    /// Where [default: models.jsonl in the data folder]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which configuration, and which data folder.
    #[command(flatten)]
    place: Place,
}

/// Does it. `outer` stood in front of the command.
pub(super) fn run(args: &RefreshArgs, outer: &Place) -> anyhow::Result<()> {
    let config = args.place.clone().or(outer).look()?.config;
    let today = Moment(clock::now()).to_string().chars().take(10).collect();
    let (told, note) = refreshed(args, &config, today)?;
    output::raw(&told);
    output::error(&note);
    Ok(())
}

/// What the list says otherwise, and what became of it.
fn refreshed(
    args: &RefreshArgs,
    config: &Config,
    today: String,
) -> anyhow::Result<(String, String)> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => catalogue::file(&config.data_dir),
    };
    let mut all = Catalogue::builtin().context("the built-in catalogue")?;
    let ModelsRead { models: own, wrong } = catalogue::models(&file)?;
    let unreadable = catalogue::told(&file, &wrong);
    all.lay_over(own.clone());
    let (facts, format) = read(args, &all, today)?;
    let mut changes = refresh::changes(all.models(), &facts, format);
    if args.known {
        changes.retain(|change| change.kind != Kind::New);
    }
    let priced = priced(config);
    let mut told: String = changes.iter().map(|change| tell(change, &priced)).collect();
    told.push_str(&summary(&changes, &facts));
    let counting = changes.into_iter().filter(|change| change.kind.counts());
    let new: Vec<CatalogueModel> = counting.map(|change| change.model).collect();
    let place = file.display();
    for line in &unreadable {
        let _ = writeln!(told, "{line}");
    }
    if new.is_empty() {
        return Ok((told, "There is nothing to write.".to_owned()));
    }
    if !args.write {
        let note = format!("Nothing is written; --write writes it to {place}.");
        return Ok((told, note));
    }
    if !unreadable.is_empty() {
        // They may hold an operator's prices.
        bail!(
            "nothing is written: {place} has lines that would be lost; mend them or take them \
             away\n{}",
            unreadable.join("\n")
        );
    }
    let mut text = catalogue::comments(&file)?;
    text.push_str(&write_models(&together(own, new)));
    whole::write(&file, &text).with_context(|| format!("cannot write {place}"))?;
    Ok((told, format!("Written to {place}.")))
}

/// Reads the list, as far as it is wanted.
fn read(args: &RefreshArgs, all: &Catalogue, today: String) -> anyhow::Result<(Facts, Format)> {
    if let Some(unknown) = args.providers.iter().find(|name| !all.has(name)) {
        let names = all.providers.iter().map(|provider| provider.name.as_str());
        bail!(
            "the catalogue has no provider `{unknown}`; {}",
            suggest::help(unknown, names)
        );
    }
    let as_of = match &args.as_of {
        Some(date) => dated(date, &today)?,
        None => today,
    };
    let text = text(&args.from).with_context(|| format!("cannot read {}", args.from.display()))?;
    let format = args.format.unwrap_or_else(|| Format::of(&text));
    let source = args.source.as_deref().unwrap_or(format.source());
    if source.trim().is_empty() || source == providers::OPERATOR {
        bail!("--source must say where the list is from; `operator` is for lines of your own");
    }
    let is_wanted = |name: &str| args.providers.iter().any(|it| it == name);
    let wish = Wish {
        format,
        providers: &|name| all.has(name) && (args.providers.is_empty() || is_wanted(name)),
        source,
        as_of: &as_of,
    };
    let facts = refresh::read(&text, &wish)
        .with_context(|| format!("{} cannot be used", args.from.display()))?;
    Ok((facts, format))
}

/// The day on which the list was right. One that is still to come would stand
/// above every later list.
fn dated(date: &str, today: &str) -> anyhow::Result<String> {
    if !is_date(date) {
        bail!("--as-of: `{date}` is no date; write it like {today}");
    }
    if date > today {
        bail!("--as-of: `{date}` is still to come; today is {today}");
    }
    Ok(date.to_owned())
}

fn text(from: &Path) -> anyhow::Result<String> {
    match from.as_os_str() == "-" {
        true => catalogue::bounded(std::io::stdin().lock(), refresh::MOST_BYTES),
        false => catalogue::bounded(File::open(from)?, refresh::MOST_BYTES),
    }
}

/// The old lines of the file with the new ones, in the order of the catalogue.
fn together(own: Vec<CatalogueModel>, new: Vec<CatalogueModel>) -> Vec<CatalogueModel> {
    let place = |model: &CatalogueModel| (model.provider.clone(), model.id.clone());
    let mut all: BTreeMap<_, _> = own
        .into_iter()
        .map(|model| (place(&model), model))
        .collect();
    all.extend(new.into_iter().map(|model| (place(&model), model)));
    all.into_values().collect()
}

/// The models that portcullis.yaml has a price for, as `provider/model` of the
/// catalogue.
fn priced(config: &Config) -> Vec<String> {
    let deployments = config.models.iter().flat_map(|model| &model.deployments);
    deployments
        .filter(|one| one.price.is_some())
        .map(|one| format!("{}/{}", entry(config, &one.provider), one.model))
        .collect()
}

/// A change, for people.
fn tell(change: &Change, priced: &[String]) -> String {
    let model = &change.model;
    let name = format!("{}/{}", model.provider, model.id);
    let (word, note) = match change.kind {
        Kind::New => ("new", ""),
        Kind::Changed => ("changed", ""),
        Kind::Operators => ("kept", "  as it is: the line is an operator's own"),
        Kind::Younger => ("kept", "  as it is: what is known is younger than the list"),
        Kind::Gone => ("gone", "  from the list; what is known stays"),
    };
    let mut out = format!("{word:<7}  {name}{note}\n");
    if change.kind == Kind::New {
        let facts = change.fields.iter().map(|field| {
            let value = field.new.as_deref().unwrap_or_default();
            format!("{} {value}", field.name)
        });
        let facts: Vec<String> = facts.collect();
        let _ = writeln!(out, "         {}", facts.join(" · "));
    } else {
        let wide = change.fields.iter().map(|field| field.name.len()).max();
        let wide = wide.unwrap_or(0);
        for Field { name, old, new } in &change.fields {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            let _ = writeln!(
                out,
                "         {name:<wide$}  {} → {}",
                shown(old),
                shown(new)
            );
        }
    }
    if change.kind.counts() && priced.contains(&name) {
        out.push_str("         its price in portcullis.yaml counts more, and stays\n");
    }
    out
}

/// The last line: how much of everything.
fn summary(changes: &[Change], facts: &Facts) -> String {
    let count = |kind| changes.iter().filter(|change| change.kind == kind).count();
    let mut out = format!(
        "{} new, {} changed, {} kept, {} gone, of {} models.",
        count(Kind::New),
        count(Kind::Changed),
        count(Kind::Operators) + count(Kind::Younger),
        count(Kind::Gone),
        facts.models.len(),
    );
    let others: usize = facts.unknown.values().sum();
    if others > 0 {
        let _ = write!(
            out,
            " {others} entries are of {} providers that the catalogue does not have.",
            facts.unknown.len()
        );
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests;
