//! Portcullis: a self-hosted LLM gateway. This is the binary: commands
//! and wiring. It knows every room; no room knows it.

mod audit_log;
mod build;
mod catalogue;
mod cli;
mod clock;
mod commands;
mod database;
mod output;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

// A gateway allocates small things on every core; the system's allocator is
// slower at that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    keep_pages_small();
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&format!("error: {}", output::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Asks the kernel for pages of 4 KB. Where its setting is `always`, the allocator
/// would have those of 2 MB, and each thread begins some of its own: an idle gateway
/// would hold 50 MB instead of 21.
///
/// It is advice: where the kernel has no such setting, all goes on.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
