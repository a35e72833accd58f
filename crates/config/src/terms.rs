//! What holds for whom: everyone, tenants and those below them, keys. All take
//! the same fields; [`Terms`] says what they mean.

use std::fmt;
use std::time::Duration;

use domain::counters::Measure;
use domain::limit::Limit;
use domain::terms::Terms;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Report;

/// A struct with fields of its own and those of [`Terms`].
macro_rules! with_terms {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            /// Models that may be used; all if unset.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub models: Option<Vec<String>>,
            /// Kinds of requests that may be made; all if unset.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub routes: Option<Vec<domain::terms::Route>>,
            /// What requests may not ask for.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub without: Vec<domain::terms::Feature>,
            /// Networks that requests may come from; any if unset.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub networks: Option<Vec<domain::network::Network>>,
            /// Limits.
            #[serde(default, skip_serializing_if = "crate::terms::Limits::is_empty")]
            pub limits: $crate::terms::Limits,
            /// Budgets.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub budgets: Vec<domain::budget::Budget>,
            /// Prices by contract.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub prices: Vec<domain::contract::Contract>,
            /// What to do when one of them is reached.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub when_full: Option<domain::terms::WhenFull>,
            /// Who waits less than others for room: 0 to 9.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub priority: Option<u8>,
            /// Where costs are booked.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub tags: std::collections::BTreeMap<String, String>,
            /// Tags that every request must carry.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub require: Vec<String>,
            /// Notes.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub metadata: std::collections::BTreeMap<String, String>,
        }

        impl $name {
            /// What holds for it.
            #[must_use]
            pub fn terms(&self) -> domain::terms::Terms {
                domain::terms::Terms {
                    models: self.models.clone(),
                    routes: self.routes.clone(),
                    without: self.without.clone(),
                    networks: self.networks.clone(),
                    limits: self.limits.0.clone(),
                    budgets: self.budgets.clone(),
                    prices: self.prices.clone(),
                    when_full: self.when_full.clone(),
                    priority: self.priority,
                    tags: self.tags.clone(),
                    require: self.require.clone(),
                    metadata: self.metadata.clone(),
                }
            }
        }
    };
}
pub(crate) use with_terms;

/// How long a request waits for what others have reserved of a budget.
pub(crate) const BUDGET_WAIT: Duration = Duration::from_secs(5);

with_terms! {
    /// What holds for all keys together.
    #[derive(Default)]
    Everyone {}
}

/// Limits: a list, or by name those that are usual everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(pub Vec<Limit>);

impl Limits {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The usual limits by name.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Usual {
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    parallel_requests: Option<u64>,
}

impl From<Usual> for Limits {
    fn from(usual: Usual) -> Self {
        let minute = Duration::from_secs(60);
        let rolling = |measure, amount: Option<u64>| {
            amount.map(|amount| Limit::rolling(measure, amount, minute))
        };
        let all = [
            usual.parallel_requests.map(Limit::parallel),
            rolling(Measure::Requests, usual.requests_per_minute),
            rolling(Measure::Tokens, usual.tokens_per_minute),
        ];
        Self(all.into_iter().flatten().collect())
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Limits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list like `[{requests: 600, per: minute}]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Limits, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Limits)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limits, A::Error> {
                Usual::deserialize(MapAccessDeserializer::new(map)).map(Limits::from)
            }

            fn visit_unit<E>(self) -> Result<Limits, E> {
                Ok(Limits::default())
            }
        }
        from.deserialize_any(Either)
    }
}

/// Tells what is wrong with terms at `at`.
pub(crate) fn check(terms: &Terms, at: &str, report: &mut Report<'_>) {
    for (field, what) in terms.faults() {
        let help = match field.starts_with("limits") {
            true => "leave it out for no limit; to stop somebody, remove or revoke them",
            false => "docs/guide/tenants.md shows what may be said",
        };
        report.wrong(&format!("{at}.{field}"), what, help);
    }
}
