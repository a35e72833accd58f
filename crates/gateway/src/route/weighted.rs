//! Weighted order: each place is drawn from those that are left, in
//! proportion to their weights. A weight of zero comes last.

use std::sync::Arc;

use domain::model::Deployment;

/// Puts `targets` into a random order by weight; `roll(n)` gives `0..n`.
pub(super) fn shuffle(targets: &mut [Arc<Deployment>], roll: impl Fn(u64) -> u64) {
    for at in 0..targets.len().saturating_sub(1) {
        let rest = &targets[at..];
        let total: u64 = rest.iter().map(|t| u64::from(t.weight)).sum();
        if total == 0 {
            return;
        }
        let mut ticket = roll(total);
        let chosen = rest.iter().position(|target| {
            let weight = u64::from(target.weight);
            if ticket < weight {
                return true;
            }
            ticket -= weight;
            false
        });
        targets.swap(at, at + chosen.unwrap_or(0));
    }
}
