//! Portcullis: a self-hosted LLM gateway. This is the binary: commands
//! and wiring. It knows every room; no room knows it.

mod build;
mod catalogue;
mod cli;
mod clock;
mod commands;
mod output;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

// A gateway allocates small things on every core; the system's allocator is
// slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&format!("error: {}", output::chain(&error)));
            ExitCode::FAILURE
        }
    }
}
