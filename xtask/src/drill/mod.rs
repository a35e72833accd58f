//! Long drills, by hand: their short forms are part of the tests. Each run
//! adds dated rows to `docs/drills.md`.
//!
//! | room | what it drills |
//! |---|---|
//! | [`kills`] | the process dies under traffic |
//! | [`fire`] | clients and upstreams that lie, drip, flood, vanish and bomb |
//! | [`page`] | the page with the rows |

mod fire;
mod kills;
mod page;

use anyhow::{Result, bail};

use crate::shell;

const BINARY: &str = "target/release/portcullis";

/// Runs the named drills, or all: whether all went well.
pub(crate) fn run(wanted: &[&str]) -> Result<bool> {
    let known = [&[kills::NAME], fire::NAMES].concat();
    if let Some(stranger) = wanted.iter().find(|name| !known.contains(name)) {
        bail!("no drill `{stranger}`; there are: {}", known.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
    println!("[drill] building …");
    build(&["--package", "portcullis"])?;
    build(&["--package", "portcullis-testkit", "--example", "flood"])?;
    let mut is_well = true;
    if is_wanted(kills::NAME) {
        is_well &= kills::run()?;
    }
    for name in fire::NAMES.iter().filter(|name| is_wanted(name)) {
        is_well &= fire::run(name)?;
    }
    Ok(is_well)
}

fn build(what: &[&str]) -> Result<()> {
    let arguments = [&["build", "--release"], what].concat();
    let (is_built, said) = shell::logged("drill-build", shell::command("cargo", &arguments))?;
    if !is_built {
        bail!("the release build fails:\n{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_unknown_drill_is_an_error_before_anything_is_built() {
        assert!(super::run(&["nothing"]).is_err());
    }
}
