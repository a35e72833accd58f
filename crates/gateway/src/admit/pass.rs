//! May this request pass through to its provider unread? Only where nothing
//! has to be read: no policy that reads or changes what is said, no limit that
//! counts it.

use std::rc::Rc;
use std::sync::Arc;

use domain::model::Provider;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::terms::Route;
use http::Method;
use http1::Fields;

use super::Known;
use super::room::untold;
use super::scope;
use crate::accept::{self, Head, Held, Incoming, Passage, Target};
use crate::plane::Plane;
use crate::send::rehearsal;
use crate::settle::{PASS_THROUGH, Refused, Ticket};

/// What is passed on. Others would make a provider repeat the gateway's own
/// headers, credentials among them, or turn the connection into a tunnel.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// A request that may pass through, and has taken its room.
pub struct Passing {
    /// Its account.
    pub ticket: Ticket,
    /// Where to.
    pub provider: Arc<Provider>,
    /// What is to be done.
    pub method: Method,
    /// Path and query at the provider.
    pub target: String,
    /// How the client reached the gateway: `https://gateway.example`.
    pub origin: Option<String>,
    /// Its headers.
    pub fields: Fields,
    /// Its unread body.
    pub body: Incoming,
    /// Room for it, where it has to be waited for.
    pub held: Held,
}

/// Lets a request pass, or says why not.
///
/// # Errors
/// 404 where nothing passes through, 403 for whom a policy or limit applies
/// that could not be held, 400 for a path that leads elsewhere, 429 when a
/// limit is reached.
pub async fn pass(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    known: Known,
) -> Result<Passing, Refused> {
    let Known {
        head,
        principal,
        at,
    } = known;
    let Head {
        target,
        fields,
        body,
        peer,
        ..
    } = head;
    let Target::Pass(passage) = target else {
        return Err(Refusal::new(Reason::Internal, "The gateway lost its way.").into());
    };
    let slot = accept::slot(plane)?;
    let mut ticket = Ticket::open(plane, &principal, (PASS_THROUGH, at, peer), slot);
    let found = check_head(&passage.method, &fields)
        .and_then(|()| destination(snapshot, &principal, &passage));
    let (provider, target) = match found {
        Ok(found) => found,
        Err(refusal) => return Err(Refused::new(ticket, refusal)),
    };
    match untold(plane, &principal).await {
        Ok(taken) => ticket.taken = taken,
        Err(refused) => {
            return Err(Refused {
                ticket: Some(Box::new(ticket)),
                ..refused
            });
        }
    }
    Ok(Passing {
        ticket,
        provider,
        method: passage.method,
        target,
        origin: passage.origin,
        fields,
        body,
        held: Held::by(&principal.key),
    })
}

/// Refuses what would be more than one request and its answer.
fn check_head(method: &Method, fields: &Fields) -> Result<(), Refusal> {
    if !METHODS.contains(method) {
        let sentence = format!("{method} is not passed through to providers.");
        return Err(Refusal::new(Reason::WrongMethod, sentence));
    }
    let is_upgrade = |value: &[u8]| value.to_ascii_lowercase().starts_with(b"websocket");
    if fields.all("upgrade").any(is_upgrade) {
        let sentence = "WebSockets are not passed through to providers. Use an API of requests \
                        and answers, or server-sent events.";
        return Err(Refusal::new(Reason::NoUpgrade, sentence));
    }
    if rehearsal::is_wanted(fields) {
        let sentence = "What passes through unread has no plan to show; leave \
                        x-portcullis-dry-run out.";
        return Err(Refusal::new(Reason::BadHeader, sentence));
    }
    Ok(())
}

/// The provider, and path and query there.
fn destination(
    snapshot: &Snapshot,
    principal: &Principal,
    passage: &Passage,
) -> Result<(Arc<Provider>, String), Refusal> {
    let provider = snapshot.providers.get(&passage.provider);
    let provider = provider.ok_or_else(|| off(passage))?;
    if provider.pass_through == domain::model::PassThrough::Off {
        return Err(off(passage));
    }
    let target = providers::joined(&provider.base_path, provider.format, &passage.path);
    let mut target = target.map_err(|error| {
        let sentence = format!("This path is not passed through: {error}.");
        Refusal::new(Reason::BadPath, sentence)
    })?;
    if !provider.pass_through.lets(&target) {
        return Err(off(passage));
    }
    unbound(snapshot, principal, provider)?;
    if let Some(query) = passage.query.as_ref().filter(|query| !query.is_empty()) {
        target = format!("{target}?{query}");
    }
    Ok((Arc::clone(provider), target))
}

/// The same for a provider that is not there, is off, or is off at this path:
/// nobody learns from it which there are.
fn off(passage: &Passage) -> Refusal {
    let name: String = passage.provider.chars().take(100).collect();
    let sentence = format!(
        "Nothing is passed through at this path of a provider `{name}`. Whoever operates the \
         gateway can switch it on with `pass_through` at the provider in its configuration."
    );
    Refusal::new(Reason::PassThroughOff, sentence)
}

/// Refuses whom a policy or limit binds that needs the request to be read.
fn unbound(snapshot: &Snapshot, principal: &Principal, provider: &Provider) -> Result<(), Refusal> {
    let forbidden = |what: String| {
        let sentence = format!(
            "This key may pass nothing through to providers: {what}. Use a route that the \
             gateway reads, such as /v1/chat/completions, or ask whoever operates it for another \
             key."
        );
        Err(Refusal::new(Reason::PassThroughForbidden, sentence))
    };
    let (id, name) = (principal.key.as_str(), &principal.name);
    let mut policies = snapshot.policies.iter();
    if let Some(policy) = policies.find(|it| it.handles_content() && it.concerns(id, name)) {
        let name = &policy.name;
        return forbidden(format!(
            "the policy `{name}` applies to it, which reads or changes what is said"
        ));
    }
    let mut bounds = principal.bounds.iter();
    if let Some(bound) = bounds.find(|it| it.needs_usage() && it.is_hard()) {
        let kind = if bound.budget.is_some() {
            "budget"
        } else {
            "limit"
        };
        return forbidden(format!(
            "a {kind} of {} for {} cannot be held where nobody counts tokens",
            bound.limit, bound.holder
        ));
    }
    scope::route(principal, Route::PassThrough)?;
    if principal.lacks_any() {
        return forbidden("it may not use everything, and nobody sees what is asked".to_owned());
    }
    if !principal.may_use_all_of(provider.name.as_str()) {
        return forbidden(format!(
            "its `models` allow it some only, and not `{}/*`",
            provider.name
        ));
    }
    Ok(())
}
