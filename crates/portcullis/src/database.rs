//! Which database the gateway has: SQLite's file in the data folder, or a
//! PostgreSQL server that it may share with others.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use config::Config;
use config::environment::process;
use config::secret::SecretRef;
use domain::secret::Secret;
use store::{Server, Store, StoreError};
use tokio::time::Instant;

/// The file, in the data folder.
const FILE: &str = "portcullis.db";
/// The file in the data folder that names this gateway among those that share a
/// server. Who copies the folder copies its open requests too.
const NODE: &str = "node";
/// How long a start waits for a database that another process has locked, or a
/// server that is away, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

/// Where the database is.
pub(crate) enum Database {
    /// A file.
    File(PathBuf),
    /// A server.
    Server(Box<Server>),
}

impl Database {
    /// The one of this configuration, with its data folder.
    pub(crate) fn of(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        let store = &config.store;
        let Some(url) = &store.url else {
            return Ok(Self::File(folder.join(FILE)));
        };
        let password = store.password.as_ref();
        let server = Server {
            url: resolved("store.url", url)?,
            password: password
                .map(|it| resolved("store.password", it))
                .transpose()?,
            connections: store.connections,
            connect_timeout: store.connect_timeout.0,
            statement_timeout: store.statement_timeout.0,
        };
        server.check().context("store.url")?;
        Ok(Self::Server(Box::new(server)))
    }

    /// Opens it for the gateway itself. One that somebody else just writes, or
    /// keeps locked for a backup, is waited for, and a server that is away too: a
    /// start in the middle of that should not fail. Nothing listens yet: who may
    /// come in stands in there.
    pub(crate) async fn open_for_serving(&self, folder: &Path) -> anyhow::Result<Store> {
        let name = match self {
            Self::File(_) => String::new(),
            Self::Server(_) => node(folder)?,
        };
        let begun = Instant::now();
        loop {
            let error = match self.open_as(&name).await {
                Ok(store) => return Ok(store),
                Err(error) => error,
            };
            let may_pass = match self {
                Self::File(_) => error.is_busy(),
                Self::Server(_) => error.is_away(),
            };
            if !may_pass || begun.elapsed() > PATIENCE {
                let why = self.why_not(&error);
                return Err(error).context(why);
            }
            tracing::warn!(%error, "waiting for {self}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open_as(&self, node: &str) -> Result<Store, StoreError> {
        match self {
            Self::File(file) => Store::open(file).await,
            Self::Server(server) => Store::open_server(server, node).await,
        }
    }

    fn why_not(&self, error: &StoreError) -> String {
        match self {
            Self::File(file) if error.is_busy() => format!(
                "the database {0} is locked by another process; find it with `fuser {0}`",
                file.display(),
            ),
            Self::Server(_) if error.is_away() => {
                format!("{self} is away for {} s", PATIENCE.as_secs())
            }
            _ => format!("cannot open {self}"),
        }
    }

    /// Opens it for a command, which has no requests of its own.
    pub(crate) async fn open(&self) -> anyhow::Result<Store> {
        let opened = self.open_as("").await;
        opened.with_context(|| format!("cannot open {self}"))
    }

    /// Whether it can be there; a server may be.
    pub(crate) fn may_exist(&self) -> bool {
        match self {
            Self::File(file) => file.exists(),
            Self::Server(_) => true,
        }
    }
}

/// For messages: no address of a server, which may hold a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "the database {}", file.display()),
            Self::Server(_) => f.write_str("the database server of `store.url`"),
        }
    }
}

fn resolved(at: &str, secret: &SecretRef) -> anyhow::Result<Secret> {
    secret
        .resolve(&process)
        .map_err(anyhow::Error::msg)
        .with_context(|| at.to_owned())
}

/// This gateway's name among those that share a server; made at its first start.
fn node(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join(NODE);
    let read = || -> anyhow::Result<Option<String>> {
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    };
    if let Some(name) = read()? {
        return Ok(name);
    }
    let name = format!("node_{:016x}", identity::random_generation());
    // Whole or not at all: a name that is half there would be another node's.
    let draft = folder.join(format!("{NODE}.new"));
    let written = (|| {
        let mut out = std::fs::File::create(&draft)?;
        writeln!(out, "{name}")?;
        out.sync_all()?;
        std::fs::rename(&draft, &file)?;
        std::fs::File::open(folder)?.sync_all()
    })();
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_as_long_as_its_folder() {
        let folder = std::env::temp_dir().join(format!("portcullis-node-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let first = node(&folder).expect("a name");
        assert_eq!(node(&folder).expect("a name"), first);
        std::fs::write(folder.join(NODE), "").expect("writes");
        let other = node(&folder).expect("a name");
        std::fs::remove_dir_all(&folder).expect("ours");
        assert!(
            first.starts_with("node_") && other != first,
            "{first} {other}"
        );
    }

    #[test]
    fn an_address_that_is_none_is_told_without_what_it_says() {
        let (mut config, _) = config::parse("f.yaml", "{}").expect("right");
        config.store.url = Some(SecretRef::new("mysql://me:hunter2@host/db"));
        let error = Database::of(&config, Path::new(".")).err().expect("none");
        let said = format!("{error:#} {error:?}");
        assert!(
            said.contains("store.url") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
