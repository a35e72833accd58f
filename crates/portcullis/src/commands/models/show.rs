//! `portcullis models show`: all that is known of one model.

use anyhow::bail;
use clap::Args;
use config::Config;
use domain::model::Deployment;
use domain::suggest;
use domain::traits::Said;
use providers::refresh::facts;
use providers::{Catalogue, CatalogueModel};

use super::super::world;
use crate::build::models::known_of;
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

/// Prints it. `outer` stood in front of the command.
pub(super) fn run(args: &ShowArgs, outer: &Place) -> anyhow::Result<()> {
    let place = args.place.clone().or(outer);
    let (loaded, catalogue, snapshot) = world::outline(&place)?;
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
    let known = known_of(config, catalogue, deployment);
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
    rows.extend(of_model(deployment));
    let price = match known {
        _ if deployment.price.is_none() => Some("unknown: its requests are flagged"),
        Some(known) if known.price == deployment.price => None,
        _ => Some("of portcullis.yaml"),
    };
    rows.extend(price.map(|price| ("price".to_owned(), price.to_owned())));
    rows
}

/// Which model it is, and what that takes otherwise than one of whose name
/// nothing is known.
fn of_model(deployment: &Deployment) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(base) = &deployment.base_model {
        let name = match &base.of {
            Some(provider) => format!("{provider}/{}", base.id),
            None => format!("{}, which the catalogue does not have", base.id),
        };
        rows.push(("base_model".to_owned(), name));
    }
    let of = |traits| serde_json::to_value(Said::from(traits)).unwrap_or_default();
    let (usual, own) = (of(deployment.provider.traits.of("")), of(deployment.traits));
    let own = own.as_object().into_iter().flatten();
    let other = own.filter(|(name, value)| usual.get(name.as_str()) != Some(value));
    let told = other.map(|(name, value)| format!("{name}: {value}").replace('"', ""));
    let told: Vec<String> = told.map(|trait_| trait_.replace(',', ", ")).collect();
    if !told.is_empty() {
        rows.push(("takes".to_owned(), told.join("; ")));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::base_models::one;

    #[test]
    fn a_deployment_says_what_it_is_and_what_it_takes_otherwise() {
        let rows = |provider, deployment| of_model(&one(provider, deployment).0);
        assert_eq!(rows("azure", "model: prod-1"), []);
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let efforts = "thinks: true; efforts: [none, low, medium, high, xhigh, max]; samplings: 0; \
                       chats: unless_tools_and_effort; penalties: false; stops: false; \
                       vocabulary: o200k; framing: [3, 4, 32]";
        assert_eq!(
            rows("azure", "model: prod-1, base_model: openai/gpt-5.6-sol"),
            [
                row("base_model", "openai/gpt-5.6-sol"),
                row("takes", efforts)
            ]
        );
        assert_eq!(
            rows(
                "azure",
                "model: prod-1, base_model: nobodys, traits: {thinks: true}"
            ),
            [
                row("base_model", "nobodys, which the catalogue does not have"),
                row("takes", "thinks: true"),
            ]
        );
    }
}
