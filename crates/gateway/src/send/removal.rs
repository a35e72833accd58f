//! An answer that the provider keeps too, under the id that the client has: it
//! is asked to forget its copy.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::turns::Turn;
use http::StatusCode;
use tokio::time::Instant;

use super::attempt::{self, LARGEST_ERROR, Patience};
use super::failure::Failure;
use super::outgoing;
use crate::plane::Plane;

/// How long it may take with all keys together.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks the provider of a turn to forget it, if it keeps it: with one of its keys
/// after the other, as nobody knows which one it is kept for. What comes of it is
/// the operator's to read; the gateway's own copy goes in any case.
pub async fn forget(plane: &Rc<Plane>, turn: &Turn) {
    if !turn.is_there {
        return;
    }
    let asking = tokio::time::timeout(PATIENCE, Box::pin(forgotten(plane, turn)));
    let cause = match asking.await {
        Ok(Ok(())) => return,
        Ok(Err(cause)) => cause,
        Err(_) => "it did not answer in time".to_owned(),
    };
    tracing::warn!(
        provider = turn.provider,
        response = turn.id,
        cause,
        "the provider may still keep a deleted response"
    );
}

async fn forgotten(plane: &Rc<Plane>, turn: &Turn) -> Result<(), String> {
    let (provider, model) = whose(plane, turn).ok_or("no such provider is there any more")?;
    let keys = provider.keys.len();
    let keys: Vec<_> = match keys {
        0 => vec![None],
        _ => (0..keys).map(Some).collect(),
    };
    let path = providers::kept_path(&provider, &model, &turn.id);
    let mut last = String::new();
    for key in keys {
        match deleted(plane, &provider, &path, key).await {
            Ok(status) if status.is_success() => return Ok(()),
            Ok(status) => last = format!("status {}", status.as_u16()),
            Err(failure) => last = failure.refusal.cause.unwrap_or(failure.refusal.message),
        }
    }
    Err(last)
}

/// The provider of a turn, as it is asked in Responses, and the model there.
fn whose(plane: &Plane, turn: &Turn) -> Option<(Arc<Provider>, String)> {
    let snapshot = plane.shared.snapshot.load();
    let speaks = |provider: &Provider| provider.format == WireFormat::Dialect(Dialect::Responses);
    let mut deployments = snapshot.deployments.iter();
    let model = deployments.find(|one| one.id.as_str() == turn.deployment);
    let model = model.map(|one| one.upstream_model.clone());
    let provider = snapshot.providers.get(&turn.provider)?;
    let also = provider.also.iter().map(|also| &also.provider);
    let provider = [provider].into_iter().chain(also).find(|it| speaks(it))?;
    Some((Arc::clone(provider), model.unwrap_or_default()))
}

async fn deleted(
    plane: &Rc<Plane>,
    provider: &Arc<Provider>,
    path: &str,
    key: Option<usize>,
) -> Result<StatusCode, Failure> {
    let prepared = plane.pool.prepared(provider, &plane.shared.bulkheads);
    let prepared = prepared.map_err(attempt::unusable)?;
    let place = prepared.bulkhead.enter().ok_or_else(Failure::full)?;
    let request = outgoing::deleting(path.to_owned(), key, prepared).await;
    let request = request.map_err(Failure::transient)?;
    let deadline = Instant::now() + PATIENCE;
    let exchanged = plane.pool.exchange(&plane.shared.tls, &request, deadline);
    let mut reply = exchanged.await.map_err(attempt::missed)?.holding(place);
    let patience = Patience {
        silence: PATIENCE,
        deadline,
    };
    // Read to its end, the connection serves the next.
    attempt::collect(&mut reply.body, LARGEST_ERROR, patience).await?;
    Ok(reply.status)
}
