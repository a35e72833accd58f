//! The table of routes: what a path asks for, and in which dialect.

use dialects::Operation;
use dialects::gemini::canon::embedding::Form;
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use http::{Method, Uri};
use http1::Fields;

use super::Passage;
use super::kept::{self, About, Kept};
use super::segment::decoded;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An operation of `OpenAI`'s dialect.
    Ask(Operation),
    /// A conversation in another dialect.
    Converse(Conversation),
    /// The list of models, or one of them.
    Models(Listing),
    /// An answer that the gateway keeps.
    Kept(Kept),
    /// A provider, as it is.
    Pass(Passage),
}

/// Models that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// One of them; all where none is named.
    pub name: Option<String>,
    /// The query as it came: each dialect has pages of its own.
    pub query: String,
}

/// A conversation in another dialect, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub dialect: Dialect,
    /// The model, where the path names it.
    pub model: Option<String>,
    /// How the answer is wanted.
    pub wish: Wish,
}

/// How an answer is wanted, where the path says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The body says it.
    AsAsked,
    /// As one document.
    Whole,
    /// As events.
    Streamed,
    /// As one JSON array, an event an item (Gemini without `alt=sse`).
    Array,
    /// Not at all: only the prompt's tokens are counted.
    Counted,
    /// Vectors are wanted.
    Embedded(Form),
}

impl Conversation {
    fn of(dialect: Dialect, wish: Wish) -> Target {
        Target::Converse(Self {
            dialect,
            model: None,
            wish,
        })
    }
}

/// The dialect of a request's answer, errors included: by the path, and on
/// paths that dialects share by what only one of them sends.
pub(crate) fn dialect(uri: &Uri, fields: &Fields) -> Dialect {
    let path = uri.path();
    match route(path) {
        Ok((_, Target::Converse(conversation))) => conversation.dialect,
        Ok((_, Target::Ask(_))) => Dialect::OpenAi,
        Ok((_, Target::Kept(_))) => Dialect::Responses,
        Ok((_, Target::Models(_) | Target::Pass(_))) | Err(_) => {
            let has_key = uri.query().is_some_and(|query| key(query).is_some());
            if fields.has("anthropic-version") {
                Dialect::Anthropic
            } else if has_key || fields.has("x-goog-api-key") || path.starts_with("/v1beta/") {
                Dialect::Gemini
            } else {
                Dialect::OpenAi
            }
        }
    }
}

/// The key in a query, as Gemini's clients may send it.
fn key(query: &str) -> Option<&str> {
    let mut parts = query.split('&');
    parts.find_map(|part| part.strip_prefix("key=").filter(|key| !key.is_empty()))
}

/// The table of routes. `/v1` may be left out: clients differ in what their
/// base URL contains.
pub(crate) fn route(path: &str) -> Result<(Method, Target), Refusal> {
    if let Some(passage) = Passage::at(path) {
        return Ok((Method::GET, Target::Pass(passage)));
    }
    let rest = ["/v1beta", "/v1"]
        .iter()
        .find_map(|version| path.strip_prefix(version))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    let found = match rest {
        "/chat/completions" => (Method::POST, Target::Ask(Operation::Chat)),
        "/completions" => (Method::POST, Target::Ask(Operation::Completion)),
        "/embeddings" => (Method::POST, Target::Ask(Operation::Embedding)),
        "/responses" => (
            Method::POST,
            Conversation::of(Dialect::Responses, Wish::AsAsked),
        ),
        "/responses/input_tokens" => (
            Method::POST,
            Conversation::of(Dialect::Responses, Wish::Counted),
        ),
        "/messages" => (
            Method::POST,
            Conversation::of(Dialect::Anthropic, Wish::AsAsked),
        ),
        "/messages/count_tokens" => (
            Method::POST,
            Conversation::of(Dialect::Anthropic, Wish::Counted),
        ),
        "/models" => (Method::GET, Target::Models(Listing::default())),
        "/responses/compact" => return Err(no_compaction()),
        _ if rest.starts_with("/responses/") => kept::at(rest)?,
        _ if rest.split('/').nth(1) == Some("conversations") => return Err(no_conversations()),
        _ => match rest.strip_prefix("/models/").filter(|id| !id.is_empty()) {
            Some(id) => model(&decoded(id)?),
            None => {
                return Err(Refusal::new(
                    Reason::UnknownRoute,
                    "There is nothing at this path. Use /v1/chat/completions, /v1/completions, \
                     /v1/embeddings, /v1/responses, /v1/messages, /v1beta/models/{model}:generateContent or \
                     /v1/models.",
                ));
            }
        },
    };
    Ok(found)
}

