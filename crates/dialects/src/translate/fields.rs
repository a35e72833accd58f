//! Members of what providers say, which may be anything.

use std::borrow::Cow;

use domain::canon::Json;

use crate::json::Node;

/// The member, if it is there and not null.
pub(crate) fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

/// A string that is there and not empty; anything else is as if it were not.
pub(crate) fn text<'a>(node: Node<'a>, key: &str) -> Option<Cow<'a, str>> {
    let text = node.get(key)?.str()?;
    (!text.is_empty()).then_some(text)
}

/// What is wrong where, as servers say it that check requests by a schema of
/// their own: `detail`, a text or a list of them.
pub(crate) fn detail(root: Node<'_>) -> Option<String> {
    let detail = member(root, "detail")?;
    if let Some(said) = text(root, "detail") {
        return Some(said.into_owned());
    }
    let one = |item: Node<'_>| {
        let said = text(item, "msg")?;
        let steps = item.get("loc").into_iter().flat_map(Node::items);
        let steps = steps.map(|step| match step.str() {
            Some(name) => name.into_owned(),
            None => String::from_utf8_lossy(step.raw()).into_owned(),
        });
        let steps: Vec<String> = steps.filter(|step| step != "body").collect();
        Some(match steps.is_empty() {
            true => said.into_owned(),
            false => format!("{}: {said}", steps.join(".")),
        })
    };
    let all: Vec<String> = detail.items().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// A whole number, not negative.
pub(crate) fn whole(node: Node<'_>, key: &str) -> Option<u64> {
    node.get(key)?.u64()
}

/// A value's own text.
pub(crate) fn json(node: Node<'_>) -> Json {
    Json::trusted(String::from_utf8_lossy(node.raw()))
}
