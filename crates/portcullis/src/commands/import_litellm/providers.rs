//! Their deployments carry credentials one by one; ours share a provider.
//! Deployments with the same address and key become one provider.

use serde_json::{Map, Value};

use super::{Import, scalar, seconds, variable};

/// A provider of ours in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Upstream {
    /// Its name here.
    pub(super) name: String,
    /// What stood before the slash in their model.
    prefix: String,
    catalogue: Option<String>,
    base_url: Option<String>,
    api_key: Option<String>,
    api_key_header: Option<String>,
    headers: Map<String, Value>,
    timeouts: Map<String, Value>,
}

impl Upstream {
    /// As our file says it; `timeout` holds where none was given.
    pub(super) fn value(&self, timeout: Option<&str>) -> Value {
        let mut out = Map::new();
        let texts = [
            ("catalogue", &self.catalogue),
            ("base_url", &self.base_url),
            ("api_key", &self.api_key),
            ("api_key_header", &self.api_key_header),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                out.insert(field.into(), text.as_str().into());
            }
        }
        if !self.headers.is_empty() {
            out.insert("headers".into(), self.headers.clone().into());
        }
        let mut timeouts = self.timeouts.clone();
        if let Some(timeout) = timeout {
            timeouts.entry("total").or_insert_with(|| timeout.into());
        }
        if !timeouts.is_empty() {
            out.insert("timeouts".into(), timeouts.into());
        }
        out.into()
    }
}

