//! Upstreams: those of the file, those whose usual variable is set, the demo.

use std::sync::Arc;

use ::providers::{Catalogue, CatalogueProvider, QuirksSpec, Spoken, parse_base_url};
use config::Config;
use config::error::Report;
use config::providers::{DEMO, Provider as Wanted};
use config::secret::{Env, interpolate};
use config::source::key;
use domain::canon::Dialect;
use domain::model::{
    Also, Auth, HttpVersion, Losses, PassThrough, Provider, Shape, Timeouts, WireFormat,
};
use domain::secret::Secret;

use super::Around;
use super::accounts::{self, Account, first, first_key};
use domain::suggest;

/// A base URL taken apart: TLS, host, port, path.
type BaseUrl = (bool, String, u16, String);

/// What stands for a base URL that hangs on variables which are not here.
const ELSEWHERE: &str = "https://elsewhere.invalid";

/// All upstreams: first the file's in its order, then the catalogue's, then
/// the demo. A bare model name belongs to the first that has it.
pub(super) fn build(
    config: &Config,
    catalogue: &Catalogue,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Vec<Arc<Provider>> {
    let mut all = Vec::new();
    for (name, wanted) in config.providers.iter() {
        let entry = wanted.catalogue.as_deref().unwrap_or(name);
        let known = catalogue.providers.iter().find(|p| p.name == entry);
        if wanted.catalogue.is_some() && known.is_none() {
            report.wrong(
                &key(&key("providers", name), "catalogue"),
                format!("the catalogue has no entry `{entry}`"),
                suggest::help(entry, catalogue.providers.iter().map(|p| p.name.as_str())),
            );
            continue;
        }
        if let Some(provider) = declared(name, wanted, (known, catalogue), around, report) {
            let also = also(wanted, known);
            all.push(knowing(provider, &also, catalogue, entry));
        }
    }
    for known in &catalogue.providers {
        if config.providers.get(&known.name).is_none()
            && let Some(provider) = by_itself(known, around, report)
        {
            all.push(knowing(provider, &known.also, catalogue, &known.name));
        }
    }
    if config.demo {
        all.push(Arc::new(demo()));
    }
    all
}

/// A provider of this entry of the catalogue, with what its models take, in its
/// own dialect and the further ones.
fn knowing(
    mut provider: Provider,
    also: &[Spoken],
    catalogue: &Catalogue,
    entry: &str,
) -> Arc<Provider> {
    if let WireFormat::Dialect(dialect) = provider.format {
        provider.traits = Arc::new(catalogue.traits.at(dialect, entry));
    }
    // Paths of its own are those of its own dialect.
    if provider.format == WireFormat::USUAL && provider.paths.is_none() {
        let further = also.iter().map(|spoken| Also {
            provider: Arc::new(Provider {
                format: WireFormat::Dialect(spoken.dialect),
                traits: Arc::new(catalogue.traits.at(spoken.dialect, entry)),
                ..provider.clone()
            }),
            except: spoken.except.clone(),
        });
        provider.also = further.collect();
    }
    Arc::new(provider)
}

/// What a provider speaks beside its own dialect: what the file says, or the
/// catalogue, wherever it is: a server that does not is found out by asking.
fn also(wanted: &Wanted, known: Option<&CatalogueProvider>) -> Vec<Spoken> {
    let known = known.map(|known| known.also.as_slice()).unwrap_or_default();
    let Some(wanted) = &wanted.also else {
        return known.to_vec();
    };
    let wanted = wanted.iter().map(|dialect| {
        let dialect = Dialect::from(*dialect);
        let known = known.iter().find(|known| known.dialect == dialect);
        known.cloned().unwrap_or(Spoken {
            dialect,
            except: Vec::new(),
        })
    });
    wanted.collect()
}

/// The built-in demo: answered in process, never over a network.
fn demo() -> Provider {
    Provider {
        name: DEMO.into(),
        format: WireFormat::Demo,
        tls: false,
        host: DEMO.to_owned(),
        port: 0,
        base_path: String::new(),
        paths: None,
        shape: Shape::default(),
        embeddings: Vec::new(),
        counting: None,
        auth: Auth::Bearer,
        keys: Vec::new(),
        headers: Vec::new(),
        max_parallel: None,
        timeouts: Timeouts::default(),
        http: HttpVersion::Auto,
        ca_file: None,
        internal: true,
        trace: false,
        stream_usage: true,
        // It answers anything.
        losses: Losses::Drop,
        quirks: Arc::default(),
        traits: Arc::default(),
        pass_through: PassThrough::Off,
        also: Vec::new(),
    }
}

/// A provider that nobody declared, if its usual variables are set.
fn by_itself(
    known: &CatalogueProvider,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let env = around.env;
    let found = first_key(&known.env, around)
        .and_then(|key| first(&known.base_url_env, env).map(|base| (key, base)));
    let (key, base) = found
        .map_err(|error| report.wrong_outside(error, "set it right, or unset it"))
        .ok()?;
    // One that needs no key appears only if somebody says where it is.
    let meant = if known.env.is_empty() {
        base.is_some()
    } else {
        key.is_some()
    };
    if !meant {
        return None;
    }
    if let Some((name, url)) = &base
        && let Err(error) = parse_base_url(url)
    {
        report.wrong_outside(
            format!("{name}: {error}"),
            "write it like `https://api.example.com/v1`",
        );
        return None;
    }
    let url = base.map(|(_, url)| url);
    let url = url.or_else(|| interpolate(&known.base_url, env).ok());
    let Some(Ok(url)) = url.as_deref().map(parse_base_url) else {
        let why = match interpolate(&known.base_url, env) {
            Err(error) => error,
            Ok(url) => format!("`{url}` is no base URL"),
        };
        report.warn_outside(&format!(
            "the key of `{}` is set, but it is left out: its base URL is `{}`, and {why}",
            known.name, known.base_url
        ));
        return None;
    };
    let account = accounts::usual(known, &url.1, key, around);
    Some(upstream(
        &known.name,
        url,
        account,
        (&Wanted::default(), Some(known)),
        env,
    ))
}

/// A provider of the file.
fn declared(
    name: &str,
    wanted: &Wanted,
    (known, catalogue): (Option<&CatalogueProvider>, &Catalogue),
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let at = key("providers", name);
    let env = around.env;
    let url = base_url(&at, wanted, (known, catalogue), around, report);
    let host = url.as_ref().map_or("", |url| &url.1);
    let account = accounts::of(&at, wanted, (known, host), around, report);
    let mut headers = Vec::new();
    for (header, value) in wanted.headers.iter() {
        match around.secret(value) {
            Ok(value) => headers.push((header.to_ascii_lowercase(), value)),
            Err(error) => {
                report.wrong(&key(&key(&at, "headers"), header), error, "");
            }
        }
    }
    let has_quirks = wanted.quirks != QuirksSpec::default();
    if has_quirks && dialect(wanted, known) != Dialect::OpenAi {
        let why = "quirks are of servers that speak OpenAI's dialect";
        report.wrong(&key(&at, "quirks"), why, "leave them out");
    }
    check_also(&at, wanted, known, report);
    let mut provider = upstream(name, url?, account?, (wanted, known), env);
    // What the file says stands.
    let is_new = |(name, _): &(String, Secret)| headers.iter().all(|(own, _)| own != name);
    provider.headers.retain(is_new);
    provider.headers.extend(headers);
    Some(provider)
}

/// Whether the catalogue's entry leaves room for further dialects; what the file
/// says of the dialect itself was checked when it was read.
fn check_also(
    at: &str,
    wanted: &Wanted,
    known: Option<&CatalogueProvider>,
    report: &mut Report<'_>,
) {
    let Some(known) = known.filter(|_| wanted.also.iter().flatten().next().is_some()) else {
        return;
    };
    let name = &known.name;
    let why = if known.paths().is_some() {
        format!("the catalogue's `{name}` has paths of its own, which are those of one dialect")
    } else if wanted.dialect.is_none() && known.dialect != Dialect::OpenAi {
        let dialect = known.dialect.as_str();
        format!(
            "the catalogue's `{name}` speaks `{dialect}`, and only `openai` has others beside it"
        )
    } else {
        return;
    };
    let help = "remove `also`, or declare the provider a second time";
    report.wrong(&key(at, "also"), why, help);
}

fn base_url(
    at: &str,
    wanted: &Wanted,
    (known, catalogue): (Option<&CatalogueProvider>, &Catalogue),
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<BaseUrl> {
    let field = key(at, "base_url");
    // A region stands beside the keys as well as in the environment.
    let env = |name: &str| {
        let found = (around.env)(name);
        found.or_else(|| accounts::region(wanted, name, around.env))
    };
    let env: Env<'_> = &env;
    let text = match (&wanted.base_url, known) {
        (Some(text), _) => interpolate(text, env),
        (None, Some(known)) => match first(&known.base_url_env, env) {
            Ok(Some((_, text))) => Ok(text),
            Ok(None) => interpolate(&known.base_url, env),
            Err(error) => Err(error),
        },
        (None, None) => {
            let name = at.trim_start_matches("providers.");
            let names = catalogue.providers.iter().map(|p| p.name.as_str());
            let help = match suggest::nearest(name, names) {
                Some(near) => format!(
                    "did you mean `{near}`, which the catalogue knows? Else add \
                     `base_url: https://…/v1`"
                ),
                None => "add `base_url: https://…/v1`".to_owned(),
            };
            report.wrong(
                at,
                "the catalogue does not know this provider, and `base_url` is missing",
                help,
            );
            return None;
        }
    };
    // Where it is does not matter to who only looks.
    let text = text.or_else(|error| match around.is_outline() {
        true => Ok(ELSEWHERE.to_owned()),
        false => Err(error),
    });
    match text {
        Ok(text) if text.trim_end_matches('/').ends_with("/chat/completions") => {
            report.wrong(
                &field,
                "this is the URL of one route",
                "end it before `/chat/completions`; the gateway adds the route",
            );
            None
        }
        Ok(text) => parse_base_url(&text)
            .map_err(|message| {
                report.wrong(
                    &field,
                    message,
                    "write it like `https://api.example.com/v1`",
                );
            })
            .ok(),
        Err(error) => {
            report.wrong(&field, error, "set it, or write the whole URL here");
            None
        }
    }
}

/// What a provider speaks: what the file says, or the catalogue.
pub(super) fn dialect(wanted: &Wanted, known: Option<&CatalogueProvider>) -> Dialect {
    wanted
        .dialect
        .map(Dialect::from)
        .or(known.map(|known| known.dialect))
        .unwrap_or(Dialect::OpenAi)
}

/// Headers that the catalogue gives a provider.
fn usual_headers(known: &CatalogueProvider) -> Vec<(String, Secret)> {
    let all = known.headers.iter();
    all.map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value.as_str())))
        .collect()
}

