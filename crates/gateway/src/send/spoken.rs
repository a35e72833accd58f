//! In which dialect a target is asked: in the client's own where it speaks that,
//! so that nothing has to be translated; else in its usual one.
//!
//! Whether it does is what catalogue or file say of the provider. A server that
//! says otherwise of a model, by an answer that there is no such route, is asked
//! in its usual dialect, and the next requests at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dialects::Operation;
use dialects::json::Document;
use domain::canon::Dialect;
use domain::ids::ProviderName;
use domain::model::{Deployment, WireFormat};
use domain::time::Ticks;
use http::StatusCode;

use super::Ask;
use crate::plane::Plane;

/// How long it counts that a server has no such route.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// More of them than this begin anew.
const MOST: usize = 4_096;

/// What servers turned out not to speak.
#[derive(Debug, Default)]
pub struct Unspoken(Mutex<HashMap<Spoken, Ticks>>);

/// A model in a dialect. By its name: models that nobody listed share one id.
type Spoken = (ProviderName, String, Dialect);

impl Unspoken {
    fn all(&self) -> MutexGuard<'_, HashMap<Spoken, Ticks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, spoken: &Spoken, now: Ticks) -> bool {
        let believed = u64::try_from(BELIEVED.as_micros()).unwrap_or(u64::MAX);
        let all = self.all();
        all.get(spoken).is_some_and(|at| now.since(*at) < believed)
    }

    fn learn(&self, spoken: Spoken, now: Ticks) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(spoken, now);
    }
}

/// The target as it is asked: in the client's dialect if it speaks that.
pub(super) fn of(plane: &Plane, ask: &Ask, target: &Arc<Deployment>) -> Arc<Deployment> {
    let native = wanted(ask).and_then(|dialect| Some((dialect, target.in_dialect(dialect)?)));
    let Some((dialect, native)) = native else {
        return Arc::clone(target);
    };
    let (shared, spoken) = (&plane.shared, spoken(target, dialect));
    match shared.unspoken.holds(&spoken, shared.ticks()) {
        true => Arc::clone(target),
        false => Arc::clone(native),
    }
}

/// The client's dialect, if its requests can be asked in it.
fn wanted(ask: &Ask) -> Option<Dialect> {
    let foreign = ask.foreign.as_ref()?;
    (ask.operation == Operation::Chat).then_some(foreign.codec.dialect)
}

fn spoken(target: &Deployment, dialect: Dialect) -> Spoken {
    let name = target.provider.name.clone();
    (name, target.upstream_model.clone(), dialect)
}

/// The target was asked in another dialect, and answered in its usual one: the
/// other it does not speak.
pub(super) fn learn(plane: &Plane, native: &Deployment) {
    let WireFormat::Dialect(dialect) = native.provider.format else {
        return;
    };
    let shared = &plane.shared;
    shared
        .unspoken
        .learn(spoken(native, dialect), shared.ticks());
}

/// Codes of errors that say what was not found, where the route was.
const FOUND: [&str; 4] = [
    "model_not_found",
    "DeploymentNotFound",
    "previous_response_not_found",
    "item_not_found",
];

/// Whether this answer says that there is no such route.
pub(super) fn is_no_route(status: StatusCode, body: &Bytes) -> bool {
    if !matches!(status.as_u16(), 404 | 405 | 501) {
        return false;
    }
    let Ok(document) = Document::parse(body.clone(), 64) else {
        return true;
    };
    let error = document.root().get("error");
    let text = |name| error.as_ref()?.get(name)?.str().map(|it| it.into_owned());
    let is_of_field = text("param").is_some();
    !is_of_field && text("code").is_none_or(|code| !FOUND.contains(&code.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_is_not_there_is_told_from_what_is_not_found_by_it() {
        let is = |status: u16, body: &'static str| {
            let status = StatusCode::from_u16(status).expect("a status");
            is_no_route(status, &Bytes::from_static(body.as_bytes()))
        };
        for (status, body) in [
            (404, r#"{"detail":"Not Found"}"#),
            (
                404,
                r#"{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"404","message":"Resource not found"}}"#,
            ),
            (404, "404 page not found"),
            (405, r#"{"detail":"Method Not Allowed"}"#),
            (
                404,
                r#"{"error":"Unexpected endpoint or method. (POST /v1/responses)"}"#,
            ),
        ] {
            assert!(is(status, body), "{body}");
        }
        for (status, body) in [
            (400, r#"{"error":{"message":"no"}}"#),
            (
                404,
                r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist.","param":"model","code":404}}"#,
            ),
            (
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"…"}}"#,
            ),
            (400, r#"{"error":{"code":"previous_response_not_found"}}"#),
        ] {
            assert!(!is(status, body), "{body}");
        }
    }

    #[test]
    fn what_was_learnt_is_believed_for_an_hour() {
        let unspoken = Unspoken::default();
        let it: Spoken = ("p".into(), "m".into(), Dialect::Responses);
        unspoken.learn(it.clone(), Ticks(5));
        assert!(unspoken.holds(&it, Ticks(3_600_000_004)));
        assert!(!unspoken.holds(&it, Ticks(3_600_000_005)));
        assert!(!unspoken.holds(&("p".into(), "n".into(), it.2), Ticks(6)));
    }
}
