//! What is wrong in the books: billed beyond what was reserved, or without a
//! price.

use domain::record::{Record, Settled};
use serde_json::{Map, Value, json};

use super::New;

/// An event of a kind comes once an hour for each key, deployment and model.
const HOUR: i64 = 3_600_000_000;

/// What is to be told of these records.
pub(super) fn events(records: &[Record]) -> Vec<New> {
    let settled = records.iter().filter_map(|record| match record {
        Record::Settled(settled) => Some(&**settled),
        Record::Opened(_) => None,
    });
    let mut events: Vec<New> = settled.flat_map(of).collect();
    // One batch may say the same a thousand times.
    let mut seen = std::collections::HashSet::new();
    events.retain(|event| seen.insert(event.same.clone()));
    events
}

fn of(settled: &Settled) -> Vec<New> {
    let mut events = Vec::new();
    if settled.who.as_ref().is_some_and(|who| who.overrun) {
        let sentence = "budget: the provider billed more than was reserved; it is booked as billed";
        events.push(event(settled, "budget.overrun", sentence));
    }
    if settled.price_missing {
        let sentence = "the model has no price: what it costs is missing in the books";
        events.push(event(settled, "price.missing", sentence));
    }
    events
}

fn event(settled: &Settled, kind: &'static str, sentence: &str) -> New {
    let text = |it: Option<&str>| it.map_or(Value::Null, Value::from);
    let deployment = settled.deployment.as_ref().map(|it| it.as_str());
    let model = settled.model.as_ref().map(|it| it.as_str());
    let key = settled.key.as_str();
    let hour = settled.opened.0.div_euclid(HOUR);
    let mut data = Map::new();
    for (name, value) in [
        ("request_id", json!(settled.ticket.to_string())),
        ("tenant", json!(settled.tenant.as_str())),
        ("key", json!(key)),
        ("model", text(model)),
        (
            "provider",
            text(settled.provider.as_ref().map(|it| it.as_str())),
        ),
        ("deployment", text(deployment)),
        ("tokens", json!(settled.usage.total())),
        ("cost_usd", json!(settled.cost.map(|cost| cost.to_string()))),
    ] {
        data.insert(name.to_owned(), value);
    }
    New {
        kind,
        same: format!("{kind} {key} {deployment:?} {model:?} {hour}"),
        at: settled.opened,
        sentence: format!(
            "{sentence} (model `{}` at `{}`, request {})",
            model.unwrap_or_default(),
            deployment.unwrap_or_default(),
            settled.ticket
        ),
        data,
    }
}