fn no_conversations() -> Refusal {
    let sentence = "This gateway has no `conversation` objects. Go on from an answer with \
                    `previous_response_id` at /v1/responses instead.";
    Refusal::new(Reason::UnknownRoute, sentence)
}

/// What it gives can be read by the account alone that it was made for.
fn no_compaction() -> Refusal {
    let sentence = "This gateway compacts no conversations: what comes of it is sealed for one \
                    provider. Begin a new one with a summary, or ask a provider that speaks \
                    Responses itself, at /providers/{name}/v1/responses/compact where your \
                    gateway's operator has switched `pass_through` on.";
    Refusal::new(Reason::UnknownRoute, sentence)
}

/// The method that is right, where a path has more than one.
pub(crate) fn method(usual: Method, target: &mut Target, asked: &Method) -> Method {
    match target {
        Target::Kept(kept) if kept.about == About::Answer && *asked == Method::DELETE => {
            kept.about = About::Forget;
            Method::DELETE
        }
        // The provider knows which it wants.
        Target::Pass(passage) => {
            passage.method = asked.clone();
            asked.clone()
        }
        _ => usual,
    }
}

/// What a query adds to it: Gemini's clients say there that they want events,
/// and may bring their key.
///
/// # Errors
/// It says of a kept answer what makes no sense.
pub(crate) fn query(target: &mut Target, query: &str, fields: &mut Fields) -> Result<(), Refusal> {
    match target {
        Target::Ask(_) => return Ok(()),
        Target::Kept(kept) => return kept.about.say(query),
        Target::Converse(conversation) if conversation.dialect != Dialect::Gemini => return Ok(()),
        Target::Converse(conversation) => {
            if conversation.wish == Wish::Array && query.split('&').any(|part| part == "alt=sse") {
                conversation.wish = Wish::Streamed;
            }
        }
        Target::Models(listing) => query.clone_into(&mut listing.query),
        Target::Pass(passage) => passage.query = Some(providers::query(query)),
    }
    if let Some(key) = key(query) {
        fields.add("x-goog-api-key", key);
    }
    Ok(())
}

/// What Gemini's clients may ask of a model, each behind a colon.
const WISHES: [(&str, Wish); 5] = [
    ("generateContent", Wish::Whole),
    ("streamGenerateContent", Wish::Array),
    ("countTokens", Wish::Counted),
    ("embedContent", Wish::Embedded(Form::One)),
    ("batchEmbedContents", Wish::Embedded(Form::Many)),
];

/// What else somebody asks of a model, if that is what this is: a model's name
/// may hold a colon, and is only ever got.
pub(crate) fn unknown_wish(target: &Target, method: &Method) -> Option<Refusal> {
    let Target::Models(Listing {
        name: Some(text), ..
    }) = target
    else {
        return None;
    };
    let (_, word) = text.rsplit_once(':').filter(|_| *method == Method::POST)?;
    let there: Vec<String> = WISHES
        .iter()
        .map(|(word, _)| format!("`:{word}`"))
        .collect();
    let sentence = format!(
        "Nothing is asked of a model by `:{word}`; there are {}.",
        there.join(", ")
    );
    Some(Refusal::new(Reason::UnknownRoute, sentence))
}

/// A model, or what Gemini's clients ask of it behind its last colon.
fn model(text: &str) -> (Method, Target) {
    let asked = text.rsplit_once(':').and_then(|(model, word)| {
        let (_, wish) = WISHES.iter().find(|(known, _)| *known == word)?;
        Some((model, *wish))
    });
    match asked {
        Some((model, wish)) => (
            Method::POST,
            Target::Converse(Conversation {
                dialect: Dialect::Gemini,
                model: Some(model.to_owned()),
                wish,
            }),
        ),
        None => (Method::GET, named(text)),
    }
}

