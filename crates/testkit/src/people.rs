//! Keys and whom they belong to.

use std::time::Duration;

use domain::counters::Measure;
use domain::limit::Limit;
use domain::party::{DEFAULT_TENANT, Level, Parties, Party};
use domain::principal::Principal;
use domain::terms::Terms;
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;

/// The usual limits of a key; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests in any span of 60 seconds.
    pub requests_per_minute: Option<u64>,
    /// Tokens, prompt and answer, in any span of 60 seconds.
    pub tokens_per_minute: Option<u64>,
    /// Requests running at the same time.
    pub parallel_requests: Option<u64>,
}

impl Limits {
    /// As terms have them.
    #[must_use]
    pub fn all(self) -> Vec<Limit> {
        let minute = Duration::from_secs(60);
        let rolling = |measure, amount: Option<u64>| {
            amount.map(|amount| Limit::rolling(measure, amount, minute))
        };
        let all = [
            self.parallel_requests.map(Limit::parallel),
            rolling(Measure::Requests, self.requests_per_minute),
            rolling(Measure::Tokens, self.tokens_per_minute),
        ];
        all.into_iter().flatten().collect()
    }
}

/// A principal of the tenant `default` with these limits, that may use every
/// model.
#[must_use]
pub fn principal(id: &str, limits: Limits) -> Principal {
    let terms = Terms {
        limits: limits.all(),
        ..Terms::default()
    };
    principal_of(
        id,
        &[(DEFAULT_TENANT, Level::Tenant, Terms::default())],
        terms,
    )
}

/// A principal with these terms, whose owners stand in each other in this order.
///
/// # Panics
/// They cannot.
#[must_use]
pub fn principal_of(id: &str, owners: &[(&str, Level, Terms)], terms: Terms) -> Principal {
    let mut all = Parties::default();
    let mut parent = None;
    for (name, level, terms) in owners {
        all.add(Party {
            id: (*name).into(),
            level: *level,
            name: (*name).to_owned(),
            parent: parent.replace((*name).into()),
            terms: terms.clone(),
            created: UnixMicros(0),
            revoked: None,
        });
    }
    let owner = parent.expect("an owner");
    let key = VirtualKey {
        id: id.into(),
        name: "test".to_owned(),
        owner: owner.clone(),
        created: UnixMicros(0),
        expires: None,
        revoked: None,
        terms,
    };
    let chain = all.chain(&owner).expect("owners stand in each other");
    Principal::new(&key, &chain, &Terms::default())
}
