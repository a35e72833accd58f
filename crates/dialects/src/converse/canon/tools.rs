//! Tools as Bedrock declares them, and the choice among them.

use std::collections::BTreeSet;

use domain::canon::{Block, Dialect, Json, Loss, Request, Tool, ToolChoice, ToolKind};
use domain::traits::Forced;

use super::ANSWER_TOOL;
use super::fields::text;
use super::pieces::{Pen, point};
use crate::anthropic::canon::format::Shape;
use crate::anthropic::canon::schema;
use crate::json::{Array, Object};
use crate::translate::functions::{ONLY_ASKED, asked_to_call};

/// Strict tools are compiled; there are no more than so many.
const MOST_STRICT: usize = 20;

/// The choice, as far as Bedrock knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Auto,
    Any,
    Named(String),
}

/// The tools of a request, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Tools {
    declared: Vec<String>,
    /// Whether schemas of strict tools are enforced.
    enforces: bool,
    /// The choice; none if it goes without saying.
    choice: Option<Choice>,
    /// Whether Claude is told, in its own words, to call one at a time.
    pub(super) is_single: bool,
    /// Whether the model must be told in words to call none: Bedrock has no
    /// such choice, and wants the tools of the conversation declared.
    pub(super) is_hushed: bool,
    /// What a model is told that cannot be forced to call a tool.
    demand: Option<String>,
}

impl Tools {
    /// Of a request whose answer takes this shape. `uses` says whether the
    /// conversation itself calls or answers tools.
    pub(super) fn of(request: &Request, shape: &Shape, uses: Use, pen: &mut Pen<'_>) -> Self {
        let mut tools = Self::default();
        let is_none = request.tool_choice == Some(ToolChoice::None);
        if is_none && uses == Use::Never {
            // Who offers no tool gets no call.
            tools.answer_by(shape);
            return tools;
        }
        let allowed = match &request.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) => Some(names),
            _ => None,
        };
        let strict = request.tools.iter().filter(|it| it.strict == Some(true));
        tools.enforces = pen.model.0.schemas && strict.count() <= MOST_STRICT;
        for (index, tool) in request.tools.iter().enumerate() {
            if allowed.is_none_or(|names| names.contains(&tool.name)) {
                let at = format!("tools[{index}]");
                tools.declare(tool, &at, pen);
            }
        }
        let own = tools.declared.len();
        if own == 0 && uses == Use::Somewhere {
            // Calls in the conversation want tools beside them.
            tools.declared = called(request, pen);
            tools.is_hushed = true;
        }
        if is_none {
            tools.is_hushed = true;
        }
        if own > 0 && !is_none {
            tools.choice = choice(request);
        }
        tools.fit(request, pen);
        if !tools.answer_by(shape) {
            tools.singly(request, own, pen);
        }
        if tools.is_hushed && tools.choice.is_none() {
            let why = "Bedrock must be offered the tools: the model is asked in words to call none";
            pen.losses.push(Loss::hint("tool_choice", why));
        }
        tools
    }

    fn declare(&mut self, tool: &Tool, at: &str, pen: &mut Pen<'_>) {
        let written = match &tool.kind {
            ToolKind::Function { schema } => self.function(tool, schema.as_ref(), at, pen),
            ToolKind::Custom { format } => custom(tool, format.as_ref(), at, pen),
            ToolKind::BuiltIn(foreign) => {
                let why = format!("Bedrock runs no `{}`", foreign.name);
                pen.losses.push(Loss::hint(at, why));
                return;
            }
        };
        self.declared.push(written);
        for member in tool.unsaid(Dialect::Converse) {
            let field = format!("{at}.{}", member.name);
            pen.losses
                .push(Loss::hint(field, "Bedrock knows no such member"));
        }
        let Some(mark) = &tool.cache else {
            return;
        };
        if pen.model.caches_tools() {
            self.declared.push(text(crate::json::object(|o| {
                o.raw("cachePoint", &point(mark, &pen.model));
            })));
        } else {
            let field = format!("{at}.cache_control");
            let why = "the model knows no cache points among tools";
            pen.losses.push(Loss::hint(field, why));
        }
    }

    fn function(&self, tool: &Tool, schema: Option<&Json>, at: &str, pen: &mut Pen<'_>) -> String {
        let (mut input, is_bent) = schema::of_input(schema.map(Json::as_str));
        if is_bent {
            let field = format!("{at}.parameters");
            let why = "a tool's input must be one object";
            pen.losses.push(Loss::meaning(field, why));
        }
        let wants = tool.strict == Some(true);
        let adapted = (self.enforces && wants)
            .then(|| schema::adapt(&input))
            .flatten();
        let strict = adapted.is_some().then_some(true);
        if let Some(adapted) = adapted {
            input = adapted.schema;
        } else if wants {
            let field = format!("{at}.strict");
            let why = "the schema is not one that can be enforced";
            pen.losses.push(Loss::hint(field, why));
        }
        let name = pen.names.outward(&tool.name);
        spec(name, tool.description.as_deref(), &input, strict)
    }

    /// Brings the choice to what the model takes.
    fn fit(&mut self, request: &Request, pen: &mut Pen<'_>) {
        let is_declared = |name: &str| {
            let found = request.tools.iter().find(|tool| tool.name == name);
            found.is_some_and(|tool| !matches!(tool.kind, ToolKind::BuiltIn(_)))
        };
        self.choice = match self.choice.take() {
            Some(Choice::Named(name)) if !is_declared(&name) => {
                let why = "Bedrock gets no such tool";
                pen.losses.push(Loss::meaning("tool_choice", why));
                None
            }
            Some(Choice::Named(name)) if pen.model.0.forces == Forced::Named => {
                Some(Choice::Named(pen.names.outward(&name).to_owned()))
            }
            Some(Choice::Any) if pen.model.0.forces >= Forced::Any => Some(Choice::Any),
            // Who knows no other choice may not know this one.
            Some(Choice::Auto) => (pen.model.0.forces >= Forced::Any).then_some(Choice::Auto),
            Some(forced) => {
                let name = match &forced {
                    Choice::Named(name) => Some(pen.names.outward(name)),
                    _ => None,
                };
                self.demand = Some(asked_to_call(name));
                pen.losses.push(Loss::hint("tool_choice", ONLY_ASKED));
                None
            }
            None => None,
        };
    }

    /// Adds the tool that is the answer, if it is one.
    fn answer_by(&mut self, shape: &Shape) -> bool {
        let Shape::Tool(schema) = shape else {
            return false;
        };
        self.choice = Some(match self.declared.is_empty() || self.is_hushed {
            true => Choice::Named(ANSWER_TOOL.to_owned()),
            false => Choice::Any,
        });
        self.declared.push(text(crate::json::object(|o| {
            o.object("toolSpec", |o| {
                o.string("name", ANSWER_TOOL);
                let description = "Give the answer by calling this tool, once.";
                o.string("description", description);
                o.object("inputSchema", |o| {
                    o.raw("json", schema);
                });
            });
        })));
        self.is_hushed = false;
        true
    }

    /// One call at a time: new Claudes take it, in their own words.
    fn singly(&mut self, request: &Request, own: usize, pen: &mut Pen<'_>) {
        if request.parallel_tools != Some(false) || own == 0 || self.is_hushed {
            return;
        }
        // A choice said in both words would be a contradiction.
        if pen.model.is_new_claude() && !self.is_forced() {
            self.is_single = true;
            self.choice = None;
            return;
        }
        let why = "Bedrock lets the model call as many tools as it likes";
        pen.losses.push(Loss::hint("parallel_tool_calls", why));
    }

    /// Whether a tool must be called.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.choice, Some(Choice::Any | Choice::Named(_)))
    }

    /// Writes `toolConfig`.
    pub(super) fn put(&self, o: &mut Object<'_>) {
        if self.declared.is_empty() {
            return;
        }
        o.object("toolConfig", |o| {
            o.array("tools", |a: &mut Array<'_>| {
                for tool in &self.declared {
                    a.raw(tool);
                }
            });
            let Some(choice) = &self.choice else {
                return;
            };
            o.object("toolChoice", |o| {
                match choice {
                    Choice::Auto => o.object("auto", |_| {}),
                    Choice::Any => o.object("any", |_| {}),
                    Choice::Named(name) => o.object("tool", |o| {
                        o.string("name", name);
                    }),
                };
            });
        });
    }
}

