//! `credential_process`: a helper of the user's that prints keys as JSON.

use tokio::process::Command;

use super::{Found, keys_of};
use crate::fault::Fault;
use crate::json::Json;
use crate::local::output;

const NAME: &str = "credential_process";

/// The keys that the helper prints. AWS defines the line as the shell's.
pub(super) async fn keys(line: &str) -> Result<Found, Fault> {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    let printed = output(command, NAME).await?;
    let json = Json::parse(NAME, &printed)?;
    match json.number("/Version") {
        Some(1) => keys_of(&json, "/SessionToken"),
        _ => Err(json.wrong("/Version", "is not 1")),
    }
}
