//! What a period would have cost by other prices. The books stay as they are.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use domain::calendar::Period;
use domain::contract::Contract;
use domain::model::Price;
use domain::money::NanoUsd;
use serde_json::{Map, Value, json};
use store::{Alike, Dimension, Store};

use super::{Format, Names, csv_line};
use crate::output;

/// What one group cost, and would have.
#[derive(Default)]
struct Both {
    requests: u64,
    booked: NanoUsd,
    repriced: NanoUsd,
    /// Requests that none of the prices is for: they count as they are booked.
    as_booked: u64,
}

type Groups = BTreeMap<Vec<Option<String>>, Both>;

/// Prints it.
pub(super) async fn run(
    store: &Store,
    file: &Path,
    (period, by): (Period, &[Dimension]),
    (names, format): (&Names, Format),
) -> anyhow::Result<()> {
    let prices = read(file)?;
    let mut groups = Groups::new();
    let add = |alike: Alike| {
        let repriced = cost(&prices, &alike);
        let group = groups.entry(alike.key).or_default();
        group.requests += alike.requests;
        group.booked = group.booked + alike.cost;
        group.repriced = group.repriced + repriced.unwrap_or(alike.cost);
        if repriced.is_none() {
            group.as_booked += alike.requests;
        }
    };
    store.used(period, by, add).await?;
    print(by, groups, names, format)
}

/// Prices as the file has them of a tenant: `prices: [{models: [gpt-4o*], …}]`, or
/// the list alone.
fn read(file: &Path) -> anyhow::Result<Vec<(Contract, Price)>> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        prices: Vec<Contract>,
    }
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    // Not by one untagged type: that would take numbers for another kind of text.
    let alone = serde_saphyr::from_str::<Vec<Contract>>(&text);
    let contracts = alone.or_else(|_| {
        let named = serde_saphyr::from_str::<Named>(&text).map(|it| it.prices);
        named.map_err(|_| {
            anyhow::anyhow!(
                "{shown} is no list of prices; write `- {{models: [gpt-4o*], input: 2.5, output: \
                 10}}`, in US dollars per million tokens"
            )
        })
    })?;
    Ok(contracts
        .into_iter()
        .map(|it| (it.clone(), it.price()))
        .collect())
}

/// What these would have cost; `None` if no price is for them.
fn cost(prices: &[(Contract, Price)], alike: &Alike) -> Option<NanoUsd> {
    let Some(used) = &alike.used else {
        return Some(NanoUsd(0));
    };
    let provider = alike.provider.as_str();
    let deployment = alike.deployment.as_str();
    let model = deployment.strip_prefix(provider).unwrap_or(deployment);
    let model = model.trim_start_matches('/');
    let (_, price) = prices.iter().find(|(it, _)| it.is_for(provider, model))?;
    let each = i128::from(ledger::cost(used, price).0);
    let all = each * i128::from(alike.requests);
    Some(NanoUsd(i64::try_from(all).unwrap_or(i64::MAX)))
}

fn print(by: &[Dimension], groups: Groups, names: &Names, format: Format) -> anyhow::Result<()> {
    let mut total = Both::default();
    for both in groups.values() {
        total.requests += both.requests;
        total.booked = total.booked + both.booked;
        total.repriced = total.repriced + both.repriced;
        total.as_booked += both.as_booked;
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    rows.sort_by_key(|(_, both)| std::cmp::Reverse(both.repriced));
    let told = |key: &[Option<String>]| -> Vec<String> {
        let pairs = by.iter().zip(key);
        let name = |(by, value): (&Dimension, &Option<String>)| {
            let shown = value.as_deref().map_or("-", |it| names.told(by, it));
            shown.to_owned()
        };
        pairs.map(name).collect()
    };
    let heads: Vec<String> = by.iter().map(Dimension::name).collect();
    match format {
        Format::Table => {
            let heads: Vec<String> = heads.iter().map(|it| it.to_uppercase()).collect();
            let mut head: Vec<&str> = heads.iter().map(String::as_str).collect();
            head.extend(["REQUESTS", "BOOKED", "REPRICED", "DIFFERENCE", "AS BOOKED"]);
            let line = |key: Vec<String>, both: &Both| key.into_iter().chain(cells(both)).collect();
            let mut lines: Vec<Vec<String>> = rows
                .iter()
                .map(|(key, both)| line(told(key), both))
                .collect();
            let mut all = vec![String::new(); by.len()];
            if let Some(first) = all.first_mut() {
                "in all".clone_into(first);
            }
            lines.push(line(all, &total));
            output::raw(&output::table(&head, &lines));
        }
        Format::Csv => {
            let more = [
                "requests",
                "booked_usd",
                "repriced_usd",
                "difference_usd",
                "as_booked",
            ];
            let head = heads.iter().map(String::as_str).chain(more);
            output::line(csv_line(head));
            for (key, both) in &rows {
                let line: Vec<String> = told(key).into_iter().chain(cells(both)).collect();
                output::line(csv_line(line.iter().map(String::as_str)));
            }
        }
        Format::Json => {
            let row = |(key, both): &(Vec<Option<String>>, Both)| {
                let mut all = parts(both);
                for (by, value) in by.iter().zip(key) {
                    all.insert(by.name(), json!(value));
                }
                Value::Object(all)
            };
            let rows: Vec<Value> = rows.iter().map(row).collect();
            let report = json!({"what_if": true, "rows": rows, "total": parts(&total)});
            output::line(serde_json::to_string_pretty(&report)?);
        }
        Format::Focus => bail!("--format focus tells what was booked; choose table, json or csv"),
    }
    Ok(())
}

fn difference(both: &Both) -> NanoUsd {
    NanoUsd(both.repriced.0.saturating_sub(both.booked.0))
}

fn cells(both: &Both) -> [String; 5] {
    [
        both.requests.to_string(),
        both.booked.to_string(),
        both.repriced.to_string(),
        difference(both).to_string(),
        both.as_booked.to_string(),
    ]
}

fn parts(both: &Both) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in [
        ("requests", json!(both.requests)),
        ("booked_usd", json!(both.booked.to_string())),
        ("repriced_usd", json!(both.repriced.to_string())),
        ("difference_usd", json!(difference(both).to_string())),
        ("as_booked", json!(both.as_booked)),
    ] {
        all.insert(name.to_owned(), value);
    }
    all
}
