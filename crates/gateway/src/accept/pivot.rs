//! A request in another dialect than `OpenAI`'s, and what it is in that one:
//! every stage between here and `send` looks at one dialect only.

use std::sync::Arc;

use bytes::Bytes;
use dialects::Operation;
use dialects::gemini::canon::embedding::{Embeds, Form};
use dialects::json::Document;
use dialects::openai::{self, View};
use dialects::responses::kept;
use dialects::translate::{self, Codec, Names, Target, Terms};
use domain::canon::{Dialect, Loss, Request, Unknown, Written};
use domain::edit::Edits;
use domain::policy::SystemRule;
use domain::refusal::{Reason, Refusal};
use domain::traits::Traits;

use super::named::There;
use super::past::{self, Conversed, Found};
use super::route::{Conversation, Wish};

/// A request as it came, in another dialect.
pub struct Foreign {
    /// The translators of its dialect.
    pub codec: &'static Codec,
    /// Its body.
    pub document: Document,
    /// The same with the items that a provider keeps, where it names some.
    pub spelled: Option<Document>,
    /// The same with all that was said before, where it goes on from an answer.
    pub whole: Option<Document>,
    /// What it says; where it goes on from an answer, with all before.
    pub request: Request,
    /// What it says of its conversation, if that may be kept here.
    pub conversed: Option<Conversed>,
    /// What it is in `OpenAI`'s dialect.
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
    /// What came, where a policy's rules stand in this.
    pub(super) before: Option<Arc<Foreign>>,
}

impl Foreign {
    /// Whether the client does not wait for the answer.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.conversed.as_ref().is_some_and(|it| it.is_background)
    }

    /// What the client sent, without any rule of a policy's.
    #[must_use]
    pub fn sent(self: &Arc<Self>) -> &Arc<Self> {
        self.before.as_ref().unwrap_or(self)
    }

    /// Whether a policy's rules stand in it.
    #[must_use]
    pub fn is_composed(&self) -> bool {
        self.before.is_some()
    }

    /// All that it tells a provider, in the client's dialect.
    #[must_use]
    pub fn tells(&self) -> &Document {
        self.whole.as_ref().unwrap_or_else(|| self.said())
    }

    /// Its body, with all items that it names as far as they are known.
    #[must_use]
    pub fn said(&self) -> &Document {
        self.spelled.as_ref().unwrap_or(&self.document)
    }

    /// The client's names for fields.
    #[must_use]
    pub fn terms(&self) -> Terms<'_> {
        let goes_on = self
            .conversed
            .as_ref()
            .is_some_and(|it| it.previous.is_some());
        Terms {
            codec: self.codec,
            body: &self.document,
            is_whole: !goes_on && self.spelled.is_none() && self.embeds.is_none(),
        }
    }
}

/// What the gateway keeps of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// What is asked for.
    AsAsked,
    /// Nothing, by policy.
    Nothing,
}

/// Takes out what the gateway itself does: no target need be told.
pub(crate) fn here(request: &mut Request) -> Vec<Unknown> {
    let is_ours = |it: &mut Unknown| {
        it.dialect == Dialect::Responses
            && (it.name == "previous_response_id"
                || matches!(&*it.name, "store" | "background") && it.raw.as_str() == "true")
    };
    request.rest.extract_if(.., is_ours).collect()
}

