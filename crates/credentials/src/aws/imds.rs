//! The server of an EC2 machine, version 2: a token first, then the keys.

use super::{Found, keys_of};
use crate::fault::Fault;
use crate::http::Ask;
use crate::json::Json;
use crate::surroundings::Surroundings;

const SERVER: &str = "http://169.254.169.254";
const SERVER_IPV6: &str = "http://[fd00:ec2::254]";
const KEYS: &str = "/latest/meta-data/iam/security-credentials/";

/// The keys of the machine's role.
pub(super) async fn keys(around: &Surroundings) -> Result<Found, Fault> {
    let is_off = around.env("AWS_EC2_METADATA_DISABLED");
    if is_off.is_some_and(|off| off.eq_ignore_ascii_case("true")) {
        return Err(Fault::Missing(
            "no AWS credentials in the environment, the shared files or the container, and \
             AWS_EC2_METADATA_DISABLED forbids to ask the machine"
                .to_owned(),
        ));
    }
    let server = server(around);
    let ask = Ask::put(format!("{server}/latest/api/token"))
        .with("x-aws-ec2-metadata-token-ttl-seconds", "300")
        .nearby();
    let token = around.http.ask(ask).await?;
    let get = |path: &str| {
        Ask::get(format!("{server}{path}"))
            .with("x-aws-ec2-metadata-token", token.body.trim())
            .nearby()
    };
    let roles = around.http.ask(get(KEYS)).await?;
    let role = roles.body.lines().next().unwrap_or_default().trim();
    let is_role = !role.is_empty()
        && (role.bytes()).all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_".contains(&b));
    if !is_role {
        return Err(Fault::unreadable(&roles.host, "no role's name"));
    }
    let answer = around.http.ask(get(&format!("{KEYS}{role}"))).await?;
    let json = Json::of(&answer)?;
    match json.maybe("/Code") {
        None | Some("Success") => keys_of(&json, "/Token"),
        Some(_) => Err(json.wrong("/Code", "is not `Success`")),
    }
}

fn server(around: &Surroundings) -> String {
    let given = around.env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let mode = around.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    match given {
        Some(server) => server.trim_end_matches('/').to_owned(),
        None if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")) => {
            SERVER_IPV6.to_owned()
        }
        None => SERVER.to_owned(),
    }
}
