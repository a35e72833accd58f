//! A conversation with a target: how its answers are read, and what of them
//! leaves for the client.

use bytes::Bytes;
use dialects::framing::Cutter;
use dialects::gemini;
use dialects::json::Document;
use dialects::responses::Said;
use dialects::translate::{
    self, Client as Leaving, Codec, Customs, Frames, Head, Names, Trail, Upstream,
};
use domain::canon::{Dialect, Request};

use super::client::Client;
use super::empty::{self, IsGoverned};
use super::failure::Failure;
use super::reasoning::Recall;
use super::seals::Seals;
use super::translation::{DEPTH, PIVOT, Whole};

/// A conversation.
pub(super) struct Talk {
    pub(super) pivot: &'static Codec,
    pub(super) theirs: &'static Upstream,
    /// The client, if it speaks another dialect than the pivot's.
    pub(super) client: Option<Client>,
    /// Whether the provider's bytes leave as they came.
    pub(super) passes: bool,
    /// What the client said itself, where answers repeat a policy's rules.
    pub(super) said: Option<Said>,
    pub(super) request: Request,
    pub(super) names: Names,
    /// Where reasoning is kept that the client may not send back.
    pub(super) recall: Option<Recall>,
    /// Where it is remembered whose its seals are.
    pub(super) seals: Option<Seals>,
    /// When the request came, in seconds since 1970.
    pub(super) created: i64,
    /// The answer's id, where the provider gives none.
    pub(super) id: String,
    /// The request's id, as clients see it in headers.
    pub(super) request_id: String,
    /// What was left out, for the client to see.
    pub(super) dropped: Option<String>,
    pub(super) is_governed: IsGoverned,
}

impl Talk {
    fn head(&self) -> Head<'_> {
        Head {
            request: &self.request,
            created: self.created,
            id: &self.id,
            request_id: &self.request_id,
        }
    }

    /// A provider's whole answer.
    ///
    /// # Errors
    /// It is none of the provider's dialect.
    pub(super) fn answer(&self, whole: Bytes) -> Result<Whole, Failure> {
        let document = Document::parse(whole, DEPTH)
            .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
        let answer = match self.is_googles_own() {
            true => gemini::canon::read_as_said(&document, &self.names),
            false => (self.theirs.read_answer)(&document, &self.names),
        };
        let mut answer = answer.ok_or_else(|| self.nothing(&document))?;
        Customs::of(&self.request).restore(&mut answer);
        if let Some(recall) = &self.recall {
            recall.keep(&answer);
        }
        if let Some(seals) = &self.seals {
            seals.keep(&answer);
        }
        let pivot = (self.pivot.write_answer)(&answer, &self.head()).into();
        let leaves = self.client.as_ref().map(|client| match self.passes {
            true => self.as_it_came(&document),
            false => client.answer(&answer),
        });
        let client = self.client.as_ref();
        let dialect = client.map_or(PIVOT, |client| client.codec().dialect);
        let unshown = translate::unshown(&answer, dialect);
        Ok(Whole {
            pivot,
            leaves,
            unshown: (!self.passes && !unshown.is_empty()).then(|| unshown.join(", ")),
        })
    }

    /// A provider's answer as it leaves for a client of its dialect.
    fn as_it_came(&self, document: &Document) -> Bytes {
        match &self.said {
            Some(said) => said.in_answer(document),
            None => document.bytes().clone(),
        }
    }

    /// Whether Google's client reads Google's answer as it comes.
    fn is_googles_own(&self) -> bool {
        self.passes && self.theirs.dialect == Dialect::Gemini
    }

    /// What a document is that is no answer.
    fn nothing(&self, document: &Document) -> Failure {
        let passes = self.passes.then(|| document.bytes().clone());
        empty::nothing(document, self.theirs.dialect, (passes, self.is_governed))
    }

    /// The frames of a provider's stream.
    pub(super) fn frames(&self, cutter: Cutter) -> Frames {
        let reader = match self.is_googles_own() {
            true => Box::new(gemini::canon::StreamReader::as_said(self.names.clone())),
            false => (self.theirs.read_stream)(self.names.clone()),
        };
        let reader = Customs::of(&self.request).reading(reader);
        let reader = match &self.recall {
            Some(recall) => recall.reading(reader),
            None => reader,
        };
        let reader = match &self.seals {
            Some(seals) => seals.reading(reader),
            None => reader,
        };
        let pivot = (self.pivot.write_stream)(&self.head());
        let leaving = match &self.client {
            None => Leaving::Pivot,
            Some(_) if self.passes => {
                let trail = Trail::new(self.theirs.dialect, &self.request_id);
                Leaving::AsItCame(trail, self.said.clone())
            }
            Some(client) => Leaving::Written(client.writer()),
        };
        Frames::translated(cutter, reader, pivot, leaving)
    }
}
