//! What of a provider clients may reach as it is: `true`, `false`, or some
//! paths.

use std::fmt;

use domain::model::{PassThrough as Open, WireFormat};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::source::{index, key};

/// What passes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PassThrough {
    /// Everything or nothing.
    All(bool),
    /// Some paths.
    Some(Paths),
}

/// Paths below the base URL; `*` at the end matches any rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// As clients write them.
    pub paths: Vec<String>,
}

impl Default for PassThrough {
    fn default() -> Self {
        Self::All(false)
    }
}

// Not derived: of an untagged enum nobody learns which field is wrong.
impl<'de> Deserialize<'de> for PassThrough {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = PassThrough;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`true`, `false` or `{paths: [/v1/images/*]}`")
    }

    fn visit_bool<E: de::Error>(self, is_open: bool) -> Result<PassThrough, E> {
        Ok(PassThrough::All(is_open))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PassThrough, M::Error> {
        Paths::deserialize(MapAccessDeserializer::new(map)).map(PassThrough::Some)
    }
}

impl PassThrough {
    /// Whether anything passes.
    pub(super) fn is_on(&self) -> bool {
        *self != Self::All(false)
    }

    /// Paths that begin with a slash and lead nowhere else.
    pub(super) fn validate(&self, at: &str, report: &mut Report<'_>) {
        let Self::Some(Paths { paths }) = self else {
            return;
        };
        let field = key(at, "paths");
        if paths.is_empty() {
            report.wrong(
                &field,
                "no path at all is passed through",
                "write some, like `/v1/images/*`, or `pass_through: false`",
            );
        }
        for (number, path) in paths.iter().enumerate() {
            let start = path.strip_suffix('*').unwrap_or(path);
            let error = match providers::joined("", WireFormat::USUAL, start) {
                Err(error) => error.to_string(),
                Ok(_) if start.contains(['*', '?', '#']) => {
                    "`*` stands at its end only, `?` and `#` nowhere".to_owned()
                }
                Ok(_) => continue,
            };
            report.wrong(
                &index(&field, number),
                format!("`{path}` is no path: {error}"),
                "write it like `/v1/audio/speech` or `/v1/images/*`",
            );
        }
    }

    /// As the gateway reads it, of a provider that speaks so; `base` is the base
    /// URL's path.
    pub fn open(&self, base: &str, format: WireFormat) -> Open {
        match self {
            Self::All(false) => Open::Off,
            Self::All(true) => Open::All,
            Self::Some(Paths { paths }) => {
                let whole = |path: &String| providers::joined(base, format, path).ok();
                Open::Paths(paths.iter().filter_map(whole).collect())
            }
        }
    }
}
