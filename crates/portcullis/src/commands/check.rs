//! `portcullis check`: is the configuration right, and what does it make?

use super::world;
use crate::build::idle;
use crate::build::outlook::Noted;
use crate::cli::Place;
use crate::output;
use crate::serve::{certificate, credentials};

/// Prints what was found; the error is the answer if something is wrong.
pub(super) fn run(place: &Place) -> anyhow::Result<()> {
    let noted = Noted::default();
    let (loaded, _, snapshot) = world::whole(place, &noted)?;
    certificate::of(&loaded.config)?;
    let unknown = noted.unknown(&loaded.config, &credentials::surroundings()?)?;
    let idle = idle::warnings(&loaded.config, &snapshot, idle::Keys::OfTheFile);
    for warning in loaded.warnings.iter().chain(&idle) {
        output::error(&format!("warning: {warning}"));
    }
    for credential in &unknown {
        output::error(&format!("unknown: {credential}"));
    }
    let config = &loaded.config;
    match &loaded.file {
        Some(file) => output::line(format_args!("{} is right.", file.display())),
        None => output::line("No file: the built-in defaults hold."),
    }
    let mut providers: Vec<&str> = snapshot.providers.keys().map(String::as_str).collect();
    providers.sort_unstable();
    let scheme = config.tls.as_ref().map_or("http", |_| "https");
    let rows: Vec<(&str, String)> = vec![
        ("clients", format!("{scheme}://{}", config.listen)),
        ("admin", format!("http://{}", config.admin.listen)),
        ("data folder", config.data_dir.display().to_string()),
        ("providers", providers.join(", ")),
        (
            "models",
            format!(
                "{} (`portcullis models` lists them)",
                snapshot.listed(|_| true).len()
            ),
        ),
        ("aliases", snapshot.aliases.len().to_string()),
        ("policies", snapshot.policies.len().to_string()),
        ("guards", config.guards.len().to_string()),
        ("declared keys", config.keys.len().to_string()),
    ];
    for (name, value) in rows {
        output::line(format_args!("  {name:<14}{value}"));
    }
    Ok(())
}
