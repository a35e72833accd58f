//! Entry bundles (C2SP tlog-tiles, "Log entries"): entries with their lengths
//! in front, two bytes, big endian.

/// The longest entry, in bytes: what its length has room for. Longer content
/// stands beside the log, and its hash in the entry.
pub const MOST_BYTES: usize = u16::MAX as usize;

/// Appends an entry of at most [`MOST_BYTES`] to a bundle.
///
/// # Panics
/// The entry is longer.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("an entry fits its length");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle, in order. The last item is an error if the bytes
/// end within an entry.
#[must_use]
pub fn entries(bundle: &[u8]) -> Entries<'_> {
    Entries { rest: bundle }
}

/// A bundle that ends within an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bundle ends within an entry")]
pub struct Torn;

/// See [`entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], Torn>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.rest.split_first_chunk().and_then(|(length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        Some(match entry {
            Some((entry, rest)) => {
                self.rest = rest;
                Ok(entry)
            }
            None => {
                self.rest = &[];
                Err(Torn)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_gives_the_entries_it_was_given() {
        let longest = vec![7; MOST_BYTES];
        let all: [&[u8]; 4] = [b"", b"one", &longest, b"last"];
        let mut bundle = Vec::new();
        for entry in all {
            push(&mut bundle, entry);
        }
        let read: Vec<_> = entries(&bundle).map(|entry| entry.unwrap()).collect();
        assert_eq!(read, all);
        assert_eq!(&bundle[..5], b"\0\0\0\x03o");
    }

    #[test]
    fn a_bundle_that_ends_early_says_so_once() {
        let read: Vec<_> = entries(b"\0\x01a\0\x05bc").collect();
        assert_eq!(read, [Ok(&b"a"[..]), Err(Torn)]);
        assert_eq!(entries(b"\0").collect::<Vec<_>>(), [Err(Torn)]);
    }
}
