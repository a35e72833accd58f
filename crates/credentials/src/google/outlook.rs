//! What Google's own files say before anybody is asked.

use super::{NO_TYPE, USER, described, external, service_account};
use crate::fault::Fault;
use crate::json::Json;
use crate::outlook::{Hopeless, Outlook};
use crate::spec::{Google, GoogleFrom};
use crate::surroundings::Surroundings;

const METADATA: &str = "the machine's metadata server is asked for a token";

/// What can be said of `spec` on this machine.
pub(crate) fn of(spec: &Google, around: &Surroundings) -> Result<Outlook, Hopeless> {
    let (field, missing) = match spec.from {
        GoogleFrom::File(_) => ("google.file", "check the path"),
        GoogleFrom::Inline(_) => ("google.json", ""),
        GoogleFrom::Metadata => ("google.metadata", ""),
        GoogleFrom::Chain => ("google", "check `GOOGLE_APPLICATION_CREDENTIALS`"),
    };
    let hopeless = |fault: Fault| {
        let help = match fault {
            Fault::Missing(_) => missing,
            _ => "`gcloud iam service-accounts keys create FILE` makes such a file",
        };
        Hopeless::new(field, fault, help)
    };
    match described(spec, around).map_err(hopeless)? {
        Some(json) => of_file(&json).map_err(hopeless),
        None => Ok(Outlook::Unknown(METADATA)),
    }
}

fn of_file(json: &Json) -> Result<Outlook, Fault> {
    match json.text("/type")? {
        "service_account" => {
            json.text("/client_email")?;
            service_account::key_pair(json)?;
            Ok(Outlook::Complete)
        }
        "authorized_user" => {
            for place in USER {
                json.text(place)?;
            }
            Ok(Outlook::Complete)
        }
        "external_account" => external::outlook(json),
        _ => Err(json.wrong("/type", NO_TYPE)),
    }
}
