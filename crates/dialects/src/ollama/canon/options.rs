//! `options`: how the model samples, and where it stops.
//!
//! What a client of `OpenAI`'s dialect says in `options` of its own goes along;
//! what its dialect has a word for counts more.

use domain::canon::{Json, Loss, Request, Unknown};

use super::DEPTH;
use super::write::is_own;
use crate::json::{Document, Kind, Object};
use crate::translate::Target;
use crate::translate::distinct::firsts;

/// An option's name, and its JSON.
type Told = (String, String);

/// Writes `options`, if there are any.
pub(super) fn write(
    root: &mut Object<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Vec<Loss>,
) {
    let mut all = said(request, target, losses);
    all.extend(own(request));
    let all = firsts(all);
    if all.is_empty() {
        return;
    }
    root.object("options", |options| {
        for (name, json) in &all {
            options.raw(name, json);
        }
    });
}

/// Whether a member stands in `options`.
pub(super) fn is_told(member: &Unknown) -> bool {
    is_own(member, "options") || is_own(member, "num_ctx")
}

/// What the request has words for.
fn said(request: &Request, target: &Target<'_>, losses: &mut Vec<Loss>) -> Vec<Told> {
    let mut out = Vec::new();
    let mut put = |name: &str, json: String| out.push((name.to_owned(), json));
    if let Some(wanted) = request.max_tokens {
        let limit = target.output_limit.unwrap_or(u64::MAX);
        put("num_predict", wanted.min(limit).to_string());
        if wanted > limit {
            let why = format!("the model answers with {limit} tokens at most");
            losses.push(Loss::hint("max_tokens", why));
        }
    }
    let numbers: [(&str, &Option<Json>); 5] = [
        ("temperature", &request.temperature),
        ("top_p", &request.top_p),
        ("presence_penalty", &request.presence_penalty),
        ("frequency_penalty", &request.frequency_penalty),
        ("seed", &request.seed),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            put(name, value.as_str().to_owned());
        }
    }
    // Google's SDKs write 5.0, and Ollama wants a whole number.
    if let Some(top_k) = &request.top_k {
        let whole = top_k.as_str().parse::<f64>();
        let whole = whole.map_or_else(|_| top_k.as_str().to_owned(), |it| format!("{it:.0}"));
        put("top_k", whole);
    }
    if !request.stop.is_empty() {
        let list = crate::json::array(|list| {
            for stop in &request.stop {
                list.string(stop);
            }
        });
        put("stop", String::from_utf8(list).unwrap_or_default());
    }
    out
}

/// What the client says in Ollama's own words; the first of a name counts.
fn own(request: &Request) -> Vec<Told> {
    let mut out = Vec::new();
    for member in &request.rest {
        if is_own(member, "num_ctx") {
            out.push((member.name.clone(), member.raw.as_str().to_owned()));
        }
        if !is_own(member, "options") {
            continue;
        }
        let bytes = bytes::Bytes::copy_from_slice(member.raw.as_str().as_bytes());
        let Ok(document) = Document::parse(bytes, DEPTH) else {
            continue;
        };
        if document.root().kind() != Kind::Object {
            continue;
        }
        for (name, _, value) in document.root().entries() {
            let json = String::from_utf8_lossy(value.raw()).into_owned();
            out.push((name.into_owned(), json));
        }
    }
    out
}
