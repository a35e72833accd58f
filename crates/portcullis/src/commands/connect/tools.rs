//! What each tool must be told, and where it keeps that.

use std::path::PathBuf;

use config::secret::Env;
use serde_json::{Map, Value, json};

use super::file::Content;
use super::{Tool, Wanted};

/// All that one tool must be told.
#[derive(Debug)]
pub(super) struct Plan {
    /// The tool's name, as people write it.
    pub(super) title: &'static str,
    /// Files of the tool, and what must be in them.
    pub(super) files: Vec<(PathBuf, Content)>,
    /// Variables that do the same as the files, or what they leave out.
    pub(super) variables: Vec<(&'static str, String)>,
    /// What the variables are to the files.
    pub(super) role: Role,
    /// What else to do or to know, a line each.
    pub(super) notes: Vec<String>,
    /// A file holds the key.
    pub(super) holds_key: bool,
    /// The tool has no model of its own to ask for.
    pub(super) needs_model: bool,
    /// A file that the tool would stop reading if ours came, and what to do.
    pub(super) shadowed: Option<(PathBuf, &'static str)>,
}

/// What variables are to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one or the other.
    Instead,
    /// Both.
    Besides,
}

/// Where tools keep their files.
pub(super) struct Folders<'a> {
    pub(super) home: PathBuf,
    pub(super) env: Env<'a>,
}

impl Folders<'_> {
    /// The folder that a variable of the tool names, else the usual one.
    fn at(&self, variable: &str, usual: &str) -> PathBuf {
        match (self.env)(variable).filter(|folder| !folder.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => self.home.join(usual),
        }
    }
}

/// What the tool must be told.
pub(super) fn plan(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    match wanted.tool {
        Tool::ClaudeCode => claude_code(wanted, folders),
        Tool::Codex => codex(wanted, folders),
        Tool::GeminiCli => gemini_cli(wanted, folders),
        Tool::Opencode => opencode(wanted, folders),
        Tool::Aider => aider(wanted, folders),
        Tool::Cursor => cursor(wanted),
        Tool::Continue => r#continue(wanted, folders),
    }
}

impl Plan {
    fn of(title: &'static str) -> Self {
        Self {
            title,
            files: Vec::new(),
            variables: Vec::new(),
            role: Role::Instead,
            notes: Vec::new(),
            holds_key: true,
            needs_model: false,
            shadowed: None,
        }
    }
}

/// It asks `/v1/messages` and puts the `/v1` there itself. The token goes out
/// as `authorization: Bearer`, and wins over a login with Anthropic.
fn claude_code(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("Claude Code");
    plan.variables = vec![
        ("ANTHROPIC_BASE_URL", wanted.url.clone()),
        ("ANTHROPIC_AUTH_TOKEN", wanted.key().to_owned()),
    ];
    match &wanted.model {
        // Helpers and background work ask for the models behind these names.
        Some(model) => plan.variables.extend(
            [
                "ANTHROPIC_MODEL",
                "ANTHROPIC_DEFAULT_OPUS_MODEL",
                "ANTHROPIC_DEFAULT_SONNET_MODEL",
                "ANTHROPIC_DEFAULT_HAIKU_MODEL",
            ]
            .map(|name| (name, model.clone())),
        ),
        None => plan.notes.push(
            "Without --model it asks for Claude's own names; the gateway must have them, or aliases."
                .to_owned(),
        ),
    }
    plan.notes.push(
        "ANTHROPIC_API_KEY must not be set beside this. `/status` in Claude Code shows what it uses."
            .to_owned(),
    );
    let env: Map<String, Value> = plan
        .variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let file = folders
        .at("CLAUDE_CONFIG_DIR", ".claude")
        .join("settings.json");
    plan.files = vec![(file, Content::Json(json!({ "env": env })))];
    plan
}

/// It asks `/v1/responses`, and takes the key from a variable only.
fn codex(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("Codex CLI");
    let mut top = vec![("model_provider", "portcullis".to_owned())];
    match &wanted.model {
        Some(model) => top.push(("model", model.clone())),
        None => plan.notes.push(
            "Without --model it asks for its own default; the gateway must have it, or an alias."
                .to_owned(),
        ),
    }
    let content = Content::Toml {
        top,
        table: ["model_providers", "portcullis"],
        fields: vec![
            ("name", "Portcullis".to_owned()),
            ("base_url", format!("{}/v1", wanted.url)),
            ("env_key", "PORTCULLIS_KEY".to_owned()),
            ("wire_api", "responses".to_owned()),
        ],
    };
    let file = folders.at("CODEX_HOME", ".codex").join("config.toml");
    plan.files = vec![(file, content)];
    plan.variables = vec![("PORTCULLIS_KEY", wanted.key().to_owned())];
    plan.role = Role::Besides;
    plan.holds_key = false;
    plan
}

