//! The fetchers against scripted servers, and renewal under paused time.

#![allow(clippy::unwrap_used)]

mod aws;
mod azure;
mod google;
mod hostile;
mod local;
mod outlook;
mod renewal;
mod scene;
mod server;
mod tls;
