//! The build that releases ship: the compiler is told what a busy gateway
//! runs through, and lays that out together. A tenth less CPU time a request.
//!
//! A gateway that counts is built, the benchmark's load goes through it, and
//! another is built by what was counted. Only code is laid out by the counts:
//! both gateways do the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// What the counting gateway is driven by.
const TRAINING: [&str; 7] = [
    "--only",
    "cpu,log,chunk,body,cache",
    "--rounds",
    "2",
    "--burst",
    "700",
    "--binary",
];

/// Builds the gateway, and says where it is.
pub(crate) fn run() -> Result<bool> {
    train()?;
    let binary = build(&[], "portcullis")?;
    println!("[dist] {}", binary.display());
    Ok(true)
}

/// Where everything of this kind is put.
fn folder() -> PathBuf {
    shell::root().join("target/dist")
}

/// What was counted.
fn counts() -> PathBuf {
    folder().join("way.profdata")
}

/// Counts what a busy gateway runs through.
pub(crate) fn train() -> Result<()> {
    let merge = merger()?;
    let raw = folder().join("counts");
    let _ = std::fs::remove_dir_all(&raw);
    std::fs::create_dir_all(&raw)?;
    println!("[dist] building a gateway that counts …");
    let flags = format!("-Cprofile-generate={}", raw.display());
    let counting = cargo("counting", &flags, &["--package", "portcullis"])?;
    let (is_built, said) = shell::logged(
        "dist-bench",
        shell::command(
            "cargo",
            &["build", "--release", "--package", "portcullis-bench"],
        ),
    )?;
    if !is_built {
        bail!("the benchmark's build fails:\n{said}");
    }
    // What building left behind is no count of a request.
    clear(&raw)?;
    println!("[dist] driving it …");
    let load = shell::root().join("target/release/portcullis-bench");
    let counting = counting.display().to_string();
    let mut words: Vec<&str> = TRAINING.to_vec();
    words.push(&counting);
    let command = shell::command(&load.display().to_string(), &words);
    let (is_well, said) = shell::logged("dist-training", command)?;
    if !is_well {
        bail!("the benchmark's load fails:\n{said}");
    }
    let mut command = Command::new(merge);
    command.arg("merge").arg("-o").arg(counts());
    for entry in std::fs::read_dir(&raw)? {
        command.arg(entry?.path());
    }
    let (is_merged, said) = shell::logged("dist-merge", command)?;
    if !is_merged {
        bail!("the counts cannot be put together:\n{said}");
    }
    Ok(())
}

/// Builds the gateway with these features by what was counted, and puts it
/// into `target/dist` under this name.
pub(crate) fn build(features: &[&str], name: &str) -> Result<PathBuf> {
    println!("[dist] building {name} …");
    let mut arguments = vec!["--package", "portcullis"];
    for feature in features {
        arguments.extend(["--features", feature]);
    }
    let flags = format!("-Cprofile-use={}", counts().display());
    let built = cargo("counted", &flags, &arguments)?;
    let copy = folder().join(name);
    std::fs::copy(built, &copy)?;
    Ok(copy)
}

/// Builds in a folder of its own; build scripts are not counted.
fn cargo(kind: &str, flags: &str, arguments: &[&str]) -> Result<PathBuf> {
    let host = host()?;
    let target = folder().join(kind);
    let mut words = vec!["build", "--profile", "dist", "--target", &host];
    words.extend(arguments);
    let mut command = shell::command("cargo", &words);
    command
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", flags);
    let (is_built, said) = shell::logged(&format!("dist-{kind}"), command)?;
    if !is_built {
        bail!("the build fails:\n{said}");
    }
    Ok(target.join(&host).join("dist/portcullis"))
}

fn clear(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// The compiler's word for this machine.
fn host() -> Result<String> {
    let (_, said) = shell::logged("rustc", shell::command("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not say `host:`")
}

/// The compiler's own `llvm-profdata`; installed where it is missing.
fn merger() -> Result<PathBuf> {
    let (_, said) = shell::logged("rustc", shell::command("rustc", &["--print", "sysroot"]))?;
    let folder = Path::new(said.trim()).join("lib/rustlib").join(host()?);
    let merger = folder.join("bin/llvm-profdata");
    if !merger.exists() {
        println!("[dist] installing llvm-tools with rustup");
        let command = shell::command("rustup", &["component", "add", "llvm-tools"]);
        let (is_there, said) = shell::logged("rustup", command)?;
        if !is_there {
            bail!("llvm-tools is missing; rustup component add llvm-tools\n{said}");
        }
    }
    Ok(merger)
}
