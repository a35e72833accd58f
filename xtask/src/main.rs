//! Chores of the project. `cargo xtask test` is all that CI runs.
//!
//! | room | what it holds |
//! |---|---|
//! | [`tidy`] | what rustfmt and clippy cannot check, a file a check |
//! | [`test`] | every group of tests, in order, with a line each |
//! | [`readme`] | the commands that the README promises |
//! | [`bench`] | the build of what is measured |
//! | [`dist`] | the build that releases ship |
//! | [`drill`] | what takes too long for every change |
//! | [`fuzz`] | parsers under libFuzzer |
//! | [`reference`] | pages under `docs/reference`, made from the code |
//! | [`shell`] | child processes and their logs |

#![expect(clippy::print_stdout, reason = "a chore talks to the terminal")]

mod bench;
mod dist;
mod drill;
mod fuzz;
mod readme;
mod reference;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <chore>

  test    install what the tests need, run them all, print the sums;
          or only some groups: tidy, unit, fuzz, e2e
  tidy    format, lints and the project's own rules
  docs    write the generated pages under docs/reference;
          with --check, only say which are not current
  bench   gateway beside nginx: time, memory, throughput; --only cpu for one
          figure, --help for more
  dist    the gateway that releases ship, in target/dist: a tenth less CPU time
          a request; takes a quarter of an hour
  drill   long drills by hand, all or those that are named: kills,
          smuggling, http2, upstreams, goaway, dialects, disconnects,
          leaving, killed, secrets, bombs, slow, overload; each adds rows to docs/drills.md
  fuzz    every parser under libFuzzer, or those that are named:
          configuration, framing, http1, journal, json, openai, sse,
          translate; a number is seconds for each [300]
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", groups @ ..] => test::run(groups),
        ["tidy"] => tidy::run(),
        ["docs"] => reference::write().map(|()| true),
        ["bench", words @ ..] => bench::run(words),
        ["dist"] => dist::run(),
        ["drill", names @ ..] => drill::run(names),
        ["fuzz", words @ ..] => fuzz::run(words),
        ["docs", "--check"] => reference::check(),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
