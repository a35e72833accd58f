//! The process' log: one line an event on stderr, never on stdout, which
//! belongs to what a command answers.

mod human;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Human where stderr is a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes, a request as one short sentence; coloured on a terminal unless `NO_COLOR` is set.
    Human,
}

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The level or directive cannot be read.
    #[error("log level `{directive}` cannot be read: {source}")]
    Filter {
        /// What was asked for.
        directive: String,
        /// Why it cannot be read.
        source: ParseError,
    },
    /// A log was started before.
    #[error("the log was started before")]
    Twice,
}

/// Who reads stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Eyes,
    Machine,
}

/// Starts the log. `RUST_LOG`, where it is set and not empty, wins over
/// `level`, which may be a level (`info`) or directives (`gateway=debug`).
///
/// # Errors
/// [`LogError`] if the level cannot be read or a log was started before.
pub fn init(format: Format, level: &str) -> Result<(), LogError> {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref(), level)?;
    let reader = match std::io::stderr().is_terminal() {
        true => Reader::Eyes,
        false => Reader::Machine,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A disk that takes no line takes no complaint about it either, and
        // who insists panics.
        .log_internal_errors(false);
    let started = match shape(format, reader) {
        Format::Json => builder.json().flatten_event(true).try_init(),
        _ => builder
            .with_ansi(is_coloured(reader, std::env::var_os("NO_COLOR").as_deref()))
            .event_format(human::Human::default())
            .try_init(),
    };
    started.map_err(|_| LogError::Twice)
}

fn filter(from_environment: Option<&str>, level: &str) -> Result<EnvFilter, LogError> {
    let directive = from_environment
        .filter(|text| !text.trim().is_empty())
        .unwrap_or(level);
    EnvFilter::builder()
        .parse(directive)
        .map_err(|source| LogError::Filter {
            directive: directive.to_owned(),
            source,
        })
}

fn shape(format: Format, reader: Reader) -> Format {
    match (format, reader) {
        (Format::Auto, Reader::Eyes) => Format::Human,
        (Format::Auto, Reader::Machine) => Format::Json,
        (chosen, _) => chosen,
    }
}

/// no-color.org: any value that is not empty switches colour off.
fn is_coloured(reader: Reader, no_color: Option<&std::ffi::OsStr>) -> bool {
    reader == Reader::Eyes && no_color.is_none_or(std::ffi::OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn the_environment_wins_over_the_configured_level() {
        let of = |env, level| filter(env, level).expect("readable").to_string();
        assert_eq!(of(Some("warn"), "info"), "warn");
        assert_eq!(of(None, "gateway=debug"), "gateway=debug");
        assert_eq!(of(Some(" "), "info"), "info");
    }

    #[test]
    fn a_level_that_cannot_be_read_is_named() {
        let error = filter(None, "gateway=loud").expect_err("no such level");
        assert!(error.to_string().contains("gateway=loud"), "{error}");
    }

    #[test]
    fn lines_are_json_where_nobody_watches() {
        assert_eq!(shape(Format::Auto, Reader::Machine), Format::Json);
        assert_eq!(shape(Format::Auto, Reader::Eyes), Format::Human);
        assert_eq!(shape(Format::Human, Reader::Machine), Format::Human);
        assert_eq!(shape(Format::Json, Reader::Eyes), Format::Json);
    }

    #[test]
    fn colour_needs_a_terminal_and_no_objection() {
        assert!(is_coloured(Reader::Eyes, None));
        assert!(is_coloured(Reader::Eyes, Some(OsStr::new(""))));
        assert!(!is_coloured(Reader::Eyes, Some(OsStr::new("1"))));
        assert!(!is_coloured(Reader::Machine, None));
    }
}