/// Reads a body of the conversation's dialect, and turns it into `OpenAI`'s.
///
/// # Errors
/// It is none of its dialect.
pub(super) fn read(
    conversation: &Conversation,
    (plain, depth): (Bytes, usize),
    (found, there): (Option<Found>, Option<There>),
    keeps: Keeps,
) -> Result<(Foreign, View), Refusal> {
    let codec = translate::codec(conversation.dialect).ok_or_else(internal)?;
    let mut document = Document::parse(plain, depth).map_err(|error| error.refusal())?;
    if let Wish::Embedded(form) = conversation.wish {
        let model = conversation.model.as_deref().unwrap_or_default();
        return embeds(codec, document, (form, model));
    }
    let (mut conversed, mut whole) = (None, None);
    let (spelled, holder) = there.map(|it| (it.document, it.holder)).unzip();
    let mut request = match conversation.dialect {
        Dialect::Responses => {
            let all = spelled.as_ref().unwrap_or(&document);
            let (mut said, goes_on) = past::whole(all, found)?;
            said.holder = holder;
            let mut request = (codec.read_request)(goes_on.as_ref().unwrap_or(all))?;
            whole = goes_on;
            let keeps_nothing = keeps == Keeps::Nothing && conversation.wish != Wish::Counted;
            if said.is_background && keeps_nothing {
                return Err(unfetchable());
            }
            if said.is_kept && keeps_nothing {
                document = Document::parse(kept::unkept(&document), usize::MAX)
                    .map_err(|error| error.refusal())?;
                request = (codec.read_request)(&document)?;
            } else {
                conversed = Some(said);
            }
            request
        }
        _ => (codec.read_request)(&document)?,
    };
    if let Some(model) = &conversation.model {
        request.model.clone_from(model);
    }
    match conversation.wish {
        Wish::AsAsked => {}
        Wish::Whole | Wish::Counted | Wish::Embedded(_) => request.stream = false,
        Wish::Streamed | Wish::Array => request.stream = true,
    }
    let (pivot, losses, view) = pivoted(&mut request)?;
    let foreign = Foreign {
        codec,
        document,
        spelled,
        whole,
        request,
        conversed,
        pivot: Arc::new(pivot),
        losses,
        is_count: conversation.wish == Wish::Counted,
        is_array: conversation.wish == Wish::Array,
        embeds: None,
        before: None,
    };
    Ok((foreign, view))
}

fn internal() -> Refusal {
    Refusal::new(Reason::Internal, "The gateway cannot read this dialect.")
}

/// A request in `OpenAI`'s dialect, what of it that one cannot say, and what every
/// stage looks at.
fn pivoted(request: &mut Request) -> Result<(Document, Vec<Loss>, View), Refusal> {
    let pivot = translate::upstream(Dialect::OpenAi).ok_or_else(internal)?;
    // Every other dialect says in a stream what it used.
    request.stream_usage = request.stream;
    let own = here(request);
    let written = (pivot.write_request)(
        request,
        &Target {
            model: &request.model,
            output_limit: None,
            reasons: false,
            traits: Traits::default(),
            names: &Names::default(),
        },
    );
    request.rest.extend(own);
    // What the pivot cannot say is not lost: the target's own writer reads the
    // request itself.
    let document = Document::parse(written.value.into(), usize::MAX).map_err(|_| internal())?;
    let view = openai::view(Operation::Chat, &document)?;
    Ok((document, written.losses, view))
}

/// The same request with a policy's rules in it, in its own shape.
///
/// # Errors
/// There is no place for them.
pub(crate) fn composed(
    sent: &Arc<Foreign>,
    rules: &[SystemRule],
) -> Result<(Foreign, View), Refusal> {
    let put = |document: &Document| -> Result<Document, Refusal> {
        let mut edits = Edits::new();
        for edit in (sent.codec.system_rules)(document, rules)? {
            edits
                .add(edit)
                .map_err(|overlap| internal().because(overlap))?;
        }
        let body = edits.apply(document.bytes()).concat();
        Document::parse(body.into(), usize::MAX).map_err(|error| error.refusal())
    };
    let document = put(&sent.document)?;
    let spelled = sent.spelled.as_ref().map(put).transpose()?;
    let whole = sent.whole.as_ref().map(put).transpose()?;
    let all = whole.as_ref().or(spelled.as_ref()).unwrap_or(&document);
    let mut request = (sent.codec.read_request)(all)?;
    // These say the path and the headers of some dialects.
    request.model.clone_from(&sent.request.model);
    request.stream = sent.request.stream;
    let (pivot, losses, view) = pivoted(&mut request)?;
    let foreign = Foreign {
        codec: sent.codec,
        document,
        spelled,
        whole,
        request,
        conversed: sent.conversed.clone(),
        pivot: Arc::new(pivot),
        losses,
        is_count: sent.is_count,
        is_array: sent.is_array,
        embeds: None,
        before: Some(Arc::clone(sent)),
    };
    Ok((foreign, view))
}

/// Nobody could fetch what is not kept.
fn unfetchable() -> Refusal {
    let sentence = "This gateway keeps no responses, so it has none in the background. Leave \
                    `background` out, and use `stream` for answers that take long.";
    Refusal::new(Reason::BadField, sentence).at("background")
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
        spelled: None,
        whole: None,
        request: Request {
            model: model.to_owned(),
            ..Request::default()
        },
        conversed: None,
        pivot: Arc::new(pivot),
        losses,
        is_count: false,
        is_array: false,
        embeds: Some(embeds),
        before: None,
    };
    Ok((foreign, view))
}
