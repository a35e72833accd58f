//! The client's own instructions. Answers repeat those of their request, which may
//! hold a policy's rules: these stay the operator's.

use bytes::Bytes;
use domain::edit::{Edit, Edits};

use crate::json::{Document, Node};
use crate::sse::Frame;

/// The member that is repeated.
const KEY: &str = "instructions";

/// What the client said itself.
#[derive(Clone, Debug)]
pub struct Said {
    instructions: Bytes,
}

impl Said {
    /// In this request.
    #[must_use]
    pub fn of(sent: &Document) -> Self {
        let own = sent.root().get(KEY);
        let raw = own.map_or(&b"null"[..], Node::raw);
        Self {
            instructions: Bytes::copy_from_slice(raw),
        }
    }

    /// An answer that repeats this, and nothing else.
    #[must_use]
    pub fn in_answer(&self, answer: &Document) -> Bytes {
        let Some(repeated) = answer.root().get(KEY) else {
            return answer.bytes().clone();
        };
        let edits = Edits::fitting([Edit {
            span: repeated.span(),
            with: self.instructions.clone(),
        }]);
        edits.apply(answer.bytes()).concat().into()
    }

    /// The same of an event that may hold the answer.
    pub(crate) fn in_event(&self, frame: Frame) -> Frame {
        let is_there = |data: &&Bytes| memchr::memmem::find(data, KEY.as_bytes()).is_some();
        let Some(data) = frame.data.as_ref().filter(is_there) else {
            return frame;
        };
        let Ok(event) = Document::parse(data.clone(), usize::MAX) else {
            return frame;
        };
        let response = event.root().get("response");
        match response.and_then(|response| response.get(KEY)) {
            Some(repeated) => Frame::of(frame.with(repeated.span(), &self.instructions)),
            None => frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Framer;

    fn document(text: &str) -> Document {
        Document::parse(Bytes::copy_from_slice(text.as_bytes()), 64).expect("JSON")
    }

    #[test]
    fn an_answer_repeats_what_the_client_said() {
        let said = Said::of(&document(r#"{"instructions":"m\u0069ne"}"#));
        let answer = document(r#"{ "id":"a","instructions" : "house\n\nmine" ,"x":1e400}"#);
        assert_eq!(
            said.in_answer(&answer),
            r#"{ "id":"a","instructions" : "m\u0069ne" ,"x":1e400}"#
        );
        let silent = Said::of(&document("{}"));
        assert_eq!(
            silent.in_answer(&document(r#"{"instructions":"house"}"#)),
            r#"{"instructions":null}"#
        );
        assert_eq!(silent.in_answer(&document(r#"{"a":1}"#)), r#"{"a":1}"#);
    }

    #[test]
    fn events_that_hold_the_answer_do_so_too_and_others_stay() {
        let said = Said::of(&document(r#"{"instructions":"mine"}"#));
        let stream = concat!(
            "event: a\ndata: {\"response\":{\"instructions\":\"house\",\"b\":1.0}}\n\n",
            "data: {\"delta\":\"instructions\"}\n\n",
            "data: {\"response\":\ndata: {\"instructions\":\"house\"}}\n\n",
        );
        let mut frames = Vec::new();
        let pushed = Framer::new(1000).push(Bytes::from_static(stream.as_bytes()), &mut frames);
        pushed.expect("short");
        let told = frames.into_iter().map(|frame| said.in_event(frame).bytes);
        let told: Vec<Bytes> = told.collect();
        assert_eq!(told.concat(), stream.replace("house", "mine").as_bytes());
    }
}
