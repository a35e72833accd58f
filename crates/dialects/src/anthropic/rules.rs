//! System rules, spliced into `system`.

use domain::edit::Edit;
use domain::policy::SystemRule;
use domain::refusal::Refusal;

use crate::json::{Document, Kind, write_string};
use crate::rules::{Rules, member, replaced};

/// The edits that put system rules into a request: around the client's own text,
/// with an empty line between, or as blocks beside its blocks.
///
/// # Errors
/// None; as other dialects have it.
pub fn system_rules(doc: &Document, rules: &[SystemRule]) -> Result<Vec<Edit>, Refusal> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let (root, rules) = (doc.root(), Rules::of(rules));
    let Some(own) = root.get("system") else {
        return Ok(vec![member(root, "system", &rules.string())]);
    };
    Ok(match own.kind() {
        Kind::String => rules.around_text(own),
        Kind::Array => rules.around_items(own, block),
        _ => vec![replaced(own.span(), rules.string())],
    })
}

fn block(text: &str) -> Vec<u8> {
    let mut out = br#"{"type":"text","text":"#.to_vec();
    write_string(&mut out, text);
    out.push(b'}');
    out
}
