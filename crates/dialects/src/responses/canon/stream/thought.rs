//! Reasoning that a provider streams.

use domain::canon::{Delta, Opened, Thinking};

use super::super::item::{self, BREAK, Shown};
use super::lane::Lane;
use crate::json::Node;

/// More parts than this at once are a provider's mistake.
const MOST_BREAKS: u64 = 64;

/// More of a thought. Of a summary and the thought itself, that which comes
/// first is taken.
pub(super) fn more(lane: &mut Lane, shown: Shown, part: Option<u64>, delta: String) {
    if *lane.shown.get_or_insert(shown) != shown {
        return;
    }
    let thinking = Thinking {
        summary: shown == Shown::Summary,
        ..Thinking::default()
    };
    let track = open(lane, thinking);
    let part = part.unwrap_or(0);
    for _ in 0..part.saturating_sub(lane.part).min(MOST_BREAKS) {
        lane.grow(track, Delta::Text(BREAK.to_owned()));
    }
    lane.part = lane.part.max(part);
    lane.grow(track, Delta::Text(delta));
}

fn open(lane: &mut Lane, thinking: Thinking) -> usize {
    let id = lane.id.clone();
    lane.open(0, || Opened::Thinking(Thinking { id, ..thinking }))
}

/// The item is complete: what did not come of it comes now.
pub(super) fn whole(lane: &mut Lane, node: Node<'_>) {
    let whole = item::thinking(node);
    let shown = Shown::of(&whole);
    let thinking = Thinking {
        summary: whole.summary,
        redacted: whole.redacted,
        ..Thinking::default()
    };
    let track = open(lane, thinking);
    let is_same = lane.shown.is_none_or(|said| said == shown);
    if is_same || !lane.has_text(track) {
        let missing = lane.missing(track, &whole.text).to_owned();
        lane.grow(track, Delta::Text(missing));
    }
    if let Some(signature) = whole.signature {
        lane.grow(track, Delta::Signature(signature));
    }
}