/// It asks `/v1beta/models/…`, and puts the `/v1beta` there itself.
fn gemini_cli(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("Gemini CLI");
    plan.variables = vec![
        ("GOOGLE_GEMINI_BASE_URL", wanted.url.clone()),
        ("GEMINI_API_KEY", wanted.key().to_owned()),
    ];
    match &wanted.model {
        Some(model) => plan.variables.push(("GEMINI_MODEL", model.clone())),
        None => plan.notes.push(
            "Without --model it asks for Gemini's own names; the gateway must have them, or aliases."
                .to_owned(),
        ),
    }
    plan.notes.push(
        "A .env file in a project wins over the one above: Gemini CLI reads one of them only."
            .to_owned(),
    );
    let folder = (folders.env)("GEMINI_CLI_HOME")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| folders.home.clone(), PathBuf::from)
        .join(".gemini");
    let login = json!({"security": {"auth": {"selectedType": "gemini-api-key"}}});
    plan.files = vec![
        (folder.join(".env"), Content::Env(plan.variables.clone())),
        // Else a login with Google that was chosen once goes past the gateway.
        (folder.join("settings.json"), Content::Json(login)),
    ];
    plan
}

/// It asks `/v1/chat/completions`, for models that its file lists.
fn opencode(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("opencode");
    let model = wanted.model();
    let mut models = Map::new();
    models.insert(model.to_owned(), json!({ "name": model }));
    let content = json!({
        "$schema": "https://opencode.ai/config.json",
        "provider": {"portcullis": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Portcullis",
            "options": {"baseURL": format!("{}/v1", wanted.url), "apiKey": wanted.key()},
            "models": models,
        }},
        "model": format!("portcullis/{model}"),
    });
    let file = folders
        .at("XDG_CONFIG_HOME", ".config")
        .join("opencode/opencode.json");
    plan.files = vec![(file, Content::Json(content))];
    plan.needs_model = true;
    plan.notes.push(
        "More models: run this again with another --model; those that are there stay.".to_owned(),
    );
    plan
}

/// It asks `/v1/chat/completions`; `openai/` says so, and is not sent.
fn aider(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("aider");
    let url = format!("{}/v1", wanted.url);
    let model = format!("openai/{}", wanted.model());
    plan.variables = vec![
        ("OPENAI_API_BASE", url.clone()),
        ("OPENAI_API_KEY", wanted.key().to_owned()),
        ("AIDER_MODEL", model.clone()),
    ];
    let fields = [
        ("openai-api-base", url),
        ("openai-api-key", wanted.key().to_owned()),
        ("model", model),
    ];
    let file = folders.home.join(".aider.conf.yml");
    plan.files = vec![(file, Content::YamlFields(map(fields)))];
    plan.needs_model = true;
    plan.notes.push(
        "aider warns of models that it does not know; that is harmless (--no-show-model-warnings)."
            .to_owned(),
    );
    plan
}

/// It keeps this in a database of its own, and asks from its makers' servers.
fn cursor(wanted: &Wanted) -> Plan {
    let mut plan = Plan::of("Cursor");
    plan.notes =
        vec![
        "1. Open Cursor Settings, then Models, then API Keys.".to_owned(),
        format!("2. OpenAI API Key: {}", wanted.key()),
        format!(
            "3. Override OpenAI Base URL, switched on: {}/v1",
            wanted.url
        ),
        format!("4. Add a custom model, and switch it on: {}", wanted.model()),
        "Requests come from Cursor's servers, not from this machine: the address must be one that \
         the internet reaches, with TLS; give it with --url. The switch holds for all of OpenAI's \
         models in Cursor; completion while typing stays with Cursor's own."
            .to_owned(),
    ];
    plan.needs_model = true;
    plan
}

/// It asks `/v1/chat/completions`, for models that its file lists.
fn r#continue(wanted: &Wanted, folders: &Folders<'_>) -> Plan {
    let mut plan = Plan::of("Continue");
    let head = [
        ("name", "My configuration".to_owned()),
        ("version", "0.0.1".to_owned()),
        ("schema", "v1".to_owned()),
    ];
    let item = [
        ("name", format!("Portcullis {}", wanted.model())),
        ("provider", "openai".to_owned()),
        ("model", wanted.model().to_owned()),
        ("apiBase", format!("{}/v1", wanted.url)),
        ("apiKey", wanted.key().to_owned()),
    ];
    let content = Content::YamlModel {
        head: map(head),
        item: map(item),
    };
    let folder = folders.at("CONTINUE_GLOBAL_DIR", ".continue");
    plan.files = vec![(folder.join("config.yaml"), content)];
    plan.needs_model = true;
    plan.shadowed = Some((
        folder.join("config.json"),
        "Continue stops reading it once there is a config.yaml; carry it over first \
         (https://docs.continue.dev/reference/yaml-migration), then run this again",
    ));
    plan
}

fn map<const N: usize>(fields: [(&str, String); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
