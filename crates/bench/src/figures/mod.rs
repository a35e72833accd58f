//! The figures, a file each or a few of a kind.

mod burst;
mod chunk;
mod cost;
mod latency;
mod memory;
mod rate;
mod start;
mod translate;
mod variants;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::load::Fleet;
use crate::machine::gateway::Setting;
use crate::machine::nginx::{self, Log};
use crate::machine::server::Server;
use crate::machine::{gateway, process_folder};
use crate::options::Options;
use crate::table::Row;
use crate::upstream::Upstream;

/// Measures some rows.
type Measure = fn(&Bench) -> Result<Vec<Row>>;

/// The figures in the order of the table: what `--only` calls them, and how
/// they are measured.
pub(crate) const FIGURES: &[(&str, Measure)] = &[
    ("cpu", cost::per_request),
    ("log", cost::with_and_without_log),
    ("whole", cost::whole_process),
    ("rate", rate::at_connections),
    ("governed", variants::governed),
    ("open", latency::open_loop),
    ("chunk", chunk::per_chunk),
    ("first", latency::first_token),
    ("body", cost::long_body),
    ("translate", translate::beside_plain),
    ("cache", variants::cache),
    ("memory", memory::of_streams),
    ("journal", variants::journal),
    ("workers", variants::two_workers),
    ("start", start::to_first_answer),
];

/// What every figure needs.
pub(crate) struct Bench {
    /// How it was asked for.
    pub(crate) options: Options,
    /// The zero of the chunks' moments.
    pub(crate) epoch: Instant,
    /// The upstream.
    pub(crate) upstream: Upstream,
    folder: Folder,
}

/// A folder that is gone when we are.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over is a temporary folder's affair.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    /// Starts the upstream; the thread is on the load's core already.
    ///
    /// # Errors
    /// There is no room.
    pub(crate) fn new(options: Options) -> Result<Self> {
        let folder = process_folder();
        std::fs::create_dir_all(&folder)?;
        let epoch = Instant::now();
        Ok(Self {
            options,
            epoch,
            upstream: Upstream::start(epoch)?,
            folder: Folder(folder),
        })
    }

    /// Measures the figures that were asked for.
    ///
    /// # Errors
    /// One of them could not be measured.
    pub(crate) fn run(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (name, measure) in FIGURES {
            if self.options.wants(name) {
                rows.extend(measure(self).with_context(|| format!("figure `{name}`"))?);
                self.done();
            }
        }
        Ok(rows)
    }

    /// A line that says how far we are.
    pub(crate) fn progress(&self, what: &str) {
        let seconds = self.epoch.elapsed().as_secs();
        if std::io::stderr().is_terminal() {
            eprint!("\r\u{1b}[K[bench] {seconds:>4} s  {what}");
        } else {
            eprintln!("[bench] {seconds:>4} s  {what}");
        }
    }

    /// The line is done.
    fn done(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }

    /// nginx with its access log.
    fn nginx(&self) -> Result<Server> {
        nginx::start(&self.folder.0, self.upstream.address, Log::On)
    }

    fn nginx_without_log(&self) -> Result<Server> {
        nginx::start(&self.folder.0, self.upstream.address, Log::Off)
    }

    /// The usual setting.
    fn setting(&self) -> Setting {
        Setting::of(&self.options.binary())
    }

    fn gateway(&self, setting: &Setting) -> Result<Server> {
        gateway::start(&self.folder.0, self.upstream.address, setting)
    }

    fn home(&self, setting: &Setting) -> Result<gateway::Home> {
        gateway::Home::new(&self.folder.0, self.upstream.address, setting)
    }

    /// A burst's length.
    fn burst(&self) -> Duration {
        self.options.burst()
    }

    /// Rounds of a figure that takes `share` of the usual ones.
    fn rounds(&self, share: f64) -> u32 {
        let rounds = (f64::from(self.options.rounds()) * share).ceil();
        (rounds as u32).max(1)
    }

    /// Calls `once` for each of several, round by round, interleaved: what it
    /// gave, by each.
    fn interleave<T, V>(
        &self,
        what: &str,
        rounds: u32,
        each: &mut [T],
        mut once: impl FnMut(&mut T) -> Result<V>,
    ) -> Result<Vec<Vec<V>>> {
        let mut values: Vec<Vec<V>> = each.iter().map(|_| Vec::new()).collect();
        for round in 1..=rounds {
            self.progress(&format!("{what}: round {round} of {rounds}"));
            for (one, values) in each.iter_mut().zip(&mut values) {
                values.push(once(one)?);
            }
        }
        Ok(values)
    }
}

/// A server and the connections that ask it.
struct Asked {
    server: Server,
    fleet: Fleet,
}

impl Asked {
    /// Opens connections and asks once on each.
    fn open(server: Server, request: &Arc<[u8]>, connections: usize) -> Result<Self> {
        let fleet = connected(&server, request, connections)?;
        Ok(Self { server, fleet })
    }

    /// The same with new connections.
    fn reopen(&mut self, request: &Arc<[u8]>, connections: usize) -> Result<()> {
        self.fleet = connected(&self.server, request, connections)?;
        Ok(())
    }
}

fn connected(server: &Server, request: &Arc<[u8]>, connections: usize) -> Result<Fleet> {
    let mut fleet = Fleet::open(server.address, request, connections)?;
    fleet
        .warm()
        .with_context(|| format!("{} does not answer", server.name))?;
    Ok(fleet)
}
