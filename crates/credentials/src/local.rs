//! Credentials from this machine: what a command prints, what a file holds.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::surroundings::{self, Surroundings};
use domain::credential::Credential;

/// A helper that takes longer waits for somebody.
const PATIENCE: Duration = Duration::from_secs(30);
const LARGEST_OUTPUT: u64 = 64 * 1024;
/// Files are looked at this often.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The key that a command prints, valid for `ttl`.
pub(crate) async fn command(
    argv: &[String],
    ttl: Duration,
    around: &Surroundings,
) -> Result<Fetched, Fault> {
    let [program, arguments @ ..] = argv else {
        return Err(Fault::Setup("the command is empty".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let printed = output(command, program).await?;
    let key = key(&printed).ok_or_else(|| Fault::unreadable(program, NO_KEY))?;
    let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    let expires = domain::time::UnixMicros(around.now().0.saturating_add(ttl));
    Ok(Fetched::until(Credential::Key(key), expires))
}

/// The key that a file holds.
pub(crate) fn file(path: &Path) -> Result<Fetched, Fault> {
    let text = surroundings::read(path)?;
    let key = key(&text).ok_or_else(|| Fault::unreadable(&path.display().to_string(), NO_KEY))?;
    Ok(Fetched {
        credential: Credential::Key(key),
        expires: None,
        look_again: Some(LOOK_AGAIN),
    })
}

const NO_KEY: &str = "no key of one line";

fn key(text: &str) -> Option<Secret> {
    let key = text.trim();
    let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    is_key.then(|| Secret::new(key))
}

/// What a command prints, bounded. Its errors may hold secrets and are not
/// kept; it is killed when nobody waits any more.
pub(crate) async fn output(mut command: Command, shown: &str) -> Result<String, Fault> {
    let failed = |what: String| Fault::Setup(format!("`{shown}` {what}"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let run = async {
        let mut child = command
            .spawn()
            .map_err(|error| failed(format!("cannot be run: {}", error.kind())))?;
        let printed = match child.stdout.take() {
            Some(stdout) => bounded(stdout)
                .await
                .map_err(|error| failed(error.kind().to_string()))?,
            None => Vec::new(),
        };
        if u64::try_from(printed.len()).unwrap_or(u64::MAX) > LARGEST_OUTPUT {
            return Err(failed("prints too much".to_owned()));
        }
        let status = child
            .wait()
            .await
            .map_err(|error| failed(error.kind().to_string()))?;
        match status.success() {
            true => String::from_utf8(printed).map_err(|_| failed("prints no text".to_owned())),
            false => Err(failed(format!("failed: {status}"))),
        }
    };
    match tokio::time::timeout(PATIENCE, run).await {
        Ok(printed) => printed,
        Err(_) => Err(failed(format!("did not end within {PATIENCE:?}"))),
    }
}

async fn bounded(stdout: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut printed = Vec::new();
    stdout
        .take(LARGEST_OUTPUT + 1)
        .read_to_end(&mut printed)
        .await?;
    Ok(printed)
}
