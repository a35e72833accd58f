//! Lines for eyes: a request is one short sentence, everything else as
//! `tracing` writes it. Whoever wants every field takes JSON.

use std::collections::HashMap;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of the line that each request gets.
const REQUEST: &str = "portcullis::request";

/// Writes lines for eyes.
#[derive(Debug, Default)]
pub(super) struct Human(Format<Full>);

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != REQUEST {
            return self.0.format_event(context, writer, event);
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let paint = match writer.has_ansi_escapes() {
            true => Paint::Colours,
            false => Paint::None,
        };
        paint.start(&mut writer, DIM)?;
        SystemTime.format_time(&mut writer)?;
        paint.end(&mut writer)?;
        write!(writer, " {:>5} ", event.metadata().level())?;
        fields.sentence(&mut writer, paint)?;
        writeln!(writer)
    }
}

const DIM: u8 = 2;
const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Colours,
    None,
}

impl Paint {
    fn start(self, to: &mut impl fmt::Write, code: u8) -> fmt::Result {
        match self {
            Self::Colours => write!(to, "\u{1b}[{code}m"),
            Self::None => Ok(()),
        }
    }

    fn end(self, to: &mut impl fmt::Write) -> fmt::Result {
        self.start(to, 0)
    }
}

/// The fields of a request's line.
#[derive(Debug, Default)]
struct Fields(HashMap<&'static str, String>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `chat fast -> openai 200 812.3ms 6+53 tokens $0.00012`, and what is
    /// out of the ordinary.
    fn sentence(&self, to: &mut impl fmt::Write, paint: Paint) -> fmt::Result {
        write!(to, "{}", self.get("operation").unwrap_or("request"))?;
        // A client made the name up: what is no plain text stays visible.
        if let Some(model) = self.get("model") {
            write!(to, " {}", model.escape_debug())?;
        }
        if let Some(provider) = self.get("provider") {
            write!(to, " -> {provider}")?;
        }
        if let Some(status) = self.get("status") {
            let colour = match status.as_bytes().first() {
                Some(b'2') => GREEN,
                Some(b'4') => YELLOW,
                _ => RED,
            };
            to.write_char(' ')?;
            paint.start(to, colour)?;
            to.write_str(status)?;
            paint.end(to)?;
        }
        if let Some(millis) = self.number("duration_ms") {
            write!(to, " {millis:.1}ms")?;
        }
        let tokens = (self.get("prompt_tokens"), self.get("completion_tokens"));
        if let (Some(prompt), Some(answer)) = tokens {
            match self.get("usage_source") {
                Some("none") => {}
                Some("unmetered") => to.write_str(" unmetered")?,
                Some("estimated") => write!(to, " about {prompt}+{answer} tokens")?,
                _ => write!(to, " {prompt}+{answer} tokens")?,
            }
        }
        if let Some(cost) = self.get("cost_usd") {
            write!(to, " ${cost}")?;
        }
        if self.get("cache_hit") == Some("true") {
            to.write_str(" cached")?;
        }
        if self.number("attempts").is_some_and(|count| count > 1.0) {
            write!(to, " {} attempts", self.get("attempts").unwrap_or_default())?;
        }
        let outcome = self.get("outcome").filter(|outcome| *outcome != "complete");
        if let Some(outcome) = outcome {
            write!(to, " {}", self.get("error").unwrap_or(outcome))?;
            write!(to, " {}", self.get("request_id").unwrap_or_default())?;
        }
        Ok(())
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fields: &[(&'static str, &str)]) -> String {
        let fields = Fields(fields.iter().map(|(k, v)| (*k, (*v).to_owned())).collect());
        let mut text = String::new();
        fields.sentence(&mut text, Paint::None).expect("written");
        text
    }

    #[test]
    fn a_completed_request_is_a_short_sentence() {
        let text = said(&[
            ("request_id", "req_1"),
            ("operation", "chat"),
            ("model", "fast"),
            ("provider", "demo"),
            ("status", "200"),
            ("outcome", "complete"),
            ("attempts", "1"),
            ("prompt_tokens", "6"),
            ("completion_tokens", "53"),
            ("usage_source", "provider"),
            ("cost_usd", "0"),
            ("duration_ms", "0.613"),
        ]);
        assert_eq!(text, "chat fast -> demo 200 0.6ms 6+53 tokens $0");
    }

    #[test]
    fn a_refused_request_says_why_and_by_which_id_to_look_it_up() {
        let text = said(&[
            ("request_id", "req_1"),
            ("operation", "chat"),
            ("model", "no\u{1b}[2Jpe"),
            ("status", "404"),
            ("outcome", "refused"),
            ("error", "model_not_found"),
            ("usage_source", "none"),
            ("prompt_tokens", "0"),
            ("completion_tokens", "0"),
            ("duration_ms", "0.1"),
        ]);
        assert_eq!(text, "chat no\\u{1b}[2Jpe 404 0.1ms model_not_found req_1");
    }
}
