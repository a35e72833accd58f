//! Ids that had to be made. The same place gives the same id in every process:
//! nothing is kept between requests.

/// An id for a call that has none, or the same as another.
pub(crate) fn made(of: &str, (message, call): (usize, usize)) -> String {
    let place = format!("{message}/{call}");
    let hash = hash(&[of.as_bytes(), place.as_bytes()]);
    format!("call_{hash:016x}")
}

/// FNV-1a, 64 bits, of these parts, which stay apart: the same in every process
/// and for ever.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
