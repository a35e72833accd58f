//! Ids of calls, in the letters that Anthropic takes.
//!
//! A call and its result stand in the same request, so nothing is kept: every
//! id that does not fit, or stands twice, is written in another way that the
//! id alone decides, and the result follows its call.

use std::collections::BTreeSet;

use crate::translate::distinct::Distinct;

/// Longer ones are shortened.
const LONGEST: usize = 64;

/// The written ids of one request.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Those that are taken, or will be by a call whose id fits.
    reserved: BTreeSet<String>,
    written: Distinct,
}

impl Ids {
    /// For the calls of these ids.
    pub(super) fn of<'a>(calls: impl Iterator<Item = &'a str>) -> Self {
        Self {
            reserved: calls.filter(|id| fits(id)).map(str::to_owned).collect(),
            written: Distinct::default(),
        }
    }

    /// The id of the next call.
    pub(super) fn write(&mut self, id: &str) -> String {
        let reserved = &self.reserved;
        self.written.claim(id, |way| match way.checked_sub(1) {
            None => fits(id).then(|| id.to_owned()),
            Some(round) => Some(derived(id, round)).filter(|other| !reserved.contains(other)),
        })
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn fits(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_letter)
}

fn derived(id: &str, round: u64) -> String {
    let bytes = id.bytes().chain(round.to_le_bytes());
    let mark = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let letters = id.bytes().take(40);
    let clean = letters.map(|byte| match is_letter(byte) {
        true => char::from(byte),
        false => '_',
    });
    let clean: String = clean.collect();
    format!("{clean}_{mark:016x}")
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn ids_that_fit_stay_and_others_never_meet_them() {
        let all = ["call_1", "functions.get:0", "functions_get_0", "", "call_1"];
        let mut ids = Ids::of(all.into_iter());
        let written = all.map(|id| ids.write(id));
        assert_eq!(written[0], "call_1");
        assert_eq!(written[2], "functions_get_0");
        let distinct: std::collections::BTreeSet<_> = written.iter().collect();
        assert_eq!(distinct.len(), 5);
        assert!(written.iter().all(|id| super::fits(id)), "{written:?}");
        let mut again = Ids::of(all.into_iter());
        assert_eq!(written, all.map(|id| again.write(id)));
    }

    // Who tries every round from the start needs 200 million tries here.
    #[test]
    fn many_calls_of_one_id_go_on_where_the_last_one_ended() {
        for id in ["call_1", "no.letters", ""] {
            let mut ids = Ids::of(std::iter::repeat_n(id, 20_000));
            let written = (0..20_000).map(|_| ids.write(id));
            let distinct: std::collections::BTreeSet<_> = written.collect();
            assert_eq!(distinct.len(), 20_000);
            let rounds = distinct.iter().filter(|it| *it != id).count();
            let last = super::derived(id, rounds as u64 - 1);
            assert!(distinct.contains(&last), "no round was left out");
        }
    }
}
