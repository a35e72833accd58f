//! What cargo knows of the workspace, read once.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// One dependency of a package of ours.
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) package: String,
    /// The name that the code uses.
    pub(crate) library: String,
    /// Whether only tests may use it.
    pub(crate) is_dev: bool,
}

/// One package of ours.
pub(crate) struct Member {
    /// The package's name.
    pub(crate) name: String,
    /// Its folder, from the root.
    pub(crate) folder: String,
    /// What it depends on.
    pub(crate) dependencies: Vec<Dependency>,
}

/// What the checks read.
pub(crate) struct Metadata {
    /// Our packages.
    pub(crate) members: Vec<Member>,
    /// Name and licence of every package, ours and others'.
    pub(crate) licences: Vec<(String, String)>,
}

/// Asks cargo.
pub(crate) fn load() -> Result<Metadata> {
    let output = shell::command("cargo", &["metadata", "--format-version", "1"]).output()?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let packages = document["packages"].as_array().context("packages")?;
    let ours = |package: &&Value| package["source"].is_null();
    Ok(Metadata {
        members: packages.iter().filter(ours).map(member).collect(),
        licences: packages
            .iter()
            .map(|package| (text(&package["name"]), text(&package["license"])))
            .collect(),
    })
}

fn member(package: &Value) -> Member {
    let manifest = text(&package["manifest_path"]);
    let root = shell::root().display().to_string();
    let folder = manifest
        .trim_start_matches(&root)
        .trim_end_matches("Cargo.toml")
        .trim_matches('/');
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    Member {
        name: text(&package["name"]),
        folder: folder.to_owned(),
        dependencies: dependencies.map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    let package = text(&value["name"]);
    let name = value["rename"].as_str().unwrap_or(&package);
    Dependency {
        library: name.replace('-', "_"),
        is_dev: value["kind"] == "dev",
        package,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
