//! `portcullis models`: the names that clients can ask for, what is known of
//! them, and where that is brought up to date.

mod list;
mod refresh;
mod show;

use anyhow::bail;
use clap::{Args, Subcommand};
use domain::model::Price;
use domain::money::{NanoUsd, Rate};

use crate::cli::ListArgs;

/// What to do with models.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    command: Option<ModelsCommand>,
    /// Options of `list`, for when no command is named.
    #[command(flatten)]
    list: ListArgs,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the models that clients can ask for (the default)
    List(ListArgs),
    /// Show prices, limits and abilities of a model, and where they come from
    #[command(after_help = "\
Examples:
  portcullis models show gpt-4o
  portcullis models show anthropic/claude-sonnet-4-6    also without a key of its provider

Prices are US dollars per million tokens, but those per request or image.")]
    Show(show::ShowArgs),
    /// Bring prices and abilities up to date from LiteLLM's or models.dev's file
    #[command(after_help = "\
Examples:
  curl -o prices.json https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json
  portcullis models refresh --from prices.json --dry-run           show what would change
  portcullis models refresh --from prices.json --write             write it
  curl https://models.dev/api.json | portcullis models refresh --from - --provider openai

What is written stands in the data folder as models.jsonl, above the built-in
catalogue; a running gateway takes it up by itself. Prices in portcullis.yaml
count more, and lines of models.jsonl with \"source\":\"operator\" stay as they are.")]
    Refresh(refresh::RefreshArgs),
}

/// Does it.
pub(super) fn run(args: &ModelsArgs) -> anyhow::Result<()> {
    let outer = &args.list;
    let no_list = || match outer.json {
        true => bail!("--json is an option of `models list`"),
        false => Ok(()),
    };
    match &args.command {
        None => list::run(outer),
        Some(ModelsCommand::List(list)) => list::run(&ListArgs {
            place: list.place.clone().or(&outer.place),
            json: list.json || outer.json,
        }),
        Some(ModelsCommand::Show(show)) => {
            no_list()?;
            show::run(show, &outer.place)
        }
        Some(ModelsCommand::Refresh(refresh)) => {
            no_list()?;
            refresh::run(refresh, &outer.place)
        }
    }
}

/// Dollars per million tokens.
fn usd(rate: Rate) -> String {
    NanoUsd(rate.0).to_string()
}

/// A price as one cell.
fn price(price: Option<&Price>) -> String {
    match price {
        None => "unknown".to_owned(),
        Some(price) if *price == Price::default() => "free".to_owned(),
        Some(price) => format!("{} / {}", usd(price.input), usd(price.output)),
    }
}
