//! `portcullis models show`: all that is known of one model.

use anyhow::bail;
use clap::Args;
use config::Config;
use domain::model::Deployment;
use domain::suggest;
use providers::refresh::facts;
use providers::{Catalogue, CatalogueModel};

use super::super::world;
use crate::build::models::known;
use crate::cli::Place;
use crate::output;

/// Options of `models show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A name that clients can ask for, or `provider/model` of the catalogue
    #[arg(value_name = "MODEL")]
    name: String,
    /// Which configuration.
    #[command(flatten)]
    place: Place,
}

/// Prints it.
pub(super) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let (loaded, catalogue, snapshot) = world::outline(&args.place)?;
    let of_catalogue = || {
        let (provider, id) = args.name.split_once('/')?;
        catalogue.model(provider, id)
    };
    if let Some(model) = snapshot.models.get(args.name.as_str()) {
        for deployment in &model.deployments {
            let rows = of_deployment(deployment, &loaded.config, &catalogue);
            output::raw(&page(deployment.id.as_str(), &rows));
        }
        return Ok(());
    }
    let Some(model) = of_catalogue() else {
        let names = snapshot.models.keys().map(|name| name.as_str());
        bail!(
            "nothing is known of a model `{}`; {}",
            args.name,
            suggest::help(&args.name, names)
        );
    };
    let mut rows = facts(model);
    rows.push(source(model));
    let note = "its provider has no key here, so that clients cannot ask for it";
    rows.push(("note".to_owned(), note.to_owned()));
    output::raw(&page(&args.name, &rows));
    Ok(())
}

type Row = (String, String);

fn source(model: &CatalogueModel) -> Row {
    let text = format!("{}, {}", model.source, model.as_of);
    ("source".to_owned(), text)
}

/// What holds for a deployment: what the catalogue says, but the price that
/// requests are charged.
fn of_deployment(deployment: &Deployment, config: &Config, catalogue: &Catalogue) -> Vec<Row> {
    let provider = deployment.provider.name.as_str();
    let known = known(config, catalogue, provider, &deployment.upstream_model);
    let in_force = CatalogueModel {
        provider: provider.to_owned(),
        id: deployment.upstream_model.clone(),
        context: deployment.context,
        max_output: deployment.max_output,
        price: deployment.price.clone(),
        unmetered: known.map(|it| it.unmetered.clone()).unwrap_or_default(),
        mode: known.map(|it| it.mode).unwrap_or_default(),
        abilities: deployment.abilities,
        source: String::new(),
        as_of: String::new(),
    };
    let mut rows = facts(&in_force);
    rows.extend(known.map(source));
    let price = match known {
        _ if deployment.price.is_none() => Some("unknown: its requests are flagged"),
        Some(known) if known.price == deployment.price => None,
        _ => Some("of portcullis.yaml"),
    };
    rows.extend(price.map(|price| ("price".to_owned(), price.to_owned())));
    rows
}

/// A name, and below it what is known, in two columns.
fn page(name: &str, rows: &[Row]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = format!("{name}\n");
    for (name, value) in rows {
        out.push_str(&format!("  {name:<width$}  {value}\n"));
    }
    out
}
