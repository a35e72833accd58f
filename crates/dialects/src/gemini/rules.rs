//! System rules, spliced into `systemInstruction`.

use domain::edit::Edit;
use domain::policy::SystemRule;
use domain::refusal::Refusal;

use super::canon::fields::member as find;
use crate::json::{Document, Kind, write_string};
use crate::rules::{Rules, member, replaced};

/// The edits that put system rules into a request: as parts beside the client's
/// own parts.
///
/// # Errors
/// None; as other dialects have it.
pub fn system_rules(doc: &Document, rules: &[SystemRule]) -> Result<Vec<Edit>, Refusal> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let rules = Rules::of(rules);
    let root = doc.root();
    // Counting takes a whole request within its own.
    let top = find(root, "generateContentRequest").unwrap_or(root);
    let spelt = ["systemInstruction", "system_instruction"];
    let Some(own) = spelt.iter().find_map(|key| top.get(key)) else {
        return Ok(vec![member(top, "systemInstruction", &content(&rules))]);
    };
    Ok(match own.kind() {
        Kind::String => rules.around_text(own),
        Kind::Object => match own.get("parts") {
            Some(parts) if parts.kind() == Kind::Array => rules.around_items(parts, part),
            // One part without the brackets, as in Google's own examples.
            Some(parts) if parts.kind() == Kind::Object => {
                let around = [
                    listed(&rules.before),
                    vec![parts.raw().to_vec()],
                    listed(&rules.behind),
                ];
                vec![replaced(parts.span(), list(&around.concat()))]
            }
            Some(parts) => vec![replaced(parts.span(), list(&listed(&rules.all())))],
            None => vec![member(own, "parts", &list(&listed(&rules.all())))],
        },
        _ => vec![replaced(own.span(), content(&rules))],
    })
}

fn content(rules: &Rules<'_>) -> Vec<u8> {
    let parts = list(&listed(&rules.all()));
    [br#"{"parts":"#.as_slice(), &parts, b"}"].concat()
}

fn listed(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| part(text)).collect()
}

fn list(parts: &[Vec<u8>]) -> Vec<u8> {
    [b"[".as_slice(), &parts.join(&b","[..]), b"]"].concat()
}

fn part(text: &str) -> Vec<u8> {
    let mut out = br#"{"text":"#.to_vec();
    write_string(&mut out, text);
    out.push(b'}');
    out
}
