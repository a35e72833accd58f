//! A request's way through the gateway. The stages sort in the order of the
//! way, so this list is the map:
//!
//! | stage | question | gives |
//! |---|---|---|
//! | [`accept`] | which route, well-formed? | [`accept::Head`], [`accept::Accepted`] |
//! | [`admit`] | who; may they, have they room? | [`admit::Known`], [`admit::Admitted`] |
//! | [`compose`] | which system rules? | [`compose::Composed`] |
//! | [`guard`] | what may leave the house? | [`guard::Guarded`] |
//! | [`reuse`] | is there an answer already? | [`reuse::Found`] |
//! | [`route`] | which targets, best first? | [`route::Routed`] |
//! | [`send`] | ask them: retry, fall back | [`send::Sent`] |
//! | [`serve`] | answer: meter, guard, stream | [`serve::Served`] |
//! | [`settle`] | usage, cost, exactly once | a record in the journal |
//!
//! [`plane`] is what one event loop owns; `accept::listen` brings connections.

pub mod accept;
pub mod admit;
mod aside;
mod belongs;
pub mod compose;
pub mod guard;
pub mod plane;
pub mod reuse;
pub mod route;
pub mod send;
pub mod serve;
pub mod settle;
mod tokens;
mod wire;

pub use belongs::Belongings;

use std::rc::Rc;

use crate::accept::{Request, Target};
use crate::plane::Plane;
use crate::reuse::Found;
use crate::serve::Served;
use crate::settle::Refused;

/// Whether the way governs: asks for keys, holds limits, accounts and writes its
/// journal. All but the benchmark's measure of what that costs does; no
/// configuration leads to a gateway that does not.
pub(crate) const GOVERNS: bool = !cfg!(feature = "ungoverned");

/// One request's whole way.
///
/// Every stage takes what the one before it gives; leaving a stage out or
/// swapping two does not compile.
///
/// # Errors
/// [`Refused`]: any stage said no. Its ticket, if one was open, is settled
/// when the refusal is served.
pub async fn walk(plane: &Rc<Plane>, request: Request) -> Result<Served, Refused> {
    let snapshot = plane.shared.snapshot.load_full();
    let head = accept::head(request)?;
    let known = admit::who(plane, &snapshot, head)?;
    if let Target::Kept(_) = &known.head.target {
        let visitor = admit::visit(plane, known).await?;
        return Box::pin(serve::kept(plane, visitor)).await;
    }
    if let Target::Models(listing) = &known.head.target {
        return serve::models(plane, &snapshot, &known, listing);
    }
    if let Target::Pass(_) = &known.head.target {
        let passing = admit::pass(plane, &snapshot, known).await?;
        let passed = send::pass(plane, &snapshot, passing).await?;
        return Ok(serve::pass(passed));
    }
    let accepted = accept::body(plane, &snapshot, known).await?;
    let admitted = admit::room(plane, &snapshot, accepted).await?;
    let composed = compose::compose(&snapshot, admitted).await?;
    let guarded = guard::guard(composed).await?;
    let sent = match reuse::find(plane, &snapshot, guarded).await? {
        Found::Answer(sent) => *sent,
        Found::Nothing(fresh) => {
            let routed = route::choose(plane, &snapshot, *fresh).await?;
            if routed.is_count() {
                let counted = Box::pin(send::count(plane, routed)).await;
                return Ok(serve::count(counted));
            }
            if routed.is_rehearsal() {
                return send::rehearsal::rehearse(plane, routed).await;
            }
            if routed.is_background() {
                // In a box: every other request would carry room for it.
                return Box::pin(serve::background(plane, routed)).await;
            }
            send::send(plane, routed).await?
        }
    };
    serve::serve(plane, sent).await
}
