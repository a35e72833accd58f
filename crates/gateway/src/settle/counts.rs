//! One loop's way to the metrics: what requests of the same kind count on,
//! found by looking at pointers.

use std::borrow::Cow;
use std::cell::RefCell;

use domain::ids::{ModelName, ProviderName};
use domain::record::{Outcome, Settled};

use super::metrics::{Metrics, Series};

/// Kinds that are remembered; a reload makes new ones, and more than this
/// begin anew.
const KINDS: usize = 256;

/// What one loop has counted on.
#[derive(Default)]
pub struct Counts(RefCell<Vec<(Kind, Series)>>);

struct Kind {
    operation: Cow<'static, str>,
    model: ModelName,
    provider: ProviderName,
    outcome: Outcome,
    status: u16,
}

impl Counts {
    /// Counts a request's end.
    ///
    /// A model that nobody listed is `unlisted`: it counts under its
    /// provider, as `local/*`.
    pub(super) fn settled(&self, metrics: &Metrics, facts: &Settled, unlisted: Option<&str>) {
        let (Some(model), Some(provider), None) = (&facts.model, &facts.provider, unlisted) else {
            return metrics.series(facts, unlisted).count(facts);
        };
        let mut kinds = self.0.borrow_mut();
        let known = kinds.iter().find(|(kind, _)| {
            kind.model.is_same(model)
                && kind.provider.is_same(provider)
                && kind.outcome == facts.outcome
                && kind.status == facts.status
                && kind.operation == facts.operation
        });
        if let Some((_, series)) = known {
            return series.count(facts);
        }
        if kinds.len() >= KINDS {
            kinds.clear();
        }
        let series = metrics.series(facts, None);
        series.count(facts);
        let kind = Kind {
            operation: facts.operation.clone(),
            model: model.clone(),
            provider: provider.clone(),
            outcome: facts.outcome,
            status: facts.status,
        };
        kinds.push((kind, series));
    }
}
