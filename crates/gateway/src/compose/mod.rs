//! **compose**: what policy adds to a request: system rules, spliced in.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use dialects::json::Document;
use dialects::{Operation, openai};
use domain::edit::Edits;
use domain::policy::SystemRule;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use crate::admit::Admitted;
use crate::aside;
use crate::settle::Refused;

/// A request as policy wants it asked.
pub struct Composed {
    /// The admitted request; its document is the composed one.
    pub admitted: Admitted,
    /// Answers are kept and reused for this long, if policy says so.
    pub cache: Option<std::time::Duration>,
    /// The guards that read this request and its answer.
    pub guards: Vec<std::sync::Arc<dyn domain::guard::Guard>>,
}

/// Splices the system rules of every policy that applies.
///
/// # Errors
/// The dialect has no place for a system rule in this request.
pub async fn compose(snapshot: &Snapshot, mut admitted: Admitted) -> Result<Composed, Refused> {
    let mut rules: Vec<SystemRule> = Vec::new();
    let mut guards = Vec::new();
    let mut cache = None;
    for policy in admitted.policies(snapshot) {
        rules.extend(policy.system.iter().cloned());
        guards.extend(policy.guards.iter().cloned());
        cache = cache.or(policy.cache);
    }
    if !rules.is_empty() {
        match spliced(&admitted, rules).await {
            Ok((document, view)) => {
                // Rules are part of the prompt that is paid for.
                let meter = &mut admitted.accepted.ticket.meter;
                meter.prompt_estimate = openai::estimate_prompt(&document, &view);
                admitted.accepted.document = Arc::new(document);
                admitted.accepted.view = view;
            }
            Err(refusal) => return Err(Refused::new(admitted.accepted.ticket, refusal)),
        }
    }
    Ok(Composed {
        admitted,
        cache,
        guards,
    })
}

/// A request's document with the rules in it, and the view of that.
type Composition = (Document, openai::View);

async fn spliced(admitted: &Admitted, rules: Vec<SystemRule>) -> Result<Composition, Refusal> {
    let (document, operation) = (&admitted.accepted.document, admitted.accepted.operation);
    if !aside::is_large(document.bytes().len()) {
        return splice(document, operation, &rules);
    }
    let document = Arc::clone(document);
    aside::run(move || splice(&document, operation, &rules)).await?
}

/// The composed body is parsed again: guards, cache key and routing look at
/// what will be asked, never at what was sent.
fn splice(
    document: &Document,
    operation: Operation,
    rules: &[SystemRule],
) -> Result<Composition, Refusal> {
    let internal = |cause: &dyn std::fmt::Display| {
        Refusal::new(
            Reason::Internal,
            "The gateway failed to compose this request.",
        )
        .because(cause)
    };
    let mut edits = Edits::new();
    for edit in openai::system_rules(operation, document, rules)? {
        edits.add(edit).map_err(|overlap| internal(&overlap))?;
    }
    let body = join(edits.apply(document.bytes()));
    let document = Document::parse(body, usize::MAX).map_err(|error| internal(&error))?;
    let view = openai::view(operation, &document)?;
    Ok((document, view))
}

fn join(parts: Vec<Bytes>) -> Bytes {
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in &parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}
