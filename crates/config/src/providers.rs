//! Upstreams. A name that the catalogue knows needs nothing but a key.

use std::path::{Path, PathBuf};

use ::providers::{QuirksSpec, Senseless};
use domain::model::{HttpVersion, Timeouts as Deadlines};
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::key_source::KeySource;
use super::ordered::Ordered;
use super::pass_through::PassThrough;
use super::scalars::Span;
use super::secret::SecretRef;
use super::source::{index, key};

/// The name of the built-in demo.
pub const DEMO: &str = "demo";

/// One upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// Its entry in the catalogue; that of its own name if unset. Two accounts
    /// of one provider are two providers with one entry.
    pub catalogue: Option<String>,
    /// Where it is, up to the `/v1`.
    pub base_url: Option<String>,
    /// Its key.
    pub api_key: Option<KeySource>,
    /// Its keys, where there are several: each request takes one.
    pub api_keys: Vec<KeySource>,
    /// The header the key stands in alone; `Authorization: Bearer` if unset.
    pub api_key_header: Option<String>,
    /// Further headers of every request.
    pub headers: Ordered<SecretRef>,
    /// The most requests that may be there at once.
    pub max_parallel: Option<u32>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// HTTP version.
    pub http: Http,
    /// PEM file of a private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// Whether it belongs to the house.
    pub internal: Option<bool>,
    /// Whether `traceparent` goes to it although it is external.
    pub forward_traceparent: bool,
    /// What it speaks; what the catalogue says, else `OpenAI`'s chat completions.
    pub dialect: Option<Dialect>,
    /// What it speaks beside that, at the same address: clients of these are
    /// answered in their own words. What the catalogue says if unset.
    pub also: Option<Vec<Dialect>>,
    /// What becomes of what its dialect cannot say.
    pub losses: Losses,
    /// Whether usage may be asked for on streams.
    pub stream_usage: Option<bool>,
    /// Where it differs from `OpenAI`'s dialect, beside what the catalogue says.
    pub quirks: QuirksSpec,
    /// What of it clients may reach as it is.
    pub pass_through: PassThrough,
    /// Its models; those of the catalogue if unset.
    pub models: Option<Vec<String>>,
}

/// Deadlines of an upstream exchange; what is unset has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Option<Span>,
    /// To the answer's head.
    pub first_byte: Option<Span>,
    /// Between two pieces of the answer.
    pub between_chunks: Option<Span>,
    /// The whole request, all attempts together.
    pub total: Option<Span>,
}

impl Timeouts {
    fn all(&self) -> [(&'static str, Option<Span>); 4] {
        [
            ("connect", self.connect),
            ("first_byte", self.first_byte),
            ("between_chunks", self.between_chunks),
            ("total", self.total),
        ]
    }

    /// As the gateway reads them.
    pub fn deadlines(&self) -> Deadlines {
        let usual = Deadlines::default();
        let or = |span: Option<Span>, usual| span.map_or(usual, |s| s.0);
        Deadlines {
            connect: or(self.connect, usual.connect),
            first_byte: or(self.first_byte, usual.first_byte),
            between_chunks: or(self.between_chunks, usual.between_chunks),
            total: or(self.total, usual.total),
        }
    }
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `OpenAI`'s chat completions.
    Openai,
    /// `OpenAI`'s Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
    /// AWS Bedrock's Converse.
    Converse,
    /// Cohere's chat, version 2.
    Cohere,
    /// Ollama's own.
    Ollama,
}

impl Dialect {
    /// As the command line names it.
    pub fn named(text: &str) -> Result<Self, String> {
        let all = [
            Self::Openai,
            Self::Responses,
            Self::Anthropic,
            Self::Gemini,
            Self::Converse,
            Self::Cohere,
            Self::Ollama,
        ];
        let name = |dialect: &Self| domain::canon::Dialect::from(*dialect).as_str();
        let found = all.into_iter().find(|dialect| name(dialect) == text);
        found.ok_or_else(|| format!("there are: {}", all.each_ref().map(name).join(", ")))
    }
}

impl From<Dialect> for domain::canon::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Openai => Self::OpenAi,
            Dialect::Responses => Self::Responses,
            Dialect::Anthropic => Self::Anthropic,
            Dialect::Gemini => Self::Gemini,
            Dialect::Converse => Self::Converse,
            Dialect::Cohere => Self::Cohere,
            Dialect::Ollama => Self::Ollama,
        }
    }
}

/// What becomes of a request of which a provider's dialect cannot say all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Losses {
    /// Refused, if the answer could be another one for it.
    #[default]
    Strict,
    /// Sent without it; a header of the answer says what.
    Drop,
}

impl From<Losses> for domain::model::Losses {
    fn from(losses: Losses) -> Self {
        match losses {
            Losses::Strict => Self::Strict,
            Losses::Drop => Self::Drop,
        }
    }
}

