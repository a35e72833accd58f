//! A request in another dialect than `OpenAI`'s, and what it is in that one:
//! every stage between here and `send` looks at one dialect only.

use std::sync::Arc;

use bytes::Bytes;
use dialects::Operation;
use dialects::gemini::canon::embedding::{Embeds, Form};
use dialects::json::Document;
use dialects::openai::{self, View};
use dialects::translate::{self, Codec, Names, Target};
use domain::canon::{Dialect, Loss, Request, Written};
use domain::refusal::{Reason, Refusal};

use super::route::{Conversation, Wish};

/// A request as it came, in another dialect.
pub struct Foreign {
    /// The translators of its dialect.
    pub codec: &'static Codec,
    /// Its body.
    pub document: Document,
    /// What it says.
    pub request: Request,
    /// What it is in `OpenAI`'s dialect, before any policy.
    pub pivot: Arc<Document>,
    /// What of it that one cannot say: it counts where the pivot is what leaves.
    pub losses: Vec<Loss>,
    /// Whether only its tokens are to be counted.
    pub is_count: bool,
    /// Whether a stream is one JSON array.
    pub is_array: bool,
    /// What is to be embedded, if it asks for that: `request` names only the
    /// model then.
    pub embeds: Option<Embeds>,
}

/// Reads a body of the conversation's dialect, and turns it into `OpenAI`'s.
///
/// # Errors
/// It is none of its dialect.
pub(super) fn read(
    conversation: &Conversation,
    plain: Bytes,
    depth: usize,
) -> Result<(Foreign, View), Refusal> {
    let internal = || Refusal::new(Reason::Internal, "The gateway cannot read this dialect.");
    let codec = translate::codec(conversation.dialect).ok_or_else(internal)?;
    let pivot = translate::upstream(Dialect::OpenAi).ok_or_else(internal)?;
    let document = Document::parse(plain, depth).map_err(|error| error.refusal())?;
    if let Wish::Embedded(form) = conversation.wish {
        let model = conversation.model.as_deref().unwrap_or_default();
        return embeds(codec, document, (form, model));
    }
    let mut request = (codec.read_request)(&document)?;
    if let Some(model) = &conversation.model {
        request.model.clone_from(model);
    }
    match conversation.wish {
        Wish::AsAsked => {}
        Wish::Whole | Wish::Counted | Wish::Embedded(_) => request.stream = false,
        Wish::Streamed | Wish::Array => request.stream = true,
    }
    // Every other dialect says in a stream what it used.
    request.stream_usage = request.stream;
    let written = (pivot.write_request)(
        &request,
        &Target {
            model: &request.model,
            output_limit: None,
            reasons: false,
            names: &Names::default(),
        },
    );
    // What the pivot cannot say is not lost where no policy looks: the target's
    // own writer reads the request itself.
    let pivot = Document::parse(written.value.into(), usize::MAX).map_err(|_| internal())?;
    let view = openai::view(Operation::Chat, &pivot)?;
    let foreign = Foreign {
        codec,
        document,
        request,
        pivot: Arc::new(pivot),
        losses: written.losses,
        is_count: conversation.wish == Wish::Counted,
        is_array: conversation.wish == Wish::Array,
        embeds: None,
    };
    Ok((foreign, view))
}

/// The same of a request for vectors, which names its model in the path.
fn embeds(
    codec: &'static Codec,
    document: Document,
    (form, model): (Form, &str),
) -> Result<(Foreign, View), Refusal> {
    let embeds = Embeds::read(&document, form)?;
    let Written { value, losses } = embeds.pivot(model);
    let pivot = Document::parse(value.into(), usize::MAX).map_err(|error| error.refusal())?;
    let view = openai::view(Operation::Embedding, &pivot)?;
    let foreign = Foreign {
        codec,
        document,
        request: Request {
            model: model.to_owned(),
            ..Request::default()
        },
        pivot: Arc::new(pivot),
        losses,
        is_count: false,
        is_array: false,
        embeds: Some(embeds),
    };
    Ok((foreign, view))
}