/// `AZURE_EU` for `azure-eu`.
fn shout(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// What a provider is called here, as far as it is called otherwise.
fn ours(prefix: &str) -> &str {
    match prefix {
        "text-completion-openai" | "custom_openai" | "openai_like" | "openai-compatible" => {
            "openai"
        }
        "hosted_vllm" => "vllm",
        "ollama_chat" => "ollama",
        "azure_text" | "azure_ai" => "azure",
        "together_ai" => "together",
        "fireworks_ai" => "fireworks",
        other => other,
    }
}

impl Import<'_> {
    /// The name of the provider that these parameters need; `None`, with a
    /// note, if there can be none.
    pub(super) fn provider(
        &mut self,
        prefix: &str,
        params: &Map<String, Value>,
        at: &str,
    ) -> Option<String> {
        let base = self.base_url(prefix, params);
        let name = self.known(prefix);
        if base.is_none() && name.is_none() {
            self.note(format!(
                "{at}: the provider `{prefix}` is not known here; give it a base URL that speaks \
                 OpenAI's dialect and add the model by hand"
            ));
            return None;
        }
        let mut name = name.unwrap_or_else(|| ours(prefix).replace('_', "-"));
        let elsewhere = |url: &String| !url.starts_with("https://api.openai.com");
        if name == "openai" && base.as_ref().is_some_and(elsewhere) {
            // Only the dialect is OpenAI's: its models are not there.
            "custom".clone_into(&mut name);
        }
        let mut wanted = Upstream {
            prefix: name.clone(),
            base_url: base,
            headers: self.headers(params, &name, at),
            timeouts: self.timeouts(params, at),
            ..Upstream::default()
        };
        if prefix.starts_with("azure") {
            wanted.api_key_header = Some("api-key".to_owned());
        }
        let literal = match params.get("api_key").and_then(Value::as_str) {
            None | Some("") => None,
            Some(text) => match variable(text) {
                Some(variable) => {
                    wanted.api_key = Some(format!("env:{variable}"));
                    None
                }
                None => Some(text.to_owned()),
            },
        };
        Some(self.place(wanted, literal.as_deref(), at))
    }

    /// The provider that is the same, or a new one. Two literal keys cannot be
    /// told apart without keeping them, so each gets a variable of its own
    /// unless there is one of the same address already.
    fn place(&mut self, mut wanted: Upstream, literal: Option<&str>, at: &str) -> String {
        let same = |have: &&Upstream| {
            let mut have = (*have).clone();
            have.name = String::new();
            have.catalogue = None;
            if literal.is_some() {
                have.api_key = None;
            }
            have == wanted
        };
        let literal_of = |have: &Upstream| format!("env:{}_API_KEY", shout(&have.name));
        let found = self
            .providers
            .iter()
            .filter(|have| literal.is_none() || have.api_key.as_ref() == Some(&literal_of(have)))
            .find(same)
            .map(|have| have.name.clone());
        if let Some(name) = found {
            if literal.is_some() {
                self.note(format!(
                    "{at}: its key stood in the file and is not copied; it shares `{}_API_KEY`",
                    shout(&name)
                ));
            }
            return name;
        }
        let count = self
            .providers
            .iter()
            .filter(|p| p.prefix == wanted.prefix)
            .count();
        wanted.name = match count {
            0 => wanted.prefix.clone(),
            more => format!("{}-{}", wanted.prefix, more + 1),
        };
        if count > 0 && wanted.base_url.is_none() {
            wanted.catalogue = Some(wanted.prefix.clone());
        }
        if literal.is_some() {
            let variable = format!("{}_API_KEY", shout(&wanted.name));
            self.note(format!(
                "{at}: its key stood in the file and is not copied; set `{variable}`"
            ));
            wanted.api_key = Some(format!("env:{variable}"));
        }
        let name = wanted.name.clone();
        self.providers.push(wanted);
        name
    }

    /// The catalogue's name of a provider.
    fn known(&self, prefix: &str) -> Option<String> {
        let dashed = prefix.replace('_', "-");
        [prefix, ours(prefix), dashed.as_str()]
            .into_iter()
            .find(|name| self.catalogue.contains(name))
            .map(str::to_owned)
    }

    fn base_url(&mut self, prefix: &str, params: &Map<String, Value>) -> Option<String> {
        let text = ["api_base", "base_url"]
            .iter()
            .find_map(|field| params.get(*field).and_then(Value::as_str))?;
        let (text, open) = match variable(text) {
            Some(name) => (format!("${{{name}}}"), true),
            None => (text.trim_end_matches('/').to_owned(), false),
        };
        let full = match prefix {
            "ollama" | "ollama_chat" if open || !text.ends_with("/api") => {
                format!("{}/api", text.trim_end_matches("/v1"))
            }
            "azure" | "azure_text" if open || !text.contains("/openai") => {
                self.note(
                    "Azure is asked through its v1 API (`…/openai/v1`), which needs no \
                     `api_version`; the model is the name of the deployment",
                );
                format!("{text}/openai/v1")
            }
            _ => text,
        };
        Some(full)
    }

    fn headers(
        &mut self,
        params: &Map<String, Value>,
        provider: &str,
        at: &str,
    ) -> Map<String, Value> {
        let mut out = Map::new();
        let both = ["headers", "extra_headers"];
        for (name, value) in both
            .iter()
            .filter_map(|field| params.get(*field).and_then(Value::as_object))
            .flatten()
        {
            let Some(text) = scalar(value) else { continue };
            let reference = match variable(&text) {
                Some(variable) => format!("env:{variable}"),
                None => {
                    // Any header may be a credential: none is copied.
                    let variable = format!("{}_{}", shout(provider), shout(name));
                    self.note(format!(
                        "{at}: the value of the header `{name}` is not copied; set `{variable}`"
                    ));
                    format!("env:{variable}")
                }
            };
            out.insert(name.to_ascii_lowercase(), reference.into());
        }
        if let Some(text) = params.get("organization").and_then(Value::as_str) {
            let text = match variable(text) {
                Some(variable) => format!("env:{variable}"),
                None => {
                    self.note(format!(
                        "{at}: `organization` is not copied; set `OPENAI_ORGANIZATION`"
                    ));
                    "env:OPENAI_ORGANIZATION".to_owned()
                }
            };
            out.insert("openai-organization".into(), text.into());
        }
        out
    }

    fn timeouts(&mut self, params: &Map<String, Value>, at: &str) -> Map<String, Value> {
        let mut out = Map::new();
        for (theirs, here) in [("timeout", "total"), ("stream_timeout", "first_byte")] {
            let Some(value) = params.get(theirs) else {
                continue;
            };
            match seconds(value) {
                Some(span) => {
                    out.insert(here.into(), span.into());
                }
                None => self.left_out(&format!("{at}.litellm_params.{theirs}")),
            }
        }
        out
    }
}
