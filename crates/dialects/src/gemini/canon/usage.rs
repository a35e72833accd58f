//! Google's numbers, and our disjoint parts.
//!
//! `promptTokenCount` contains the cached tokens and does not contain
//! `toolUsePromptTokenCount`; `candidatesTokenCount` does not contain
//! `thoughtsTokenCount`; `totalTokenCount` is the sum of these four.

use domain::canon::Unknown;
use domain::usage::Usage;

use super::fields::{member, whole};
use crate::json::{Kind, Node, Object};

/// No real count comes near; sums of these cannot overflow.
const MOST: u64 = 1 << 48;

/// Reads a `usageMetadata`; none if it counts nothing.
pub(crate) fn read(node: Node<'_>) -> Option<Usage> {
    let count = |key: &str| -> Option<u64> {
        let number = member(node, key).and_then(whole)?;
        Some(number.min(MOST))
    };
    let total = count("totalTokenCount");
    let candidates = count("candidatesTokenCount").or_else(|| count("responseTokenCount"));
    let prompt = count("promptTokenCount");
    if total.is_none() && candidates.is_none() && prompt.is_none() {
        return None;
    }
    let reasoning = count("thoughtsTokenCount").unwrap_or(0);
    let tools = count("toolUsePromptTokenCount").unwrap_or(0);
    let mut output = candidates.unwrap_or(0);
    let known = tools + output + reasoning;
    let prompt = prompt.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(known));
    // Some servers count thoughts among the candidates: their total tells.
    if reasoning > 0 && total == Some(prompt + tools + output) {
        output = output.saturating_sub(reasoning);
    }
    let cached_input = count("cachedContentTokenCount").unwrap_or(0).min(prompt);
    let input = prompt + tools - cached_input;
    let heard =
        audio(node, "promptTokensDetails").saturating_sub(audio(node, "cacheTokensDetails"));
    let heard = heard + audio(node, "toolUsePromptTokensDetails");
    let audio_input = heard.min(input);
    let audio_output = audio(node, "candidatesTokensDetails").min(output);
    Some(Usage {
        input: input - audio_input,
        cached_input,
        cache_write: 0,
        cache_write_1h: 0,
        audio_input,
        output: output - audio_output,
        reasoning,
        audio_output,
    })
}

/// How many tokens of a breakdown are sound.
fn audio(node: Node<'_>, key: &str) -> u64 {
    let parts = member(node, key).into_iter().flat_map(Node::items);
    let is_audio = |part: &Node<'_>| {
        let modality = part.get("modality").and_then(Node::str);
        modality.is_some_and(|modality| modality.eq_ignore_ascii_case("AUDIO"))
    };
    let counts = parts
        .filter(is_audio)
        .filter_map(|part| member(part, "tokenCount").and_then(whole));
    counts.fold(0, |sum, count| (sum + count.min(MOST)).min(MOST))
}

/// The members that [`Usage`] does not hold: breakdowns, traffic types.
pub(super) fn rest(node: Node<'_>) -> Vec<(String, Node<'_>)> {
    const HELD: &[&str] = &[
        "promptTokenCount",
        "candidatesTokenCount",
        "cachedContentTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
    ];
    if node.kind() != Kind::Object {
        return Vec::new();
    }
    let members = node
        .entries()
        .map(|(key, _, value)| (super::fields::camel(key).into_owned(), value));
    members
        .filter(|(key, value)| !HELD.contains(&key.as_str()) && !value.is_null())
        .collect()
}

/// Writes the members of a `usageMetadata`. `rest` are members that are known
/// from a `usageMetadata`, by their names in it.
pub(super) fn write(usage: &Usage, rest: &[(&str, &Unknown)], out: &mut Object<'_>) {
    let tools = rest
        .iter()
        .find(|(name, _)| *name == "toolUsePromptTokenCount");
    let tools = tools.and_then(|(_, unknown)| unknown.raw.as_str().parse::<u64>().ok());
    let prompt = usage.prompt();
    out.number(
        "promptTokenCount",
        prompt.saturating_sub(tools.unwrap_or(0)),
    );
    if usage.cached_input > 0 {
        out.number("cachedContentTokenCount", usage.cached_input);
    }
    out.number("candidatesTokenCount", usage.output + usage.audio_output);
    if usage.reasoning > 0 {
        out.number("thoughtsTokenCount", usage.reasoning);
    }
    out.number("totalTokenCount", usage.total());
    let has = |name: &str| rest.iter().any(|(known, _)| *known == name);
    if usage.audio_input > 0 && !has("promptTokensDetails") {
        breakdown(out, "promptTokensDetails", prompt, usage.audio_input);
    }
    if usage.audio_output > 0 && !has("candidatesTokensDetails") {
        let all = usage.output + usage.audio_output;
        breakdown(out, "candidatesTokensDetails", all, usage.audio_output);
    }
    for (name, unknown) in rest {
        out.raw(name, unknown.raw.as_str());
    }
}

fn breakdown(out: &mut Object<'_>, key: &str, all: u64, audio: u64) {
    out.array(key, |list| {
        for (modality, count) in [("TEXT", all - audio), ("AUDIO", audio)] {
            if count > 0 {
                list.object(|part| {
                    part.string("modality", modality)
                        .number("tokenCount", count);
                });
            }
        }
    });
}
