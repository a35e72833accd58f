//! The gateway, with everything on that it has in service: keys, limits,
//! journal, accounting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::Cores;
use super::process::Serving;
use super::server::{Server, free_address, spawn};
use crate::load::request::KEY;

/// How it is started.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// What tables call it.
    pub(crate) name: &'static str,
    /// The program.
    pub(crate) binary: PathBuf,
    /// The log's level.
    pub(crate) log: &'static str,
    /// Event loops.
    pub(crate) workers: usize,
    /// Where it may run.
    pub(crate) cores: Cores,
}

impl Setting {
    /// One event loop on the server's core, warnings only in the log.
    pub(crate) fn of(binary: &Path) -> Self {
        Self {
            name: "gateway",
            binary: binary.to_owned(),
            log: "warn",
            workers: 1,
            cores: Cores::Server,
        }
    }
}

/// A place for its data and configuration.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Home {
    /// A new, empty one.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn new(folder: &Path, upstream: SocketAddr, setting: &Setting) -> Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let folder = folder.join(format!("gateway-{}", address.port()));
        std::fs::create_dir_all(&folder)?;
        let text = configuration(upstream, setting);
        std::fs::write(folder.join("portcullis.yaml"), text)?;
        Ok(Self {
            folder,
            address,
            admin,
        })
    }

    /// Where it will listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it, and does not wait.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn launch(&self, setting: &Setting) -> Result<Server> {
        let mut command = Command::new(&setting.binary);
        command
            .arg("serve")
            .arg("--config")
            .arg(self.folder.join("portcullis.yaml"))
            .arg("--data-dir")
            .arg(self.folder.join("data"))
            .args(["--listen", &self.address.to_string()])
            .args(["--admin-listen", &self.admin.to_string()])
            .env("BENCH_KEY", KEY);
        let child = spawn(setting.cores, &self.output(), &mut command)?;
        Ok(Server {
            name: setting.name,
            address: self.address,
            admin: Some(self.admin),
            serving: Serving::Loops,
            child,
        })
    }

    fn output(&self) -> PathBuf {
        self.folder.join("output.log")
    }
}

/// Starts it in front of the upstream, in a home of its own.
///
/// # Errors
/// It does not start.
pub(crate) fn start(folder: &Path, upstream: SocketAddr, setting: &Setting) -> Result<Server> {
    let home = Home::new(folder, upstream, setting)?;
    home.launch(setting)?.wait(&home.output())
}

/// Three limits for the key, too high to be met.
fn configuration(upstream: SocketAddr, setting: &Setting) -> String {
    let Setting { log, workers, .. } = setting;
    format!(
        "workers: {workers}
log: {{level: \"{log}\"}}
demo: false
providers:
  upstream: {{base_url: \"http://{upstream}/v1\", api_key: none, models: [m, cached, paced, flood, brief]}}
  messages: {{dialect: anthropic, base_url: \"http://{upstream}/v1\", api_key: none, models: [claude, paced-claude, flood-claude]}}
policies:
  - {{name: kept, models: [cached], cache: {{ttl: 1h}}}}
keys:
  - name: bench
    key: env:BENCH_KEY
    limits: {{requests_per_minute: 1000000000, tokens_per_minute: 1000000000000, parallel_requests: 100000}}
"
    )
}
