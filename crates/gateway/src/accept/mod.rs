//! **accept**: HTTP in. First the head: which route? Then, for a caller that
//! `admit` knows, the body: well-formed, and viewed without being rebuilt.

mod body;
mod connection;
mod gathering;
mod held;
mod incoming;
mod inflate;
mod link;
pub mod listen;
mod multiplexed;
mod pace;

use std::sync::Arc;

use dialects::Operation;
use dialects::json::Document;
use dialects::openai::View;
use domain::refusal::{Reason, Refusal};
use http::{Method, Version};
use http1::Fields;

use crate::admit::Known;
use crate::settle::{Refused, Ticket};

pub use body::body;
pub use held::Held;
pub use incoming::{Incoming, Request};

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An operation of a model.
    Ask(Operation),
    /// The list of models, or one of them.
    Models(Option<String>),
}

/// A request of which only the head was read.
pub struct Head {
    /// What is asked for.
    pub target: Target,
    /// Its headers.
    pub fields: Fields,
    /// Its unread body.
    pub body: Incoming,
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
    let (method, target) = target(request.uri.path())?;
    let is_look = method == Method::GET && request.method == Method::HEAD;
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
        fields: request.fields,
        body: request.body,
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

/// The table of routes. `/v1` may be left out: clients differ in what their
/// base URL contains.
fn target(path: &str) -> Result<(Method, Target), Refusal> {
    let rest = path
        .strip_prefix("/v1")
        .filter(|r| r.starts_with('/'))
        .unwrap_or(path);
    let found = match rest {
        "/chat/completions" => (Method::POST, Target::Ask(Operation::Chat)),
        "/completions" => (Method::POST, Target::Ask(Operation::Completion)),
        "/embeddings" => (Method::POST, Target::Ask(Operation::Embedding)),
        "/models" => (Method::GET, Target::Models(None)),
        _ => match rest.strip_prefix("/models/").filter(|id| !id.is_empty()) {
            Some(id) => (Method::GET, Target::Models(Some(decode_segment(id)?))),
            None => {
                return Err(Refusal::new(
                    Reason::UnknownRoute,
                    "There is nothing at this path. Use /v1/chat/completions, /v1/completions, \
                     /v1/embeddings or /v1/models.",
                ));
            }
        },
    };
    Ok(found)
}

/// Undoes percent-encoding once.
fn decode_segment(text: &str) -> Result<String, Refusal> {
    let bad = || {
        Refusal::new(
            Reason::UnknownRoute,
            "The path's percent-encoding is broken.",
        )
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|b| char::from(b).to_digit(16))
                .ok_or_else(bad)
        };
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| bad())?);
    }
    String::from_utf8(out).map_err(|_| bad())
}

/// A [`Known`] caller's request is an ask; the list of models never gets here.
pub(crate) fn operation(known: &Known) -> Result<Operation, Refusal> {
    match known.head.target {
        Target::Ask(operation) => Ok(operation),
        Target::Models(_) => Err(Refusal::new(Reason::Internal, "The gateway lost its way.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_with_or_without_v1_finds_the_same_route() {
        for path in ["/v1/chat/completions", "/chat/completions"] {
            let (_, found) = target(path).expect("a route");
            assert_eq!(found, Target::Ask(Operation::Chat));
        }
    }

    #[test]
    fn a_model_id_with_a_slash_is_decoded_once() {
        let (_, plain) = target("/v1/models/openai/gpt-4o").expect("a route");
        let (_, encoded) = target("/v1/models/openai%2Fgpt-4o").expect("a route");
        assert_eq!(plain, encoded);
        let (_, twice) = target("/v1/models/a%252Fb").expect("a route");
        assert_eq!(twice, Target::Models(Some("a%2Fb".to_owned())));
    }

    #[test]
    fn an_unknown_path_says_what_there_is() {
        let refusal = target("/v2/chat").expect_err("no route");
        assert_eq!(refusal.reason, Reason::UnknownRoute);
        assert!(refusal.message.contains("/v1/chat/completions"));
    }
}
