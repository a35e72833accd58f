//! Random bytes, from the operating system itself: the crypto library would
//! gather entropy of its own before its first byte, for some 25 ms.

/// `N` random bytes.
///
/// # Panics
/// If the system has no randomness: a predictable key is worse than none.
#[allow(clippy::expect_used)]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

/// A number for one start of the process: makes ticket ids unique over
/// restarts and over data folders that were copied or restored.
#[must_use]
pub fn random_generation() -> u64 {
    u64::from_be_bytes(random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_get_two_generations() {
        assert_ne!(random_generation(), random_generation());
    }
}
