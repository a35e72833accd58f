//! The fetchers against scripted servers, renewal under paused time, and
//! AWS' test suite for signatures.

#![allow(clippy::unwrap_used)]

mod aws;
mod azure;
mod google;
mod hostile;
mod local;
mod renewal;
mod scene;
mod server;
mod sigv4;
mod tls;
mod vectors;
