//! A value of one piece, kept as JSON has it: no float ever holds a number
//! that somebody wrote.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A string, a number, `true` or `false`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal(String);

impl Literal {
    /// As JSON has it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.0.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
            return serializer.serialize_str(text);
        }
        if let Ok(whole) = self.0.parse() {
            return serializer.serialize_i64(whole);
        }
        match self.0.parse() {
            Ok(number) => serializer.serialize_f64(number),
            Err(_) => serializer.serialize_bool(self.0 == "true"),
        }
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Literal, E> {
        Ok(Literal(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Literal, E> {
        Ok(Literal(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Literal, E> {
        Ok(Literal(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Literal, E> {
        match value.is_finite() {
            true => Ok(Literal(value.to_string())),
            false => Err(E::custom("this is no number of JSON")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Literal, E> {
        // Nothing that providers take needs an escape.
        let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '"' | '\\');
        match value.chars().all(is_plain) {
            true => Ok(Literal(format!("\"{value}\""))),
            false => Err(E::custom("only plain letters can stand here")),
        }
    }
}
