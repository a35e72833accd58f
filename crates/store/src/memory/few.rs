//! A handful of values without a place of their own in memory.

/// As many as stand in the value itself: a key has three limits.
const INLINE: usize = 4;

/// A list that is nearly always short.
#[derive(Debug)]
pub(super) struct Few<T> {
    inline: [T; INLINE],
    count: usize,
    /// All of them, once they are more.
    many: Vec<T>,
}

impl<T: Copy> Few<T> {
    /// None yet; `filler` stands where the first will.
    pub(super) fn none(filler: T) -> Self {
        Self {
            inline: [filler; INLINE],
            count: 0,
            many: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.many.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, value: T) {
        if self.count < INLINE {
            self.inline[self.count] = value;
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.inline);
            }
            self.many.push(value);
        }
        self.count += 1;
    }

    pub(super) fn as_slice(&self) -> &[T] {
        match self.many.is_empty() {
            true => &self.inline[..self.count],
            false => &self.many,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        match self.many.is_empty() {
            true => &mut self.inline[..self.count],
            false => &mut self.many,
        }
    }
}
