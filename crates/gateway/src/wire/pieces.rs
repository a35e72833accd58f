//! Bytes that are gathered until they are whole. Not one buffer that doubles:
//! whoever sends too much would take twice what it may before it is refused.

use bytes::Bytes;

/// The smallest and the largest piece that room is made for.
const LEAST: usize = 4 << 10;
const MOST: usize = 1 << 20;

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Pieces {
    /// So many bytes are expected in all: if they come, none of them is copied
    /// again from now on.
    pub(crate) fn expect(&mut self, all: usize) {
        let is_there = |one: &Vec<u8>| one.capacity() >= all;
        if !self.pieces.first().is_some_and(is_there) {
            let mut whole = Vec::with_capacity(all);
            let pieces = self.pieces.drain(..);
            pieces.for_each(|piece| whole.extend_from_slice(&piece));
            self.pieces.push(whole);
        }
    }

    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Adds bytes behind the others.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = |last: &&mut Vec<u8>| last.len() + bytes.len() <= last.capacity();
        if let Some(last) = self.pieces.last_mut().filter(room) {
            last.extend_from_slice(bytes);
        } else {
            let room = self.length.clamp(LEAST, MOST).max(bytes.len());
            let mut piece = Vec::with_capacity(room);
            piece.extend_from_slice(bytes);
            self.pieces.push(piece);
        }
        self.length += bytes.len();
    }

    /// All of it.
    pub(crate) fn join(mut self) -> Bytes {
        if self.pieces.len() < 2 {
            return self.pieces.pop().unwrap_or_default().into();
        }
        let mut whole = Vec::with_capacity(self.length);
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
        }
        whole.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_pushed_comes_out_in_order() {
        for (expected, from) in [(0, 0), (5, 2), (100_000, 0), (4 << 20, 4)] {
            let mut pieces = Pieces::default();
            let mut wanted = Vec::new();
            for (at, length) in [0, 1, 2, 5_000, 70_000, 3, 2 << 20].into_iter().enumerate() {
                if at >= from {
                    pieces.expect(expected);
                }
                let part: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
                pieces.push(&part);
                wanted.extend(part);
            }
            assert_eq!(pieces.len(), wanted.len());
            assert_eq!(pieces.join(), wanted);
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_take_little_more_than_themselves() {
        let mut pieces = Pieces::default();
        for _ in 0..1_000_000 {
            pieces.push(b"x");
        }
        let room: usize = pieces.pieces.iter().map(Vec::capacity).sum();
        assert!(room < 2_000_000 && pieces.pieces.len() < 30);
    }
}
