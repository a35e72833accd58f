//! The gateway's own environment variables. Each may also come as `NAME_FILE`,
//! the path of a file that holds the value.

use std::net::IpAddr;

use crate::Config;
use crate::scalars::Listen;
use crate::secret::{Env, variable};

/// The configuration file.
pub const CONFIG: &str = "PORTCULLIS_CONFIG";
/// Address of the data listener.
pub const LISTEN: &str = "PORTCULLIS_LISTEN";
/// Address of the admin listener.
pub const ADMIN_LISTEN: &str = "PORTCULLIS_ADMIN_LISTEN";
/// The data folder.
pub const DATA_DIR: &str = "PORTCULLIS_DATA_DIR";
/// Event loops.
pub const WORKERS: &str = "PORTCULLIS_WORKERS";

/// The process' environment.
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A value from the environment.
///
/// # Errors
/// A sentence that names the variable.
pub fn parsed<T: std::str::FromStr>(name: &str, env: Env<'_>) -> Result<Option<T>, String>
where
    T::Err: std::fmt::Display,
{
    variable(env, name)?
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|error| format!("{name}: {error}"))
        })
        .transpose()
}

/// Lets the environment have its word: it wins over the file.
///
/// # Errors
/// A variable cannot be read.
pub fn apply(config: &mut Config, env: Env<'_>) -> Result<(), String> {
    config.listen = match parsed(LISTEN, env)? {
        Some(listen) => listen,
        None => host_and_port(config.listen, env)?,
    };
    if let Some(listen) = parsed(ADMIN_LISTEN, env)? {
        config.admin.listen = listen;
    }
    if let Some(folder) = parsed(DATA_DIR, env)? {
        config.data_dir = folder;
    }
    if let Some(text) = variable(env, WORKERS)? {
        let workers = text.trim().parse();
        config.workers =
            Some(workers.map_err(|_| format!("{WORKERS}: `{text}` is no number; write `4`"))?);
    }
    Ok(())
}

/// What `HOST` and `PORT` make of an address. Platforms set `PORT`; some
/// shells set `HOST` to the machine's name, which is no wish to be reached.
///
/// # Errors
/// `PORT` is no port.
pub fn host_and_port(listen: Listen, env: Env<'_>) -> Result<Listen, String> {
    let mut address = listen.0;
    if let Some(port) = env("PORT").filter(|port| !port.is_empty()) {
        let port = port
            .trim()
            .parse()
            .map_err(|_| format!("PORT: `{port}` is no port; write it like `4000`"))?;
        address.set_port(port);
    }
    if let Some(host) = env("HOST") {
        let host = host.trim();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            address.set_ip(ip);
        } else if host == "localhost" {
            address.set_ip(Listen::loopback(0).0.ip());
        }
    }
    Ok(Listen(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(vars: &[(&str, &str)]) -> Result<String, String> {
        let env = |name: &str| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        host_and_port(Listen::loopback(4000), &env).map(|l| l.to_string())
    }

    #[test]
    fn a_port_alone_stays_on_loopback() {
        assert_eq!(made(&[("PORT", "8080")]), Ok("127.0.0.1:8080".into()));
        assert_eq!(
            made(&[("PORT", "8080"), ("HOST", "0.0.0.0")]),
            Ok("0.0.0.0:8080".into())
        );
        assert!(made(&[("PORT", "http")]).is_err());
    }

    #[test]
    fn a_machine_name_in_host_opens_nothing() {
        assert_eq!(
            made(&[("HOST", "workstation")]),
            Ok("127.0.0.1:4000".into())
        );
    }
}
