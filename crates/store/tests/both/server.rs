//! A PostgreSQL server from its Debian package, in a folder of its own, without
//! a port. A shell stands between it and the tests: once their end of its
//! standard input is closed, however they ended, it ends the server and removes
//! the folder.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::secret::Secret;
use sqlx::postgres::PgPool;

/// `$1` are the programs. Says where the folder is, then obeys: `stop`, `start`,
/// `freeze` (it is there and says nothing, as behind a broken network), `thaw`.
const KEEPER: &str = r#"
set -e
folder=$(mktemp -d "${TMPDIR:-/tmp}/portcullis-postgres-XXXXXX")
"$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 ||
    { cat "$folder/log" >&2; exit 1; }
start() {
    "$1/pg_ctl" -D "$folder/data" -l "$folder/log" -s -w start -o "-k $folder -c listen_addresses= \
        -c fsync=off -c full_page_writes=off -c max_connections=200" </dev/null
}
processes() {
    first=$(head -n 1 "$folder/data/postmaster.pid")
    echo "$first" $(cat "/proc/$first/task/$first/children")
}
start "$1"
echo "$folder"
while read -r word; do
    case $word in
        stop) "$1/pg_ctl" -D "$folder/data" -s -w -m immediate stop ;;
        start) start "$1" ;;
        freeze) frozen=$(processes); kill -STOP $frozen ;;
        thaw) kill -CONT $frozen; frozen= ;;
    esac
    echo "$word"
done
[ -z "$frozen" ] || kill -CONT $frozen || true
"$1/pg_ctl" -D "$folder/data" -s -w -m immediate stop || true
rm -rf "$folder"
"#;

/// The server of all tests of a program.
static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub(crate) struct Postgres {
    keeper: Child,
    said: BufReader<std::process::ChildStdout>,
    folder: PathBuf,
}

impl Postgres {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let mut command = keeper();
        let mut keeper = command
            .args(["-c", KEEPER, "portcullis-postgres"])
            .arg(programs())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let said = keeper.stdout.take().expect("its output");
        let mut server = Self {
            keeper,
            said: BufReader::new(said),
            folder: PathBuf::new(),
        };
        server.folder = PathBuf::from(server.answer());
        server
    }

    /// Tells the server's keeper a word, and waits until it is done.
    pub(crate) fn tell(&mut self, word: &str) {
        use std::io::Write as _;
        let input = self.keeper.stdin.as_mut().expect("its input");
        writeln!(input, "{word}").expect("it listens");
        assert_eq!(self.answer(), word);
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it speaks");
        assert!(!line.is_empty(), "PostgreSQL does not start");
        line.trim_end().to_owned()
    }

    /// A database of its own on this server.
    pub(crate) async fn database(&self) -> Database {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let all = PgPool::connect(&url(&self.folder, "postgres")).await;
        let all = all.expect("connects");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&all).await.expect("creates");
        all.close().await;
        Database {
            url: url(&self.folder, &name),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A database of its own.
pub(crate) struct Database {
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        SHARED.database().await
    }

    /// How a gateway comes to it.
    pub(crate) fn server(&self) -> store::Server {
        store::Server {
            url: Secret::new(self.url.as_str()),
            password: None,
            connections: 4,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }

    pub(crate) async fn pool(&self) -> PgPool {
        PgPool::connect(&self.url).await.expect("connects")
    }
}

fn url(folder: &Path, database: &str) -> String {
    format!(
        "postgres://postgres@localhost/{database}?host={}",
        folder.display()
    )
}

/// A shell of somebody whom PostgreSQL obeys: it refuses root.
fn keeper() -> Command {
    let root = Command::new("id").arg("-u").output().expect("id");
    if root.stdout != b"0\n" {
        return Command::new("sh");
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "sh",
    ]);
    // Where it may be, and does not hold anybody's folder.
    command.current_dir("/");
    command
}

/// The newest of what Debian's package brings.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path().join("bin");
            let version = path.parent()?.file_name()?.to_str()?.parse().ok()?;
            path.join("initdb").exists().then_some((version, path))
        })
        .collect();
    found.sort();
    let newest = found.pop();
    newest
        .expect("PostgreSQL is missing; on Debian: apt-get install postgresql")
        .1
}
