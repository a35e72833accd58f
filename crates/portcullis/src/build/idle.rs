//! What is written but applies to nobody: a guard that never runs looks like
//! one that does, so it is told.

use config::Config;
use config::source::{index, key};
use domain::model::WireFormat;
use domain::pattern::fits;
use domain::snapshot::Snapshot;

use domain::suggest;

/// Whose keys the snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Only those that the file declares.
    OfTheFile,
    /// Those of the data folder too.
    All,
}

/// Warnings about patterns that match no model, and about policies for keys
/// that are not there.
pub(crate) fn warnings(config: &Config, snapshot: &Snapshot, keys: Keys) -> Vec<String> {
    let known: Vec<String> = snapshot.models.values().flat_map(|m| m.names()).collect();
    let mut told = Vec::new();
    for (at, policy) in config.policies.iter().enumerate() {
        let path = index("policies", at);
        for (i, pattern) in policy.models.iter().enumerate() {
            if let Some(why) = unmatched(pattern, snapshot, &known) {
                let message = format!("{why}: for it, the policy `{}` does nothing", policy.name);
                let at = index(&key(&path, "models"), i);
                told.push(config.source.problem(&at, message).to_string());
            }
        }
        for (i, name) in policy.keys.iter().enumerate() {
            if let Some(why) = missing(name, snapshot, keys) {
                let message = format!("{why}: for it, the policy `{}` does nothing", policy.name);
                let at = index(&key(&path, "keys"), i);
                told.push(config.source.problem(&at, message).to_string());
            }
        }
    }
    for (at, declared) in config.keys.iter().enumerate() {
        let path = key(&index("keys", at), "models");
        for (i, pattern) in declared.models.iter().flatten().enumerate() {
            // A key may be given an alias; a policy goes by the model.
            if snapshot.aliases.contains_key(pattern) {
                continue;
            }
            if let Some(why) = unmatched(pattern, snapshot, &known) {
                let message = format!("{why}: it lets the key `{}` use nothing", declared.name);
                told.push(config.source.problem(&index(&path, i), message).to_string());
            }
        }
    }
    told
}

/// Why the pattern matches nothing, if it does not.
fn unmatched(pattern: &str, snapshot: &Snapshot, known: &[String]) -> Option<String> {
    if let Some(target) = snapshot.aliases.get(pattern) {
        return Some(format!(
            "`{pattern}` is an alias, and policies go by the model; write `{target}`"
        ));
    }
    let matched = known.iter().any(|name| fits(pattern, name));
    if matched || of_a_provider(pattern, snapshot) {
        return None;
    }
    let near = suggest::nearest(pattern, known.iter().map(String::as_str));
    let near = near.map(|near| format!(" (did you mean `{near}`?)"));
    Some(format!(
        "no listed model matches `{pattern}`{}",
        near.unwrap_or_default()
    ))
}

/// Whether the pattern names something of a provider that is asked for models
/// nobody listed.
fn of_a_provider(pattern: &str, snapshot: &Snapshot) -> bool {
    pattern.split_once('/').is_some_and(|(provider, _)| {
        snapshot
            .providers
            .get(provider)
            .is_some_and(|p| p.format != WireFormat::Demo)
    })
}

/// Why no key has this name or id, if none has.
fn missing(name: &str, snapshot: &Snapshot, keys: Keys) -> Option<String> {
    let is_there = snapshot
        .keys
        .values()
        .any(|key| key.name == name || key.key.as_str() == name);
    match (is_there, keys) {
        (true, _) => None,
        (false, Keys::All) => Some(format!("no key is called `{name}`")),
        (false, Keys::OfTheFile) => Some(format!(
            "the file declares no key `{name}` (does `portcullis keys list` show it?)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::tests::built;

    fn told(text: &str, keys: Keys) -> Vec<String> {
        let (config, _) = config::parse("f.yaml", text).expect("right");
        warnings(&config, &built(text), keys)
    }

    #[test]
    fn a_policy_for_a_model_that_nobody_has_is_told() {
        let text = "policies: [{name: p, models: [dmo, demo, 'de*', demo/demo]}]\n";
        let told = told(text, Keys::All);
        let [one] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(
            one.starts_with("f.yaml:1:31: policies[0].models[0]: "),
            "{one}"
        );
        assert!(one.contains("`dmo` (did you mean `demo`?)"), "{one}");
    }

    #[test]
    fn a_policy_for_an_alias_is_told_the_model() {
        let text = "aliases: {fast: demo}\npolicies: [{name: p, models: [fast]}]\n";
        assert!(told(text, Keys::All)[0].contains("write `demo`"));
    }

    #[test]
    fn a_policy_for_a_key_that_is_not_there_is_told() {
        let text = "policies: [{name: p, keys: [ci, cj]}]\n\
                    keys: [{name: ci, key: 'env:SET_KEY', models: [none, demo]}]\n";
        let all = told(text, Keys::All);
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].contains("no key is called `cj`"), "{all:?}");
        assert!(all[1].contains("keys[0].models[0]"), "{all:?}");
        assert!(told(text, Keys::OfTheFile)[0].contains("keys list"));
    }

    #[test]
    fn a_providers_own_models_need_no_list() {
        let text = "providers: {house: {base_url: 'http://h/v1'}}\n\
                    policies: [{name: p, models: [house/any, 'house/*']}]\n";
        assert!(told(text, Keys::All).is_empty());
    }
}
