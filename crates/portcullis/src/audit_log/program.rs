//! A program that signs: it gets the text, and prints the signature.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A program that takes longer waits for somebody.
const PATIENCE: Duration = Duration::from_secs(10);
/// A signature has 64 bytes, 88 in base64.
const LARGEST: u64 = 1024;

/// What the program prints for `text`. Waits for it.
///
/// # Errors
/// It cannot be run, fails, or takes too long; never what it prints as an error.
pub(super) fn sign(command: &[String], text: &[u8]) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = command else {
        return Err("no program is named".to_owned());
    };
    let failed = |what: String| format!("`{program}` {what}");
    let cannot = |error: std::io::Error| failed(format!("cannot be run: {}", error.kind()));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not read its input needs none of it.
        let _ = input.write_all(text);
    }
    let (done, printed) = mpsc::channel();
    let output = child.stdout.take();
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            let _ = output.take(LARGEST).read_to_end(&mut bytes);
        }
        let _ = done.send(bytes);
    });
    let printed = printed.recv_timeout(PATIENCE);
    if printed.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(cannot)?;
    let _ = reading.join();
    match printed {
        Ok(bytes) if status.success() => Ok(bytes),
        Ok(_) => Err(failed(format!("ended with {status}"))),
        Err(_) => Err(failed(format!("took longer than {PATIENCE:?}"))),
    }
}
