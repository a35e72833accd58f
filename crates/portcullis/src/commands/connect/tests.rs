//! What is printed for each tool, word for word, and what writing does to
//! files that are there already.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::*;

/// A home of its own, gone at the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-connect-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("makes");
        Self(folder)
    }

    fn put(&self, file: &str, text: &str) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("makes");
        fs::write(file, text).expect("writes");
    }

    fn read(&self, file: &str) -> String {
        let file = self.0.join(file);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    fn mode(&self, file: &str) -> u32 {
        let about = fs::metadata(self.0.join(file)).expect("there");
        about.permissions().mode() & 0o777
    }

    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.0.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).expect("lists") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&self.0).expect("inside");
                    found.push(name.display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    fn write(&self, wanted: &Wanted) -> anyhow::Result<String> {
        let home = self.0.display().to_string();
        written(wanted, &|name| (name == "HOME").then(|| home.clone()))
    }

    /// Writes, and again: the second time nothing changes.
    fn settle(&self, wanted: &Wanted, file: &str) -> String {
        self.write(wanted).expect("writes");
        let text = self.read(file);
        let said = self.write(wanted).expect("writes again");
        assert_eq!(self.read(file), text, "the second time");
        assert!(said.contains("says so already"), "{said}");
        text
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wanted(tool: Tool) -> Wanted {
    Wanted {
        tool,
        url: "http://127.0.0.1:4000".to_owned(),
        key: Some("sk-pc-1".to_owned()),
        model: Some("demo".to_owned()),
    }
}

fn bare(tool: Tool) -> Wanted {
    Wanted {
        key: None,
        model: None,
        ..wanted(tool)
    }
}

fn at_home(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/home/ada".to_owned())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

fn refused(home: &Home, wanted: &Wanted) -> String {
    crate::output::chain(&home.write(wanted).expect_err("refuses"))
}

/// `PORTCULLIS_BLESS=1` writes them anew.
#[test]
fn what_each_tool_needs_is_printed_word_for_word() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/connect");
    for tool in Tool::value_variants() {
        for (suffix, wanted) in [("", wanted(*tool)), ("-bare", bare(*tool))] {
            let golden = folder.join(format!("{}{suffix}.txt", show::name(*tool)));
            let text = printed(&wanted, &at_home).expect("prints");
            testkit::golden::same(&golden, &text);
        }
    }
}

#[test]
fn a_tool_that_has_no_file_yet_gets_one_for_its_owner_alone() {
    let home = Home::new();
    let said = home.write(&wanted(Tool::ClaudeCode)).expect("writes");
    assert!(said.contains("settings.json is made."), "{said}");
    assert_eq!(home.files(), [".claude/settings.json"]);
    assert_eq!(home.mode(".claude/settings.json"), 0o600);
}

#[test]
fn what_is_in_a_json_file_stays_and_so_does_its_first_state() {
    let home = Home::new();
    let old = "{\n    \"model\": \"opus\",\n    \"env\": {\"DEBUG\": \"1\", \"ANTHROPIC_BASE_URL\": \"x\"},\n    \"n\": 1.50\n}";
    home.put(".claude/settings.json", old);
    let text = home.settle(&wanted(Tool::ClaudeCode), ".claude/settings.json");
    let new = json(&text);
    assert_eq!(new["model"], "opus");
    assert_eq!(new["env"]["DEBUG"], "1");
    assert_eq!(new["env"]["ANTHROPIC_BASE_URL"], "http://127.0.0.1:4000");
    assert!(text.starts_with("{\n    \"model\""), "{text}");
    let other = Wanted {
        url: "http://other".to_owned(),
        ..wanted(Tool::ClaudeCode)
    };
    home.write(&other).expect("writes");
    assert_eq!(home.read(".claude/settings.json.portcullis.bak"), old);
    assert_eq!(
        home.files(),
        [
            ".claude/settings.json",
            ".claude/settings.json.portcullis.bak"
        ]
    );
}

#[test]
fn a_link_stays_a_link_and_who_may_read_stays_where_there_is_no_key() {
    let home = Home::new();
    home.put("dotfiles/config.toml", "");
    let real = home.0.join("dotfiles/config.toml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("sets");
    fs::create_dir(home.0.join(".codex")).expect("makes");
    let link = home.0.join(".codex/config.toml");
    std::os::unix::fs::symlink(&real, &link).expect("links");
    home.write(&wanted(Tool::Codex)).expect("writes");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(home.mode("dotfiles/config.toml"), 0o640);
}

#[test]
fn a_file_with_the_key_is_for_its_owner_alone_from_then_on() {
    let home = Home::new();
    let file = ".claude/settings.json";
    home.put(file, "{}");
    for what in ["is changed", "no longer can"] {
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(home.0.join(file), open).expect("sets");
        let said = home.write(&wanted(Tool::ClaudeCode)).expect("writes");
        assert!(said.contains(what), "{said}");
        assert_eq!(home.mode(file), 0o600);
    }
    let said = home.write(&wanted(Tool::ClaudeCode)).expect("writes");
    assert!(said.contains("left as it is"), "{said}");
}

#[test]
fn a_file_that_cannot_be_changed_safely_is_left_and_nothing_else_is_written() {
    let home = Home::new();
    home.put(".gemini/settings.json", "{ // mine\n}");
    let why = refused(&home, &wanted(Tool::GeminiCli));
    assert!(
        why.contains("left as it is; run this without --write"),
        "{why}"
    );
    assert!(why.contains("no plain JSON (line 1, column 3)"), "{why}");
    assert_eq!(home.files(), [".gemini/settings.json"]);
    home.put(".claude/settings.json", "{\"env\": []}");
    let why = refused(&home, &wanted(Tool::ClaudeCode));
    assert!(why.contains("`env` is no object"), "{why}");
}

#[test]
fn opencode_keeps_the_models_of_before() {
    let home = Home::new();
    let file = ".config/opencode/opencode.json";
    home.settle(&wanted(Tool::Opencode), file);
    let second = Wanted {
        model: Some("openai/gpt-5".to_owned()),
        ..wanted(Tool::Opencode)
    };
    let new = json(&home.settle(&second, file));
    assert_eq!(new["model"], "portcullis/openai/gpt-5");
    let models = &new["provider"]["portcullis"]["models"];
    assert_eq!(
        *models,
        json!({"demo": {"name": "demo"}, "openai/gpt-5": {"name": "openai/gpt-5"}})
    );
}

#[test]
fn codex_keeps_its_tables_and_what_ours_replaces_becomes_a_comment() {
    let home = Home::new();
    let old = "# mine\nmodel = \"o3\" # best\nnotify = [\n  [\"model = 1\"],\n]\nprompt = '''\nmodel = \"no\"\n'''\n\n[tools]\nmodel = \"kept\"\n";
    home.put(".codex/config.toml", old);
    let text = home.settle(&wanted(Tool::Codex), ".codex/config.toml");
    let theirs = old.replace("model = \"o3\"", "# portcullis replaced: model = \"o3\"");
    let expected = format!(
        "# >>> portcullis\nmodel_provider = \"portcullis\"\nmodel = \"demo\"\n# <<< portcullis\n\n{theirs}\n# >>> portcullis\n[model_providers.portcullis]\nname = \"Portcullis\"\nbase_url = \"http://127.0.0.1:4000/v1\"\nenv_key = \"PORTCULLIS_KEY\"\nwire_api = \"responses\"\n# <<< portcullis\n"
    );
    assert_eq!(text, expected);
    // Without a model of ours, theirs is back.
    let text = home.settle(&bare(Tool::Codex), ".codex/config.toml");
    assert!(text.contains("\nmodel = \"o3\" # best\n"), "{text}");
    assert_eq!(home.read(".codex/config.toml.portcullis.bak"), old);
}

#[test]
fn codex_is_left_alone_where_the_result_would_be_no_toml() {
    for old in [
        "[model_providers.portcullis]\nname = \"x\"\n",
        "[ model_providers . \"portcullis\" ]\n",
        "[model_providers.portcullis.query_params]\n",
        "[model_providers]\nportcullis = {}\n",
        "model_providers = {}\n",
        "model_providers.portcullis.name = \"x\"\n",
        "model = \"\"\"\no3\"\"\"\n",
        "# >>> portcullis\n",
        "# <<< portcullis\n",
    ] {
        let home = Home::new();
        home.put(".codex/config.toml", old);
        let why = refused(&home, &wanted(Tool::Codex));
        assert!(why.contains("change it by hand"), "{old}: {why}");
        assert_eq!(home.files(), [".codex/config.toml"]);
    }
}

#[test]
fn gemini_keeps_its_other_variables_and_settings() {
    let home = Home::new();
    home.put(
        ".gemini/.env",
        "# mine\nexport GEMINI_API_KEY=old\nA=\"b c\"\nGEMINI_API_KEY=older\n",
    );
    home.put(
        ".gemini/settings.json",
        "{\"security\": {\"auth\": {\"selectedType\": \"oauth-personal\", \"x\": 1}}, \"ui\": {}}",
    );
    let text = home.settle(&wanted(Tool::GeminiCli), ".gemini/.env");
    assert_eq!(
        text,
        "# mine\nGEMINI_API_KEY=sk-pc-1\nA=\"b c\"\nGOOGLE_GEMINI_BASE_URL=http://127.0.0.1:4000\nGEMINI_MODEL=demo\n"
    );
    assert_eq!(
        json(&home.read(".gemini/settings.json")),
        json!({"security": {"auth": {"selectedType": "gemini-api-key", "x": 1}}, "ui": {}})
    );
}

#[test]
fn aider_keeps_its_other_options_and_comments() {
    let home = Home::new();
    home.put(
        ".aider.conf.yml",
        "# mine\nmodel: o3 # best\nread:\n  - A.md\n",
    );
    let text = home.settle(&wanted(Tool::Aider), ".aider.conf.yml");
    assert_eq!(
        text,
        "# mine\nmodel: openai/demo\nread:\n  - A.md\nopenai-api-base: http://127.0.0.1:4000/v1\nopenai-api-key: sk-pc-1\n"
    );
    for odd in ["{model: o3}\n", "model:\n  o3\n", "- a\n", "a: 1\n...\n"] {
        home.put(".aider.conf.yml", odd);
        let why = refused(&home, &wanted(Tool::Aider));
        assert!(why.contains("change it by hand"), "{odd}: {why}");
        assert_eq!(home.read(".aider.conf.yml"), odd);
    }
}

#[test]
fn continue_keeps_its_models_whatever_their_indentation() {
    let item = |depth: &str| {
        [
            "# >>> portcullis",
            "- name: \"Portcullis demo\"",
            "  provider: openai",
            "  model: demo",
            "  apiBase: http://127.0.0.1:4000/v1",
            "  apiKey: sk-pc-1",
            "# <<< portcullis",
        ]
        .map(|line| format!("{depth}{line}\n"))
        .concat()
    };
    let own = "name: Mine\nmodels: # two\n";
    let rest = "rules: [a]\n";
    for (old, new) in [
        (
            format!("name: Mine\n{rest}"),
            format!("name: Mine\n{rest}models:\n{}", item("  ")),
        ),
        (
            format!("name: Mine\nmodels: []\n{rest}"),
            format!("name: Mine\nmodels:\n{}{rest}", item("  ")),
        ),
        (
            format!("{own}- name: a\n  model: b\n{rest}"),
            format!("{own}{}- name: a\n  model: b\n{rest}", item("")),
        ),
        (
            format!("{own}    # first\n    - name: a\n{rest}"),
            format!("{own}{}    # first\n    - name: a\n{rest}", item("    ")),
        ),
    ] {
        let home = Home::new();
        home.put(".continue/config.yaml", &old);
        let text = home.settle(&wanted(Tool::Continue), ".continue/config.yaml");
        assert_eq!(text, new, "{old}");
    }
    let home = Home::new();
    home.put(".continue/config.yaml", "models: [{name: a}]\n");
    let why = refused(&home, &wanted(Tool::Continue));
    assert!(why.contains("change it by hand"), "{why}");
}

#[test]
fn continue_is_not_made_to_forget_its_older_file() {
    let home = Home::new();
    home.put(".continue/config.json", "{}");
    let why = refused(&home, &wanted(Tool::Continue));
    assert!(why.contains("carry it over first"), "{why}");
    assert_eq!(home.files(), [".continue/config.json"]);
}

#[test]
fn a_placeholder_is_written_nowhere() {
    let home = Home::new();
    let why = refused(&home, &bare(Tool::ClaudeCode));
    assert!(
        why.contains("`portcullis keys create --name claude-code`"),
        "{why}"
    );
    let no_model = Wanted {
        model: None,
        ..wanted(Tool::Opencode)
    };
    assert!(refused(&home, &no_model).contains("--model NAME"));
    assert!(refused(&home, &wanted(Tool::Cursor)).contains("without --write"));
    assert!(home.files().is_empty());
    // Codex reads the key from a variable: its file is complete without.
    let said = home.write(&bare(Tool::Codex)).expect("writes");
    assert!(said.contains("export PORTCULLIS_KEY=YOUR_KEY"), "{said}");
}

#[test]
fn a_tools_own_variable_says_where_its_file_lies() {
    let home = Home::new();
    let folder = home.0.join("elsewhere").display().to_string();
    let env = |name: &str| match name {
        "HOME" => Some("/nowhere".to_owned()),
        "CODEX_HOME" | "XDG_CONFIG_HOME" => Some(folder.clone()),
        _ => None,
    };
    written(&wanted(Tool::Codex), &env).expect("writes");
    written(&wanted(Tool::Opencode), &env).expect("writes");
    assert_eq!(
        home.files(),
        ["elsewhere/config.toml", "elsewhere/opencode/opencode.json"]
    );
    let why = written(&wanted(Tool::Codex), &|_| None).expect_err("no home");
    assert!(why.to_string().starts_with("HOME is not set"));
}
