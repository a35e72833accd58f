//! Members of answers. What is wrong is named, what was sent is not repeated.

use domain::time::UnixMicros;
use serde_json::Value;

use crate::fault::Fault;
use crate::http::Answer;
use crate::surroundings::Surroundings;

/// No token lives longer; a larger number is a broken answer.
const LONGEST_LIFE: i64 = 7 * 24 * 3600;

/// JSON, and who gave it.
pub(crate) struct Json {
    from: String,
    value: Value,
}

impl Json {
    pub(crate) fn parse(from: &str, text: &str) -> Result<Self, Fault> {
        match serde_json::from_str::<Value>(text) {
            Ok(value) if value.is_object() => Ok(Self {
                from: from.to_owned(),
                value,
            }),
            _ => Err(Fault::unreadable(from, "no JSON object")),
        }
    }

    pub(crate) fn of(answer: &Answer) -> Result<Self, Fault> {
        Self::parse(&answer.host, &answer.body)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// A text that must be there; `place` is a JSON pointer.
    pub(crate) fn text(&self, place: &str) -> Result<&str, Fault> {
        self.maybe(place)
            .ok_or_else(|| self.wrong(place, "is missing or no text"))
    }

    pub(crate) fn maybe(&self, place: &str) -> Option<&str> {
        let text = self.value.pointer(place)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// A text that can stand in a header, as tokens must.
    pub(crate) fn token(&self, place: &str) -> Result<&str, Fault> {
        let text = self.text(place)?;
        match text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(text),
            false => Err(self.wrong(place, "cannot stand in a header")),
        }
    }

    /// The end that `seconds` from now gives; a number, or a text of one.
    pub(crate) fn lifetime(&self, place: &str, around: &Surroundings) -> Result<UnixMicros, Fault> {
        match self.number(place) {
            Some(seconds) if (1..=LONGEST_LIFE).contains(&seconds) => Ok(around.after(seconds)),
            _ => Err(self.wrong(place, "is no lifetime in seconds")),
        }
    }

    pub(crate) fn number(&self, place: &str) -> Option<i64> {
        let value = self.value.pointer(place)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A moment in RFC 3339.
    pub(crate) fn moment(&self, place: &str) -> Result<UnixMicros, Fault> {
        moment(self.text(place)?).ok_or_else(|| self.wrong(place, "is no time"))
    }

    pub(crate) fn wrong(&self, place: &str, what: &str) -> Fault {
        let member = place.trim_start_matches('/');
        Fault::unreadable(&self.from, format!("`{member}` {what}"))
    }
}

/// A moment in RFC 3339.
pub(crate) fn moment(text: &str) -> Option<UnixMicros> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(UnixMicros(moment.as_microsecond()))
}
