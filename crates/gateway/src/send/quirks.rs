//! Where a provider of `OpenAI`'s dialect differs from it: its requests are
//! mended here, and its answers by what this gives. Nothing is read anew for a
//! provider that has no quirks.

use std::sync::Arc;

use bytes::Bytes;
use dialects::json::Document;
use dialects::openai::quirks::{Mended, Mender, concern, mend};
use dialects::translate::Terms;
use domain::edit::Edits;
use domain::model::{Deployment, Provider, WireFormat};
use domain::refusal::{Reason, Refusal};

use super::Ask;
use super::failure::Failure;
use super::losses::{dropped, short, unsaid};
use super::outgoing;
use crate::accept::Foreign;
use crate::aside;

/// Bodies are nested at most this deeply.
const DEPTH: usize = 512;

/// A request as its provider wants it.
#[derive(Default)]
pub(super) struct Told {
    /// The body, unless it is the client's own.
    pub(super) body: Option<Vec<Bytes>>,
    /// What its answer needs.
    pub(super) mender: Option<Mender>,
    /// What was left out, for the client to see.
    pub(super) dropped: Option<String>,
}

/// Mends a request for `target`; `translated` is its body, where client and
/// target do not both speak the pivot's dialect.
///
/// # Errors
/// The provider cannot be told something.
pub(super) async fn told(
    ask: &Ask,
    target: &Deployment,
    translated: Option<Vec<Bytes>>,
) -> Result<Told, Failure> {
    let quirks = &target.provider.quirks;
    let clients = translated.is_none().then_some(&*ask.document);
    if target.provider.format != WireFormat::USUAL
        || quirks.answer.is_plain() && !concern(clients, quirks)
    {
        let body = translated;
        return Ok(Told {
            body,
            ..Told::default()
        });
    }
    let body = match translated {
        Some(parts) => Body::Written(parts),
        None => {
            let edits = outgoing::edits(ask, target).map_err(Failure::transient)?;
            Body::Clients(Arc::clone(&ask.document), edits)
        }
    };
    let work = Work {
        body,
        model: target.known_as().to_owned(),
        provider: Arc::clone(&target.provider),
        foreign: ask.foreign.clone(),
    };
    let mut told = if aside::is_large(ask.document.bytes().len()) {
        let done = aside::run(move || work.done()).await;
        done.map_err(Failure::transient)??
    } else {
        work.done()?
    };
    // A client of another dialect is told by the one who writes its stream.
    if ask.view.wants_usage && ask.foreign.is_none() {
        told.mender = told.mender.map(Mender::telling_usage);
    }
    Ok(told)
}

/// A body that is to be mended.
enum Body {
    Written(Vec<Bytes>),
    Clients(Arc<Document>, Edits),
}

impl Body {
    fn document(self) -> Result<Arc<Document>, Failure> {
        let bytes = match self {
            Self::Clients(document, edits) if edits.is_empty() => return Ok(document),
            Self::Clients(document, edits) => edits.apply(document.bytes()).concat(),
            Self::Written(parts) => parts.concat(),
        };
        let document = Document::parse(bytes.into(), DEPTH).map_err(|error| {
            let sentence = "The gateway failed to build the upstream request.";
            Failure::transient(Refusal::new(Reason::Internal, sentence).because(error))
        })?;
        Ok(Arc::new(document))
    }
}

/// What mending needs; it may run beside the loop.
struct Work {
    body: Body,
    model: String,
    provider: Arc<Provider>,
    /// What came, in another dialect.
    foreign: Option<Arc<Foreign>>,
}

impl Work {
    fn done(self) -> Result<Told, Failure> {
        let quirks = &self.provider.quirks;
        let document = self.body.document()?;
        let Mended {
            edits,
            losses,
            refused,
            names,
        } = match quirks.is_plain() {
            true => Mended::default(),
            false => mend(&document, quirks, &self.model),
        };
        let foreign = self.foreign.as_deref();
        // The places of this body are not those of what came.
        let terms = foreign.map(|foreign| Terms {
            is_whole: false,
            ..foreign.terms()
        });
        if let Some(loss) = refused {
            let field = terms.map_or_else(|| loss.field.clone(), |terms| terms.name(&loss.field));
            let field = short(&field);
            let sentence = format!(
                "The provider `{}` takes no `{field}`. Leave it out, or ask for another model.",
                self.provider.name
            );
            let refusal = Refusal::new(Reason::Untranslatable, sentence).at(field);
            return Err(Failure::elsewhere(refusal));
        }
        if let Some(refusal) = unsaid(&losses, &self.provider, terms) {
            return Err(Failure::elsewhere(refusal));
        }
        Ok(Told {
            body: Some(edits.apply(document.bytes())),
            mender: Mender::of(quirks, names),
            dropped: dropped(&losses, terms),
        })
    }
}

/// Both lists of what was left out, as one.
pub(super) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}, {other}")),
        (one, other) => one.or(other),
    }
}
