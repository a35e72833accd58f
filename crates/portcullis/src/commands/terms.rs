//! What options say of terms: the same for tenants, teams, apps, users and keys.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use domain::budget::Budget;
use domain::contract::Contract;
use domain::counters::Measure;
use domain::limit::Limit;
use domain::network::Network;
use domain::terms::{Feature, Route, Terms, WhenFull};
use serde::de::DeserializeOwned;

/// Options that set terms.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TermArgs {
    /// Models it may use, `*` at the end matches any rest [default: all]
    #[arg(long, value_name = "A,B*", value_delimiter = ',')]
    models: Option<Vec<String>>,
    /// Kinds of requests: chat, completion, embedding, count_tokens, pass_through [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    routes: Option<Vec<String>>,
    /// What requests may not ask for: streaming, tools, images
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    without: Option<Vec<String>>,
    /// Networks that requests may come from [default: any]
    #[arg(long, value_name = "10.0.0.0/8,…", value_delimiter = ',')]
    networks: Option<Vec<Network>>,
    /// A limit, as in the file: 'requests: 600, per: minute'; may be repeated
    #[arg(long = "limit", value_name = "LIMIT")]
    limits: Vec<String>,
    /// A budget, as in the file: 'usd: 500, per: month'; may be repeated
    #[arg(long = "budget", value_name = "BUDGET")]
    budgets: Vec<String>,
    /// Prices by contract in dollars per million tokens, as in the file: 'models: [gpt-4o*], input: 2, output: 8'; may be repeated
    #[arg(long = "price", value_name = "PRICE")]
    prices: Vec<String>,
    /// Requests in any 60 seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_minute: Option<u64>,
    /// Tokens, prompt and answer, in any 60 seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tokens_per_minute: Option<u64>,
    /// Requests running at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    parallel: Option<u64>,
    /// When a limit is reached: 'refuse', 'queue: 30s' or 'degrade: MODEL'
    #[arg(long, value_name = "WHAT")]
    when_full: Option<String>,
    /// Who waits less than others for room: 0 to 9 [default: 5]
    #[arg(long, value_name = "N")]
    priority: Option<u8>,
    /// Where costs are booked; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// Tags that every request must carry
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    require: Option<Vec<String>>,
    /// A note; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
}

/// Clears a field.
type Clear = fn(&mut Terms);

/// Fields of terms that an edit may clear.
const CLEARED: [(&str, Clear); 12] = [
    ("models", |it| it.models = None),
    ("routes", |it| it.routes = None),
    ("without", |it| it.without.clear()),
    ("networks", |it| it.networks = None),
    ("limits", |it| it.limits.clear()),
    ("budgets", |it| it.budgets.clear()),
    ("prices", |it| it.prices.clear()),
    ("when_full", |it| it.when_full = None),
    ("priority", |it| it.priority = None),
    ("tags", |it| it.tags.clear()),
    ("require", |it| it.require.clear()),
    ("metadata", |it| it.metadata.clear()),
];

/// Clears fields by name.
///
/// # Errors
/// There is no such field.
pub(crate) fn clear(terms: &mut Terms, fields: &[String]) -> anyhow::Result<()> {
    for field in fields {
        let found = CLEARED.iter().find(|(name, _)| name == field);
        let Some((_, clear)) = found else {
            let names: Vec<&str> = CLEARED.iter().map(|(name, _)| *name).collect();
            bail!(
                "--unset: `{field}` is no field; choose among {}",
                names.join(", ")
            );
        };
        clear(terms);
    }
    Ok(())
}

impl TermArgs {
    /// Writes what was said over `terms`. A list replaces the one of before; tags
    /// and notes are added to those that are there.
    ///
    /// # Errors
    /// An option that cannot be read, with what to write instead.
    pub(crate) fn apply(&self, terms: &mut Terms) -> anyhow::Result<()> {
        if let Some(models) = &self.models {
            terms.models = Some(models.clone());
        }
        if let Some(routes) = &self.routes {
            terms.routes = Some(words(routes, "routes", &Route::ALL, Route::as_str)?);
        }
        if let Some(without) = &self.without {
            terms.without = words(without, "without", &Feature::ALL, Feature::as_str)?;
        }
        if let Some(networks) = &self.networks {
            terms.networks = Some(networks.clone());
        }
        let limits = self.limits()?;
        if !limits.is_empty() {
            terms.limits = limits;
        }
        if !self.budgets.is_empty() {
            let all = self
                .budgets
                .iter()
                .map(|text| read::<Budget>("budget", text));
            terms.budgets = all.collect::<anyhow::Result<_>>()?;
        }
        if !self.prices.is_empty() {
            let all = self
                .prices
                .iter()
                .map(|text| read::<Contract>("price", text));
            terms.prices = all.collect::<anyhow::Result<_>>()?;
        }
        if let Some(text) = &self.when_full {
            terms.when_full = Some(match text.as_str() {
                "refuse" => WhenFull::Refuse,
                text => read("when-full", text)?,
            });
        }
        if self.priority.is_some() {
            terms.priority = self.priority;
        }
        for pair in &self.tags {
            let (name, value) = pair_of("tag", pair)?;
            terms.tags.insert(name, value);
        }
        if let Some(require) = &self.require {
            terms.require.clone_from(require);
        }
        for pair in &self.metadata {
            let (name, value) = pair_of("metadata", pair)?;
            terms.metadata.insert(name, value);
        }
        Ok(())
    }

