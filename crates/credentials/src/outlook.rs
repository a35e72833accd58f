//! What can be said of a credential before anybody is asked: whether all is
//! there that it takes. Whether its issuer accepts it, only the issuer knows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::spec::Spec;
use crate::surroundings::Surroundings;
use crate::{aws, azure, google};

/// A credential that may work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// All is there that it takes.
    Complete,
    /// Who must be asked answers only where the gateway runs: who that is.
    Unknown(&'static str),
}

/// A credential that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hopeless {
    /// The field to look at, below the credential: `aws.profile`.
    pub field: &'static str,
    /// Why.
    pub fault: Fault,
    /// What to do.
    pub help: String,
}

impl Hopeless {
    pub(crate) fn new(field: &'static str, fault: Fault, help: impl Into<String>) -> Self {
        Self {
            field,
            fault,
            help: help.into(),
        }
    }
}

/// Looks at what is on this machine; nobody is asked and nothing is run.
///
/// # Errors
/// It cannot work as things are.
pub fn outlook(spec: &Spec, around: &Surroundings) -> Result<Outlook, Hopeless> {
    match spec {
        Spec::Aws(spec) => aws::outlook::of(spec, around),
        Spec::Google(spec) => google::outlook::of(spec, around),
        Spec::Azure(spec) => azure::outlook(spec, around),
        Spec::Command { argv, .. } => command(argv, around),
        Spec::File { path } => match crate::local::file(path) {
            Ok(_) => Ok(Outlook::Complete),
            Err(fault) => Err(Hopeless::new("file", fault, "write the key into it")),
        },
    }
}

fn command(argv: &[String], around: &Surroundings) -> Result<Outlook, Hopeless> {
    let program = argv.first().map_or("", String::as_str);
    let candidates: Vec<PathBuf> = match program.contains('/') {
        true => vec![PathBuf::from(program)],
        false => {
            let path = around.env("PATH").unwrap_or_default();
            std::env::split_paths(&path)
                .map(|folder| folder.join(program))
                .collect()
        }
    };
    if candidates.iter().any(|file| is_program(file)) {
        return Ok(Outlook::Unknown("the command is run when the gateway is"));
    }
    let is_there = candidates.iter().find(|file| file.exists());
    let (why, help) = match is_there {
        Some(file) if file.is_dir() => ("is a folder", "name a program"),
        Some(_) => ("is not executable", "make it so: `chmod +x`"),
        None if program.contains(' ') => {
            let help = "write each word apart: `command: [program, argument]`";
            ("is no program", help)
        }
        None if program.contains('/') => ("is not there", "check the path"),
        None => (
            "is in no folder of PATH",
            "install it, or write its whole path",
        ),
    };
    let fault = Fault::Setup(format!("`{program}` {why}"));
    Err(Hopeless::new("command", fault, help))
}

fn is_program(file: &Path) -> bool {
    let meta = std::fs::metadata(file);
    meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
