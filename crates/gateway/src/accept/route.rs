//! The table of routes: what a path asks for, and in which dialect.

use dialects::Operation;
use dialects::gemini::canon::embedding::Form;
use dialects::responses::kept::{Order, Page};
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use http::{Method, Uri};
use http1::Fields;

use super::Passage;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An operation of `OpenAI`'s dialect.
    Ask(Operation),
    /// A conversation in another dialect.
    Converse(Conversation),
    /// The list of models, or one of them.
    Models(Option<String>),
    /// An answer that the gateway keeps.
    Kept(Kept),
    /// A provider, as it is.
    Pass(Passage),
}

/// An answer that the gateway keeps, and what of it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub about: About,
}

/// What is asked about a kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The answer itself.
    Answer,
    /// The answer as a stream, behind the event of this number.
    Replay(Option<u64>),
    /// What it answered.
    Items(Page),
    /// That it be forgotten.
    Forget,
    /// That it be stopped.
    Cancel,
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
        "/models" => (Method::GET, Target::Models(None)),
        _ if rest.starts_with("/responses/") => kept(rest)?,
        _ if rest.split('/').nth(1) == Some("conversations") => return Err(no_conversations()),
        _ => match rest.strip_prefix("/models/").filter(|id| !id.is_empty()) {
            Some(id) => model(&decode_segment(id)?)?,
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

/// An answer that is kept, and what of it is asked.
fn kept(path: &str) -> Result<(Method, Target), Refusal> {
    let mut parts = path.trim_start_matches("/responses/").splitn(2, '/');
    let id = decode_segment(parts.next().unwrap_or_default())?;
    let (method, about) = match parts.next() {
        None if !id.is_empty() => (Method::GET, About::Answer),
        Some("input_items") => (Method::GET, About::Items(Page::default())),
        Some("cancel") => (Method::POST, About::Cancel),
        _ => {
            let sentence = "There is nothing at this path. Use /v1/responses, \
                            /v1/responses/{id}, its /input_items or /cancel, or \
                            /v1/responses/input_tokens.";
            return Err(Refusal::new(Reason::UnknownRoute, sentence));
        }
    };
    Ok((method, Target::Kept(Kept { id, about })))
}

fn no_conversations() -> Refusal {
    let sentence = "This gateway has no `conversation` objects. Go on from an answer with \
                    `previous_response_id` at /v1/responses instead.";
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

/// What a query says of a kept answer. What it says wrong is as if it were
/// not there, but for the numbers that clients page by.
fn about(about: &mut About, query: &str) {
    let all = || query.split('&').filter_map(|part| part.split_once('='));
    let said = |name: &str| {
        let found = all().find(|(key, _)| *key == name);
        found.and_then(|(_, value)| decode_segment(value).ok())
    };
    match about {
        About::Answer if said("stream").as_deref() == Some("true") => {
            let after = said("starting_after").and_then(|number| number.parse().ok());
            *about = About::Replay(after);
        }
        About::Items(page) => {
            if said("order").as_deref() == Some("asc") {
                page.order = Order::Rising;
            }
            page.after = said("after");
            let limit = said("limit").and_then(|limit| limit.parse().ok());
            page.limit = limit.unwrap_or(page.limit).clamp(1, 100);
        }
        _ => {}
    }
}

/// What a query adds to it: Gemini's clients say there that they want events,
/// and may bring their key.
pub(crate) fn query(target: &mut Target, query: &str, fields: &mut Fields) {
    match target {
        Target::Ask(_) => return,
        Target::Kept(kept) => return about(&mut kept.about, query),
        Target::Converse(conversation) if conversation.dialect != Dialect::Gemini => return,
        Target::Converse(conversation) => {
            if conversation.wish == Wish::Array && query.split('&').any(|part| part == "alt=sse") {
                conversation.wish = Wish::Streamed;
            }
        }
        Target::Models(_) => {}
        Target::Pass(passage) => passage.query = Some(providers::query(query)),
    }
    if let Some(key) = key(query) {
        fields.add("x-goog-api-key", key);
    }
}

/// A model, or what Gemini's clients ask of it behind its last colon.
fn model(text: &str) -> Result<(Method, Target), Refusal> {
    let wish = |word: &str| match word {
        "generateContent" => Some(Wish::Whole),
        "streamGenerateContent" => Some(Wish::Array),
        "countTokens" => Some(Wish::Counted),
        "embedContent" => Some(Wish::Embedded(Form::One)),
        "batchEmbedContents" => Some(Wish::Embedded(Form::Many)),
        _ => None,
    };
    let asked = text
        .rsplit_once(':')
        .and_then(|(model, word)| Some((model, wish(word)?)));
    Ok(match asked {
        Some((model, wish)) => (
            Method::POST,
            Target::Converse(Conversation {
                dialect: Dialect::Gemini,
                model: Some(model.to_owned()),
                wish,
            }),
        ),
        None => (Method::GET, Target::Models(Some(text.to_owned()))),
    })
}

/// Undoes percent-encoding once.
fn decode_segment(text: &str) -> Result<String, Refusal> {
    let bad = || {
        Refusal::new(
            Reason::UnknownRoute,
            "The path's percent-encoding is broken.",
        )
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|b| char::from(b).to_digit(16))
                .ok_or_else(bad)
        };
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| bad())?);
    }
    String::from_utf8(out).map_err(|_| bad())
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
        assert_eq!(twice, Target::Models(Some("a%2Fb".to_owned())));
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
        assert_eq!(model, Target::Models(Some("llama3:8b".to_owned())));
    }

    #[test]
    fn a_kept_answer_is_got_forgotten_and_paged_through() {
        let (method, mut got) = route("/v1/responses/resp_1").expect("a route");
        assert_eq!(method, Method::GET);
        assert_eq!(
            super::method(method, &mut got, &Method::DELETE),
            Method::DELETE
        );
        assert!(matches!(
            got,
            Target::Kept(Kept {
                about: About::Forget,
                ..
            })
        ));
        let (_, mut items) = route("/responses/resp_1/input_items").expect("a route");
        query(
            &mut items,
            "order=asc&limit=1000&after=msg_1",
            &mut Fields::default(),
        );
        let Target::Kept(Kept {
            about: About::Items(page),
            ..
        }) = items
        else {
            panic!("items");
        };
        assert_eq!((page.order, page.limit), (Order::Rising, 100));
        assert_eq!(page.after.as_deref(), Some("msg_1"));
        assert!(route("/v1/conversations").is_err());
        assert!(route("/v1/responses/resp_1/other").is_err());
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
    fn an_unknown_path_says_what_there_is() {
        let refusal = route("/v2/chat").expect_err("no route");
        assert_eq!(refusal.reason, Reason::UnknownRoute);
        assert!(refusal.message.contains("/v1/chat/completions"));
    }
}
