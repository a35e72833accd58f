//! Tools that providers run themselves: which kind one is, so that another
//! provider may run its own of that kind.

use bytes::Bytes;
use domain::canon::{Json, Loss, Unknown};

use super::fields::{json, member, text, whole};
use crate::json::{Document, Node, Object};

/// Deeper declarations are of no tool that we know.
const MAX_DEPTH: usize = 32;

/// What a provider's own tool does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosted {
    /// It searches the web.
    Search(Search),
    /// It reads a page.
    Fetch,
    /// It runs code that the model writes.
    Run,
}

/// How to search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// Nowhere but there, as an array of domains.
    pub(crate) allowed: Option<Json>,
    /// Everywhere but there, as an array of domains.
    pub(crate) blocked: Option<Json>,
    /// Roughly where the user is: `city`, `region`, `country`, `timezone`, each
    /// with its value.
    pub(crate) place: Vec<(&'static str, Json)>,
    /// How often at most (Anthropic).
    pub(crate) most: Option<u64>,
    /// How much of what is found is read: `low`, `medium`, `high` (`OpenAI`).
    pub(crate) size: bool,
}

/// What a declared tool does; `None` where no other provider has its like.
pub(crate) fn hosted(tool: &Unknown) -> Option<Hosted> {
    let is = |stem: &str| tool.name.starts_with(stem);
    match tool.name.as_str() {
        "googleSearch" | "google_search" => Some(Hosted::Search(Search::default())),
        "codeExecution" | "code_execution" => Some(Hosted::Run),
        "urlContext" | "url_context" => Some(Hosted::Fetch),
        _ if is("web_search") => search(tool).map(Hosted::Search),
        _ if is("web_fetch") => Some(Hosted::Fetch),
        _ if is("code_interpreter") || is("code_execution_") => Some(Hosted::Run),
        _ => None,
    }
}

/// A search that may not leave its provider's own index has no like elsewhere.
fn search(tool: &Unknown) -> Option<Search> {
    let bytes = Bytes::copy_from_slice(tool.raw.as_str().as_bytes());
    let document = Document::parse(bytes, MAX_DEPTH).ok()?;
    let root = document.root();
    let is_live = member(root, "external_web_access").and_then(Node::bool);
    if is_live == Some(false) {
        return None;
    }
    let filters = member(root, "filters").unwrap_or(root);
    let domains = |key: &str| {
        let list = member(filters, key)?;
        list.items().next().map(|_| json(list))
    };
    Some(Search {
        allowed: domains("allowed_domains"),
        blocked: domains("blocked_domains"),
        place: member(root, "user_location").map_or_else(Vec::new, place),
        most: whole(root, "max_uses"),
        size: text(root, "search_context_size").is_some(),
    })
}

fn place(location: Node<'_>) -> Vec<(&'static str, Json)> {
    let location = member(location, "approximate").unwrap_or(location);
    let keys = ["city", "region", "country", "timezone"].into_iter();
    keys.filter_map(|key| Some((key, json(member(location, key)?))))
        .collect()
}

impl Search {
    /// Writes `user_location`, as `OpenAI` and Anthropic have it.
    pub(crate) fn put_place(&self, out: &mut Object<'_>) {
        if self.place.is_empty() {
            return;
        }
        out.object("user_location", |out| {
            out.string("type", "approximate");
            for (key, value) in &self.place {
                out.raw(key, value.as_str());
            }
        });
    }

    /// What of it is not said to `provider`; `field` is the tool's, and `said`
    /// what its writer says. Where to search is a promise, the rest advice.
    pub(crate) fn losses(&self, field: &str, provider: &str, said: &[&str], out: &mut Vec<Loss>) {
        let members = [
            ("allowed_domains", self.allowed.is_some(), true),
            ("blocked_domains", self.blocked.is_some(), true),
            ("user_location", !self.place.is_empty(), false),
            ("max_uses", self.most.is_some(), false),
            ("search_context_size", self.size, false),
        ];
        for (member, is_there, is_promised) in members {
            if !is_there || said.contains(&member) {
                continue;
            }
            let field = format!("{field}.{member}");
            let why = format!("{provider}'s search cannot be told");
            out.push(match is_promised {
                true => Loss::meaning(field, why),
                false => Loss::hint(field, why),
            });
        }
    }
}
