//! Names: the file's models first, then every provider's own as
//! `provider/model`, and bare where the name is still free.

use std::collections::HashMap;
use std::sync::Arc;

use ::providers::{Catalogue, CatalogueModel};
use config::Config;
use config::error::Report;
use config::models::{Deployment as WantedDeployment, Model as Wanted};
use config::source::{index, key};
use domain::ability::Mode;
use domain::canon::Dialect;
use domain::ids::ModelName;
use domain::model::{BaseModel, Deployment, Model, Price, Provider, WireFormat};
use domain::traits::Said;

use domain::suggest;

/// What answers what.
#[derive(Default)]
pub(super) struct Fleet {
    pub(super) models: HashMap<ModelName, Arc<Model>>,
    pub(super) aliases: HashMap<String, ModelName>,
    pub(super) deployments: Vec<Arc<Deployment>>,
    /// The names of the file, built or not.
    declared: Vec<String>,
}

/// A provider's entry in the catalogue.
pub(crate) fn entry<'a>(config: &'a Config, provider: &'a str) -> &'a str {
    let declared = config.providers.get(provider);
    declared
        .and_then(|p| p.catalogue.as_deref())
        .unwrap_or(provider)
}

/// The catalogue's word on a model at a provider.
pub(crate) fn known<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
    provider: &str,
    id: &str,
) -> Option<&'a CatalogueModel> {
    let entry = entry(config, provider);
    catalogue.model(entry, id)
}

/// The catalogue's word on the model that a deployment is.
pub(crate) fn known_of<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
    deployment: &Deployment,
) -> Option<&'a CatalogueModel> {
    match &deployment.base_model {
        Some(base) => catalogue.model(base.of.as_deref()?, &base.id),
        None => {
            let provider = deployment.provider.name.as_str();
            known(config, catalogue, provider, &deployment.upstream_model)
        }
    }
}

/// What is known of a deployment beside its names.
#[derive(Default)]
struct Facts<'a> {
    price: Option<Price>,
    listed: Option<&'a CatalogueModel>,
    base_model: Option<BaseModel>,
    /// What the file says of its traits.
    said: Said,
}

/// Resolves every name of the configuration.
pub(super) fn build(
    config: &Config,
    catalogue: &Catalogue,
    providers: &[Arc<Provider>],
    report: &mut Report<'_>,
) -> Fleet {
    let declared = config.models.iter().map(|m| m.name.clone()).collect();
    let mut fleet = Fleet {
        declared,
        ..Fleet::default()
    };
    for (at, wanted) in config.models.iter().enumerate() {
        fleet.declared(
            &index("models", at),
            wanted,
            (config, catalogue, providers),
            report,
        );
    }
    for provider in providers {
        fleet.offered(provider, config, catalogue);
    }
    for (at, wanted) in config.models.iter().enumerate() {
        let field = key(&index("models", at), "fallbacks");
        for (i, name) in wanted.fallbacks.iter().enumerate() {
            if !config.aliases.names().any(|alias| alias == name) {
                fleet.must_exist(name, &index(&field, i), providers, report);
            }
        }
    }
    for (alias, target) in config.aliases.iter() {
        if fleet.must_exist(target, &key("aliases", alias), providers, report) {
            fleet
                .aliases
                .insert(alias.to_owned(), target.as_str().into());
        }
    }
    fleet
}

impl Fleet {
    /// Adds a deployment; its index is its place.
    fn deploy(
        &mut self,
        provider: &Arc<Provider>,
        upstream: &str,
        facts: Facts<'_>,
        (weight, order): (u32, u32),
    ) -> Arc<Deployment> {
        let Facts {
            listed,
            base_model,
            said,
            ..
        } = facts;
        let is = base_model.as_ref().map_or(upstream, |base| &base.id);
        let mode = listed.map(|m| m.mode).unwrap_or_default();
        let deployment = Deployment {
            id: format!("{}/{upstream}", provider.name).into(),
            provider: spoken_to(provider, mode),
            upstream_model: upstream.to_owned(),
            weight,
            order,
            price: facts.price,
            max_output: listed.and_then(|m| m.max_output),
            mode,
            context: listed.and_then(|m| m.context),
            abilities: listed.and_then(|m| m.abilities),
            traits: provider.traits.under(said, is),
            base_model,
            index: self.deployments.len(),
            also: Vec::new(),
        };
        let deployment = Arc::new(deployment.with_dialects(said));
        self.deployments.push(Arc::clone(&deployment));
        deployment
    }

    /// A model of the file.
    fn declared(
        &mut self,
        at: &str,
        wanted: &Wanted,
        (config, catalogue, providers): (&Config, &Catalogue, &[Arc<Provider>]),
        report: &mut Report<'_>,
    ) {
        let mut deployments = Vec::new();
        let mut longest = None;
        for (i, one) in wanted.deployments.iter().enumerate() {
            let Some(provider) = providers.iter().find(|p| p.name.as_str() == one.provider) else {
                let field = key(&index(&key(at, "deployments"), i), "provider");
                unknown_provider(one, &field, (config, catalogue, providers), report);
                continue;
            };
            let at = index(&key(at, "deployments"), i);
            let facts = facts(one, &at, (config, catalogue), report);
            longest = longest.max(facts.listed.and_then(|m| m.max_output));
            let share = (one.weight, one.order);
            deployments.push(self.deploy(provider, &one.model, facts, share));
        }
        let Some(first) = deployments.first() else {
            return;
        };
        let model = Model {
            name: wanted.name.as_str().into(),
            owned_by: first.provider.name.to_string(),
            deployments,
            fallbacks: wanted.fallbacks.iter().map(|f| f.as_str().into()).collect(),
            max_output: wanted.max_output_tokens.or(longest),
        };
        self.models.insert(model.name.clone(), Arc::new(model));
    }

