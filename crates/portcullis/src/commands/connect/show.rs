//! What the person at the terminal reads.

use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum as _;

use super::file::Done;
use super::tools::{Plan, Role};
use super::{NO_KEY, NO_MODEL, Tool, Wanted};

/// The tool's name on the command line.
pub(super) fn name(tool: Tool) -> String {
    let value = tool.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Everything, for the person to put in place.
pub(super) fn printed(wanted: &Wanted, plan: &Plan) -> anyhow::Result<String> {
    let mut text = format!("{}, asking {}\n", plan.title, wanted.url);
    for (file, content) in &plan.files {
        let _ = write!(
            text,
            "\nIn {}:\n\n{}",
            file.display(),
            content.merged("", file)?
        );
    }
    if !plan.variables.is_empty() {
        text.push_str(match plan.role {
            Role::Instead => "\nOr in the shell, instead:\n\n",
            Role::Besides => "\nAnd in the shell:\n\n",
        });
        text.push_str(&exports(plan));
    }
    notes(plan, &mut text);
    let hints = hints(wanted, plan);
    if !hints.is_empty() {
        let _ = write!(text, "\n{hints}");
    }
    Ok(text)
}

/// What was done, and what is left to do.
pub(super) fn written(wanted: &Wanted, plan: &Plan, done: &[(&Path, Done)]) -> String {
    let mut text = String::new();
    for (file, done) in done {
        let file = file.display();
        let _ = match done {
            Done::Made => writeln!(text, "{file} is made."),
            Done::Unchanged => writeln!(text, "{file} says so already; it is left as it is."),
            Done::Closed => writeln!(
                text,
                "{file} says so already; others could read the key in it, and no longer can."
            ),
            Done::Changed { backup: None } => writeln!(
                text,
                "{file} is changed; what was there before the first time is in {file}.portcullis.bak."
            ),
            Done::Changed {
                backup: Some(backup),
            } => writeln!(
                text,
                "{file} is changed; what was there is in {}.",
                backup.display()
            ),
        };
    }
    let _ = writeln!(text, "{} asks {} from now on.", plan.title, wanted.url);
    if plan.role == Role::Besides {
        let _ = write!(text, "\nLeft to do, in the shell:\n\n{}", exports(plan));
    }
    notes(plan, &mut text);
    if wanted.key.is_none() {
        let _ = write!(text, "\n{}", key_hint(wanted));
    }
    text
}

fn exports(plan: &Plan) -> String {
    plan.variables
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", quoted(value)))
        .collect()
}

fn notes(plan: &Plan, text: &mut String) {
    if !plan.notes.is_empty() {
        let _ = write!(text, "\n{}\n", plan.notes.join("\n"));
    }
}

fn hints(wanted: &Wanted, plan: &Plan) -> String {
    let mut text = String::new();
    if wanted.key.is_none() {
        text.push_str(&key_hint(wanted));
    }
    if wanted.model.is_none() && plan.needs_model {
        let _ = writeln!(text, "{NO_MODEL} stands for one of: portcullis models");
    }
    text
}

fn key_hint(wanted: &Wanted) -> String {
    let name = name(wanted.tool);
    format!("{NO_KEY} stands for a key of its own: portcullis keys create --name {name}\n")
}

/// A word of the shell.
fn quoted(value: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:@-".contains(&b);
    match value.bytes().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', "'\\''")),
    }
}
