//! A request for a target that speaks another dialect than the client, and the
//! way of its answer back.
//!
//! What comes back is in the client's dialect, bytes and frames: everything
//! behind this module sees one dialect only.

use std::sync::Arc;

use bytes::Bytes;
use dialects::Operation;
use dialects::json::Document;
use dialects::translate::{self, Codec, Frames, Head, Names, Target, Unreadable};
use domain::canon::{Dialect, Loss, Request, Weight, Written};
use domain::model::{Deployment, Losses, WireFormat};
use domain::refusal::{Reason, Refusal};

use super::Ask;
use super::attempt::LARGEST_EVENT;
use super::failure::Failure;
use crate::aside;

/// What the clients of this way speak.
const OURS: Dialect = Dialect::OpenAi;
/// The deepest nesting of an answer.
const DEPTH: usize = 512;

/// How one target's dialect is read and the client's is written.
pub(super) struct Translation {
    ours: &'static Codec,
    theirs: &'static Codec,
    request: Request,
    names: Names,
    /// When the request came, in seconds since 1970.
    created: i64,
    /// The answer's id, where the provider gives none.
    id: String,
    /// What was left out, for the client to see.
    pub(super) dropped: Option<String>,
}

/// A translation, and the body that goes to the target.
pub(super) type Translated = (Arc<Translation>, Bytes);

/// Translates a request for `target`; `None` where both speak the same.
///
/// # Errors
/// The client's own mistake, or something that the target cannot be told.
pub(super) async fn of(ask: &Ask, target: &Deployment) -> Result<Option<Translated>, Failure> {
    let theirs = match target.provider.format {
        WireFormat::Demo | WireFormat::Dialect(OURS) => return Ok(None),
        WireFormat::Dialect(theirs) => theirs,
    };
    let (Some(ours), Some(theirs), Operation::Chat) = (
        translate::codec(OURS),
        translate::codec(theirs),
        ask.operation,
    ) else {
        let what = ask.operation.as_str();
        let sentence = format!("The model's provider has no {what} for clients of this kind.");
        let refusal = Refusal::new(Reason::Untranslatable, sentence);
        return Err(Failure::elsewhere(refusal));
    };
    let work = Work {
        document: Arc::clone(&ask.document),
        model: target.upstream_model.clone(),
        output_limit: target.max_output,
        reasons: target.reasons,
        losses: target.provider.losses,
        provider: target.provider.name.to_string(),
        created: ask.at.seconds(),
        id: format!(
            "chatcmpl-{:032x}",
            u128::from_be_bytes(ask.ticket.to_bytes())
        ),
    };
    let done = if aside::is_large(ask.document.bytes().len()) {
        let done = aside::run(move || work.done(ours, theirs)).await;
        done.map_err(Failure::transient)?
    } else {
        work.done(ours, theirs)
    };
    done.map(Some)
}

/// What a translation needs; it may run beside the loop.
struct Work {
    document: Arc<Document>,
    model: String,
    output_limit: Option<u64>,
    reasons: bool,
    losses: Losses,
    provider: String,
    created: i64,
    id: String,
}

impl Work {
    fn done(self, ours: &'static Codec, theirs: &'static Codec) -> Result<Translated, Failure> {
        let mut request = (ours.read_request)(&self.document).map_err(Failure::client)?;
        // The meter reads it; a client that did not ask does not get it.
        request.stream_usage = request.stream;
        let names = Names::of(&request);
        let Written { value, losses } = (theirs.write_request)(
            &request,
            &Target {
                model: &self.model,
                output_limit: self.output_limit,
                reasons: self.reasons,
                names: &names,
            },
        );
        if self.losses == Losses::Strict
            && let Some(refusal) = self.refusal(&losses)
        {
            return Err(Failure::elsewhere(refusal));
        }
        let translation = Translation {
            ours,
            theirs,
            request,
            names,
            created: self.created,
            id: self.id,
            dropped: dropped(&losses),
        };
        Ok((Arc::new(translation), value.into()))
    }

    /// What a strict provider says to losses that change the meaning.
    fn refusal(&self, losses: &[Loss]) -> Option<Refusal> {
        let mut all = losses.iter().filter(|loss| loss.weight == Weight::Meaning);
        let first = all.next()?;
        let mut what = format!("`{}` ({})", first.field, first.why);
        for loss in all {
            what.push_str(&format!(", `{}` ({})", loss.field, loss.why));
        }
        let sentence = format!(
            "The provider `{}` cannot be asked for this: {what}. Leave it out, or have your \
             gateway's operator set `losses: drop` for this provider.",
            self.provider
        );
        Some(Refusal::new(Reason::Untranslatable, sentence).at(first.field.clone()))
    }
}

/// The fields that were left out, as the client's header has them.
fn dropped(losses: &[Loss]) -> Option<String> {
    let fields: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
    (!fields.is_empty()).then(|| fields.join(", "))
}

impl Translation {
    fn head(&self) -> Head<'_> {
        Head {
            request: &self.request,
            created: self.created,
            id: &self.id,
        }
    }

    /// A provider's whole answer, in the client's dialect.
    ///
    /// # Errors
    /// It is no answer of the provider's dialect.
    pub(super) fn answer(&self, whole: Bytes) -> Result<Bytes, Failure> {
        let document = Document::parse(whole, DEPTH)
            .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
        let answer = (self.theirs.read_answer)(&document, &self.names);
        let answer = answer.ok_or_else(|| {
            let dialect = self.theirs.dialect.as_str();
            Failure::broken(format!("no answer of the dialect `{dialect}`"))
        })?;
        Ok((self.ours.write_answer)(&answer, &self.head()).into())
    }

    /// The frames of a provider's stream, in the client's dialect.
    pub(super) fn frames(&self) -> Frames {
        let reader = (self.theirs.read_stream)(self.names.clone());
        let writer = (self.ours.write_stream)(&self.head());
        Frames::translated(LARGEST_EVENT, reader, writer)
    }

    /// A provider's error, in the client's dialect.
    pub(super) fn fault(&self, status: u16, body: &[u8]) -> Bytes {
        let fault = (self.theirs.read_fault)(status, body);
        (self.ours.write_fault)(&fault, &self.id).into()
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::broken(unreadable)
    }
}
