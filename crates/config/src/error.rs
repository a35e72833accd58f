//! What is wrong with a configuration: file, line, column, field, and what to
//! write instead. All problems of a file are told at once.

use std::fmt;

use super::bounds;
use super::source::{Source, Spot};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file; empty for the embedded defaults.
    pub file: String,
    /// Where in it.
    pub spot: Option<Spot>,
    /// The field.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.file.as_str() {
            "" => "built-in defaults",
            file => file,
        };
        write!(f, "{file}")?;
        if let Some(spot) = self.spot {
            write!(f, ":{}:{}", spot.line, spot.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// A configuration that cannot be used; never without a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                // What prints the first writes this before it.
                f.write_str("\nerror: ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Collects the problems and warnings of one configuration.
pub struct Report<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
    untold: usize,
    warnings: Vec<String>,
}

impl<'a> Report<'a> {
    /// Nothing wrong so far.
    pub fn new(source: &'a Source) -> Self {
        Self {
            source,
            problems: Vec::new(),
            untold: 0,
            warnings: Vec::new(),
        }
    }

    /// Whether enough is wrong; what comes now is counted only.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.problems.len() >= bounds::TOLD
    }

    /// Something is wrong at `path`, and this is what to do.
    pub fn wrong(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        if self.is_full() {
            self.untold += 1;
            return;
        }
        let mut problem = self.source.problem(path, message);
        problem.help = Some(help.into()).filter(|help| !help.is_empty());
        self.problems.push(problem);
    }

    /// Something that the environment says is wrong, whatever the file says.
    pub fn wrong_outside(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem {
            file: "environment".to_owned(),
            spot: None,
            path: String::new(),
            message: message.into(),
            help: Some(help.into()),
        });
    }

    /// Something works, but should not stay so.
    pub fn warn(&mut self, path: &str, message: impl Into<String>) {
        if self.warnings.len() < bounds::TOLD {
            let problem = self.source.problem(path, message);
            self.warnings.push(problem.to_string());
        }
    }

    /// Something in the environment works, but hardly as it was meant.
    pub fn warn_outside(&mut self, message: &str) {
        self.warnings.push(format!("environment: {message}"));
    }

    /// The warnings, if nothing is wrong.
    pub fn finish(mut self) -> Result<Vec<String>, ConfigError> {
        if self.problems.is_empty() {
            Ok(self.warnings)
        } else {
            if self.untold > 0 {
                let message = format!("{} more problems are not told", self.untold);
                self.problems.push(self.source.problem("", message));
            }
            Err(ConfigError {
                problems: self.problems,
            })
        }
    }
}
