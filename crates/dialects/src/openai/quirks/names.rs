//! Names of tools where a provider takes only shorter ones.

use super::changes::Changes;
use crate::json::Node;
use crate::translate::Names;

/// Rewrites every name of a tool that is too long; gives the way back.
pub(super) fn rewrite(root: Node<'_>, longest: usize, changes: &mut Changes<'_>) -> Names {
    let mut all = Vec::new();
    let tools = root.get("tools");
    let tools = tools.iter().flat_map(|tools| tools.items());
    all.extend(tools.filter_map(name));
    all.extend(root.get("tool_choice").and_then(name));
    let messages = root.get("messages");
    for message in messages.iter().flat_map(|messages| messages.items()) {
        let calls = message.get("tool_calls");
        all.extend(
            calls
                .iter()
                .flat_map(|calls| calls.items())
                .filter_map(name),
        );
        let role = message.get("role").and_then(Node::str);
        if role.as_deref() == Some("tool") {
            all.extend(message.get("name"));
        }
    }
    let said: Vec<_> = all.iter().filter_map(|node| node.str()).collect();
    let names = Names::within(longest, said.iter().map(|name| &**name));
    for node in all {
        let Some(name) = node.str() else { continue };
        let other = names.outward(&name);
        if other != name {
            changes.text(node.span(), other);
        }
    }
    names
}

/// A tool's name, where it is declared, chosen or called.
pub(super) fn name(of: Node<'_>) -> Option<Node<'_>> {
    let kinds = ["function", "custom"];
    let named = kinds.iter().find_map(|kind| of.get(kind))?;
    named.get("name").filter(|name| name.str().is_some())
}
