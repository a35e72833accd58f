//! `portcullis models list`: the names that clients can ask for.

use config::Config;
use domain::ability::Ability;
use domain::model::{Deployment, Model, Price};
use providers::{Catalogue, CatalogueModel};
use serde_json::{Value, json};

use super::super::world;
use super::{price, usd};
use crate::build::models::known_of;
use crate::cli::ListArgs;
use crate::output;

/// What prices and abilities come from.
type World<'a> = (&'a Config, &'a Catalogue);

/// Prints the list.
pub(super) fn run(args: &ListArgs) -> anyhow::Result<()> {
    let (loaded, catalogue, snapshot) = world::outline(&args.place)?;
    let world = (&loaded.config, &catalogue);
    let models = snapshot.listed(|_| true);
    if args.json {
        let all: Vec<Value> = models.iter().map(|m| as_json(m, &world)).collect();
        output::line(serde_json::to_string_pretty(&all)?);
    } else {
        let rows: Vec<Vec<String>> = models.iter().map(|m| as_row(m, &world)).collect();
        let head = [
            "NAME",
            "ANSWERED BY",
            "USD PER MILLION (IN/OUT)",
            "CONTEXT",
            "ANSWER",
            "SOURCE",
            "CAN",
        ];
        output::raw(&output::table(&head, &rows));
        let mut aliases: Vec<_> = snapshot.aliases.iter().collect();
        aliases.sort();
        for (alias, target) in aliases {
            output::line(format_args!("{alias} -> {target}"));
        }
    }
    Ok(())
}

/// What the catalogue says of a deployment.
fn listed<'a>(deployment: &Deployment, world: &World<'a>) -> Option<&'a CatalogueModel> {
    let (config, catalogue) = *world;
    known_of(config, catalogue, deployment)
}

/// What all of its deployments are known to do.
fn can(model: &Model) -> Vec<&'static str> {
    let all = Ability::ALL
        .into_iter()
        .filter(|ability| model.can(*ability));
    all.map(Ability::as_str).collect()
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

fn as_row(model: &Model, world: &World<'_>) -> Vec<String> {
    let ids: Vec<&str> = model.deployments.iter().map(|d| d.id.as_str()).collect();
    let mut prices: Vec<String> = model
        .deployments
        .iter()
        .map(|d| price(d.price.as_ref()))
        .collect();
    prices.dedup();
    let sources = model.deployments.iter().filter_map(|d| listed(d, world));
    let mut sources: Vec<String> = sources
        .map(|known| format!("{} {}", known.source, known.as_of))
        .collect();
    sources.dedup();
    let or_none = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    vec![
        model.name.to_string(),
        ids.join(", "),
        prices.join(", "),
        number(model.context()),
        number(model.max_output),
        or_none(sources.join(", ")),
        or_none(can(model).join(" ")),
    ]
}

fn as_json(model: &Model, world: &World<'_>) -> Value {
    let deployments: Vec<Value> = model
        .deployments
        .iter()
        .map(|d| {
            let known = listed(d, world);
            json!({
                "id": d.id.as_str(),
                "provider": d.provider.name.as_str(),
                "model": d.upstream_model,
                "base_model": d.base_model.as_ref().map(|base| &base.id),
                "weight": d.weight,
                "order": d.order,
                "usd_per_million_tokens": d.price.as_ref().map(priced),
                "context": d.context,
                "max_output_tokens": d.max_output,
                "can": d.abilities.map(|all| all.iter().map(Ability::as_str).collect::<Vec<_>>()),
                "source": known.map(|known| &known.source),
                "as_of": known.map(|known| &known.as_of),
            })
        })
        .collect();
    let fallbacks: Vec<&str> = model.fallbacks.iter().map(|f| f.as_str()).collect();
    json!({
        "name": model.name.as_str(),
        "deployments": deployments,
        "fallbacks": fallbacks,
        "context": model.context(),
        "max_output_tokens": model.max_output,
    })
}

/// The parts of a price; those that are not stated cost what their side does.
fn priced(price: &Price) -> Value {
    let mut out = json!({
        "input": usd(price.input),
        "output": usd(price.output),
        "cached_input": price.cached_input.map(usd),
        "cache_write": price.cache_write.map(usd),
        "cache_write_1h": price.cache_write_1h.map(usd),
        "audio_input": price.audio_input.map(usd),
        "audio_output": price.audio_output.map(usd),
        "reasoning": price.reasoning.map(usd),
        "per_request": price.per_request.to_string(),
    });
    let tiers = price.tiers.iter().flat_map(|tiers| tiers.iter());
    let tiers: Vec<Value> = tiers
        .map(|tier| json!({"above": tier.above, "price": priced(&tier.price)}))
        .collect();
    if !tiers.is_empty() {
        out["tiers"] = tiers.into();
    }
    out
}
