//! How the gateway shows a provider who it is: where keys go, and the keys.

use std::sync::Arc;

use ::providers::{AuthStyle, CatalogueProvider, Fetched};
use config::error::Report;
use config::key_source::KeySource as Written;
use config::providers::Provider as Wanted;
use config::secret::{Env, printable, variable};
use config::source::key;
use credentials::{Spec, spec};
use domain::canon::Dialect;
use domain::credential::{Absent, Credential, Key, KeySource, Renewing};
use domain::model::Auth;
use domain::secret::Secret;

use super::Around;
use super::providers::dialect;

/// Where keys go, and the keys.
pub(super) type Account = (Auth, Vec<Key>);

/// Whoever keeps credentials fresh that end some day.
pub(crate) trait Fetchers {
    /// The credential of `spec`; the same one for the same `spec`. `place` is
    /// where it is written, and what the log calls it.
    fn renewed(&self, place: &str, spec: Spec) -> Arc<dyn Renewing>;
}

/// Nobody: for whoever only looks at a configuration.
#[derive(Debug)]
pub(crate) struct Unfetched;

impl Fetchers for Unfetched {
    fn renewed(&self, _: &str, _: Spec) -> Arc<dyn Renewing> {
        Arc::new(Self)
    }
}

impl Renewing for Unfetched {
    fn current(&self) -> Result<Credential, Absent> {
        Err(Absent("nothing is fetched here".to_owned()))
    }
}

