//! Upstreams: those of the file, those whose usual variable is set, the demo.

use std::sync::Arc;

use ::providers::{AuthStyle, Catalogue, CatalogueProvider, parse_base_url};
use domain::canon::Dialect;
use domain::credential::Key;
use domain::model::{
    Auth, HttpVersion, Losses, PassThrough, Provider, Shape, Timeouts, WireFormat,
};
use domain::secret::Secret;

use crate::config::Config;
use crate::config::error::Report;
use crate::config::providers::{DEMO, Provider as Wanted};
use crate::config::secret::{Env, interpolate, printable, variable};
use crate::config::source::key;
use domain::suggest;

/// A base URL taken apart: TLS, host, port, path.
type BaseUrl = (bool, String, u16, String);
/// Where keys go, and the keys.
type Account = (Auth, Vec<Key>);

/// All upstreams: first the file's in its order, then the catalogue's, then
/// the demo. A bare model name belongs to the first that has it.
pub(super) fn build(
    config: &Config,
    catalogue: &Catalogue,
    env: Env<'_>,
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
        if let Some(provider) = declared(name, wanted, (known, catalogue), env, report) {
            all.push(Arc::new(provider));
        }
    }
    for known in &catalogue.providers {
        if config.providers.get(&known.name).is_none()
            && let Some(provider) = by_itself(known, env, report)
        {
            all.push(Arc::new(provider));
        }
    }
    if config.demo {
        all.push(Arc::new(demo()));
    }
    all
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
        pass_through: PassThrough::Off,
    }
}

