//! JSON that passes through untouched.

use super::Dialect;

/// A valid JSON text. Nothing is converted: numbers keep their digits, objects
/// their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Json(String);

impl Json {
    /// A text that the caller knows to be valid JSON: it was read as such, or
    /// written by a JSON writer. Line ends between its values become spaces
    /// (within strings there are none): a line of an event stream may hold it.
    #[must_use]
    pub fn trusted(text: impl Into<String>) -> Self {
        let text = text.into();
        match text.contains(['\n', '\r']) {
            true => Self(text.replace(['\n', '\r'], " ")),
            false => Self(text),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A member or a block that the canonical form does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Whose it is: it means something only there.
    pub dialect: Dialect,
    /// The member's name; of a block its type.
    pub name: String,
    /// The member's value; of a block all of it.
    pub raw: Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_on_a_line() {
        let json = Json::trusted("{\n  \"a\": \"x\\ny\"\r\n}");
        assert_eq!(json.as_str(), "{   \"a\": \"x\\ny\"  }");
    }
}