fn upstream(
    name: &str,
    (tls, host, port, base_path): BaseUrl,
    (auth, keys): Account,
    (wanted, known): (&Wanted, Option<&CatalogueProvider>),
    env: Env<'_>,
) -> Provider {
    let filled = |path: String| interpolate(&path, env).unwrap_or(path);
    // Both were checked when they were read.
    let quirks = wanted.quirks.over(known.map(|known| &known.quirks));
    let quirks = quirks.quirks().unwrap_or_default();
    let takes_options = !quirks.cuts("stream_options");
    let format = WireFormat::Dialect(dialect(wanted, known));
    let pass_through = wanted.pass_through.open(&base_path, format);
    Provider {
        name: name.into(),
        format,
        tls,
        host,
        port,
        base_path,
        paths: known.and_then(|known| Some(known.paths()?.map(filled))),
        shape: known.map(CatalogueProvider::shape).unwrap_or_default(),
        embeddings: known.map(CatalogueProvider::doors).unwrap_or_default(),
        counting: known.and_then(CatalogueProvider::counting),
        auth,
        keys,
        headers: known.map(usual_headers).unwrap_or_default(),
        max_parallel: wanted.max_parallel,
        timeouts: wanted.timeouts.deadlines(),
        http: wanted.http.into(),
        ca_file: wanted.ca_file.clone(),
        internal: wanted
            .internal
            .unwrap_or_else(|| known.is_some_and(|k| k.internal)),
        trace: wanted.forward_traceparent,
        stream_usage: wanted
            .stream_usage
            .unwrap_or_else(|| known.is_none_or(|k| k.stream_usage) && takes_options),
        losses: wanted.losses.into(),
        quirks: Arc::new(quirks),
        traits: Arc::default(),
        pass_through,
        also: Vec::new(),
    }
}
