//! Child processes: no stdin, output into a log, never into the void.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A command that runs in the root and reads no terminal.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// Runs a command with its output in `target/xtask/<name>.log`: whether it
/// succeeded, and what it said.
pub(crate) fn logged(name: &str, mut command: Command) -> Result<(bool, String)> {
    let folder = root().join("target/xtask");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.log"));
    let log = File::create(&path)?;
    let status = command
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let said = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
    Ok((status.success(), said))
}

/// Installs Debian's packages, with sudo where it is needed: whether it did,
/// and what it said.
pub(crate) fn installed(packages: &str) -> Result<(bool, String)> {
    let script = format!(
        "apt=apt-get; [ $(id -u) = 0 ] || apt='sudo -n apt-get'; \
         $apt update -q && $apt install -qy --no-install-recommends {packages}"
    );
    logged("apt", command("bash", &["-c", &script]))
}

/// Every file under `folder` whose name ends with `end`, sorted, paths
/// relative to the root.
pub(crate) fn files(folder: &str, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(root().join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let is_folder = entry.file_type()?.is_dir();
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_folder && name != "target" && name != "node_modules" && !name.starts_with('.') {
                open.push(path);
            } else if !is_folder && name.ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Every Rust source of ours.
pub(crate) fn sources() -> Result<Vec<PathBuf>> {
    let mut all = files("crates", ".rs")?;
    all.extend(files("xtask", ".rs")?);
    Ok(all)
}

/// A file's text, by its path from the root.
pub(crate) fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.display().to_string())
}