fn named(model: &str) -> Target {
    Target::Models(Listing {
        name: Some(model.to_owned()),
        query: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_with_or_without_v1_finds_the_same_route() {
        for path in ["/v1/chat/completions", "/chat/completions"] {
            let (_, found) = route(path).expect("a route");
            assert_eq!(found, Target::Ask(Operation::Chat));
        }
    }

    #[test]
    fn a_model_id_with_a_slash_is_decoded_once() {
        let (_, plain) = route("/v1/models/openai/gpt-4o").expect("a route");
        let (_, encoded) = route("/v1/models/openai%2Fgpt-4o").expect("a route");
        assert_eq!(plain, encoded);
        let (_, twice) = route("/v1/models/a%252Fb").expect("a route");
        assert_eq!(twice, named("a%2Fb"));
    }

    #[test]
    fn gemini_asks_behind_the_last_colon() {
        for version in ["/v1", "/v1beta"] {
            let path = format!("{version}/models/llama3:8b:streamGenerateContent");
            let (method, found) = route(&path).expect("a route");
            let wanted = Conversation {
                dialect: Dialect::Gemini,
                model: Some("llama3:8b".to_owned()),
                wish: Wish::Array,
            };
            assert_eq!((method, found), (Method::POST, Target::Converse(wanted)));
        }
        let (_, model) = route("/v1/models/llama3:8b").expect("a route");
        assert_eq!(model, named("llama3:8b"));
    }

    #[test]
    fn a_kept_answer_is_got_or_forgotten() {
        let (method, mut got) = route("/v1/responses/resp_1").expect("a route");
        assert_eq!(method, Method::GET);
        let deleted = super::method(method, &mut got, &Method::DELETE);
        assert_eq!(deleted, Method::DELETE);
        assert!(matches!(
            got,
            Target::Kept(Kept {
                about: About::Forget,
                ..
            })
        ));
        assert!(route("/v1/conversations").is_err());
    }

    #[test]
    fn nothing_is_compacted_and_the_refusal_says_where_it_is() {
        for path in ["/v1/responses/compact", "/responses/compact"] {
            let refusal = route(path).expect_err("no route");
            assert_eq!(refusal.reason, Reason::UnknownRoute);
            let place = "/providers/{name}/v1/responses/compact";
            assert!(refusal.message.contains(place), "{}", refusal.message);
        }
    }

    #[test]
    fn gemini_asks_for_vectors_at_either_version() {
        for (word, form) in [
            ("embedContent", Form::One),
            ("batchEmbedContents", Form::Many),
        ] {
            for version in ["/v1", "/v1beta"] {
                let path = format!("{version}/models/openai/e-3:{word}");
                let (method, found) = route(&path).expect("a route");
                let wanted = Conversation {
                    dialect: Dialect::Gemini,
                    model: Some("openai/e-3".to_owned()),
                    wish: Wish::Embedded(form),
                };
                assert_eq!((method, found), (Method::POST, Target::Converse(wanted)));
            }
        }
    }

    #[test]
    fn an_unknown_wish_says_which_there_are() {
        let (_, target) = route("/v1beta/models/llama3:8b:frob").expect("a route");
        let refusal = unknown_wish(&target, &Method::POST).expect("no wish");
        assert_eq!(refusal.reason, Reason::UnknownRoute);
        assert!(refusal.message.contains("`:frob`") && refusal.message.contains("`:countTokens`"));
        assert!(unknown_wish(&target, &Method::GET).is_none());
        let (_, plain) = route("/v1beta/models/m").expect("a route");
        assert!(unknown_wish(&plain, &Method::POST).is_none());
    }

    #[test]
    fn an_unknown_path_says_what_there_is() {
        let refusal = route("/v2/chat").expect_err("no route");
        assert_eq!(refusal.reason, Reason::UnknownRoute);
        assert!(refusal.message.contains("/v1/chat/completions"));
    }
}
