//! nginx as a plain proxy, the measure of all things.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Cores;
use super::process::Serving;
use super::server::{Server, free_address, spawn};

/// Whether requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// A line each.
    On,
    /// Not at all.
    Off,
}

/// Starts it in front of the upstream.
///
/// # Errors
/// It does not start.
pub(crate) fn start(folder: &Path, upstream: SocketAddr, log: Log) -> Result<Server> {
    let address = free_address()?;
    let name = match log {
        Log::On => "nginx",
        Log::Off => "nginx without log",
    };
    let port = address.port();
    let own = folder.join(format!("nginx-{port}"));
    std::fs::create_dir_all(&own)?;
    let file = own.join("nginx.conf");
    std::fs::write(&file, configuration(&own, address, upstream, log))?;
    let output = own.join("output.log");
    let mut command = Command::new("nginx");
    command
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(own.join("error.log"));
    let child = spawn(Cores::Server, &output, &mut command)?;
    let server = Server {
        name,
        address,
        admin: None,
        serving: Serving::All,
        child,
    };
    server.wait(&output)
}

/// One worker, kept connections on both sides, bodies of 512 KB in memory,
/// answers passed on as they come; the rest as Debian has it.
fn configuration(own: &Path, address: SocketAddr, upstream: SocketAddr, log: Log) -> String {
    let own = own.display();
    let log = match log {
        Log::On => format!("{own}/access.log"),
        Log::Off => "off".to_owned(),
    };
    format!(
        "worker_processes 1; daemon off; pid {own}/pid; error_log {own}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 12000; }}
http {{
  access_log {log};
  client_body_temp_path {own}/body; proxy_temp_path {own}/proxy;
  fastcgi_temp_path {own}/f; uwsgi_temp_path {own}/u; scgi_temp_path {own}/s;
  client_body_buffer_size 512k; keepalive_requests 100000000;
  upstream u {{ server {upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen {address} backlog=4096;
    location / {{
      proxy_pass http://u; proxy_http_version 1.1;
      proxy_set_header Connection \"\"; proxy_buffering off;
    }}
  }}
}}
"
    )
}

/// nginx's version, such as `nginx/1.22.1`.
///
/// # Errors
/// It is not installed.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("nginx")
        .arg("-v")
        .output()
        .context("nginx is missing; on Debian: apt-get install nginx-light")?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(said
        .trim()
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned())
}
