//! Their `model_list`: the same name twice is one model with two deployments.

use config::scalars::Usd;
use serde_json::{Map, Value};

use super::{Import, count, scalar};

/// A model of ours in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Its name.
    pub(super) name: String,
    /// Asked next.
    pub(super) fallbacks: Vec<String>,
    deployments: Vec<Value>,
    max_output: Option<u64>,
}

impl Model {
    /// As our file says it.
    pub(super) fn value(&self) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), self.name.as_str().into());
        out.insert("deployments".into(), self.deployments.clone().into());
        if !self.fallbacks.is_empty() {
            out.insert("fallbacks".into(), self.fallbacks.clone().into());
        }
        if let Some(tokens) = self.max_output {
            out.insert("max_output_tokens".into(), tokens.into());
        }
        out.into()
    }
}

/// Fields of `litellm_params` that are read somewhere.
const PARAMS: [&str; 17] = [
    "model",
    "api_key",
    "api_base",
    "base_url",
    "custom_llm_provider",
    "headers",
    "extra_headers",
    "organization",
    "timeout",
    "stream_timeout",
    "weight",
    "order",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "api_version",
];

/// Fields of `model_info` that are read, or say nothing that is needed.
const INFO: [&str; 10] = [
    "id",
    "base_model",
    "mode",
    "max_tokens",
    "max_output_tokens",
    "max_input_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
];

impl Import<'_> {
    /// All of `model_list`.
    pub(super) fn models(&mut self, list: Option<&Value>) {
        let Some(Value::Array(list)) = list else {
            return;
        };
        for (at, entry) in list.iter().enumerate() {
            let name = entry.get("model_name").and_then(scalar).unwrap_or_default();
            self.model(&format!("model_list[{at}] ({name})"), entry);
        }
    }

    fn model(&mut self, at: &str, entry: &Value) {
        let empty = Map::new();
        let part = |name: &str| entry.get(name).and_then(Value::as_object).unwrap_or(&empty);
        let (params, info) = (part("litellm_params"), part("model_info"));
        let text = |from: &Value, name: &str| from.get(name).and_then(scalar);
        let named = text(entry, "model_name");
        let asked = params.get("model").and_then(scalar);
        let (Some(name), Some(asked)) = (named, asked) else {
            self.note(format!(
                "{at}: `model_name` or `litellm_params.model` is missing; left out"
            ));
            return;
        };
        let (prefix, upstream) = match params.get("custom_llm_provider").and_then(scalar) {
            Some(prefix) => (prefix, asked.clone()),
            None => match asked.split_once('/') {
                Some((prefix, rest)) => (prefix.to_owned(), rest.to_owned()),
                None => ("openai".to_owned(), asked.clone()),
            },
        };
        let (prefix, upstream) = door(prefix, upstream);
        let Some(provider) = self.provider(&prefix, params, at) else {
            return;
        };
        self.told(at, params, info);
        if name.contains('*') || upstream.contains('*') {
            if name != format!("{provider}/*") {
                self.note(format!(
                    "{at}: there is no wildcard `{name}` here; clients ask for `{provider}/<model>`"
                ));
            }
            return;
        }
        let mut deployment = Map::new();
        deployment.insert("provider".into(), provider.into());
        deployment.insert("model".into(), upstream.into());
        for field in ["weight", "order"] {
            match params.get(field).map(|value| (value, count(value))) {
                Some((_, Some(number))) if u32::try_from(number).is_ok() => {
                    deployment.insert(field.into(), number.into());
                }
                Some(_) => self.left_out(&format!("{at}.litellm_params.{field}")),
                None => {}
            }
        }
        if let Some(base) = info.get("base_model").and_then(scalar) {
            deployment.insert("base_model".into(), base.into());
        }
        if let Some(price) = self.price(at, params, info) {
            deployment.insert("price".into(), price);
        }
        let longest = info.get("max_output_tokens").and_then(count);
        self.deploy(&name, deployment, longest.filter(|tokens| *tokens > 0));
    }

    fn deploy(&mut self, name: &str, deployment: Map<String, Value>, longest: Option<u64>) {
        let at = match self.models.iter().position(|model| model.name == name) {
            Some(at) => at,
            None => {
                self.models.push(Model {
                    name: name.to_owned(),
                    ..Model::default()
                });
                self.models.len() - 1
            }
        };
        let model = &mut self.models[at];
        model.deployments.push(deployment.into());
        model.max_output = model.max_output.max(longest);
    }

    /// Their dollars per token as ours per million, digit by digit.
    fn price(
        &mut self,
        at: &str,
        params: &Map<String, Value>,
        info: &Map<String, Value>,
    ) -> Option<Value> {
        const FIELDS: [(&str, &str); 4] = [
            ("input_cost_per_token", "input"),
            ("output_cost_per_token", "output"),
            ("cache_read_input_token_cost", "cached_input"),
            ("cache_creation_input_token_cost", "cache_write"),
        ];
        let mut out = Map::new();
        for (theirs, here) in FIELDS {
            let Some(value) = params.get(theirs).or_else(|| info.get(theirs)) else {
                continue;
            };
            match scalar(value).map(|text| Usd::shifted(&text, 6)) {
                Some(Ok(usd)) => {
                    out.insert(here.into(), usd.to_string().into());
                }
                _ => self.left_out(&format!("{at}: {theirs}")),
            }
        }
        if out.is_empty() {
            return None;
        }
        // Both are asked for here; what they left out is free there.
        for field in ["input", "output"] {
            out.entry(field).or_insert_with(|| "0".into());
        }
        Some(out.into())
    }

    /// Notes of everything that is not read.
    fn told(&mut self, at: &str, params: &Map<String, Value>, info: &Map<String, Value>) {
        for field in ["rpm", "tpm"] {
            if params.contains_key(field) || info.contains_key(field) {
                self.note(format!(
                    "{at}: `{field}` of a deployment is not carried over; limits belong to keys \
                     here (`keys`, or `portcullis keys create`)"
                ));
            }
        }
        let fields = params.keys().filter(|f| !PARAMS.contains(&f.as_str()));
        for field in fields.filter(|f| !matches!(f.as_str(), "rpm" | "tpm")) {
            if field == "aws_region_name" {
                self.note(format!(
                    "{at}: `aws_region_name` is not carried over; set `AWS_REGION`, or write \
                     `base_url: https://bedrock-runtime.REGION.amazonaws.com`"
                ));
                continue;
            }
            self.left_out(&format!("{at}.litellm_params.{field}"));
        }
        let fields = info.keys().filter(|f| !INFO.contains(&f.as_str()));
        for field in fields.filter(|f| !matches!(f.as_str(), "rpm" | "tpm")) {
            self.left_out(&format!("{at}.model_info.{field}"));
        }
    }
}

/// Bedrock's doors stand in the model's name there, and are providers here:
/// `bedrock/converse/…`, `bedrock/invoke/…`.
fn door(prefix: String, model: String) -> (String, String) {
    if !matches!(prefix.as_str(), "bedrock" | "bedrock_converse") {
        return (prefix, model);
    }
    let is_claudes = model.contains("claude");
    match model.split_once('/') {
        Some(("invoke", rest)) if is_claudes => ("bedrock_claude".to_owned(), rest.to_owned()),
        Some(("converse" | "invoke" | "converse_like", rest)) => {
            ("bedrock".to_owned(), rest.to_owned())
        }
        _ => ("bedrock".to_owned(), model),
    }
}
