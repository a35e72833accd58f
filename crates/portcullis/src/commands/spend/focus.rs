//! Reports in the columns of FOCUS, the `FinOps` Open Cost and Usage Specification
//! (<https://focus.finops.org>, version 1.2), those of it that a gateway knows.

use config::scalars::Moment;
use domain::calendar::Period;
use store::{Dimension, Sum};

use super::{Names, Rows, csv_line};

/// What its rows are told apart by, in this order.
const BY: [&str; 7] = ["tenant", "team", "app", "user", "key", "provider", "model"];

/// Its columns.
const COLUMNS: [&str; 22] = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "EffectiveCost",
    "ListCost",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ServiceCategory",
    "ServiceName",
    "SubAccountId",
    "SubAccountName",
    "Tags",
];

pub(super) fn dimensions() -> Vec<Dimension> {
    BY.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The rows as CSV.
pub(super) fn csv(rows: &Rows, names: &Names, period: Period) -> String {
    let mut out = csv_line(COLUMNS.into_iter());
    out.push_str("\r\n");
    for (key, sum) in rows {
        out.push_str(&row(key, sum, names, period));
        out.push_str("\r\n");
    }
    out
}

fn row(key: &[Option<String>], sum: &Sum, names: &Names, period: Period) -> String {
    let value = |name: &str| {
        let at = BY.iter().position(|it| *it == name);
        at.and_then(|at| key.get(at)?.as_deref())
            .unwrap_or_default()
    };
    let named = |name: &str| names.get(value(name)).unwrap_or(value(name)).to_owned();
    let of = ["team", "app", "user", "key"];
    let of = of.iter().filter(|name| !value(name).is_empty());
    let tags: serde_json::Map<String, serde_json::Value> = of
        .map(|name| ((*name).to_owned(), named(name).into()))
        .collect();
    let cost = sum.cost.to_string();
    let (start, end) = (
        Moment(period.start).to_string(),
        Moment(period.end).to_string(),
    );
    let tokens = sum.usage.total().to_string();
    let about = format!("{} requests to {}", sum.requests, value("model"));
    let tags = serde_json::Value::Object(tags).to_string();
    let sub_account = named("tenant");
    csv_line(
        [
            cost.as_str(),
            "portcullis",
            "USD",
            &end,
            &start,
            "Usage",
            "",
            &about,
            &end,
            &start,
            &tokens,
            "Tokens",
            &cost,
            &cost,
            value("provider"),
            value("provider"),
            value("model"),
            "AI and Machine Learning",
            value("model"),
            value("tenant"),
            &sub_account,
            &tags,
        ]
        .into_iter(),
    )
}
