//! Tools as Anthropic declares them, and the choice among them.

use std::collections::BTreeSet;

use domain::canon::{Block, Dialect, Json, Loss, Request, Tool, ToolChoice, ToolKind, Unknown};
use domain::traits::{Forced, Traits};

use super::fields::text;
use super::format::Shape;
use super::pieces::put_cache;
use super::{ANSWER_TOOL, schema};
use crate::json::{Array, Object};
use crate::translate::Names;
use crate::translate::functions::{ONLY_ASKED, asked_to_call};
use crate::translate::hosted::{Hosted, Search, hosted};

/// Anthropic compiles no more than so many strict tools.
const MOST_STRICT: usize = 20;

/// The search that every model with tools has, and what it is called by.
/// Source: <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/web-search-tool>.
const SEARCH: &str = "web_search_20250305";
const SEARCH_NAME: &str = "web_search";

/// The choice, as far as Anthropic knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    None,
    Any,
    Named(String),
}

impl Choice {
    /// Whether a tool must be called.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self, Self::Any | Self::Named(_))
    }
}

/// The tools of a request, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Tools {
    declared: Vec<String>,
    /// The choice; none if it goes without saying.
    pub(super) choice: Option<Choice>,
    /// What a model is told that cannot be forced to call a tool.
    pub(super) demand: Option<String>,
    is_single: bool,
}

impl Tools {
    /// Of a request whose answer takes this shape.
    pub(super) fn of(
        request: &Request,
        shape: &Shape,
        traits: &Traits,
        names: &Names,
        losses: &mut Vec<Loss>,
    ) -> Self {
        let mut tools = Self::default();
        let allowed = match &request.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) => Some(names),
            _ => None,
        };
        let is_strict = traits.schemas && strict(request) <= MOST_STRICT;
        for (index, tool) in request.tools.iter().enumerate() {
            if allowed.is_none_or(|names| names.contains(&tool.name)) {
                let at = format!("tools[{index}]");
                let pen = ToolPen {
                    names,
                    traits,
                    is_strict,
                };
                tools.declared.extend(pen.tool(tool, &at, losses));
            }
        }
        let own = tools.declared.len();
        let is_declared = |name: &str| {
            let found = request.tools.iter().find(|tool| tool.name == name);
            found.is_some_and(|tool| !is_foreign(tool, traits))
        };
        if let Shape::Tool(schema) = shape {
            tools.declared.push(answer_tool(schema));
        }
        tools.choice = choice(request, shape, own);
        if tools.declared.is_empty() {
            // Calls in the conversation want tools beside them.
            tools.declared = called(request, names);
            tools.choice = (!tools.declared.is_empty()).then_some(Choice::None);
        }
        if let Some(Choice::Named(name)) = &tools.choice
            && name != ANSWER_TOOL
            && !is_declared(name)
        {
            losses.push(Loss::meaning("tool_choice", "Anthropic gets no such tool"));
            tools.choice = Some(Choice::Auto);
        }
        if traits.forces == Forced::Nothing && tools.choice.as_ref().is_some_and(Choice::is_forced)
        {
            let name = match &tools.choice {
                Some(Choice::Named(name)) => Some(names.outward(name)),
                _ => None,
            };
            tools.demand = Some(asked_to_call(name));
            losses.push(Loss::hint("tool_choice", ONLY_ASKED));
            tools.choice = Some(Choice::Auto);
        }
        if let Some(Choice::Named(name)) = &mut tools.choice
            && name != ANSWER_TOOL
        {
            let found = request.tools.iter().find(|tool| tool.name == *name);
            let is_search = found.is_some_and(|tool| foreign_search(tool, traits).is_some());
            let outward = if is_search {
                SEARCH_NAME
            } else {
                names.outward(name)
            };
            *name = outward.to_owned();
        }
        tools.is_single = request.parallel_tools == Some(false) && own > 0;
        tools
    }

    /// Whether a tool must be called.
    pub(super) fn is_forced(&self) -> bool {
        self.choice.as_ref().is_some_and(Choice::is_forced)
    }

    /// Writes `tools` and `tool_choice`.
    pub(super) fn put(&self, o: &mut Object<'_>) {
        if self.declared.is_empty() {
            return;
        }
        o.array("tools", |a: &mut Array<'_>| {
            for tool in &self.declared {
                a.raw(tool);
            }
        });
        let choice = match &self.choice {
            None if self.is_single => &Choice::Auto,
            None => return,
            Some(choice) => choice,
        };
        o.object("tool_choice", |o| {
            let kind = match choice {
                Choice::Auto => "auto",
                Choice::None => "none",
                Choice::Any => "any",
                Choice::Named(_) => "tool",
            };
            o.string("type", kind);
            if let Choice::Named(name) = choice {
                o.string("name", name);
            }
            if self.is_single && *choice != Choice::None {
                o.bool("disable_parallel_tool_use", true);
            }
        });
    }
}