/// Whether a conversation calls or answers tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Somewhere in it.
    Somewhere,
    /// Nowhere.
    Never,
}

/// What the client said of it.
fn choice(request: &Request) -> Option<Choice> {
    match request.tool_choice.as_ref()? {
        ToolChoice::None => None,
        ToolChoice::Auto | ToolChoice::Allowed { must: false, .. } => Some(Choice::Auto),
        ToolChoice::Any | ToolChoice::Allowed { must: true, .. } => Some(Choice::Any),
        ToolChoice::Named(name) => Some(Choice::Named(name.clone())),
    }
}

/// Tools that the conversation calls and nobody declares.
fn called(request: &Request, pen: &Pen<'_>) -> Vec<String> {
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    let called: BTreeSet<&str> = blocks
        .filter_map(|block| match block {
            Block::ToolCall(call) => Some(pen.names.outward(&call.name)),
            _ => None,
        })
        .collect();
    let declare = |name: &str| spec(name, None, r#"{"type":"object"}"#, None);
    called.into_iter().map(declare).collect()
}

fn spec(name: &str, description: Option<&str>, schema: &str, strict: Option<bool>) -> String {
    let description = description.filter(|text| !text.trim().is_empty());
    text(crate::json::object(|o| {
        o.object("toolSpec", |o| {
            o.string("name", name);
            if let Some(description) = description {
                o.string("description", description);
            }
            o.object("inputSchema", |o| {
                o.raw("json", schema);
            });
            if let Some(strict) = strict {
                o.bool("strict", strict);
            }
        });
    }))
}

/// A tool that takes free text takes it as its one member.
fn custom(tool: &Tool, format: Option<&Json>, at: &str, pen: &mut Pen<'_>) -> String {
    let mut description = tool.description.clone().unwrap_or_default();
    let format = format.map(Json::as_str).filter(|it| it.contains("grammar"));
    if let Some(format) = format {
        let field = format!("{at}.format");
        let why = "the grammar is told the model in words alone";
        pen.losses.push(Loss::hint(field, why));
        description.push_str("\nThe input must follow this grammar:\n");
        description.push_str(format);
    }
    let input =
        r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
    let name = pen.names.outward(&tool.name);
    spec(name, Some(&description), input, None)
}

/// Whether the schema's shape is such that Bedrock itself enforces it.
pub(super) fn native(shape: &Shape) -> Option<&str> {
    match shape {
        Shape::Native(schema) => Some(schema),
        _ => None,
    }
}

/// What the model is told beside the operator's words. Where a call is demanded,
/// the form of an answer in words is not in question.
pub(super) fn told<'a>(shape: &'a Shape, tools: &'a Tools) -> Vec<&'a str> {
    if let Some(demand) = &tools.demand {
        return vec![demand];
    }
    let words = match shape {
        Shape::Told(words) => Some(words.as_str()),
        _ => None,
    };
    let hush = tools.is_hushed.then_some("Do not call any tool now.");
    words.into_iter().chain(hush).collect()
}
