//! A stream, written for a client of this dialect.
//!
//! Every chunk has the same id and time. A choice's first one says the role;
//! a call's first one its id and name; usage comes in a chunk of its own, if
//! the client asked for it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::canon::{Chunk, Delta, Dialect, Opened, Stop, Thinking, Unknown};
use domain::usage::Usage;

use super::citations::{self, Range};
use super::fault::write_fault_event;
use super::frames::{Frames, words};
use super::stop::{self, Form, Said};
use super::{Head, ids, thoughts};

/// Writes a stream chunk by chunk.
#[derive(Debug)]
pub struct StreamWriter {
    frames: Frames,
    request_id: String,
    usage: Option<Usage>,
    choices: BTreeMap<u32, Choice>,
    form: Form,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Choice {
    blocks: BTreeMap<u32, Block>,
    said: Said,
    /// How many calls were begun, and by which ids.
    calls: BTreeSet<String>,
    /// How many blocks of thoughts were written.
    thoughts: u64,
    /// The thought that just ended, if nothing but text is known of it.
    before: Option<Thinking>,
    /// How many characters of text came.
    length: u64,
    /// Citations, and the block of each.
    cited: Vec<(Unknown, u32)>,
    is_stopped: bool,
}

#[derive(Debug)]
enum Block {
    Text(Range),
    Refusal,
    Thinking(Thinking),
    Call {
        index: u64,
        custom: bool,
        is_empty: bool,
    },
    Other,
}

impl StreamWriter {
    /// A writer for the client who asked this.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            frames: Frames::new(head),
            request_id: head.request_id.to_owned(),
            usage: None,
            choices: BTreeMap::new(),
            form: Form::of(head.request),
            is_over: false,
        }
    }

    /// Takes the next chunk, and adds what it becomes to `out`: whole frames.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        if self.is_over {
            return;
        }
        match chunk {
            Chunk::Start { id, model, created } => self.frames.start(id, model, *created),
            Chunk::Open {
                choice,
                block,
                opened,
            } => self.open(*choice, *block, opened, out),
            Chunk::Grow {
                choice,
                block,
                delta,
            } => self.grow(*choice, *block, delta, out),
            Chunk::Close { choice, block } => self.close(*choice, *block, out),
            Chunk::Logprobs { choice, logprobs } => {
                self.role(*choice, None, out);
                let frame = self.frames.choice(*choice, Some(logprobs), None, |_| {});
                out.push(frame);
            }
            Chunk::Stop { choice, stop } => self.stop(*choice, stop, out),
            Chunk::Usage(usage) => self.usage = Some(*usage),
            Chunk::Ping => out.push(Bytes::from_static(b": ping\n\n")),
            Chunk::Unknown(unknown) => self.frames.unknown(unknown),
            Chunk::Error(fault) => {
                self.is_over = true;
                out.push(write_fault_event(fault, &self.request_id));
            }
            Chunk::End => self.end(out),
        }
    }

    fn choice(&mut self, number: u32) -> &mut Choice {
        self.choices.entry(number).or_default()
    }

    /// The first chunk of a choice: who speaks.
    fn role(&mut self, number: u32, content: Option<&str>, out: &mut Vec<Bytes>) {
        if self.choices.contains_key(&number) {
            return;
        }
        self.choice(number);
        let frame = self.frames.choice(number, None, None, |delta| {
            delta.string("role", "assistant");
            match content {
                Some(content) => delta.string("content", content),
                None => delta.null("content"),
            };
        });
        out.push(frame);
    }

    fn open(&mut self, number: u32, block: u32, opened: &Opened, out: &mut Vec<Bytes>) {
        let content = matches!(opened, Opened::Text).then_some("");
        self.role(number, content, out);
        let before = self.choice(number).before.take();
        let begun = match opened {
            Opened::Text => {
                let choice = self.choice(number);
                choice.said.text = true;
                Block::Text(Range::at(choice.length))
            }
            Opened::Refusal => {
                self.choice(number).said.refusal = true;
                Block::Refusal
            }
            Opened::Thinking(thinking) => {
                if let Some(before) = before {
                    // Or else the two would be read as one.
                    self.thought(number, &before, out);
                }
                if !thinking.text.is_empty() {
                    out.push(self.frames.choice(number, None, None, |delta| {
                        delta.string("reasoning_content", &thinking.text);
                    }));
                }
                Block::Thinking(thinking.clone())
            }
            Opened::ToolCall { .. } => self.begin_call(number, opened, out),
            Opened::Unknown(unknown) => {
                if unknown.dialect == Dialect::OpenAi && unknown.name == "audio" {
                    out.push(self.frames.choice(number, None, None, |delta| {
                        delta.raw("audio", unknown.raw.as_str());
                    }));
                }
                Block::Other
            }
        };
        self.choice(number).blocks.insert(block, begun);
    }

    fn begin_call(&mut self, number: u32, opened: &Opened, out: &mut Vec<Bytes>) -> Block {
        let Opened::ToolCall {
            id,
            name,
            custom,
            signature,
        } = opened
        else {
            return Block::Other;
        };
        let answer = self.frames.id.clone();
        let choice = self.choice(number);
        choice.said.call = true;
        let nth = choice.calls.len();
        let id = match id.is_empty() || choice.calls.contains(id) {
            true => ids::made(&answer, number, nth),
            false => id.clone(),
        };
        choice.calls.insert(id.clone());
        let index = nth as u64;
        if self.form == Form::One {
            return self.begin_only_call((number, index), name, out);
        }
        let frame = self.frames.choice(number, None, None, |delta| {
            delta.array("tool_calls", |calls| {
                calls.object(|call| {
                    call.number("index", index).string("id", &id);
                    let (kind, field) = words(*custom);
                    call.string("type", kind);
                    call.object(kind, |called| {
                        called.string("name", name).string(field, "");
                    });
                    thoughts::write_call_signature(call, signature.as_ref());
                });
            });
        });
        out.push(frame);
        Block::Call {
            index,
            custom: *custom,
            is_empty: true,
        }
    }

    /// A call as clients know it that know one alone; there is no place for another.
    fn begin_only_call(
        &mut self,
        (number, index): (u32, u64),
        name: &str,
        out: &mut Vec<Bytes>,
    ) -> Block {
        if index > 0 {
            return Block::Other;
        }
        out.push(self.frames.choice(number, None, None, |delta| {
            delta.object("function_call", |called| {
                called.string("name", name).string("arguments", "");
            });
        }));
        Block::Call {
            index,
            custom: false,
            is_empty: true,
        }
    }

    fn grow(&mut self, number: u32, block: u32, delta: &Delta, out: &mut Vec<Bytes>) {
        let form = self.form;
        let choice = self.choice(number);
        let Some(grown) = choice.blocks.get_mut(&block) else {
            return;
        };
        let frame = match (grown, delta) {
            (_, Delta::Text(more) | Delta::Arguments(more)) if more.is_empty() => return,
            (Block::Text(range), Delta::Text(more)) => {
                range.grow(more);
                choice.length = range.end;
                self.frames.choice(number, None, None, |delta| {
                    delta.string("content", more);
                })
            }
            (Block::Refusal, Delta::Text(more)) => {
                self.frames.choice(number, None, None, |delta| {
                    delta.string("refusal", more);
                })
            }
            (Block::Thinking(thinking), Delta::Text(more)) => {
                thinking.text.push_str(more);
                self.frames.choice(number, None, None, |delta| {
                    delta.string("reasoning_content", more);
                })
            }
            (Block::Thinking(thinking), Delta::Signature(signature)) => {
                thinking.signature = Some(signature.clone());
                return;
            }
            (
                Block::Call {
                    index,
                    custom,
                    is_empty,
                },
                Delta::Arguments(more),
            ) => {
                // White space alone is no arguments.
                *is_empty &= more.trim().is_empty();
                let (index, custom) = (*index, *custom);
                self.arguments(number, index, custom, more)
            }
            (Block::Call { index, .. }, Delta::Signature(signature)) if form == Form::Several => {
                let index = *index;
                self.frames.choice(number, None, None, |delta| {
                    delta.array("tool_calls", |calls| {
                        calls.object(|call| {
                            call.number("index", index);
                            thoughts::write_call_signature(call, Some(signature));
                        });
                    });
                })
            }
            (Block::Text(_), Delta::Citation(citation)) => {
                choice.cited.push((citation.clone(), block));
                return;
            }
            _ => return,
        };
        out.push(frame);
    }

    #[expect(clippy::fn_params_excessive_bools, reason = "the call's own flag")]
    fn arguments(&mut self, number: u32, index: u64, custom: bool, more: &str) -> Bytes {
        let form = self.form;
        self.frames.choice(number, None, None, |delta| {
            if form == Form::One {
                delta.object("function_call", |called| {
                    called.string("arguments", more);
                });
                return;
            }
            delta.array("tool_calls", |calls| {
                calls.object(|call| {
                    call.number("index", index);
                    let (kind, field) = words(custom);
                    call.object(kind, |called| {
                        called.string(field, more);
                    });
                });
            });
        })
    }

    fn close(&mut self, number: u32, block: u32, out: &mut Vec<Bytes>) {
        let choice = self.choice(number);
        let Some(closed) = choice.blocks.get_mut(&block) else {
            return;
        };
        match std::mem::replace(closed, Block::Other) {
            text @ Block::Text(_) => *closed = text,
            Block::Thinking(thinking) => {
                if thoughts::is_marked(&thinking) {
                    self.thought(number, &thinking, out);
                } else if !thinking.text.is_empty() {
                    choice.before = Some(thinking);
                }
            }
            Block::Call {
                index,
                custom: false,
                is_empty: true,
            } => {
                // Clients read the arguments as JSON.
                let frame = self.arguments(number, index, false, "{}");
                out.push(frame);
            }
            Block::Call { .. } | Block::Refusal | Block::Other => {}
        }
    }

    /// A whole block of thoughts, whose text came already.
    fn thought(&mut self, number: u32, thinking: &Thinking, out: &mut Vec<Bytes>) {
        let choice = self.choice(number);
        let index = choice.thoughts;
        choice.thoughts += 1;
        out.push(self.frames.choice(number, None, None, |delta| {
            delta.array("thinking_blocks", |blocks| {
                thoughts::write_block(blocks, thinking, Some(index));
            });
        }));
    }

    fn stop(&mut self, number: u32, stop: &Stop, out: &mut Vec<Bytes>) {
        self.role(number, Some(""), out);
        let choice = self.choice(number);
        if std::mem::replace(&mut choice.is_stopped, true) {
            return;
        }
        let open: Vec<u32> = choice.blocks.keys().copied().collect();
        for block in open {
            self.close(number, block, out);
        }
        let choice = self.choice(number);
        let cited = std::mem::take(&mut choice.cited);
        let notes = citations::list(|notes| {
            for (citation, block) in &cited {
                if let Some(Block::Text(piece)) = choice.blocks.get(block) {
                    citations::write(notes, citation, *piece);
                }
            }
        });
        let said = choice.said;
        let reason = stop::word(Some(stop), said, self.form);
        if let Some(notes) = notes {
            out.push(self.frames.choice(number, None, None, |delta| {
                delta.raw("annotations", &notes);
            }));
        }
        let frame = self.frames.choice(number, None, Some(reason), |_| {});
        out.push(frame);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.is_over = true;
        out.extend(self.usage.and_then(|usage| self.frames.usage(&usage)));
        out.push(Bytes::from_static(b"data: [DONE]\n\n"));
    }
}
