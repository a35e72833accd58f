//! The benchmark's measure of what governing costs: the same transport, and
//! nothing else. No key, no limits, no look at the body, no journal. It exists
//! only in builds with the feature `ungoverned`; no configuration leads here.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use domain::refusal::{Reason, Refusal};
use tokio::time::Instant;

use crate::accept::{self, Request, Target};
use crate::plane::Plane;
use crate::send;
use crate::serve::{AnswerBody, Served};
use crate::settle::Refused;

/// How long all of it may take.
const TOTAL: Duration = Duration::from_secs(60);

/// Hands a request to the first provider and its answer back.
///
/// # Errors
/// What went wrong, as a 502.
pub async fn walk(plane: &Rc<Plane>, request: Request) -> Result<Served, Refused> {
    let broken = |cause: String| Refusal::new(Reason::UpstreamBroken, "It broke.").because(cause);
    let snapshot = plane.shared.snapshot.load_full();
    let mut head = accept::head(request)?;
    let Target::Ask(operation) = head.target else {
        return Err(broken("no route".to_owned()).into());
    };
    let mut body = Vec::new();
    while let Some(part) = head.body.data().await {
        body.push(part.map_err(|error| broken(error.to_string()))?);
    }
    let provider = snapshot.providers.values().next();
    let provider = provider.ok_or_else(|| broken("no provider".to_owned()))?;
    let due = Instant::now() + TOTAL;
    let reply = send::bare(plane, provider, (operation, body), due).await;
    let mut reply = reply.map_err(broken)?;
    let mut whole = BytesMut::new();
    while let Some(part) = reply.body.data(TOTAL, due).await {
        whole.extend_from_slice(&part.map_err(|error| broken(format!("{error:?}")))?);
    }
    let mut served = Served::new(AnswerBody::whole(whole.freeze()));
    served.status = reply.status;
    served.fields = reply.fields;
    Ok(served)
}
