//! What commands about people and their keys share: the store, who acts, how
//! moments are told.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;

use anyhow::{Context as _, anyhow, bail};
use config::scalars::{Moment, Span};
use domain::time::UnixMicros;
use identity::Install;
use store::Store;

use crate::cli::Place;
use crate::clock;
use crate::database::Database;

/// Runs a command that waits for the store.
pub(super) fn run_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

/// Who sits at the terminal, as records name them.
pub(super) fn actor() -> control::Actor {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .filter(|it: &String| !it.is_empty())
    };
    let user = variable("SUDO_USER").or_else(|| variable("USER"));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = format!(
        "cli:{}@{}",
        user.as_deref().unwrap_or("unknown"),
        host.trim()
    );
    control::Actor {
        name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
        now: clock::now(),
    }
}

/// The store and the secret; makes both if they are not there.
pub(super) async fn open_store(place: &Place) -> anyhow::Result<(Store, Install)> {
    let config = place.look()?.config;
    let folder = &config.data_dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the data folder {}", folder.display()))?;
    let install = Install::load_or_create(folder)?;
    let store = Database::of(&config, folder)?.open().await?;
    Ok((store, install))
}

/// The store if it is there: who only looks makes none.
pub(super) async fn find_store(place: &Place) -> anyhow::Result<Store> {
    let config = place.look()?.config;
    let database = Database::of(&config, &config.data_dir)?;
    if !database.may_exist() {
        bail!(
            "no database in the data folder {}; name the right one with --data-dir",
            config.data_dir.display()
        );
    }
    database.open().await
}

/// A moment to the second, for a table.
pub(super) fn minute(at: UnixMicros) -> String {
    if at.0 == 0 {
        return "-".to_owned();
    }
    let text = Moment(UnixMicros(at.seconds() * 1_000_000)).to_string();
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// What an option says of a time: a point, or so long ago.
pub(super) fn when(option: &str, text: &str, now: UnixMicros) -> anyhow::Result<UnixMicros> {
    if let Ok(Span(ago)) = text.parse::<Span>() {
        let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
        return Ok(UnixMicros(now.0.saturating_sub(micros)));
    }
    let moment = text.parse::<Moment>();
    moment
        .map(|it| it.0)
        .map_err(|error| anyhow!("--{option}: {error}, or so long ago: `7d`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_point_or_so_long_ago() {
        let now = UnixMicros(1_800_000_000_000_000);
        assert_eq!(
            when("from", "1h", now).expect("ago").0,
            now.0 - 3_600_000_000
        );
        assert!(when("to", "2026-11-01", now).is_ok());
        assert!(when("to", "soon", now).is_err());
    }
}
