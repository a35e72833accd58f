//! The scanner: one pass, no recursion, linear in the length of the text.

use super::keys::Keys;
use super::{Entry, Kind, ScanErrorKind, run, text, utf8};

pub(super) type Fault = (ScanErrorKind, usize);

/// The most values and keys. Each takes a place on the tape, so that a body of
/// bare zeros would take eight times its own size; the largest embeddings have
/// some millions of numbers.
const MOST: usize = 1 << 23;
/// The most places that a tape has from the start.
const FIRST: usize = 1 << 12;
/// No container is open.
const OUTSIDE: u32 = u32::MAX;

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// While a container is open, its `next` is the container around it and
    /// its `end` how many keys were noted before it: no other stack is needed.
    tape: Vec<Entry>,
    /// The innermost open container.
    inside: u32,
    depth: usize,
    keys: Keys<'a>,
    max_depth: usize,
    /// All bytes of all strings, or'ed: tells whether one is not ASCII.
    seen: u64,
}

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
    tape.reserve((bytes.len() / 16 + 8).min(FIRST));
    let mut scanner = Scanner {
        bytes,
        at: 0,
        tape,
        inside: OUTSIDE,
        depth: 0,
        keys: Keys::new(),
        max_depth,
        seen: 0,
    };
    let scanned = scanner.document();
    // Outside strings anything but ASCII is a fault already.
    let is_text = scanned.is_ok() && (run::is_ascii(scanner.seen) || utf8::is_valid(bytes));
    if !is_text && let Err(error) = std::str::from_utf8(bytes) {
        let kind = ScanErrorKind::Syntax("bytes that are not UTF-8");
        return Err((kind, error.valid_up_to()));
    }
    scanned.map(|()| scanner.tape)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is at most u32::MAX long"
)]
const fn short(at: usize) -> u32 {
    at as u32
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Fault> {
        loop {
            if !self.value()? {
                continue;
            }
            while self.inside != OUTSIDE {
                let is_object = self.tape[self.inside as usize].kind == Kind::Object;
                self.space();
                match (self.peek(), is_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => self.close(),
                    (_, true) => return self.fail("expected `,` or `}`"),
                    (_, false) => return self.fail("expected `,` or `]`"),
                }
            }
            if self.inside == OUTSIDE {
                break;
            }
        }
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail("unexpected text behind the value"),
        }
    }

    /// Reads a value; `false` if it is a container with a member to come.
    fn value(&mut self) -> Result<bool, Fault> {
        self.space();
        if self.tape.len() >= MOST {
            return Err((ScanErrorKind::TooMany, self.at));
        }
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => return self.enter(Kind::Object),
            Some(b'[') => return self.enter(Kind::Array),
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.note(Kind::Number, start);
            }
            None => return self.fail("the text ends where a value is expected"),
            Some(_) => return self.fail("expected a value"),
        }
        Ok(true)
    }

    fn enter(&mut self, kind: Kind) -> Result<bool, Fault> {
        if self.depth >= self.max_depth {
            return Err((ScanErrorKind::TooDeep, self.at));
        }
        let entry = Entry {
            start: short(self.at),
            end: short(self.keys.len()),
            next: self.inside,
            kind,
            escaped: false,
        };
        self.inside = short(self.tape.len());
        self.depth += 1;
        self.tape.push(entry);
        self.at += 1;
        self.space();
        match (self.peek(), kind == Kind::Object) {
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.close();
                Ok(true)
            }
            (_, true) => self.key().map(|()| false),
            (_, false) => Ok(false),
        }
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
        let next = short(self.tape.len());
        let entry = &mut self.tape[self.inside as usize];
        self.keys.leave(self.inside, entry.end as usize);
        self.inside = entry.next;
        entry.end = short(self.at);
        entry.next = next;
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), Fault> {
        self.space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.fail("expected a key in double quotes");
        }
        self.string()?;
        let before = self.tape[self.inside as usize].end as usize;
        if let Some(key) = self.keys.note(self.bytes, &self.tape, self.inside, before) {
            return Err((ScanErrorKind::DuplicateKey(key), start));
        }
        self.space();
        if self.peek() != Some(b':') {
            return self.fail("expected `:`");
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = run::end(self.bytes, self.at, &mut self.seen);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.note(Kind::String, start);
                    if let Some(entry) = self.tape.last_mut() {
                        entry.escaped = escaped;
                    }
                    return Ok(());
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.escape()?;
                }
                _ => return self.broken(),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') if text::hex4(&self.bytes[self.at + 1..]).is_some() => 5,
            _ => return self.fail("an invalid escape within a string"),
        };
        Ok(())
    }

    /// A string without an end, or a control character in one that has one.
    #[cold]
    fn broken(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        if memchr::memchr2(b'"', b'\\', rest).is_some() {
            return self.fail("a control character within a string");
        }
        self.at = self.bytes.len();
        self.fail("the text ends within a string")
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return self.fail("expected a digit");
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Fault> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        self.note(kind, start);
        Ok(())
    }

    #[inline]
    fn note(&mut self, kind: Kind, start: usize) {
        self.tape.push(Entry {
            start: short(start),
            end: short(self.at),
            next: short(self.tape.len() + 1),
            kind,
            escaped: false,
        });
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[cold]
    fn fail<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err((ScanErrorKind::Syntax(what), self.at))
    }
}
