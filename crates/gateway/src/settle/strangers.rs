//! Refusals before identity: counted by source, reason and minute, for the audit log.
//! A flood from everywhere stays a bounded number of counters.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::audit;
use domain::network::Network;
use domain::refusal::Reason;
use domain::time::UnixMicros;

/// Counters at most; who comes then is counted without the source.
const MOST: usize = 4096;
const MINUTE: i64 = 60_000_000;

/// A minute's begin, where from, and why.
type Kind = (i64, Option<Network>, Reason);

/// The counters. Shared by all loops: a stranger's request ends here.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<HashMap<Kind, u64>>);

impl Strangers {
    /// Counts a refusal.
    pub fn count(&self, now: UnixMicros, from: Option<IpAddr>, reason: Reason) {
        let minute = now.0.div_euclid(MINUTE) * MINUTE;
        let kind = (minute, from.map(Network::of_source), reason);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match counts.len() >= MOST && !counts.contains_key(&kind) {
            false => kind,
            true => (minute, None, reason),
        };
        // Where nobody takes them, they end here.
        if counts.len() < 2 * MOST || counts.contains_key(&kind) {
            *counts.entry(kind).or_default() += 1;
        }
    }

    /// Takes the counters of the minutes that are over at `now`, in order.
    #[must_use]
    pub fn take(&self, now: UnixMicros) -> Vec<audit::Strangers> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |minute: i64| minute <= now.0.saturating_sub(MINUTE);
        let over = counts.extract_if(|(minute, ..), _| is_over(*minute));
        let over = over.map(|((minute, source, reason), count)| audit::Strangers {
            minute: UnixMicros(minute),
            source: source.map(|network| network.to_string()),
            reason: reason.code().to_owned(),
            count,
        });
        let mut over: Vec<_> = over.collect();
        drop(counts);
        let key = |it: &audit::Strangers| (it.minute, it.source.clone(), it.reason.clone());
        over.sort_by_cached_key(key);
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_once_their_minute_is_over() {
        let strangers = Strangers::default();
        let from = |text: &str| text.parse().ok();
        let at = UnixMicros(MINUTE + 5);
        strangers.count(at, from("192.0.2.1"), Reason::BadCredential);
        strangers.count(at, from("192.0.2.250"), Reason::BadCredential);
        strangers.count(at, from("192.0.2.1"), Reason::NoCredential);
        strangers.count(at, from("2001:db8::1"), Reason::NoCredential);
        strangers.count(UnixMicros(2 * MINUTE), None, Reason::NoCredential);
        assert!(strangers.take(UnixMicros(2 * MINUTE - 1)).is_empty());
        let told: Vec<_> = strangers
            .take(UnixMicros(2 * MINUTE))
            .into_iter()
            .map(|it| (it.source.unwrap_or_default(), it.reason, it.count))
            .collect();
        let expected = [
            ("192.0.2.0/24", "invalid_api_key", 2),
            ("192.0.2.0/24", "missing_api_key", 1),
            ("2001:db8::/48", "missing_api_key", 1),
        ]
        .map(|(source, reason, count)| (source.to_owned(), reason.to_owned(), count));
        assert_eq!(told, expected);
        assert_eq!(strangers.take(UnixMicros(i64::MAX)).len(), 1);
    }

    #[test]
    fn a_flood_from_everywhere_is_a_bounded_number_of_counters() {
        let strangers = Strangers::default();
        for source in 0..20_000_u32 {
            let from = std::net::Ipv4Addr::from_bits(source << 8).into();
            strangers.count(UnixMicros(0), Some(from), Reason::NoCredential);
        }
        let told = strangers.take(UnixMicros(MINUTE));
        assert_eq!(told.len(), MOST + 1);
        let all: u64 = told.iter().map(|it| it.count).sum();
        assert_eq!(all, 20_000);
        for minute in 0..100_000 {
            strangers.count(UnixMicros(minute * MINUTE), None, Reason::NoCredential);
        }
        assert!(strangers.take(UnixMicros(i64::MAX)).len() <= 2 * MOST);
    }
}