/// Which HTTP an upstream is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Http {
    /// HTTP/2 if TLS negotiates it.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 only.
    #[serde(rename = "2")]
    Two,
}

impl From<Http> for HttpVersion {
    fn from(http: Http) -> Self {
        match http {
            Http::Auto => Self::Auto,
            Http::One => Self::Http1,
            Http::Two => Self::Http2,
        }
    }
}

/// Headers that the gateway itself is in charge of.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "accept-encoding",
];

impl Provider {
    /// Its keys, as they are written.
    pub fn keys(&self) -> impl Iterator<Item = &KeySource> {
        self.api_key.iter().chain(&self.api_keys)
    }

    /// The same, each with the place where it stands; `at` is the provider's.
    pub fn placed_keys(&self, at: &str) -> impl Iterator<Item = (String, &KeySource)> {
        let single = self.api_key.iter().map(|it| (key(at, "api_key"), it));
        let all = key(at, "api_keys");
        let numbered = self.api_keys.iter().enumerate();
        single.chain(numbered.map(move |(n, it)| (index(&all, n), it)))
    }

    /// The files that its secrets stand in: one that changes is read again.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let headers = headers.filter_map(SecretRef::file);
        self.keys().filter_map(KeySource::file).chain(headers)
    }

    /// Everything that needs neither catalogue nor environment.
    pub fn validate(&self, name: &str, report: &mut Report<'_>) {
        let at = key("providers", name);
        check_name(name, &at, report);
        let shout: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect();
        let is_one = self.api_key.is_some();
        for (number, (at, secret)) in self.placed_keys(&at).enumerate() {
            let suggested = match is_one {
                true => format!("{shout}_API_KEY"),
                false => format!("{shout}_API_KEY_{}", number + 1),
            };
            secret.validate(&at, &suggested, report);
        }
        if self.api_key.is_some() && !self.api_keys.is_empty() {
            report.wrong(
                &key(&at, "api_keys"),
                "`api_key` is there already",
                "write all of them in `api_keys`",
            );
        }
        if let Some(header) = &self.api_key_header {
            check_header(header, &key(&at, "api_key_header"), report);
        }
        for header in self.headers.names() {
            check_header(header, &key(&key(&at, "headers"), header), report);
        }
        for (field, span) in self.timeouts.all() {
            if span.is_some_and(|s| s.0.is_zero()) {
                report.wrong(
                    &key(&key(&at, "timeouts"), field),
                    "a deadline of zero lets nothing through",
                    "leave it out for the default",
                );
            }
        }
        if self.max_parallel == Some(0) {
            report.wrong(
                &key(&at, "max_parallel"),
                "no request at all could be there",
                "leave it out for the default, or take the provider away",
            );
        }
        if let Err((field, why)) = self.quirks.quirks() {
            let at = format!("{}.{field}", key(&at, "quirks"));
            report.wrong(&at, why, "docs/guide/providers.md shows all of them");
        } else {
            for Senseless {
                at: field,
                why,
                help,
            } in self.quirks.senseless()
            {
                report.wrong(&format!("{}.{field}", key(&at, "quirks")), why, help);
            }
        }
        for (number, dialect) in self.also.iter().flatten().enumerate() {
            if !matches!(dialect, Dialect::Responses | Dialect::Anthropic) {
                report.wrong(
                    &index(&key(&at, "also"), number),
                    "what speaks OpenAI's dialect may also speak `responses` and `anthropic`",
                    "for another dialect, declare the provider a second time",
                );
            }
        }
        let is_other = self.dialect.is_some_and(|it| it != Dialect::Openai);
        if is_other && self.also.as_ref().is_some_and(|also| !also.is_empty()) {
            report.wrong(
                &key(&at, "also"),
                "only a provider of `dialect: openai` speaks others beside it",
                "remove `also`, or declare the provider a second time",
            );
        }
        let field = key(&at, "pass_through");
        self.pass_through.validate(&field, report);
        if self.pass_through.is_on() && self.http == Http::Two {
            report.wrong(
                &field,
                "what passes through goes by HTTP/1.1, and `http: \"2\"` leaves no other",
                "remove `http`, or declare the provider a second time without it",
            );
        }
    }
}

fn check_name(name: &str, at: &str, report: &mut Report<'_>) {
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if !plain {
        report.wrong(
            at,
            format!("`{name}` is no name for a provider"),
            "use letters, digits, `-`, `_` and `.`; clients write it as `name/model`",
        );
    } else if name == DEMO {
        report.wrong(
            at,
            "`demo` is the built-in provider",
            "choose another name; `demo: false` at the top takes the built-in one away",
        );
    }
}

fn check_header(name: &str, at: &str, report: &mut Report<'_>) {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        report.wrong(
            at,
            format!("`{name}` is no name for a header"),
            "write it like `x-team`",
        );
    } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        report.wrong(
            at,
            format!("the gateway sets `{name}` itself"),
            "remove it from `headers`",
        );
    }
}