/// Whether only another provider runs it.
fn is_foreign(tool: &Tool, traits: &Traits) -> bool {
    let is_own = matches!(&tool.kind, ToolKind::BuiltIn(own) if own.dialect == Dialect::Anthropic);
    matches!(tool.kind, ToolKind::BuiltIn(_)) && !is_own && foreign_search(tool, traits).is_none()
}

/// How another provider's tool searches the web, if it does. Anthropic's own
/// readers and runners want a beta header, which is the client's to send.
fn foreign_search(tool: &Tool, traits: &Traits) -> Option<Search> {
    match &tool.kind {
        _ if !traits.searches => None,
        ToolKind::BuiltIn(own) if own.dialect == Dialect::Anthropic => None,
        ToolKind::BuiltIn(foreign) => match hosted(foreign)? {
            Hosted::Search(search) => Some(search),
            Hosted::Fetch | Hosted::Run => None,
        },
        ToolKind::Function { .. } | ToolKind::Custom { .. } => None,
    }
}

fn strict(request: &Request) -> usize {
    let strict = request
        .tools
        .iter()
        .filter(|tool| tool.strict == Some(true));
    strict.count()
}

fn choice(request: &Request, shape: &Shape, own: usize) -> Option<Choice> {
    let by_tool = matches!(shape, Shape::Tool(_));
    let answer = || Some(Choice::Named(ANSWER_TOOL.to_owned()));
    if own == 0 {
        return if by_tool { answer() } else { None };
    }
    match &request.tool_choice {
        Some(ToolChoice::None) if by_tool => answer(),
        None | Some(ToolChoice::Auto) if by_tool => Some(Choice::Any),
        Some(ToolChoice::Allowed { must: false, .. }) if by_tool => Some(Choice::Any),
        None => None,
        Some(ToolChoice::Auto | ToolChoice::Allowed { must: false, .. }) => Some(Choice::Auto),
        Some(ToolChoice::None) => Some(Choice::None),
        Some(ToolChoice::Any | ToolChoice::Allowed { must: true, .. }) => Some(Choice::Any),
        Some(ToolChoice::Named(name)) => Some(Choice::Named(name.clone())),
    }
}

fn answer_tool(schema: &str) -> String {
    text(crate::json::object(|o| {
        o.string("name", ANSWER_TOOL);
        o.string("description", "Give the answer by calling this tool, once.");
        o.raw("input_schema", schema);
    }))
}

/// Tools that the conversation calls and nobody declares.
fn called(request: &Request, names: &Names) -> Vec<String> {
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    let called: BTreeSet<&str> = blocks
        .filter_map(|block| match block {
            Block::ToolCall(call) => Some(names.outward(&call.name)),
            _ => None,
        })
        .collect();
    let declare = |name: &str| {
        text(crate::json::object(|o| {
            o.string("name", name);
            o.raw("input_schema", r#"{"type":"object"}"#);
        }))
    };
    called.into_iter().map(declare).collect()
}

struct ToolPen<'a> {
    names: &'a Names,
    traits: &'a Traits,
    is_strict: bool,
}

