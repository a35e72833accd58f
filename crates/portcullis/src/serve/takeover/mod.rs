//! One binary takes over from another without a port that is closed for a
//! moment: `portcullis serve --takeover`.
//!
//! | room | what it does |
//! |---|---|
//! | [`elder`] | the running process: hands over, ends its requests, ends |
//! | [`heir`] | the new one: has checked its configuration, asks, goes on |
//! | [`limits`] | room for the elder's last requests is asked at the heir |
//! | [`wire`] | what they say, and the descriptors that travel with it |
//!
//! The listeners are never closed, so that whoever waits in their queues is
//! served by the heir. One process owns the data folder at each moment: the
//! lock itself is handed over. Until the heir says that it serves, the elder
//! holds everything and goes on if the heir does not make it.

pub(super) mod elder;
pub(super) mod heir;
pub(super) mod limits;
mod wire;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The socket's name in the data folder.
const SOCKET: &str = "takeover.sock";

/// A path that fits a socket's address however deep the folder lies, for as
/// long as `folder` is open.
fn short(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

/// Listens for heirs.
fn listen(dir: &Path) -> io::Result<UnixListener> {
    let folder = File::open(dir)?;
    let path = short(&folder);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Calls the process that owns the folder; `None` if there is none.
fn call(dir: &Path) -> io::Result<Option<UnixStream>> {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    let connected = File::open(dir).and_then(|folder| UnixStream::connect(short(&folder)));
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
