//! Everything beside their `model_list`: fallbacks, aliases, retries, cache,
//! the master key. What is not read here is told.

use serde_json::{Map, Value, json};

use super::{Import, count, scalar, seconds, variable};

const SECTIONS: [&str; 3] = ["litellm_settings", "router_settings", "general_settings"];

impl Import<'_> {
    /// All sections, in the order in which they stand.
    pub(super) fn settings(&mut self, theirs: &Map<String, Value>) {
        for (name, value) in theirs {
            match (name.as_str(), value) {
                ("model_list", _) => {}
                ("environment_variables", Value::Object(variables)) => {
                    for variable in variables.keys() {
                        self.note(format!(
                            "`environment_variables.{variable}` is not copied; set it where the \
                             gateway runs"
                        ));
                    }
                }
                (section, Value::Object(fields)) if SECTIONS.contains(&section) => {
                    for (field, value) in fields {
                        self.setting(&format!("{section}.{field}"), field, value);
                    }
                    let on = fields.get("cache").and_then(scalar).unwrap_or_default();
                    if ["true", "yes", "on"].contains(&on.to_ascii_lowercase().as_str()) {
                        self.cache(section, fields.get("cache_params"));
                    }
                }
                (other, _) => self.left_out(other),
            }
        }
    }

    fn setting(&mut self, path: &str, field: &str, value: &Value) {
        match field {
            "fallbacks" => self.fallbacks(path, value),
            "context_window_fallbacks" => {
                self.fallbacks(path, value);
                self.note(format!(
                    "`{path}`: asked after any failure that has a fallback, not only when the \
                     prompt is too long"
                ));
            }
            "default_fallbacks" => self.default_fallbacks(path, value),
            "model_group_alias" => self.aliases(path, value),
            "num_retries" => self.number(path, value, "retries", |n| n.min(20)),
            // Theirs is what may fail before the next one benches.
            "allowed_fails" => self.number(path, value, "allowed_fails", |n| n.saturating_add(1)),
            "cooldown_time" => match seconds(value) {
                Some(span) => {
                    self.retry.insert("cooldown".into(), span.into());
                }
                None => self.left_out(path),
            },
            "request_timeout" | "timeout" => match seconds(value) {
                Some(span) => self.timeout = Some(span),
                None => self.left_out(path),
            },
            "routing_strategy" if value == "simple-shuffle" => {}
            "routing_strategy" => self.note(format!(
                "`{path}`: deployments are chosen by order and weight here"
            )),
            "master_key" => self.master_key(path, value),
            "database_url" => self.note(format!(
                "`{path}`: the database is a file in the data folder here; keys in theirs are not \
                 carried over"
            )),
            "cache" | "cache_params" => {}
            // Parameters that a model does not know are passed on as they are.
            _ => self.left_out(path),
        }
    }

    fn number(&mut self, path: &str, value: &Value, here: &str, change: fn(u64) -> u64) {
        match count(value)
            .map(change)
            .filter(|n| u32::try_from(*n).is_ok())
        {
            Some(number) => {
                self.retry.insert(here.into(), number.into());
            }
            None => self.left_out(path),
        }
    }

    fn is_listed(&self, name: &str) -> bool {
        self.models.iter().any(|model| model.name == name)
    }

    /// `[{a: [b, c]}, …]`.
    fn fallbacks(&mut self, path: &str, value: &Value) {
        let pairs = value.as_array().into_iter().flatten();
        let pairs = pairs.filter_map(Value::as_object).flatten();
        for (from, to) in pairs {
            let targets = to.as_array().into_iter().flatten().filter_map(scalar);
            for target in targets {
                self.fallback(path, from, &target);
            }
        }
    }

    fn fallback(&mut self, path: &str, from: &str, to: &str) {
        if !self.is_listed(to) {
            self.note(format!("`{path}`: no model of the file is called `{to}`"));
            return;
        }
        match self.models.iter_mut().find(|model| model.name == from) {
            Some(model) => {
                if from != to && !model.fallbacks.iter().any(|have| have == to) {
                    model.fallbacks.push(to.to_owned());
                }
            }
            None => self.note(format!("`{path}`: no model of the file is called `{from}`")),
        }
    }

    fn default_fallbacks(&mut self, path: &str, value: &Value) {
        let names: Vec<String> = self.models.iter().map(|m| m.name.clone()).collect();
        let targets = value.as_array().into_iter().flatten().filter_map(scalar);
        for target in targets {
            for name in &names {
                self.fallback(path, name, &target);
            }
        }
    }

    /// `{alias: model}` or `{alias: {model: …, hidden: true}}`.
    fn aliases(&mut self, path: &str, value: &Value) {
        let mut aliases = Map::new();
        for (alias, target) in value.as_object().into_iter().flatten() {
            let name = match target {
                Value::Object(more) => {
                    if more.get("hidden") == Some(&Value::Bool(true)) {
                        self.note(format!("`{path}.{alias}.hidden` is not carried over"));
                    }
                    more.get("model").and_then(scalar)
                }
                plain => scalar(plain),
            };
            match name {
                Some(name) if self.is_listed(&name) && !self.is_listed(alias) => {
                    aliases.insert(alias.clone(), name.into());
                }
                _ => self.note(format!(
                    "`{path}.{alias}`: its target is no model of the file, or a model has its name"
                )),
            }
        }
        if !aliases.is_empty() {
            self.rest.insert("aliases".into(), aliases.into());
        }
    }

    fn cache(&mut self, section: &str, params: Option<&Value>) {
        let ttl = params
            .and_then(|p| p.get("ttl"))
            .and_then(seconds)
            .unwrap_or_else(|| "10m".to_owned());
        let kind = params.and_then(|p| p.get("type")).and_then(Value::as_str);
        if kind != Some("local") {
            self.note(format!(
                "`{section}.cache`: answers are kept in this process' memory for {ttl}, for exactly \
                 equal requests"
            ));
        }
        let policy = json!({"name": "cache", "cache": {"ttl": ttl}});
        self.rest.insert("policies".into(), json!([policy]));
    }

    fn master_key(&mut self, path: &str, value: &Value) {
        let reference = match value.as_str().and_then(variable) {
            Some(name) => name.to_owned(),
            None => {
                self.note(format!(
                    "`{path}` stood in the file and is not copied; set `LITELLM_MASTER_KEY`"
                ));
                "LITELLM_MASTER_KEY".to_owned()
            }
        };
        self.note(format!(
            "`{path}` is a key for models here, without any right to administer"
        ));
        let key = json!({"name": "master", "key": format!("env:{reference}")});
        self.rest.insert("keys".into(), json!([key]));
    }
}
