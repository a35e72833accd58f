//! `portcullis spend`: what was spent, by whom and for what.

mod focus;
mod reprice;

use std::collections::HashMap;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use config::scalars::Moment;
use control::parties;
use domain::calendar::{Begin, Calendar, Period, Unit, Zone};
use domain::time::UnixMicros;
use serde_json::{Map, Value, json};
use store::{Dimension, Report, Store, Sum};

use super::people::{find_store, run_on, when};
use crate::cli::Place;
use crate::clock;
use crate::output;

/// Options of `spend`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpendArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// What it is told apart by: tenant, team, app, user, end_user, session, key, model, provider, deployment, operation, outcome, usage_source, tag:NAME
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        default_value = "tenant"
    )]
    by: Vec<String>,
    /// From when: a point (`2026-11-01`), or so long ago (`7d`) [default: since this month began]
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Until when, not included [default: now]
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Whose months and days count
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: Zone,
    /// So many rows at most, the dearest first
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// What it would have cost by the prices in this file, which changes nothing
    #[arg(long, value_name = "FILE")]
    reprice: Option<std::path::PathBuf>,
    /// How it is printed
    #[arg(long, value_name = "HOW", default_value = "table")]
    format: Format,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// FinOps' cost and usage specification, as CSV.
    Focus,
}

/// Does it.
pub(super) fn run(args: &SpendArgs) -> anyhow::Result<()> {
    run_on(async {
        let now = clock::now();
        let asked = period(args, now)?;
        let by = args.by.iter().map(|name| name.parse());
        let by: Vec<Dimension> = by
            .collect::<Result<_, String>>()
            .map_err(|error| anyhow!("--by: {error}"))?;
        let store = find_store(&args.place).await?;
        let names = Names::of(&store).await?;
        if let Some(file) = &args.reprice {
            return reprice::run(&store, file, (asked, &by), (&names, args.format)).await;
        }
        let by = match args.format {
            Format::Focus => focus::dimensions(),
            _ => by,
        };
        let Report { period, mut rows } = store.report(asked, &by).await?;
        if period != asked {
            output::error(&format!(
                "Rows of this time are deleted, and sums are of quarters of an hour: this is of \
                 {} to {}.",
                Moment(period.start),
                Moment(period.end)
            ));
        }
        if let Some(top) = args.top {
            rows.truncate(top);
        }
        match args.format {
            Format::Table => table(&by, &rows, &names),
            Format::Json => output::line(serde_json::to_string_pretty(&as_json(
                &by, &rows, &names, period,
            ))?),
            Format::Csv => csv(&by, &rows, &names),
            Format::Focus => output::raw(&focus::csv(&rows, &names, period)),
        }
        Ok(())
    })
}

/// The time that is asked about.
fn period(args: &SpendArgs, now: UnixMicros) -> anyhow::Result<Period> {
    let month = Calendar {
        unit: Unit::Month,
        zone: args.timezone.clone(),
        begin: Begin::default(),
    };
    let from = args
        .from
        .as_deref()
        .map(|text| when("from", text, now))
        .transpose()?;
    let to = args
        .to
        .as_deref()
        .map(|text| when("to", text, now))
        .transpose()?;
    let end = to.unwrap_or(now);
    let start = from.unwrap_or_else(|| month.period(UnixMicros(end.0 - 1)).start);
    if start >= end {
        bail!(
            "--from {} is not before --to {}",
            Moment(start),
            Moment(end)
        );
    }
    Ok(Period { start, end })
}

/// What people call the ids of a report.
pub(super) struct Names(HashMap<String, String>);

impl Names {
    async fn of(store: &Store) -> anyhow::Result<Self> {
        let all = store.parties().await?;
        let tree = parties::tree(&all);
        let named = all.iter().map(|it| (it.id.to_string(), tree.path(&it.id)));
        let mut names: HashMap<String, String> = named.collect();
        for stored in store.keys().await? {
            names.insert(stored.key.id.to_string(), stored.key.name);
        }
        Ok(Self(names))
    }

    /// Its name; what has none is told as it is.
    fn told<'a>(&'a self, by: &Dimension, value: &'a str) -> &'a str {
        let is_id = matches!(
            by.name().as_str(),
            "tenant" | "team" | "app" | "user" | "key"
        );
        let name = is_id.then(|| self.0.get(value)).flatten();
        name.map_or(value, String::as_str)
    }

    fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// Rows of a report.
type Rows = [(Vec<Option<String>>, Sum)];

fn total(rows: &Rows) -> Sum {
    let mut sum = Sum::default();
    rows.iter().for_each(|(_, one)| sum.add(one));
    sum
}

fn table(by: &[Dimension], rows: &Rows, names: &Names) {
    if rows.is_empty() {
        output::error("Nothing was asked in this time.");
        return;
    }
    let heads: Vec<String> = by.iter().map(|it| it.name().to_uppercase()).collect();
    let mut head: Vec<&str> = heads.iter().map(String::as_str).collect();
    head.extend(["REQUESTS", "PROMPT", "ANSWER", "USD", "SAVED", "NOTES"]);
    let line = |key: Vec<String>, sum: &Sum| {
        let counts = [
            sum.requests.to_string(),
            sum.usage.prompt().to_string(),
            sum.usage.completion().to_string(),
            sum.cost.to_string(),
            sum.saved.to_string(),
            notes(sum),
        ];
        key.into_iter().chain(counts).collect::<Vec<_>>()
    };
    let told = |key: &[Option<String>]| {
        let pairs = by.iter().zip(key);
        pairs
            .map(|(by, value)| {
                value
                    .as_deref()
                    .map_or("-", |it| names.told(by, it))
                    .to_owned()
            })
            .collect()
    };
    let mut lines: Vec<Vec<String>> = rows.iter().map(|(key, sum)| line(told(key), sum)).collect();
    let mut all = vec![String::new(); by.len()];
    if let Some(first) = all.first_mut() {
        "in all".clone_into(first);
        lines.push(line(all, &total(rows)));
    }
    output::raw(&output::table(&head, &lines));
}

/// What a sum lacks.
fn notes(sum: &Sum) -> String {
    let all = [
        (sum.unpriced, "without a price"),
        (sum.estimated, "estimated"),
        (sum.overrun, "over their bound"),
    ];
    let all = all.iter().filter(|(count, _)| *count > 0);
    let all: Vec<String> = all.map(|(count, what)| format!("{count} {what}")).collect();
    all.join(", ")
}

fn parts(sum: &Sum) -> Map<String, Value> {
    let usage = &sum.usage;
    let all = json!({
        "requests": sum.requests,
        "input": usage.input,
        "cached_input": usage.cached_input,
        "cache_write": usage.cache_write,
        "cache_write_1h": usage.cache_write_1h,
        "audio_input": usage.audio_input,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "audio_output": usage.audio_output,
        "cost_usd": sum.cost.to_string(),
        "saved_usd": sum.saved.to_string(),
        "unpriced": sum.unpriced,
        "estimated": sum.estimated,
        "overrun": sum.overrun,
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

fn as_json(by: &[Dimension], rows: &Rows, names: &Names, period: Period) -> Value {
    let row = |(key, sum): &(Vec<Option<String>>, Sum)| {
        let mut all = Map::new();
        for (by, value) in by.iter().zip(key) {
            let name = value.as_deref().map(|it| names.told(by, it));
            if name != value.as_deref() {
                all.insert(format!("{}_name", by.name()), json!(name));
            }
            all.insert(by.name(), json!(value));
        }
        all.extend(parts(sum));
        Value::Object(all)
    };
    json!({
        "from": Moment(period.start).to_string(),
        "to": Moment(period.end).to_string(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "total": parts(&total(rows)),
    })
}

fn csv(by: &[Dimension], rows: &Rows, names: &Names) {
    let counts: Vec<String> = parts(&Sum::default()).keys().cloned().collect();
    let head: Vec<String> = by.iter().map(Dimension::name).chain(counts).collect();
    output::line(csv_line(head.iter().map(String::as_str)));
    for (key, sum) in rows {
        let key = by.iter().zip(key);
        let key = key.map(|(by, value)| {
            value
                .as_deref()
                .map_or("", |it| names.told(by, it))
                .to_owned()
        });
        let values = parts(sum).into_iter().map(|(_, value)| match value {
            Value::String(text) => text,
            other => other.to_string(),
        });
        let line: Vec<String> = key.chain(values).collect();
        output::line(csv_line(line.iter().map(String::as_str)));
    }
}

/// A line of RFC 4180. What a spreadsheet would take for a formula is a text.
pub(super) fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cell = |text: &str| {
        let is_formula = text.starts_with(['=', '+', '@', '\t', '\r'])
            || text.starts_with('-') && text.parse::<f64>().is_err();
        let text = if is_formula {
            format!("'{text}")
        } else {
            text.to_owned()
        };
        match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    };
    cells.map(cell).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_one_and_no_formula_runs() {
        let line = csv_line(["a,b", "say \"hi\"", "=1+1", "-0.5", "-x", "two\nlines"].into_iter());
        assert_eq!(
            line,
            "\"a,b\",\"say \"\"hi\"\"\",'=1+1,-0.5,'-x,\"two\nlines\""
        );
    }
}
