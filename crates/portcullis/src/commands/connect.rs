//! `portcullis connect`: what a coding tool needs so that it asks the gateway,
//! printed or written into the tool's own configuration.

mod file;
mod into_env;
mod into_json;
mod into_toml;
mod into_yaml;
mod show;
#[cfg(test)]
mod tests;
mod tools;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use config::Config;
use config::environment;
use config::secret::Env;
use domain::snapshot::Snapshot;

use self::tools::Folders;
use crate::cli::Place;
use crate::commands::world;
use crate::output;

/// What stands for a key that was not given.
const NO_KEY: &str = "YOUR_KEY";
/// What stands for a model that was not given, where a tool must have one.
const NO_MODEL: &str = "YOUR_MODEL";

/// Options of `connect`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectArgs {
    /// The tool
    #[arg(value_name = "TOOL", value_enum)]
    tool: Tool,
    /// The model it asks for, as `portcullis models` lists it [default: the tool's own]
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    model: Option<String>,
    /// The virtual key it presents, from `portcullis keys create`
    #[arg(long, value_name = "KEY", value_parser = visible)]
    key: Option<String>,
    /// Where it reaches the gateway [default: the configuration's address]
    #[arg(long, value_name = "URL", value_parser = base)]
    url: Option<String>,
    /// Write it into the tool's configuration, and keep everything else there
    #[arg(long)]
    write: bool,
    /// Which configuration.
    #[command(flatten)]
    place: Place,
}

/// A tool that can ask the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tool {
    ClaudeCode,
    Codex,
    GeminiCli,
    Opencode,
    Aider,
    Cursor,
    Continue,
}

/// What a tool is told.
#[derive(Debug)]
struct Wanted {
    tool: Tool,
    /// The gateway's address, without a path of ours and without a slash.
    url: String,
    key: Option<String>,
    model: Option<String>,
}

impl Wanted {
    fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(NO_KEY)
    }

    fn model(&self) -> &str {
        self.model.as_deref().unwrap_or(NO_MODEL)
    }
}

/// Prints what the tool needs, or writes it.
pub(super) fn run(args: &ConnectArgs) -> anyhow::Result<()> {
    let url = match &args.url {
        // Another gateway may have other models.
        Some(url) => url.clone(),
        None => {
            let (loaded, _, snapshot) = world::outline(&args.place)?;
            known(&snapshot, args.model.as_deref())?;
            own(&loaded.config)
        }
    };
    let wanted = Wanted {
        tool: args.tool,
        url,
        key: args.key.clone(),
        model: args.model.clone(),
    };
    let env = &environment::process;
    output::raw(&match args.write {
        true => written(&wanted, env)?,
        false => printed(&wanted, env)?,
    });
    Ok(())
}

/// Whether the gateway has the model.
///
/// # Errors
/// It has none of this name; the names that are like it.
fn known(snapshot: &Snapshot, model: Option<&str>) -> anyhow::Result<()> {
    let Some(model) = model.filter(|model| snapshot.resolve(model).is_none()) else {
        return Ok(());
    };
    let listed = snapshot.listed(|_| true).into_iter();
    let aliases = snapshot.aliases.keys().map(String::as_str);
    let names = listed.map(|model| model.name.as_str()).chain(aliases);
    let help = domain::suggest::help(model, names);
    bail!("there is no model `{model}`: {help} (`portcullis models` lists them all)")
}

/// What the person is to put in place.
fn printed(wanted: &Wanted, env: Env<'_>) -> anyhow::Result<String> {
    let home = home(env).unwrap_or_else(|| PathBuf::from("~"));
    show::printed(wanted, &tools::plan(wanted, &Folders { home, env }))
}

/// Puts it in place, and says so.
fn written(wanted: &Wanted, env: Env<'_>) -> anyhow::Result<String> {
    let Some(home) = home(env) else {
        bail!("HOME is not set; set it to the folder that holds the tool's configuration");
    };
    let plan = tools::plan(wanted, &Folders { home, env });
    complete(wanted, &plan)?;
    let done = file::write_all(&plan, wanted.key.as_deref())?;
    Ok(show::written(wanted, &plan, &done))
}

fn home(env: Env<'_>) -> Option<PathBuf> {
    let home = env("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home))
}

/// A placeholder in a tool's own file would take the place of what works.
fn complete(wanted: &Wanted, plan: &tools::Plan) -> anyhow::Result<()> {
    let name = show::name(wanted.tool);
    if plan.files.is_empty() {
        bail!(
            "{} is set in its own settings window only; run this without --write for the steps",
            plan.title
        );
    }
    if wanted.key.is_none() && plan.holds_key {
        bail!(
            "--write needs the key: make one with `portcullis keys create --name {name}` and add --key KEY"
        );
    }
    if wanted.model.is_none() && plan.needs_model {
        bail!("--write needs the model: `portcullis models` lists them; add --model NAME");
    }
    Ok(())
}

/// The address that a client on this machine uses.
fn own(config: &Config) -> String {
    let mut address = config.listen();
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{address}")
}

/// An address as people write it: a slash or `/v1` at its end is left out.
fn base(text: &str) -> Result<String, String> {
    let example = "write it like `http://127.0.0.1:4000`";
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && is_plain(host) => {
            if host.contains(['?', '#', '"', '\'', '`', '$', '\\', '@']) {
                return Err(format!("an address and a path only; {example}"));
            }
            let text = text.trim_end_matches('/');
            let text = text.strip_suffix("/v1").unwrap_or(text);
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("this is no address of a gateway; {example}")),
    }
}

/// A key: letters, digits and signs without a space.
fn visible(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(
            "a key has no space and is not empty; `portcullis keys create --name NAME` prints one"
                .to_owned(),
        ),
    }
}

/// A name of a model.
fn one_line(text: &str) -> Result<String, String> {
    match !text.trim().is_empty() && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err("a model's name is one line; `portcullis models` lists them".to_owned()),
    }
}

#[cfg(test)]
mod addresses {
    use super::*;

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        for text in [
            "http://a:1",
            "http://a:1/",
            "http://a:1/v1",
            "http://a:1/v1/",
        ] {
            assert_eq!(base(text).as_deref(), Ok("http://a:1"), "{text}");
        }
        assert_eq!(
            base("https://a/llm/v1").as_deref(),
            Ok("https://a/llm"),
            "behind a path"
        );
        for text in [
            "a:1",
            "http://",
            "http:///v1",
            "http://a b",
            "http://a?b",
            "",
        ] {
            let why = base(text).expect_err(text);
            assert!(why.contains("http://127.0.0.1:4000"), "{why}");
        }
    }

    #[test]
    fn the_address_is_the_configurations_as_this_machine_reaches_it() {
        let own = |listen: &str| {
            own(&Config {
                listen: listen.parse().expect(listen),
                ..Config::default()
            })
        };
        assert_eq!(own("127.0.0.1:4000"), "http://127.0.0.1:4000");
        assert_eq!(own("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(own("[::]:80"), "http://[::1]:80");
    }
}
