//! Log probabilities: Google's lists, and `OpenAI`'s shape.

use bytes::Bytes;
use domain::canon::Json;

use super::fields::{member, string};
use super::{MAX_DEPTH, raw, text_of};
use crate::json::{Document, Kind, Node, Object, array, object};

/// From a `logprobsResult`.
pub(super) fn read(result: Node<'_>) -> Option<Json> {
    let chosen: Vec<_> = member(result, "chosenCandidates")?.items().collect();
    let top: Vec<_> = member(result, "topCandidates")
        .into_iter()
        .flat_map(Node::items)
        .collect();
    let text = object(|out| {
        out.array("content", |list| {
            for (at, token) in chosen.iter().enumerate() {
                let others = top.get(at).and_then(|step| member(*step, "candidates"));
                list.object(|out| {
                    put_token(out, *token);
                    out.array("top_logprobs", |list| {
                        for other in others.into_iter().flat_map(Node::items) {
                            list.object(|out| put_token(out, other));
                        }
                    });
                });
            }
        });
    });
    Some(Json::trusted(text_of(text)))
}

fn put_token(out: &mut Object<'_>, token: Node<'_>) {
    let text = string(token, "token").unwrap_or_default();
    // Protocol buffers leave a zero out.
    let number = member(token, "logProbability").filter(|node| node.kind() == Kind::Number);
    let number = number.map_or_else(|| "0".to_owned(), |node| raw(node).as_str().to_owned());
    out.string("token", &text).raw("logprob", &number);
    out.array("bytes", |list| {
        for byte in text.bytes() {
            list.raw(&byte.to_string());
        }
    });
}

/// Into a `logprobsResult`.
pub(super) fn write(logprobs: &Json) -> Option<String> {
    let bytes = Bytes::copy_from_slice(logprobs.as_str().as_bytes());
    let document = Document::parse(bytes, MAX_DEPTH).ok()?;
    let content = member(document.root(), "content")?;
    let chosen = array(|list| {
        for token in content.items() {
            list.object(|out| put_candidate(out, token));
        }
    });
    let top = array(|list| {
        for token in content.items() {
            list.object(|out| {
                out.array("candidates", |list| {
                    let others = token.get("top_logprobs").into_iter();
                    for other in others.flat_map(Node::items) {
                        list.object(|out| put_candidate(out, other));
                    }
                });
            });
        }
    });
    let text = object(|out| {
        out.raw("chosenCandidates", &text_of(chosen));
        out.raw("topCandidates", &text_of(top));
    });
    Some(text_of(text))
}

fn put_candidate(out: &mut Object<'_>, token: Node<'_>) {
    let text = string(token, "token").unwrap_or_default();
    out.string("token", &text);
    if let Some(number) = token.get("logprob") {
        out.raw("logProbability", raw(number).as_str());
    }
}