/// The first of these variables that is set, and its name.
///
/// # Errors
/// A sentence that names a variable whose file cannot be read.
fn first<'n>(names: &'n [String], env: Env<'_>) -> Result<Option<(&'n str, String)>, String> {
    for name in names {
        if let Some(value) = variable(env, name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

/// The first of these variables that is set, as a key.
///
/// # Errors
/// As [`first`], or what it holds can be no key.
fn first_key(names: &[String], env: Env<'_>) -> Result<Option<Secret>, String> {
    first(names, env)?
        .map(|(name, text)| {
            printable(text.trim().to_owned()).map_err(|error| format!("{name}: {error}"))
        })
        .transpose()
}

/// A provider that nobody declared, if its usual variables are set.
fn by_itself(known: &CatalogueProvider, env: Env<'_>, report: &mut Report<'_>) -> Option<Provider> {
    let found = first_key(&known.env, env)
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
    let account = (auth(&known.auth), keys(key));
    Some(upstream(
        &known.name,
        url,
        account,
        &Wanted::default(),
        Some(known),
    ))
}

/// A provider of the file.
fn declared(
    name: &str,
    wanted: &Wanted,
    (known, catalogue): (Option<&CatalogueProvider>, &Catalogue),
    env: Env<'_>,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let at = key("providers", name);
    let url = base_url(&at, wanted, (known, catalogue), env, report);
    let auth = credential(&at, wanted, known, env, report);
    let mut headers = Vec::new();
    for (header, value) in wanted.headers.iter() {
        match value.resolve(env) {
            Ok(value) => headers.push((header.to_ascii_lowercase(), value)),
            Err(error) => {
                report.wrong(&key(&key(&at, "headers"), header), error, "");
            }
        }
    }
    let mut provider = upstream(name, url?, auth?, wanted, known);
    provider.headers = headers;
    Some(provider)
}

fn base_url(
    at: &str,
    wanted: &Wanted,
    (known, catalogue): (Option<&CatalogueProvider>, &Catalogue),
    env: Env<'_>,
    report: &mut Report<'_>,
) -> Option<BaseUrl> {
    let field = key(at, "base_url");
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

/// Where its keys go, and the keys.
fn credential(
    at: &str,
    wanted: &Wanted,
    known: Option<&CatalogueProvider>,
    env: Env<'_>,
    report: &mut Report<'_>,
) -> Option<Account> {
    let secrets = secrets(at, wanted, known, env, report)?;
    let auth = match (&wanted.api_key_header, known) {
        (Some(header), _) => Auth::Header(header.to_ascii_lowercase()),
        (None, Some(known)) => auth(&known.auth),
        (None, None) => auth(&usual_auth(dialect(wanted, None))),
    };
    Some((auth, keys(secrets)))
}

fn secrets(
    at: &str,
    wanted: &Wanted,
    known: Option<&CatalogueProvider>,
    env: Env<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Secret>> {
    let field = key(at, "api_key");
    let mut all = Vec::new();
    let numbered = wanted.api_keys.iter().enumerate();
    let numbered = numbered.map(|(n, it)| (format!("{}[{n}]", key(at, "api_keys")), it));
    let single = wanted.api_key.iter().map(|it| (field.clone(), it));
    let mut is_whole = true;
    for (field, reference) in single.chain(numbered) {
        match reference.resolve(env) {
            Ok(secret) => all.push(secret),
            Err(error) => {
                report.wrong(&field, error, "set it, or refer to another one");
                is_whole = false;
            }
        }
    }
    let Some(known) = known.filter(|known| all.is_empty() && !known.env.is_empty()) else {
        return is_whole.then_some(all);
    };
    if !is_whole {
        return None;
    }
    match first_key(&known.env, env) {
        Ok(Some(key)) => Some(vec![key]),
        Err(error) => {
            report.wrong(&field, error, "set it right, or write `api_key: env:NAME`");
            None
        }
        Ok(None) => {
            report.wrong(
                &field,
                format!("there is no key: `{}` is not set", known.env.join("`, `")),
                "set the variable, or write `api_key: env:NAME`",
            );
            None
        }
    }
}

/// Keys by what they are: a short digest tells one from the others, and is the
/// same after a reload. One that stands there twice counts once.
fn keys(secrets: impl IntoIterator<Item = Secret>) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for secret in secrets {
        let digest = identity::short_digest(secret.reveal());
        if all.iter().all(|key| *key.id != *digest) {
            all.push(Key::fixed(digest, secret));
        }
    }
    all
}

/// What a provider speaks: what the file says, or the catalogue.
fn dialect(wanted: &Wanted, known: Option<&CatalogueProvider>) -> Dialect {
    wanted
        .dialect
        .map(Dialect::from)
        .or(known.map(|known| known.dialect))
        .unwrap_or(Dialect::OpenAi)
}

/// Where a server of this dialect looks for its key.
fn usual_auth(dialect: Dialect) -> AuthStyle {
    match dialect {
        Dialect::OpenAi
        | Dialect::Responses
        | Dialect::Converse
        | Dialect::Cohere
        | Dialect::Ollama => AuthStyle::Bearer,
        Dialect::Anthropic => AuthStyle::Header("x-api-key".to_owned()),
        Dialect::Gemini => AuthStyle::Header("x-goog-api-key".to_owned()),
    }
}

fn auth(style: &AuthStyle) -> Auth {
    match style {
        AuthStyle::Header(name) => Auth::Header(name.clone()),
        // A key given to a provider that needs none is meant to be sent.
        AuthStyle::Bearer | AuthStyle::None => Auth::Bearer,
    }
}

fn upstream(
    name: &str,
    (tls, host, port, base_path): BaseUrl,
    (auth, keys): Account,
    wanted: &Wanted,
    known: Option<&CatalogueProvider>,
) -> Provider {
    let format = WireFormat::Dialect(dialect(wanted, known));
    let pass_through = wanted.pass_through.open(&base_path, format);
    Provider {
        name: name.into(),
        format,
        tls,
        host,
        port,
        base_path,
        paths: known.and_then(CatalogueProvider::paths),
        shape: known.map(CatalogueProvider::shape).unwrap_or_default(),
        auth,
        keys,
        headers: Vec::new(),
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
            .unwrap_or_else(|| known.is_none_or(|k| k.stream_usage)),
        losses: wanted.losses.into(),
        pass_through,
    }
}
