//! What the chain finds before anybody is asked.

use super::{container, environment, profile, sts};
use crate::fault::Fault;
use crate::outlook::{Hopeless, Outlook};
use crate::spec::Aws;
use crate::surroundings::{self, Surroundings};

const CONTAINER: &str = "the container's server is asked for keys";
const MACHINE: &str = "nothing is in the environment and in the shared files; the machine's \
                       metadata server is asked for keys";

/// What can be said of `spec` on this machine.
pub(crate) fn of(spec: &Aws, around: &Surroundings) -> Result<Outlook, Hopeless> {
    if let Some(arn) = spec.role_arn.as_deref().filter(|arn| !is_role(arn)) {
        let fault = Fault::Setup(format!("`{arn}` is no ARN of a role"));
        let help = "write it like `arn:aws:iam::123456789012:role/name`";
        return Err(Hopeless::new("aws.role_arn", fault, help));
    }
    if spec.keys.is_some() {
        return Ok(Outlook::Complete);
    }
    if let Some(name) = &spec.profile {
        return of_profile(name, "aws.profile", around);
    }
    let setup = |fault| Hopeless::new("aws", fault, "set both, or unset both");
    if environment(around).map_err(setup)?.is_some() {
        return Ok(Outlook::Complete);
    }
    let unreadable = |fault| Hopeless::new("aws", fault, "let this user read the file");
    if let Some(name) = profile::chosen(around).map_err(unreadable)? {
        return of_profile(&name, "aws", around);
    }
    let identity = sts::WebIdentity::of_environment(around);
    let half = |fault| Hopeless::new("aws", fault, "set both, or unset both");
    if let Some(identity) = identity.map_err(half)? {
        let gone = |fault| Hopeless::new("aws", fault, "check `AWS_WEB_IDENTITY_TOKEN_FILE`");
        surroundings::read(&identity.token_file).map_err(gone)?;
        return Ok(Outlook::Complete);
    }
    Ok(Outlook::Unknown(match container::is_there(around) {
        true => CONTAINER,
        false => MACHINE,
    }))
}

fn of_profile(name: &str, field: &'static str, around: &Surroundings) -> Result<Outlook, Hopeless> {
    profile::outlook(name, around).map_err(|fault| {
        let help = profile::advice(name, around);
        Hopeless::new(field, fault, help)
    })
}

/// `arn:aws:iam::123456789012:role/name`, in any of AWS' partitions.
fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (arn, partition, service, region, account, role) =
        (next(), next(), next(), next(), next(), next());
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_name = role
        .strip_prefix("role/")
        .is_some_and(|name| !name.is_empty());
    arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && is_account
        && is_name
}