/// The first of these variables that is set, and its name.
///
/// # Errors
/// A sentence that names a variable whose file cannot be read.
pub(super) fn first<'n>(
    names: &'n [String],
    env: Env<'_>,
) -> Result<Option<(&'n str, String)>, String> {
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
pub(super) fn first_key(names: &[String], around: Around<'_>) -> Result<Option<Secret>, String> {
    if around.is_outline() {
        let is_set = names.iter().any(|name| is_set(name, around.env));
        return Ok(is_set.then(|| Secret::new("")));
    }
    first(names, around.env)?
        .map(|(name, text)| {
            printable(text.trim().to_owned()).map_err(|error| format!("{name}: {error}"))
        })
        .transpose()
}

/// Whether a variable is set, whatever it or its file holds.
fn is_set(name: &str, env: Env<'_>) -> bool {
    let says = |name: &str| env(name).is_some_and(|value| !value.trim().is_empty());
    says(name) || says(&format!("{name}_FILE"))
}

/// The account of a provider of the file, whose host is known.
pub(super) fn of(
    at: &str,
    wanted: &Wanted,
    (known, host): (Option<&CatalogueProvider>, &str),
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<Account> {
    if around.is_outline() {
        return Some(Account::default());
    }
    let keys = keys(at, wanted, known, around, report)?;
    let style = match (&wanted.api_key_header, known) {
        (Some(header), _) => AuthStyle::Header(header.to_ascii_lowercase()),
        (None, Some(known)) => known.auth.clone(),
        (None, None) => usual_auth(dialect(wanted, None)),
    };
    let region = || region(wanted, REGION, around.env);
    let is_signed = matches!(style, AuthStyle::Sigv4(_));
    let auth = auth(style, host, region);
    // A key needs no signature, nor whatever that hangs on.
    let signs = keys
        .iter()
        .any(|key| matches!(key.source, KeySource::Renewed(_)));
    let auth = auth.or_else(|why| match signs {
        true => {
            report.wrong(at, why, "write `aws: {region: …}`, or set `AWS_REGION`");
            Err(())
        }
        false => Ok(Auth::Bearer),
    });
    if !is_signed && wanted.keys().any(is_aws) {
        let help = "leave `aws` to Bedrock: `catalogue: bedrock` or `dialect: converse`";
        report.wrong(at, "this provider takes no signatures of AWS", help);
    }
    Some((auth.ok()?, keys))
}

/// The account of a provider of the catalogue whose usual variable is set.
pub(super) fn usual(
    known: &CatalogueProvider,
    host: &str,
    given: Option<Secret>,
    around: Around<'_>,
) -> Account {
    let region = || region(&Wanted::default(), REGION, around.env);
    // A key needs no signature, nor whatever that hangs on.
    let auth = auth(known.auth.clone(), host, region).unwrap_or_default();
    let at = key("providers", &known.name);
    let key = match (given, known.credential) {
        (Some(key), _) => Some(fixed(key)),
        (None, Some(fetched)) => Some(fetch(&at, chain(fetched), around)),
        (None, None) => None,
    };
    (auth, key.into_iter().collect())
}

/// What AWS calls a place, where the environment says it.
const REGION: &str = "AWS_REGION";

/// Where a provider's requests are signed for, asked for by that name.
pub(super) fn region(wanted: &Wanted, name: &str, env: Env<'_>) -> Option<String> {
    if name != REGION {
        return None;
    }
    let of = |key: &Written| match key {
        Written::Fetched(fetched) => fetched.aws.as_ref()?.region.clone(),
        Written::Secret(_) => None,
    };
    let said = wanted.keys().find_map(of);
    said.or_else(|| env(REGION))
        .or_else(|| env("AWS_DEFAULT_REGION"))
}

fn is_aws(key: &Written) -> bool {
    matches!(key, Written::Fetched(fetched) if fetched.aws.is_some())
}

/// The keys that the file has, else what is usual for the provider.
fn keys(
    at: &str,
    wanted: &Wanted,
    known: Option<&CatalogueProvider>,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Key>> {
    let mut all = Vec::new();
    let mut is_whole = true;
    for (field, written) in wanted.placed_keys(at) {
        match one(&field, written, around) {
            Ok(key) => all.push(key),
            Err(error) => {
                report.wrong(&field, error, "set it, or refer to another one");
                is_whole = false;
            }
        }
    }
    let usual = known.filter(|it| !it.env.is_empty() || it.credential.is_some());
    match usual.filter(|_| all.is_empty() && is_whole) {
        None => is_whole.then(|| distinct(all)),
        Some(known) => unwritten(at, known, around, report),
    }
}

/// The key of a provider that has none in the file.
fn unwritten(
    at: &str,
    known: &CatalogueProvider,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Key>> {
    let field = key(at, "api_key");
    match (first_key(&known.env, around), known.credential) {
        (Ok(Some(key)), _) => Some(vec![fixed(key)]),
        (Ok(None), Some(fetched)) => Some(vec![fetch(at, chain(fetched), around)]),
        (Err(error), _) => {
            report.wrong(&field, error, "set it right, or write `api_key: env:NAME`");
            None
        }
        (Ok(None), None) => {
            report.wrong(
                &field,
                format!("there is no key: `{}` is not set", known.env.join("`, `")),
                "set the variable, or write `api_key: env:NAME`",
            );
            None
        }
    }
}

/// What the vendor's own programs would find.
fn chain(fetched: Fetched) -> Spec {
    match fetched {
        Fetched::Aws => Spec::Aws(spec::Aws::default()),
        Fetched::Google => Spec::Google(spec::Google::default()),
        Fetched::Azure => Spec::Azure(spec::Azure::default()),
    }
}

fn one(at: &str, written: &Written, around: Around<'_>) -> Result<Key, String> {
    match written {
        Written::Secret(secret) => Ok(fixed(around.secret(secret)?)),
        Written::Fetched(fetched) => Ok(fetch(
            at,
            super::fetched::spec(fetched, around.env)?,
            around,
        )),
    }
}

/// A key by what it is: a short digest tells one from the others, and is the
/// same after a reload.
fn fixed(secret: Secret) -> Key {
    Key::fixed(identity::short_digest(secret.reveal()), secret)
}

fn fetch(at: &str, spec: Spec, around: Around<'_>) -> Key {
    let told = Secret::new(format!("{spec:?} {}", spec.revealed()));
    Key {
        id: identity::short_digest(told.reveal()).into(),
        source: KeySource::Renewed(around.fetchers.renewed(at, spec)),
    }
}

/// One that stands there twice counts once.
fn distinct(keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for key in keys {
        if all.iter().all(|known| known.id != key.id) {
            all.push(key);
        }
    }
    all
}

/// Where a server of this dialect looks for its key.
fn usual_auth(dialect: Dialect) -> AuthStyle {
    match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Cohere | Dialect::Ollama => {
            AuthStyle::Bearer
        }
        Dialect::Converse => AuthStyle::Sigv4("bedrock".to_owned()),
        Dialect::Anthropic => AuthStyle::Header("x-api-key".to_owned()),
        Dialect::Gemini => AuthStyle::Header("x-goog-api-key".to_owned()),
    }
}

/// # Errors
/// Nobody says which region's signature it takes.
fn auth(
    style: AuthStyle,
    host: &str,
    region: impl FnOnce() -> Option<String>,
) -> Result<Auth, String> {
    match style {
        AuthStyle::Header(name) => Ok(Auth::Header(name)),
        // A key given to a provider that needs none is meant to be sent.
        AuthStyle::Bearer | AuthStyle::None => Ok(Auth::Bearer),
        AuthStyle::Sigv4(service) => {
            let region = sigv4::region_of(host).map(str::to_owned).or_else(region);
            let region = region.ok_or("nobody says in which region of AWS it is")?;
            Ok(Auth::SigV4 { region, service })
        }
    }
}
