//! `portcullis models`: the names that clients can ask for.

use domain::model::{Model, Price};
use domain::money::{NanoUsd, Rate};
use providers::Catalogue;
use serde_json::{Value, json};

use super::world;
use crate::build::models::known;
use crate::cli::ListArgs;
use crate::config::Config;
use crate::output;

/// What prices and contexts come from.
type World<'a> = (&'a Config, &'a Catalogue);

/// Prints the list.
pub(super) fn run(args: &ListArgs) -> anyhow::Result<()> {
    let (loaded, catalogue, snapshot) = world::look(&args.place)?;
    let world = (&loaded.config, &catalogue);
    let models = snapshot.listed(|_| true);
    if args.json {
        let all: Vec<Value> = models.iter().map(|m| as_json(m, &world)).collect();
        output::line(serde_json::to_string_pretty(&all)?);
    } else {
        let rows: Vec<Vec<String>> = models.iter().map(|m| as_row(m, &world)).collect();
        let head = ["NAME", "ANSWERED BY", "USD PER MILLION (IN/OUT)", "CONTEXT"];
        output::raw(&output::table(&head, &rows));
        let mut aliases: Vec<_> = snapshot.aliases.iter().collect();
        aliases.sort();
        for (alias, target) in aliases {
            output::line(format_args!("{alias} -> {target}"));
        }
    }
    Ok(())
}

/// The longest context among those that answer.
fn context(model: &Model, world: &World<'_>) -> Option<u64> {
    model
        .deployments
        .iter()
        .filter_map(|d| {
            let (config, catalogue) = *world;
            known(
                config,
                catalogue,
                d.provider.name.as_str(),
                &d.upstream_model,
            )?
            .context
        })
        .max()
}

fn usd(rate: Rate) -> String {
    NanoUsd(rate.0).to_string()
}

fn price(price: Option<&Price>) -> String {
    match price {
        None => "unknown".to_owned(),
        Some(price) if *price == Price::default() => "free".to_owned(),
        Some(price) => format!("{} / {}", usd(price.input), usd(price.output)),
    }
}

fn as_row(model: &Model, world: &World<'_>) -> Vec<String> {
    let ids: Vec<&str> = model.deployments.iter().map(|d| d.id.as_str()).collect();
    let mut prices: Vec<String> = model
        .deployments
        .iter()
        .map(|d| price(d.price.as_ref()))
        .collect();
    prices.dedup();
    vec![
        model.name.to_string(),
        ids.join(", "),
        prices.join(", "),
        context(model, world).map_or_else(|| "-".to_owned(), |c| c.to_string()),
    ]
}

fn as_json(model: &Model, world: &World<'_>) -> Value {
    let deployments: Vec<Value> = model
        .deployments
        .iter()
        .map(|d| {
            json!({
                "id": d.id.as_str(),
                "provider": d.provider.name.as_str(),
                "model": d.upstream_model,
                "weight": d.weight,
                "order": d.order,
                "usd_per_million_tokens": d.price.as_ref().map(|p| json!({
                    "input": usd(p.input),
                    "output": usd(p.output),
                    "cached_input": p.cached_input.map(usd),
                    "cache_write": p.cache_write.map(usd),
                })),
            })
        })
        .collect();
    let fallbacks: Vec<&str> = model.fallbacks.iter().map(|f| f.as_str()).collect();
    json!({
        "name": model.name.as_str(),
        "deployments": deployments,
        "fallbacks": fallbacks,
        "context": context(model, world),
        "max_output_tokens": model.max_output,
    })
}
