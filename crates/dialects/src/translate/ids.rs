//! Ids that had to be made. The same place gives the same id in every process:
//! nothing is kept between requests.

/// An id for a call that has none, or the same as another.
pub(crate) fn made(of: &str, (message, call): (usize, usize)) -> String {
    let place = format!("{message}/{call}");
    let parts = [of.as_bytes(), place.as_bytes()];
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0]));
    // FNV-1a, 64 bits; the parts stay apart.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("call_{hash:016x}")
}