impl ToolPen<'_> {
    fn tool(&self, tool: &Tool, at: &str, losses: &mut Vec<Loss>) -> Option<String> {
        let own = |it: &&Unknown| it.dialect == Dialect::Anthropic;
        if let Some(declared) = tool.declared.as_ref().filter(own) {
            return Some(declared.raw.as_str().to_owned());
        }
        match &tool.kind {
            ToolKind::Function { schema } => Some(self.function(tool, schema.as_ref(), at, losses)),
            ToolKind::Custom { format } => Some(self.custom(tool, format.as_ref(), at, losses)),
            ToolKind::BuiltIn(own) if own.dialect == Dialect::Anthropic => {
                Some(own.raw.as_str().to_owned())
            }
            ToolKind::BuiltIn(foreign) => {
                let search = foreign_search(tool, self.traits);
                let search = search.map(|search| self.search(&search, at, losses));
                if search.is_none() {
                    let why = format!("Anthropic runs no `{}`", foreign.name);
                    // A tool that is not offered is not missed by a conversation;
                    // who insists on it loses its choice.
                    losses.push(Loss::hint(at, why));
                }
                search
            }
        }
    }

    /// Anthropic's own search, for another's.
    fn search(&self, search: &Search, at: &str, losses: &mut Vec<Loss>) -> String {
        // It takes one of the two lists.
        let lists = match &search.allowed {
            Some(allowed) => Some(("allowed_domains", allowed)),
            None => search.blocked.as_ref().map(|it| ("blocked_domains", it)),
        };
        let mut said = vec!["user_location", "max_uses"];
        said.extend(lists.map(|(list, _)| list));
        search.losses(at, "Anthropic", &said, losses);
        text(crate::json::object(|o| {
            o.string("type", SEARCH).string("name", SEARCH_NAME);
            if let Some((list, domains)) = lists {
                o.raw(list, domains.as_str());
            }
            if let Some(most) = search.most {
                o.number("max_uses", most);
            }
            search.put_place(o);
        }))
    }

    fn function(
        &self,
        tool: &Tool,
        schema: Option<&Json>,
        at: &str,
        losses: &mut Vec<Loss>,
    ) -> String {
        let (mut input, is_bent) = schema::of_input(schema.map(Json::as_str));
        if is_bent {
            let field = format!("{at}.parameters");
            losses.push(Loss::meaning(field, "a tool's input must be one object"));
        }
        let adapted = (self.is_strict && tool.strict == Some(true))
            .then(|| schema::adapt(&input))
            .flatten();
        let is_strict = adapted.is_some();
        if let Some(adapted) = adapted {
            input = adapted.schema;
        } else if tool.strict == Some(true) {
            let field = format!("{at}.strict");
            losses.push(Loss::hint(
                field,
                "the schema is not one that can be enforced",
            ));
        }
        text(crate::json::object(|o| {
            o.string("name", self.names.outward(&tool.name));
            if let Some(description) = present(tool.description.as_deref()) {
                o.string("description", description);
            }
            o.raw("input_schema", &input);
            // Not to be strict goes without saying.
            if is_strict {
                o.bool("strict", true);
            }
            rest(o, tool, at, losses);
            put_cache(o, tool.cache.as_ref());
        }))
    }

    /// A tool that takes free text takes it as its one member.
    fn custom(
        &self,
        tool: &Tool,
        format: Option<&Json>,
        at: &str,
        losses: &mut Vec<Loss>,
    ) -> String {
        let mut description = tool.description.clone().unwrap_or_default();
        let format = format.map(Json::as_str).filter(|it| it.contains("grammar"));
        if let Some(format) = format {
            let field = format!("{at}.format");
            losses.push(Loss::hint(
                field,
                "the grammar is told the model in words alone",
            ));
            description.push_str("\nThe input must follow this grammar:\n");
            description.push_str(format);
        }
        text(crate::json::object(|o| {
            o.string("name", self.names.outward(&tool.name));
            if let Some(description) = present(Some(&description)) {
                o.string("description", description);
            }
            let input = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
            o.raw("input_schema", input);
            put_cache(o, tool.cache.as_ref());
        }))
    }
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn rest(o: &mut Object<'_>, tool: &Tool, at: &str, losses: &mut Vec<Loss>) {
    let is_own = |member: &&Unknown| member.dialect == Dialect::Anthropic;
    for member in tool.rest.iter().filter(is_own) {
        o.raw(&member.name, member.raw.as_str());
    }
    for member in tool.unsaid(Dialect::Anthropic) {
        let field = format!("{at}.{}", member.name);
        losses.push(Loss::hint(field, "Anthropic knows no such member"));
    }
}