    fn limits(&self) -> anyhow::Result<Vec<Limit>> {
        let minute = Duration::from_secs(60);
        let rolling = |measure, amount: Option<u64>| {
            amount.map(|amount| Limit::rolling(measure, amount, minute))
        };
        let usual = [
            self.parallel.map(Limit::parallel),
            rolling(Measure::Requests, self.requests_per_minute),
            rolling(Measure::Tokens, self.tokens_per_minute),
        ];
        let mut limits: Vec<Limit> = usual.into_iter().flatten().collect();
        for text in &self.limits {
            limits.push(read("limit", text)?);
        }
        Ok(limits)
    }
}

/// What the file would say, without its braces or with them.
fn read<T: DeserializeOwned>(option: &str, text: &str) -> anyhow::Result<T> {
    let text = text.trim();
    let whole = match text.starts_with('{') {
        true => text.to_owned(),
        false => format!("{{{text}}}"),
    };
    serde_saphyr::from_str(&whole)
        .map_err(|error| {
            let told = error.without_snippet().to_string();
            anyhow!("{}", told.lines().next().unwrap_or_default().to_owned())
        })
        .with_context(|| format!("--{option} '{text}'"))
}

fn pair_of(option: &str, pair: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = pair
        .split_once('=')
        .ok_or_else(|| anyhow!("--{option}: write `{pair}` like `name=value`"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn words<T: Copy>(
    said: &[String],
    option: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> anyhow::Result<Vec<T>> {
    let find = |word: &String| {
        let found = all.iter().copied().find(|it| name(*it) == word);
        found.ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|it| name(*it)).collect();
            anyhow!("--{option}: `{word}` is none of {}", names.join(", "))
        })
    };
    said.iter().map(find).collect()
}

/// Limits and budgets in a few words, for a table.
pub(crate) fn brief(terms: &Terms) -> String {
    let limits = terms.limits.iter().map(ToString::to_string);
    let budgets = terms.budgets.iter().map(|budget| {
        let soft = if budget.hard { "" } else { " (soft)" };
        format!("{}{soft}", budget.limit)
    });
    let all: Vec<String> = limits.chain(budgets).collect();
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_what_the_file_would() {
        let args = TermArgs {
            limits: vec!["requests: 10, per: day, calendar: Europe/Vienna".to_owned()],
            budgets: vec!["{usd: 0.5, per: month, alerts: [90]}".to_owned()],
            when_full: Some("queue: 3s".to_owned()),
            routes: Some(vec!["chat".to_owned()]),
            tags: vec!["cost_center=4711".to_owned()],
            parallel: Some(2),
            ..TermArgs::default()
        };
        let mut terms = Terms::default();
        args.apply(&mut terms).expect("right");
        let json = serde_json::to_string(&terms).expect("JSON");
        let expected = r#"{"routes":["chat"],"limits":[{"parallel":2},{"requests":10,"per":"day","calendar":"Europe/Vienna"}],"budgets":[{"usd":"0.5","per":"month","calendar":"UTC","alerts":[90]}],"when_full":{"queue":"3s"},"tags":{"cost_center":"4711"}}"#;
        assert_eq!(json, expected);
        clear(&mut terms, &["limits".to_owned(), "tags".to_owned()]).expect("fields");
        assert!(terms.limits.is_empty() && terms.tags.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_option() {
        let told = |args: TermArgs| {
            let error = args.apply(&mut Terms::default()).expect_err("wrong");
            format!("{error:#}")
        };
        let limit = told(TermArgs {
            limits: vec!["requests: 10".to_owned()],
            ..TermArgs::default()
        });
        assert!(
            limit.starts_with("--limit 'requests: 10'") && limit.contains("no time"),
            "{limit}"
        );
        let route = told(TermArgs {
            routes: Some(vec!["chats".to_owned()]),
            ..TermArgs::default()
        });
        assert!(route.contains("`chats` is none of chat,"), "{route}");
        assert!(clear(&mut Terms::default(), &["shoe".to_owned()]).is_err());
    }
}
