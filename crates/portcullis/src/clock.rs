//! The one place of the commands that reads the wall clock.

use domain::time::UnixMicros;

/// The wall-clock time.
#[expect(
    clippy::disallowed_methods,
    reason = "the commands' only clock; everything below takes `now` as an argument"
)]
pub(crate) fn now() -> UnixMicros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMicros(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
}
