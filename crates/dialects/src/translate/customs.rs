//! Tools that take free text, at targets that know functions only.
//!
//! Such a target is told of a function with one text (`input`). What it calls is
//! made a free-form call again as soon as it is read, so that every dialect of
//! clients writes what the client has declared.

use std::collections::{BTreeMap, BTreeSet};

use domain::canon::{Answer, Block, Chunk, Delta, Json, Loss, Opened, Request, Tool, ToolKind};

use super::codec::{Malformed, ReadStream};
use super::functions::{FREE_SCHEMA, IN_WORDS, arguments, with_format};
use crate::json::{Document, Kind};
use crate::sse::Frame;

/// The names of a request's tools that take free text.
#[derive(Clone, Debug, Default)]
pub struct Customs(BTreeSet<String>);

impl Customs {
    /// Those that `request` declares.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let tools = request.tools.iter();
        let customs = tools.filter(|tool| matches!(tool.kind, ToolKind::Custom { .. }));
        Self(customs.map(|tool| tool.name.clone()).collect())
    }

    /// Makes free-form calls of the functions that stood for them.
    pub fn restore(&self, answer: &mut Answer) {
        let choices = answer.choices.iter_mut();
        for block in choices.flat_map(|choice| &mut choice.content) {
            if let Block::ToolCall(call) = block
                && !call.custom
                && self.0.contains(&call.name)
            {
                call.custom = true;
                if let Some(text) = free_text(&call.arguments) {
                    call.arguments = text;
                }
            }
        }
    }

    /// The same of a stream: such a call's text comes once it is whole.
    #[must_use]
    pub fn reading(self, reader: Box<dyn ReadStream>) -> Box<dyn ReadStream> {
        if self.0.is_empty() {
            return reader;
        }
        Box::new(Restoring {
            reader,
            customs: self,
            open: BTreeMap::new(),
            read: Vec::new(),
        })
    }
}

/// The request with a function for each tool of free text, for targets whose
/// dialect knows such tools and that do not; none where it has no such tool.
#[must_use]
pub fn without_free_text(request: &Request) -> Option<(Request, Vec<Loss>)> {
    let is_free = |tool: &Tool| matches!(tool.kind, ToolKind::Custom { .. });
    let mut blocks = request.messages.iter().flat_map(|message| &message.content);
    let is_called = |block: &Block| matches!(block, Block::ToolCall(call) if call.custom);
    if !request.tools.iter().any(is_free) && !blocks.any(is_called) {
        return None;
    }
    let (mut told, mut losses) = (request.clone(), Vec::new());
    for (at, tool) in told.tools.iter_mut().enumerate() {
        let ToolKind::Custom { format } = &tool.kind else {
            continue;
        };
        if let Some(format) = format {
            let said = tool.description.as_deref().unwrap_or_default();
            tool.description = Some(with_format(said, format));
            losses.push(Loss::hint(format!("tools[{at}].format"), IN_WORDS));
        }
        tool.kind = ToolKind::Function {
            schema: Some(Json::trusted(FREE_SCHEMA)),
        };
    }
    let blocks = told.messages.iter_mut();
    for block in blocks.flat_map(|message| &mut message.content) {
        match block {
            Block::ToolCall(call) if call.custom => {
                call.arguments = arguments(call).into_owned();
                call.custom = false;
            }
            Block::ToolResult(result) => result.custom = false,
            _ => {}
        }
    }
    Some((told, losses))
}

/// Reads a stream, and makes free-form calls of functions.
#[derive(Debug)]
struct Restoring {
    reader: Box<dyn ReadStream>,
    customs: Customs,
    /// The arguments so far of calls that are open, by choice and block.
    open: BTreeMap<(u32, u32), String>,
    read: Vec<Chunk>,
}

impl Restoring {
    fn pass(&mut self, out: &mut Vec<Chunk>) {
        for mut chunk in std::mem::take(&mut self.read) {
            match &mut chunk {
                Chunk::Open {
                    choice,
                    block,
                    opened: Opened::ToolCall { name, custom, .. },
                } if !*custom && self.customs.0.contains(name) => {
                    *custom = true;
                    self.open.insert((*choice, *block), String::new());
                }
                Chunk::Grow {
                    choice,
                    block,
                    delta: Delta::Arguments(more),
                } if let Some(held) = self.open.get_mut(&(*choice, *block)) => {
                    held.push_str(more);
                    continue;
                }
                Chunk::Close { choice, block } => {
                    let (choice, block) = (*choice, *block);
                    if let Some(held) = self.open.remove(&(choice, block)) {
                        let text = free_text(&held).unwrap_or(held);
                        let delta = Delta::Arguments(text);
                        out.push(Chunk::Grow {
                            choice,
                            block,
                            delta,
                        });
                    }
                }
                _ => {}
            }
            out.push(chunk);
        }
    }
}

impl ReadStream for Restoring {
    fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let read = self.reader.push(frame, &mut self.read);
        self.pass(out);
        read
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        self.reader.finish(&mut self.read);
        self.pass(out);
    }
}

/// The one text in an object.
fn free_text(arguments: &str) -> Option<String> {
    let document = Document::parse(arguments.as_bytes().to_vec().into(), 64).ok()?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return None;
    }
    let only = || {
        let mut values = root.entries().map(|(_, _, value)| value);
        let first = values.next();
        first.filter(|_| values.next().is_none())
    };
    let text = root.get("input").or_else(only)?.str()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use domain::canon::{Message, Role, ToolCall};

    use super::*;

    #[test]
    fn tools_of_free_text_and_their_calls_become_functions() {
        assert!(
            without_free_text(&Request {
                tools: vec![Tool::new("a", ToolKind::Function { schema: None })],
                ..Request::default()
            })
            .is_none()
        );
        let format = Json::trusted(r#"{"type":"grammar"}"#);
        let custom = Tool::new(
            "patch",
            ToolKind::Custom {
                format: Some(format),
            },
        );
        let call = ToolCall {
            id: "1".to_owned(),
            name: "patch".to_owned(),
            arguments: "*** \"x\"".to_owned(),
            custom: true,
            signature: None,
            cache: None,
        };
        let request = Request {
            tools: vec![Tool::new("a", ToolKind::Function { schema: None }), custom],
            messages: vec![Message::new(Role::Assistant, vec![Block::ToolCall(call)])],
            ..Request::default()
        };
        let (told, losses) = without_free_text(&request).expect("it has one");
        assert_eq!(told.tools[0], request.tools[0]);
        let ToolKind::Function {
            schema: Some(schema),
        } = &told.tools[1].kind
        else {
            panic!("{:?}", told.tools[1].kind);
        };
        assert_eq!(schema.as_str(), FREE_SCHEMA);
        assert!(
            told.tools[1]
                .description
                .as_deref()
                .unwrap_or_default()
                .contains("grammar")
        );
        let Block::ToolCall(called) = &told.messages[0].content[0] else {
            panic!("{:?}", told.messages[0]);
        };
        assert_eq!(
            (called.arguments.as_str(), called.custom),
            (r#"{"input":"*** \"x\""}"#, false)
        );
        assert_eq!(
            losses
                .iter()
                .map(|it| it.field.as_str())
                .collect::<Vec<_>>(),
            ["tools[1].format"]
        );
    }
}
