//! The scanner: one pass, no recursion, linear in the length of the text.

use super::cursor::Cursor;
use super::keys::Keys;
use super::{Entry, Kind, ScanErrorKind, utf8};

pub(super) type Fault = (ScanErrorKind, usize);

/// The most values and keys. Each takes a place on the tape, so that a body of
/// bare zeros would take eight times its own size; the largest embeddings have
/// some millions of numbers.
const MOST: usize = 1 << 23;
/// A tape has a place for each so many bytes from the start, so that it seldom
/// grows; not less than a kilobyte of them, which any allocator has at hand.
const PER_PLACE: usize = 40;
const FEW: usize = 1024 / size_of::<Entry>();
const FIRST: usize = 1 << 12;
/// No container is open.
const OUTSIDE: u32 = u32::MAX;

/// Scans `bytes`; gives the tape.
pub(super) fn scan(bytes: &[u8], max_depth: usize) -> Result<Vec<Entry>, Fault> {
    if u32::try_from(bytes.len()).is_err() {
        return Err((ScanErrorKind::Syntax("more than 4 GiB of text"), 0));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((ScanErrorKind::Syntax("a byte order mark"), 0));
    }
    let mut scanner = Scanner {
        tape: Vec::with_capacity((bytes.len() / PER_PLACE).clamp(FEW, FIRST)),
        inside: OUTSIDE,
        close: 0,
        depth: 0,
        keys: Keys::default(),
        max_depth,
    };
    let scanned = scanner.document(Cursor::new(bytes));
    // Outside strings anything but ASCII is a fault already.
    let is_text = match scanned {
        Ok(is_ascii) => is_ascii || utf8::is_valid(bytes),
        Err(_) => false,
    };
    if !is_text && let Err(error) = std::str::from_utf8(bytes) {
        let kind = ScanErrorKind::Syntax("bytes that are not UTF-8");
        return Err((kind, error.valid_up_to()));
    }
    scanned.map(|_| scanner.tape)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is at most u32::MAX long"
)]
const fn short(at: usize) -> u32 {
    at as u32
}

struct Scanner<'a> {
    /// While a container is open, its `next` is the one around it, and its
    /// `end` the bits of its keys, if it is not the innermost one: no other
    /// stack is needed.
    tape: Vec<Entry>,
    /// The innermost open container, and the bracket that ends it.
    inside: u32,
    close: u8,
    depth: usize,
    keys: Keys<'a>,
    max_depth: usize,
}

impl<'a> Scanner<'a> {
    /// Reads a value and what it holds; whether its strings are all ASCII.
    fn document(&mut self, mut cursor: Cursor<'a>) -> Result<bool, Fault> {
        loop {
            if self.close == b'}' {
                self.key(&mut cursor)?;
            }
            let next = cursor.next();
            if self.tape.len() >= MOST {
                return Err((ScanErrorKind::TooMany, cursor.at));
            }
            let start = cursor.at;
            let step = match next {
                Some(b'"') => cursor.string().map(|escaped| (Kind::String, escaped)),
                Some(open @ (b'{' | b'[')) => {
                    self.enter(open, cursor.at)?;
                    cursor.at += 1;
                    // An empty container has no member before its bracket.
                    let is_empty = cursor.next() == Some(self.close);
                    if is_empty && self.after(&mut cursor)? {
                        return Ok(cursor.is_ascii);
                    }
                    continue;
                }
                Some(b'-' | b'0'..=b'9') => cursor.number().map(|()| (Kind::Number, false)),
                Some(b't') => cursor.word(b"true").map(|()| (Kind::Bool, false)),
                Some(b'f') => cursor.word(b"false").map(|()| (Kind::Bool, false)),
                Some(b'n') => cursor.word(b"null").map(|()| (Kind::Null, false)),
                None => Err("the text ends where a value is expected"),
                Some(_) => Err("expected a value"),
            };
            let (kind, escaped) = step.map_err(|what| fault(what, cursor.at))?;
            self.push(start, cursor.at, kind, escaped);
            if self.after(&mut cursor)? {
                return Ok(cursor.is_ascii);
            }
        }
    }

    /// Behind a value: closes what ends here, up to the next comma; whether
    /// that was all.
    #[inline(always)]
    fn after(&mut self, cursor: &mut Cursor<'a>) -> Result<bool, Fault> {
        loop {
            let next = cursor.next();
            if self.inside == OUTSIDE {
                return match next {
                    None => Ok(true),
                    Some(_) => Err(fault("unexpected text behind the value", cursor.at)),
                };
            }
            if next == Some(b',') {
                cursor.at += 1;
                return Ok(false);
            }
            if next != Some(self.close) {
                let what = match self.close {
                    b'}' => "expected `,` or `}`",
                    _ => "expected `,` or `]`",
                };
                return Err(fault(what, cursor.at));
            }
            cursor.at += 1;
            self.leave(cursor.at);
        }
    }

    /// Puts a value that contains no others, or a key, onto the tape.
    #[inline(always)]
    #[expect(clippy::fn_params_excessive_bools, reason = "the entry's own flag")]
    fn push(&mut self, start: usize, end: usize, kind: Kind, escaped: bool) {
        self.tape.push(Entry {
            start: short(start),
            end: short(end),
            next: short(self.tape.len() + 1),
            kind,
            escaped,
        });
    }

    #[inline(always)]
    fn enter(&mut self, open: u8, at: usize) -> Result<(), Fault> {
        if self.depth >= self.max_depth {
            return Err((ScanErrorKind::TooDeep, at));
        }
        if let Some(around) = self.tape.get_mut(self.inside as usize) {
            around.end = self.keys.bits;
        }
        let (kind, close) = match open {
            b'{' => (Kind::Object, b'}'),
            _ => (Kind::Array, b']'),
        };
        let around = self.inside;
        self.inside = short(self.tape.len());
        self.close = close;
        self.keys.bits = 0;
        self.depth += 1;
        self.tape.push(Entry {
            start: short(at),
            end: 0,
            next: around,
            kind,
            escaped: false,
        });
        Ok(())
    }

    #[inline(never)]
    fn leave(&mut self, at: usize) {
        let next = short(self.tape.len());
        let entry = &mut self.tape[self.inside as usize];
        self.keys.leave(self.inside);
        self.inside = entry.next;
        entry.end = short(at);
        entry.next = next;
        self.depth -= 1;
        self.close = 0;
        if let Some(around) = self.tape.get(self.inside as usize) {
            self.keys.bits = around.end;
            self.close = match around.kind {
                Kind::Object => b'}',
                _ => b']',
            };
        }
    }

    /// Reads a key and its colon.
    #[inline(always)]
    fn key(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        if cursor.next() != Some(b'"') {
            return Err(fault("expected a key in double quotes", cursor.at));
        }
        let start = cursor.at;
        let step = cursor.string();
        let escaped = step.map_err(|what| fault(what, cursor.at))?;
        self.push(start, cursor.at, Kind::String, escaped);
        let known = self.keys.note(cursor.bytes, &self.tape, self.inside);
        if let Some(key) = known {
            return Err((ScanErrorKind::DuplicateKey(key), start));
        }
        if cursor.next() != Some(b':') {
            return Err(fault("expected `:`", cursor.at));
        }
        cursor.at += 1;
        Ok(())
    }
}

#[cold]
fn fault(what: &'static str, at: usize) -> Fault {
    (ScanErrorKind::Syntax(what), at)
}
