//! Policies with their guards, built once and shared.

use std::collections::HashMap;
use std::sync::Arc;

use config::Config;
use config::error::Report;
use config::source::key;
use domain::guard::Guard;
use domain::policy::Policy;
use serde_json::Value;

/// The policies, in the order of the file.
pub(super) fn build(config: &Config, report: &mut Report<'_>) -> Vec<Policy> {
    let mut built: HashMap<&str, Arc<dyn Guard>> = HashMap::new();
    for (name, spec) in config.guards.iter() {
        let kind = spec.get("kind").and_then(Value::as_str).unwrap_or_default();
        let mut rest = spec.clone();
        if let Value::Object(fields) = &mut rest {
            fields.shift_remove("kind");
        }
        match guards::build(kind, name, &rest) {
            Ok(guard) => {
                built.insert(name, guard);
            }
            Err(error) => report.wrong(&key("guards", name), error, ""),
        }
    }
    config
        .policies
        .iter()
        .map(|policy| Policy {
            name: policy.name.clone(),
            models: policy.models.clone(),
            keys: policy.keys.clone(),
            system: policy.system.iter().flat_map(|s| s.rules()).collect(),
            guards: policy
                .guards
                .iter()
                .filter_map(|name| built.get(name.as_str()).cloned())
                .collect(),
            cache: policy.cache.as_ref().map(|reuse| reuse.ttl.0),
        })
        .collect()
}
