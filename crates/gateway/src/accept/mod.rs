//! **accept**: HTTP in. First the head: which route? Then, for a caller that
//! `admit` knows, the body: well-formed, and viewed without being rebuilt.

mod body;
mod connection;
mod gathering;
mod held;
mod incoming;
mod inflate;
mod kept;
mod link;
pub mod listen;
mod multiplexed;
mod named;
mod pace;
mod passage;
pub(crate) mod past;
mod pivot;
mod route;
mod segment;

use std::net::IpAddr;
use std::sync::Arc;

use dialects::Operation;
use dialects::json::Document;
use dialects::openai::View;
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use http::{Method, Version};
use http1::Fields;

use crate::admit::Known;
use crate::settle::{COUNT_TOKENS, PASS_THROUGH, Refused, Ticket};

pub use body::body;
pub(crate) use body::{collect, slot, too_large};
pub use held::Held;
pub(crate) use incoming::Broken;
pub use incoming::{Incoming, Request};
pub use kept::{About, Kept};
pub use passage::Passage;
pub use past::{Conversed, Holder, Previous};
pub use pivot::Foreign;
pub(crate) use pivot::{composed, here};
pub(crate) use route::dialect;
pub use route::{Conversation, Listing, Target, Wish};
pub(crate) use segment::decoded;

/// A request of which only the head was read.
pub struct Head {
    /// What is asked for.
    pub target: Target,
    /// In which dialect it wants to be answered.
    pub dialect: Dialect,
    /// Its headers.
    pub fields: Fields,
    /// Its unread body.
    pub body: Incoming,
    /// Where it came from: whoever is connected, or whom trusted proxies name.
    pub peer: Option<IpAddr>,
}

/// A well-formed request of a known caller.
pub struct Accepted {
    /// Its account.
    pub ticket: Ticket,
    /// Who asks.
    pub principal: Arc<domain::principal::Principal>,
    /// Its headers.
    pub fields: Fields,
    /// What is asked for.
    pub operation: Operation,
    /// The body, parsed once.
    pub document: Arc<Document>,
    /// What the stages look at.
    pub view: View,
    /// What came, if it came in another dialect: `document` is what it is in
    /// `OpenAI`'s then.
    pub foreign: Option<Arc<Foreign>>,
    /// Whether its plan is all that is wanted.
    pub is_rehearsal: bool,
    /// The room that the body takes.
    pub held: Held,
}

/// Reads the head: the route, nothing else.
///
/// # Errors
/// 404 for a path that is not there, 405 for the wrong method.
pub fn head(request: Request) -> Result<Head, Refused> {
    if hops(&request.fields) >= MOST_HOPS {
        let sentence = "This request has come through too many gateways: one of them leads back \
                        here. Check the base URLs of their providers.";
        return Err(Refusal::new(Reason::Loop, sentence).into());
    }
    if request.version == Version::HTTP_2 {
        // HTTP/1 was read more strictly than this already.
        framed(&request.fields)?;
    }
    let mut request = request;
    let (method, mut target) = route::route(request.uri.path())?;
    let method = route::method(method, &mut target, &request.method);
    if let Target::Pass(passage) = &mut target {
        passage.origin = Passage::origin(&request);
    }
    if let Some(query) = request.uri.query() {
        route::query(&mut target, query, &mut request.fields)?;
    }
    let is_look = method == Method::GET && request.method == Method::HEAD;
    if let Some(refusal) = route::unknown_wish(&target, &request.method) {
        return Err(refusal.into());
    }
    if request.method != method && !is_look {
        let refusal = Refusal::new(
            Reason::WrongMethod,
            format!(
                "{} is not allowed here; use {method} {}.",
                request.method,
                request.uri.path()
            ),
        );
        return Err(Refused {
            allow: Some(method),
            ..refusal.into()
        });
    }
    Ok(Head {
        target,
        dialect: route::dialect(&request.uri, &request.fields),
        fields: request.fields,
        body: request.body,
        peer: request.peer,
    })
}

/// Says through how many gateways a request has come.
pub(crate) const HOPS: &str = "x-portcullis-hops";
/// More than anybody puts in a row; a circle gets there soon.
const MOST_HOPS: u32 = 6;

/// Through how many gateways the request has come; nonsense counts as none.
pub(crate) fn hops(fields: &Fields) -> u32 {
    let text = fields.text(HOPS);
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Refuses a head that whoever stands behind may read another way.
fn framed(fields: &Fields) -> Result<(), Refusal> {
    let bad = |what| Err(Refusal::new(Reason::BadHeader, what));
    if fields.all("host").count() > 1 {
        return bad("There is more than one host header.");
    }
    if fields.has("transfer-encoding") {
        return bad("HTTP/2 has no transfer-encoding; use content-encoding to compress.");
    }
    Ok(())
}

/// What records call a request whose body nobody has read.
pub(crate) fn recorded(head: &Head) -> &'static str {
    match &head.target {
        Target::Ask(operation) => operation.as_str(),
        Target::Converse(conversation) => match conversation.wish {
            Wish::Counted => COUNT_TOKENS,
            Wish::Embedded(_) => Operation::Embedding.as_str(),
            _ => Operation::Chat.as_str(),
        },
        Target::Models(_) => "models",
        Target::Kept(_) => "kept",
        Target::Pass(_) => PASS_THROUGH,
    }
}

/// A [`Known`] caller's request is an ask; the list of models never gets here.
pub(crate) fn operation(known: &Known) -> Result<Operation, Refusal> {
    match known.head.target {
        Target::Ask(operation) => Ok(operation),
        Target::Converse(Conversation {
            wish: Wish::Embedded(_),
            ..
        }) => Ok(Operation::Embedding),
        Target::Converse(_) => Ok(Operation::Chat),
        Target::Models(_) | Target::Kept(_) | Target::Pass(_) => {
            Err(Refusal::new(Reason::Internal, "The gateway lost its way."))
        }
    }
}
