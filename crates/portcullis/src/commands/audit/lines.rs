//! A record as a line of a table.

use domain::audit::Entry;
use domain::money::NanoUsd;

use crate::commands::people::minute;

/// The table's head.
pub(super) const HEAD: [&str; 8] = [
    "RECORD", "TIME", "KIND", "FROM", "WHO", "WHAT", "OUTCOME", "USD",
];

/// A record's line.
pub(super) fn row(record: u64, entry: Option<&Entry>) -> Vec<String> {
    let Some(entry) = entry else {
        return vec![record.to_string(), "-".to_owned(), "unreadable".to_owned()];
    };
    let nothing = || "-".to_owned();
    let [from, who, what, outcome, cost] = match entry {
        Entry::Start(start) => [
            nothing(),
            nothing(),
            format!("portcullis {}", start.version),
            nothing(),
            nothing(),
        ],
        Entry::Call(call) => [
            call.from.map_or_else(nothing, |it| it.to_string()),
            format!("{}/{}", call.tenant, call.key),
            call.model
                .as_ref()
                .map_or_else(|| call.operation.to_string(), ToString::to_string),
            outcome(call.outcome.as_str(), call.error.as_deref()),
            call.cost.map_or_else(nothing, |it| it.to_string()),
        ],
        Entry::Change(logged) => [
            nothing(),
            logged.change.actor.clone(),
            format!("{} {}", logged.change.action, logged.change.object),
            nothing(),
            nothing(),
        ],
        Entry::Strangers(it) => [
            it.source.clone().unwrap_or_else(nothing),
            nothing(),
            format!("{} requests", it.count),
            it.reason.clone(),
            nothing(),
        ],
    };
    let (at, kind) = (minute(entry.at()), entry.kind().to_owned());
    vec![record.to_string(), at, kind, from, who, what, outcome, cost]
}

/// How a call ended, and why if it was refused.
pub(super) fn outcome(outcome: &str, error: Option<&str>) -> String {
    error.map_or_else(|| outcome.to_owned(), |code| format!("{outcome}: {code}"))
}

/// Billionths of a dollar as dollars.
pub(super) fn dollars(cost: Option<i64>) -> String {
    cost.map_or_else(|| "-".to_owned(), |it| NanoUsd(it).to_string())
}
