//! **compose**: what policy adds to a request: system rules, spliced into the
//! client's own document, whatever its dialect.

use std::sync::Arc;

use dialects::json::Document;
use dialects::{Operation, openai};
use domain::edit::Edits;
use domain::policy::SystemRule;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use crate::accept::{self, Foreign};
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
            Ok(Composition {
                document,
                view,
                foreign,
            }) => {
                // Rules are part of the prompt that is paid for.
                let meter = &mut admitted.accepted.ticket.meter;
                meter.prompt_estimate = openai::estimate_prompt(&document, &view);
                admitted.accepted.document = document;
                admitted.accepted.view = view;
                admitted.accepted.foreign = foreign;
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
struct Composition {
    document: Arc<Document>,
    view: openai::View,
    /// The same in the client's dialect, if that is another one.
    foreign: Option<Arc<Foreign>>,
}

async fn spliced(admitted: &Admitted, rules: Vec<SystemRule>) -> Result<Composition, Refusal> {
    let (document, operation) = (&admitted.accepted.document, admitted.accepted.operation);
    let (document, foreign) = (Arc::clone(document), admitted.accepted.foreign.clone());
    let is_large = aside::is_large(document.bytes().len());
    let work = move || match foreign {
        // Vectors have no place for a rule, whatever the dialect.
        Some(sent) if operation == Operation::Chat => {
            let (foreign, view) = accept::composed(&sent, &rules)?;
            Ok(Composition {
                document: Arc::clone(&foreign.pivot),
                view,
                foreign: Some(Arc::new(foreign)),
            })
        }
        foreign => {
            let (document, view) = splice(&document, operation, &rules)?;
            Ok(Composition {
                document: Arc::new(document),
                view,
                foreign,
            })
        }
    };
    match is_large {
        true => aside::run(work).await?,
        false => work(),
    }
}

/// The composed body is parsed again: guards, cache key and routing look at
/// what will be asked, never at what was sent.
fn splice(
    document: &Document,
    operation: Operation,
    rules: &[SystemRule],
) -> Result<(Document, openai::View), Refusal> {
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
    let body = edits.apply(document.bytes()).concat();
    let document = Document::parse(body.into(), usize::MAX).map_err(|error| internal(&error))?;
    let view = openai::view(operation, &document)?;
    Ok((document, view))
}
