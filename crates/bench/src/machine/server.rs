//! A server under measurement: started, asked how it does, stopped.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process::{self, Cpu, Serving};
use super::{Cores, pause};

/// The longest that a server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that we wait for the journal to be carried.
const CARRIED: Duration = Duration::from_secs(60);

/// A running server; dropped, it is stopped.
pub(crate) struct Server {
    /// What tables call it.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where the gateway shows its metrics.
    pub(crate) admin: Option<SocketAddr>,
    pub(super) serving: Serving,
    pub(super) child: Child,
}

/// A free port of this machine.
///
/// # Errors
/// There is none.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(probe.local_addr()?)
}

/// Starts a program on its cores, with its output in a file. It is told to
/// stop when we end, however we do.
pub(super) fn spawn(cores: Cores, log: &Path, command: &mut Command) -> Result<Child> {
    let mut whole = Command::new("setpriv");
    whole
        .args(["--pdeathsig", "TERM", "taskset", "-c", cores.list()])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let log = File::create(log).with_context(|| log.display().to_string())?;
    whole
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start setpriv and taskset; on Debian: apt-get install util-linux")
}

impl Server {
    /// Waits until it takes connections.
    pub(super) fn wait(mut self, log: &Path) -> Result<Self> {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || begin.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("{} does not start:\n{said}", self.name);
            }
            pause(Duration::from_millis(1));
        }
        Ok(self)
    }

    /// The process and its children.
    pub(crate) fn processes(&self) -> Vec<u32> {
        process::family(self.child.id())
    }

    /// CPU time so far.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        process::cpu(&self.processes(), self.serving)
            .with_context(|| format!("{} is gone", self.name))
    }

    /// Resident memory, in bytes.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn resident(&self) -> Result<u64> {
        process::resident(&self.processes()).with_context(|| format!("{} is gone", self.name))
    }

    /// A number of the gateway's metrics page, if it has one of that name.
    ///
    /// # Errors
    /// Its operators' listener does not answer.
    pub(crate) fn metric(&self, name: &str) -> Result<Option<f64>> {
        let Some(admin) = self.admin else {
            return Ok(None);
        };
        let mut stream = TcpStream::connect(admin)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(metric_of(&page, name))
    }

    /// Waits until the store has what the journal holds: how long it took.
    ///
    /// # Errors
    /// It takes too long.
    pub(crate) fn carried(&self) -> Result<Duration> {
        let begin = Instant::now();
        while self
            .metric("portcullis_journal_lag_records")?
            .unwrap_or(0.0)
            > 0.0
        {
            if begin.elapsed() > CARRIED {
                bail!("the journal was not carried in {} s", CARRIED.as_secs());
            }
            pause(Duration::from_millis(20));
        }
        Ok(begin.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            pause(Duration::from_millis(1));
        }
    }
}

/// The value behind a name without labels.
fn metric_of(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(' ')?;
        value.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let page = "# TYPE a_records gauge\na_records_total 7\na_records 5\n";
        assert_eq!(metric_of(page, "a_records"), Some(5.0));
        assert_eq!(metric_of(page, "a_record"), None);
    }
}
