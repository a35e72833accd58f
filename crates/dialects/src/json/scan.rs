//! The scanner: one pass, no recursion, linear in the length of the text.

use super::cursor::Cursor;
use super::keys::Keys;
use super::{Entry, Kind, ScanErrorKind, run, utf8};

pub(super) type Fault = (ScanErrorKind, usize);

/// The most values and keys. Each takes a place on the tape, so that a body of
/// bare zeros would take eight times its own size; the largest embeddings have
/// some millions of numbers.
const MOST: usize = 1 << 23;
/// The most places that a tape has from the start.
const FIRST: usize = 1 << 12;
/// No container is open.
const OUTSIDE: u32 = u32::MAX;

/// Scans `bytes`; the tape is taken to be written on, for its capacity.
pub(super) fn scan(
    bytes: &[u8],
    max_depth: usize,
    mut tape: Vec<Entry>,
) -> Result<Vec<Entry>, Fault> {
    if u32::try_from(bytes.len()).is_err() {
        return Err((ScanErrorKind::Syntax("more than 4 GiB of text"), 0));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((ScanErrorKind::Syntax("a byte order mark"), 0));
    }
    tape.clear();
    tape.reserve((bytes.len() / 24 + 32).min(FIRST));
    let mut scanner = Scanner {
        tape,
        inside: OUTSIDE,
        is_object: false,
        depth: 0,
        keys: Keys::new(),
        max_depth,
    };
    let scanned = scanner.document(Cursor::new(bytes));
    // Outside strings anything but ASCII is a fault already.
    let is_text = match scanned {
        Ok(seen) => run::is_ascii(seen) || utf8::is_valid(bytes),
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
    /// While a container is open, its `next` is the one around it: no other
    /// stack is needed.
    tape: Vec<Entry>,
    /// The innermost open container, and whether it is an object.
    inside: u32,
    is_object: bool,
    depth: usize,
    keys: Keys<'a>,
    max_depth: usize,
}

impl<'a> Scanner<'a> {
    /// Reads a value and what it holds; gives all bytes of its strings, or'ed.
    fn document(&mut self, mut cursor: Cursor<'a>) -> Result<u64, Fault> {
        let mut wants_key = false;
        loop {
            if wants_key {
                self.key(&mut cursor)?;
            }
            let next = cursor.next();
            if self.tape.len() >= MOST {
                return Err((ScanErrorKind::TooMany, cursor.at));
            }
            let start = cursor.at;
            let step = match next {
                Some(b'"') => cursor.string().map(|escaped| (Kind::String, escaped)),
                Some(b'{' | b'[') => {
                    let is_object = next == Some(b'{');
                    self.enter(
                        if is_object { Kind::Object } else { Kind::Array },
                        cursor.at,
                    )?;
                    cursor.at += 1;
                    let end = if self.is_object { b'}' } else { b']' };
                    wants_key = self.is_object;
                    if cursor.next() != Some(end) {
                        continue;
                    }
                    cursor.at += 1;
                    self.leave(cursor.at);
                    Ok((Kind::Null, false))
                }
                Some(b't') => cursor.word(b"true").map(|()| (Kind::Bool, false)),
                Some(b'f') => cursor.word(b"false").map(|()| (Kind::Bool, false)),
                Some(b'n') => cursor.word(b"null").map(|()| (Kind::Null, false)),
                Some(b'-' | b'0'..=b'9') => cursor.number().map(|()| (Kind::Number, false)),
                None => Err("the text ends where a value is expected"),
                Some(_) => Err("expected a value"),
            };
            let (kind, escaped) = step.map_err(|what| fault(what, cursor.at))?;
            if !matches!(next, Some(b'{' | b'[')) {
                self.tape.push(Entry {
                    start: short(start),
                    end: short(cursor.at),
                    next: short(self.tape.len() + 1),
                    kind,
                    escaped,
                });
            }
            if self.after(&mut cursor)? {
                return Ok(cursor.seen);
            }
            wants_key = self.is_object;
        }
    }

    /// Behind a value: closes what ends here, up to the next comma; whether
    /// that was all.
    #[inline(always)]
    fn after(&mut self, cursor: &mut Cursor<'a>) -> Result<bool, Fault> {
        while self.inside != OUTSIDE {
            let end = if self.is_object { b'}' } else { b']' };
            let next = cursor.next();
            if next == Some(b',') {
                cursor.at += 1;
                return Ok(false);
            }
            if next != Some(end) {
                let what = match self.is_object {
                    true => "expected `,` or `}`",
                    false => "expected `,` or `]`",
                };
                return Err(fault(what, cursor.at));
            }
            cursor.at += 1;
            self.leave(cursor.at);
        }
        match cursor.next() {
            None => Ok(true),
            Some(_) => Err(fault("unexpected text behind the value", cursor.at)),
        }
    }

    #[inline(always)]
    fn enter(&mut self, kind: Kind, at: usize) -> Result<(), Fault> {
        if self.depth >= self.max_depth {
            return Err((ScanErrorKind::TooDeep, at));
        }
        let entry = Entry {
            start: short(at),
            end: 0,
            next: self.inside,
            kind,
            escaped: false,
        };
        self.inside = short(self.tape.len());
        self.is_object = kind == Kind::Object;
        if self.is_object {
            self.keys.enter();
        }
        self.depth += 1;
        self.tape.push(entry);
        Ok(())
    }

    #[inline(always)]
    fn leave(&mut self, at: usize) {
        let next = short(self.tape.len());
        let entry = &mut self.tape[self.inside as usize];
        if self.is_object {
            self.keys.leave(self.inside);
        }
        self.inside = entry.next;
        entry.end = short(at);
        entry.next = next;
        self.depth -= 1;
        let around = self.tape.get(self.inside as usize);
        self.is_object = around.is_some_and(|around| around.kind == Kind::Object);
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
        self.tape.push(Entry {
            start: short(start),
            end: short(cursor.at),
            next: short(self.tape.len() + 1),
            kind: Kind::String,
            escaped,
        });
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
