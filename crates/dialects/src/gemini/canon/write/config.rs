//! Writing `generationConfig`.

use domain::canon::{Format, Json, Request};

use super::super::text_of;
use super::beside::Beside;
use super::{Member, Writing, own_members, quoted, thinking};
use crate::json::array;

/// Google takes no more stop sequences.
const MOST_STOPS: usize = 5;

/// Google gives no more alternatives to a token.
const MOST_LOGPROBS: u32 = 20;

/// The members of `generationConfig`.
pub(super) fn members(writing: &mut Writing<'_>, beside: &Beside) -> Vec<Member> {
    let request = writing.request;
    let mut out: Vec<Member> = Vec::new();
    let mut put = |key: &str, json: Option<String>| {
        if let Some(json) = json {
            out.push((key.to_owned(), json));
        }
    };
    let number = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
    put("maxOutputTokens", most_tokens(writing));
    put("temperature", number(&request.temperature));
    put("topP", number(&request.top_p));
    put("topK", number(&request.top_k));
    put("presencePenalty", number(&request.presence_penalty));
    put("frequencyPenalty", number(&request.frequency_penalty));
    put("candidateCount", request.n.map(|n| n.to_string()));
    put("seed", seed(writing));
    put("stopSequences", stops(writing));
    put(
        "responseLogprobs",
        wants_logprobs(request).map(|is| is.to_string()),
    );
    put("logprobs", alternatives(writing));
    let thinking = thinking::members(writing);
    if !thinking.is_empty() {
        put("thinkingConfig", Some(object_of(&thinking)));
    }
    out.extend(format(writing, beside));
    out.extend(own_members(request, "generationConfig."));
    out
}

/// Google refuses a bound above the model's own.
fn most_tokens(writing: &mut Writing<'_>) -> Option<String> {
    let wanted = writing.request.max_tokens?;
    let limit = writing.target.output_limit.unwrap_or(u64::MAX);
    if wanted > limit {
        writing.hint("max_tokens", "the model never answers with as many");
    }
    Some(wanted.min(limit).to_string())
}

fn object_of(members: &[Member]) -> String {
    let text = crate::json::object(|out| {
        for (name, json) in members {
            out.raw(name, json);
        }
    });
    text_of(text)
}

/// Google's seeds have 32 bits. A longer one becomes one of them: the same
/// seed still gives the same answer.
fn seed(writing: &mut Writing<'_>) -> Option<String> {
    let seed = writing.request.seed.as_ref()?.as_str();
    match seed.parse::<i128>() {
        Ok(number) if i32::try_from(number).is_ok() => Some(seed.to_owned()),
        Ok(number) => {
            writing.hint(
                "seed",
                "Gemini's seeds have 32 bits: another one stands for it",
            );
            Some(number.rem_euclid(i128::from(i32::MAX)).to_string())
        }
        Err(_) => {
            writing.meaning("seed", "Gemini's seeds are whole numbers");
            None
        }
    }
}

fn stops(writing: &mut Writing<'_>) -> Option<String> {
    let stops = &writing.request.stop;
    if stops.len() > MOST_STOPS {
        writing.meaning("stop", "Gemini takes at most five stop sequences");
    }
    let text = array(|list| {
        for stop in stops.iter().take(MOST_STOPS) {
            list.string(stop);
        }
    });
    (!stops.is_empty()).then(|| text_of(text))
}

/// Whether log probabilities are wanted: alternatives to tokens are some.
fn wants_logprobs(request: &Request) -> Option<bool> {
    let wants_some = request.top_logprobs.is_some_and(|most| most > 0);
    request.logprobs.or(wants_some.then_some(true))
}

fn alternatives(writing: &mut Writing<'_>) -> Option<String> {
    // Google refuses a number of them without the wish.
    wants_logprobs(writing.request).filter(|wants| *wants)?;
    let wanted = writing.request.top_logprobs?;
    if wanted > MOST_LOGPROBS {
        writing.hint("top_logprobs", "Gemini gives at most 20 of them");
    }
    Some(wanted.min(MOST_LOGPROBS).to_string())
}

/// What the answer must look like.
fn format(writing: &mut Writing<'_>, beside: &Beside) -> Vec<Member> {
    let request = writing.request;
    let mime = |mime: &str| ("responseMimeType".to_owned(), quoted(mime));
    let Some(format) = &request.format else {
        return Vec::new();
    };
    if !matches!(beside, Beside::Free) {
        return Vec::new();
    }
    match format {
        Format::Text => vec![mime("text/plain")],
        Format::Json => vec![mime("application/json")],
        Format::Schema {
            description,
            schema,
            ..
        } => {
            if description.is_some() {
                writing.hint("response_format.description", "Gemini takes a schema alone");
            }
            let mut out = vec![mime("application/json")];
            let older = super::own(request, "generationConfig.")
                .any(|unknown| unknown.name == "generationConfig.responseSchema");
            if !older {
                out.push(("responseJsonSchema".to_owned(), schema.as_str().to_owned()));
            }
            out
        }
    }
}

/// How fast and at which price.
pub(super) fn tier(writing: &mut Writing<'_>) -> Option<String> {
    let tier = writing.request.service_tier.as_deref()?;
    match tier {
        "flex" | "priority" | "standard" => Some(tier.to_owned()),
        "default" | "standard_only" => Some("standard".to_owned()),
        "auto" | "unspecified" => None,
        _ => {
            writing.hint("service_tier", "Gemini has no such tier");
            None
        }
    }
}