    /// The models that come with a provider.
    fn offered(&mut self, provider: &Arc<Provider>, config: &Config, catalogue: &Catalogue) {
        let name = provider.name.as_str();
        let own = config.providers.get(name).and_then(|p| p.models.as_ref());
        let ids: Vec<&str> = match own {
            Some(ids) => ids.iter().map(String::as_str).collect(),
            None if provider.format == WireFormat::Demo => vec![name],
            None => {
                let listed = catalogue.models_of(entry(config, name)).iter();
                listed.map(|m| m.id.as_str()).collect()
            }
        };
        for id in ids {
            let listed = known(config, catalogue, name, id);
            let price = match provider.format {
                WireFormat::Demo => Some(Price::default()),
                WireFormat::Dialect(_) => listed.and_then(|m| m.price.clone()),
            };
            let facts = Facts {
                price,
                listed,
                ..Facts::default()
            };
            self.offer(provider, id, facts);
        }
    }

    /// One model under its full name, and bare if the name is free.
    fn offer(&mut self, provider: &Arc<Provider>, id: &str, facts: Facts<'_>) {
        let full = format!("{}/{id}", provider.name);
        let names = [full.as_str(), id];
        if names
            .iter()
            .all(|n| self.models.contains_key(&ModelName::from(*n)))
        {
            return;
        }
        let deployment = self.deploy(provider, id, facts, (1, 0));
        for name in names {
            self.models.entry(name.into()).or_insert_with(|| {
                Arc::new(Model {
                    name: name.into(),
                    deployments: vec![Arc::clone(&deployment)],
                    fallbacks: Vec::new(),
                    max_output: deployment.max_output,
                    owned_by: provider.name.to_string(),
                })
            });
        }
    }

    /// Whether `name` can be asked for. `provider/model` that nobody listed
    /// becomes a model by being named here.
    fn must_exist(
        &mut self,
        name: &str,
        at: &str,
        providers: &[Arc<Provider>],
        report: &mut Report<'_>,
    ) -> bool {
        // A model of the file that could not be built has its own problem.
        let is_declared = self.declared.iter().any(|declared| declared == name);
        if is_declared || self.models.contains_key(&ModelName::from(name)) {
            return true;
        }
        if let Some((provider, id)) = name.split_once('/')
            && !id.is_empty()
            && let Some(provider) = providers.iter().find(|p| p.name.as_str() == provider)
        {
            self.offer(&Arc::clone(provider), id, Facts::default());
            return true;
        }
        report.wrong(
            at,
            format!("no model is called `{name}`"),
            suggest::help(name, self.sorted().iter().map(String::as_str)),
        );
        false
    }

    fn sorted(&self) -> Vec<String> {
        let mut names: Vec<String> = self.models.keys().map(ToString::to_string).collect();
        names.extend_from_slice(&self.declared);
        names.sort();
        names.dedup();
        names
    }
}

/// What file and catalogue say of a deployment of the file.
fn facts<'a>(
    one: &WantedDeployment,
    at: &str,
    (config, catalogue): (&Config, &'a Catalogue),
    report: &mut Report<'_>,
) -> Facts<'a> {
    let (provider, base) = (&one.provider, one.base_model.as_deref());
    let listed = match base {
        Some(base) => catalogue.base_model(entry(config, provider), base),
        None => known(config, catalogue, provider, &one.model),
    };
    if let Some(base) = base.filter(|_| listed.is_none()) {
        let names = catalogue.models().iter().map(|known| known.id.as_str());
        let problem = format!(
            "the catalogue has no model `{base}`: its price and context are unknown, and what it \
             takes is told from this name; {}",
            suggest::help(base, names)
        );
        report.warn(&key(at, "base_model"), problem);
    }
    let own = one.price.as_ref().map(config::models::Price::price);
    Facts {
        price: own.or_else(|| listed.and_then(|m| m.price.clone())),
        base_model: base.map(|base| BaseModel {
            of: listed.map(|m| m.provider.clone()),
            id: listed.map_or(base, |m| &m.id).to_owned(),
        }),
        listed,
        said: one.traits,
    }
}

/// A provider as this model of it wants to be asked: some have conversations
/// by the Responses API alone.
fn spoken_to(provider: &Arc<Provider>, mode: Mode) -> Arc<Provider> {
    let is_openais = provider.format == WireFormat::Dialect(Dialect::OpenAi);
    if mode != Mode::Responses || !is_openais || provider.paths.is_some() {
        return Arc::clone(provider);
    }
    Arc::new(Provider {
        format: WireFormat::Dialect(Dialect::Responses),
        also: Vec::new(),
        ..Provider::clone(provider)
    })
}

fn unknown_provider(
    one: &WantedDeployment,
    field: &str,
    (config, catalogue, providers): (&Config, &Catalogue, &[Arc<Provider>]),
    report: &mut Report<'_>,
) {
    // A declared one that could not be built has its own problem already.
    if config.providers.get(&one.provider).is_some() {
        return;
    }
    let dormant = catalogue.providers.iter().find(|p| p.name == one.provider);
    if let Some(dormant) = dormant {
        let help = match dormant.env.first() {
            Some(variable) => format!("set `{variable}`, or declare it under `providers`"),
            None => format!("declare it: `providers: {{{}: {{}}}}`", one.provider),
        };
        report.wrong(
            field,
            format!("the provider `{}` has no key here", one.provider),
            help,
        );
        return;
    }
    report.wrong(
        field,
        format!("no provider is called `{}`", one.provider),
        suggest::help(
            &one.provider,
            providers
                .iter()
                .map(|p| p.name.as_str())
                .chain(catalogue.providers.iter().map(|p| p.name.as_str())),
        ),
    );
}
