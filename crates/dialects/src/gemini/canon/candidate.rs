//! One candidate of a streamed answer: its parts as blocks.

use domain::canon::{Chunk, Delta, Dialect, Json, Opened, Signature, Stop, Thinking, Unknown};

use super::fields::{camel, member, string};
use super::reader::{Late, block_of, keep};
use super::signature::signed;
use super::{logprobs, raw, stops, unknown};
use crate::json::{Document, Kind, Node};
use crate::translate::functions::ANSWER_TOOL;
use crate::translate::{Names, ids};

/// What grows from frame to frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growing {
    Text,
    Thought,
}

/// Who reads why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Clients of this dialect, in Google's own words.
    AsSaid,
    /// Those of others.
    InOtherWords,
}

/// What is known of a candidate.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) index: u32,
    /// How many blocks began; the open one is the last of them.
    blocks: u32,
    open: Option<Growing>,
    /// Whether the open block is signed: nothing is appended to it then.
    is_signed: bool,
    calls: u32,
    /// Whether anything came beside thoughts.
    is_said: bool,
    /// The last reason to end that came.
    stop: Option<String>,
    late: Late,
}

impl Candidate {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            blocks: 0,
            open: None,
            is_signed: false,
            calls: 0,
            is_said: false,
            stop: None,
            late: Late::new(),
        }
    }

    /// Takes what a frame says of it. `answer` is the answer's id.
    pub(super) fn take(
        &mut self,
        node: Node<'_>,
        answer: &str,
        names: &Names,
        out: &mut Vec<Chunk>,
    ) {
        let content = member(node, "content");
        let parts = content.and_then(|content| member(content, "parts"));
        let parts: Vec<_> = parts.into_iter().flat_map(Node::items).collect();
        let is_said = |part: &Node<'_>| {
            let is_thought = member(*part, "thought").and_then(Node::bool) == Some(true);
            let text = member(*part, "text").and_then(Node::str);
            !is_thought && text.is_some_and(|text| !text.is_empty())
        };
        let last_text = parts.iter().rposition(is_said);
        for (at, part) in parts.iter().enumerate() {
            self.part(*part, answer, names, out);
            if last_text == Some(at) {
                self.cite(node, out);
            }
        }
        if last_text.is_none() {
            self.cite(node, out);
        }
        let logprobs = member(node, "logprobsResult").and_then(logprobs::read);
        if let Some(logprobs) = logprobs {
            out.push(Chunk::Logprobs {
                choice: self.index,
                logprobs,
            });
        }
        self.end(node);
    }

    fn end(&mut self, node: Node<'_>) {
        for (key, _, value) in node.entries() {
            let key = camel(key);
            match &*key {
                "content" | "index" | "citationMetadata" | "groundingMetadata"
                | "logprobsResult" => {}
                "finishReason" => {
                    let word = value.str().unwrap_or_default().to_ascii_uppercase();
                    if !word.is_empty() && word != "FINISH_REASON_UNSPECIFIED" {
                        self.stop = Some(word);
                    }
                }
                _ if value.is_null() => {}
                _ => self.keep(&key, value),
            }
        }
    }

    fn keep(&mut self, key: &str, value: Node<'_>) {
        let name = format!("candidates[{}].{key}", self.index);
        keep(&mut self.late, name, value);
    }

    fn part(&mut self, part: Node<'_>, answer: &str, names: &Names, out: &mut Vec<Chunk>) {
        let signature = string(part, "thoughtSignature").and_then(signed);
        if let Some(call) = member(part, "functionCall") {
            let is_whole = member(call, "partialArgs").is_none();
            match string(call, "name").filter(|_| is_whole) {
                Some(name) if name == ANSWER_TOOL => {
                    let answer = member(call, "args").map(raw);
                    let answer = answer.as_ref().map_or("{}", Json::as_str);
                    self.grow(Growing::Text, answer, signature, out);
                }
                Some(name) => self.call(call, (answer, &name), names, signature, out),
                None => self.whole(block_of(part), out),
            }
            return;
        }
        let text = member(part, "text").and_then(Node::str);
        let others = part.entries().count() - usize::from(signature.is_some());
        let Some(text) = text.or_else(|| (others == 0).then(Default::default)) else {
            self.whole(block_of(part), out);
            return;
        };
        let kind = match member(part, "thought").and_then(Node::bool) {
            Some(true) => Growing::Thought,
            _ => Growing::Text,
        };
        self.grow(kind, &text, signature, out);
    }

    fn grow(
        &mut self,
        kind: Growing,
        text: &str,
        signature: Option<Signature>,
        out: &mut Vec<Chunk>,
    ) {
        if text.is_empty() && signature.is_none() {
            return;
        }
        self.is_said |= kind == Growing::Text && !text.is_empty();
        if self.open != Some(kind) || self.is_signed {
            let opened = match kind {
                Growing::Text => Opened::Text,
                Growing::Thought => Opened::Thinking(Thinking {
                    summary: true,
                    ..Thinking::default()
                }),
            };
            self.begin(opened, out);
            self.open = Some(kind);
        }
        if !text.is_empty() {
            self.delta(Delta::Text(text.to_owned()), out);
        }
        if let Some(signature) = signature {
            self.is_signed = true;
            self.delta(Delta::Signature(signature), out);
        }
    }

    fn begin(&mut self, opened: Opened, out: &mut Vec<Chunk>) {
        self.close(out);
        out.push(Chunk::Open {
            choice: self.index,
            block: self.blocks,
            opened,
        });
        self.blocks += 1;
    }

    fn delta(&self, delta: Delta, out: &mut Vec<Chunk>) {
        out.push(Chunk::Grow {
            choice: self.index,
            block: self.blocks.saturating_sub(1),
            delta,
        });
    }

    fn close(&mut self, out: &mut Vec<Chunk>) {
        self.is_signed = false;
        if self.open.take().is_some() {
            self.close_last(out);
        }
    }

    fn close_last(&self, out: &mut Vec<Chunk>) {
        out.push(Chunk::Close {
            choice: self.index,
            block: self.blocks.saturating_sub(1),
        });
    }

    /// A block that comes whole.
    fn whole(&mut self, unknown: Unknown, out: &mut Vec<Chunk>) {
        self.is_said = true;
        self.begin(Opened::Unknown(unknown), out);
        self.close_last(out);
    }

    /// A call: Google gives them whole, and often without an id. `of` is the
    /// answer's id, and the tool's name.
    fn call(
        &mut self,
        call: Node<'_>,
        of: (&str, &str),
        names: &Names,
        signature: Option<Signature>,
        out: &mut Vec<Chunk>,
    ) {
        let (answer, name) = of;
        let args = member(call, "args").filter(|args| args.kind() == Kind::Object);
        let args = args.map_or_else(|| "{}".to_owned(), |args| raw(args).as_str().to_owned());
        let given = string(call, "id").filter(|id| !id.is_empty());
        let id = given.unwrap_or_else(|| {
            let place = format!("{}/{}", self.index, self.calls);
            made_id(&[answer, &place, name, &args])
        });
        self.calls += 1;
        self.is_said = true;
        let opened = Opened::ToolCall {
            id,
            name: names.inward(name).to_owned(),
            custom: false,
            signature,
        };
        self.begin(opened, out);
        self.delta(Delta::Arguments(args), out);
        self.close_last(out);
    }

    /// Citations belong to the last text; without one they wait.
    fn cite(&mut self, node: Node<'_>, out: &mut Vec<Chunk>) {
        let citations = member(node, "citationMetadata");
        let grounding = member(node, "groundingMetadata");
        if self.open == Some(Growing::Text) {
            let list = citations.and_then(|all| {
                let list = member(all, "citations");
                list.or_else(|| member(all, "citationSources"))
            });
            for citation in list.into_iter().flat_map(Node::items) {
                self.delta(Delta::Citation(unknown("citation", citation)), out);
            }
            if let Some(grounding) = grounding {
                let grounding = unknown("groundingMetadata", grounding);
                self.delta(Delta::Citation(grounding), out);
            }
            return;
        }
        for (key, value) in [
            ("citationMetadata", citations),
            ("groundingMetadata", grounding),
        ] {
            if let Some(value) = value {
                self.keep(key, value);
            }
        }
    }

    /// Google's word for what went wrong, if that is all that came: a call that
    /// it could not read, say. Nothing in such an answer is of use to anybody. To
    /// clients of other dialects it is a failure as well behind thoughts alone, and
    /// where a call is missing: they have no word by which the application knew.
    pub(super) fn failed(&self, ends: Ends) -> Option<&str> {
        let word = self.stop.as_deref()?;
        let has_failed = match ends {
            _ if self.is_empty() => true,
            Ends::AsSaid => false,
            Ends::InOtherWords => !self.is_said || stops::is_broken(word),
        };
        (has_failed && matches!(stops::read(word, 0), Stop::Other(_))).then_some(word)
    }

    /// Whether nothing came of it but why it ended.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks == 0
    }

    /// What Google says of it beside the word.
    pub(super) fn message(&self) -> Option<String> {
        let name = format!("candidates[{}].finishMessage", self.index);
        let (_, kept) = self.late.iter().find(|(known, _)| *known == name)?;
        let document = Document::parse(kept.as_str().as_bytes().to_vec().into(), 1).ok()?;
        document.root().str().map(std::borrow::Cow::into_owned)
    }

    /// The end of the stream; whether the candidate said why it ended.
    pub(super) fn finish(&mut self, out: &mut Vec<Chunk>) -> bool {
        self.close(out);
        let stop = self.stop.take();
        let stop = stop.map(|word| (stops::read(&word, self.calls), word));
        if let Some((stop, word)) = &stop
            && stops::write(stop) != word
        {
            let name = format!("candidates[{}].finishReason", self.index);
            let json = domain::canon::Json::trusted(format!("\"{word}\""));
            self.late.push((name, json));
        }
        for (name, json) in self.late.drain(..) {
            out.push(Chunk::Unknown(Unknown::new(Dialect::Gemini, name, json)));
        }
        let Some((stop, _)) = stop else {
            return false;
        };
        out.push(Chunk::Stop {
            choice: self.index,
            stop,
        });
        true
    }
}

/// An id for a call that has none: by what is known of it, and so the same
/// wherever the answer is read again.
fn made_id(of: &[&str]) -> String {
    let parts: Vec<&[u8]> = of.iter().map(|part| part.as_bytes()).collect();
    format!("call_{:016x}", ids::hash(&parts))
}
