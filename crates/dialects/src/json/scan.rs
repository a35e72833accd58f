//! The scanner: one pass, no recursion, linear in the length of the text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Entry, Kind, ScanErrorKind, text};

type Fault = (ScanErrorKind, usize);

/// The most values and keys. Each takes a place on the tape, so that a body of
/// bare zeros would take eight times its own size; the largest embeddings have
/// some millions of numbers.
const MOST: usize = 1 << 23;
/// Up to this many keys are compared one by one; above, by their hash.
const FEW: usize = 16;

/// A container that is not closed yet.
struct Open<'a> {
    entry: usize,
    is_object: bool,
    /// Where its keys begin in the scanner's list of keys.
    first_key: usize,
    many: Option<HashSet<Cow<'a, str>>>,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    tape: Vec<Entry>,
    open: Vec<Open<'a>>,
    keys: Vec<Cow<'a, str>>,
    max_depth: usize,
}

pub(super) fn scan(bytes: &[u8], max_depth: usize) -> Result<Vec<Entry>, Fault> {
    if u32::try_from(bytes.len()).is_err() {
        return Err((ScanErrorKind::Syntax("more than 4 GiB of text"), 0));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((ScanErrorKind::Syntax("a byte order mark"), 0));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err((
            ScanErrorKind::Syntax("bytes that are not UTF-8"),
            error.valid_up_to(),
        ));
    }
    let mut scanner = Scanner {
        bytes,
        at: 0,
        tape: Vec::with_capacity(bytes.len() / 16 + 1),
        open: Vec::new(),
        keys: Vec::new(),
        max_depth,
    };
    scanner.document()?;
    Ok(scanner.tape)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is at most u32::MAX long"
)]
const fn short(at: usize) -> u32 {
    at as u32
}

impl<'a> Scanner<'a> {
    fn document(&mut self) -> Result<(), Fault> {
        loop {
            if !self.value()? {
                continue;
            }
            while let Some(open) = self.open.last() {
                let is_object = open.is_object;
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
            if self.open.is_empty() {
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
        if self.open.len() >= self.max_depth {
            return Err((ScanErrorKind::TooDeep, self.at));
        }
        let is_object = kind == Kind::Object;
        self.open.push(Open {
            entry: self.tape.len(),
            is_object,
            first_key: self.keys.len(),
            many: None,
        });
        let start = self.at;
        self.at += 1;
        self.note(kind, start);
        self.space();
        match (self.peek(), is_object) {
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
        if let Some(open) = self.open.pop() {
            self.keys.truncate(open.first_key);
            let next = short(self.tape.len());
            let entry = &mut self.tape[open.entry];
            entry.end = short(self.at);
            entry.next = next;
        }
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), Fault> {
        self.space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.fail("expected a key in double quotes");
        }
        self.string()?;
        let bytes: &'a [u8] = self.bytes;
        let key = text::decode(&bytes[start + 1..self.at - 1]);
        self.remember(key)
            .map_err(|key| (ScanErrorKind::DuplicateKey(key.into_owned()), start))?;
        self.space();
        if self.peek() != Some(b':') {
            return self.fail("expected `:`");
        }
        self.at += 1;
        Ok(())
    }

    /// Notes a key of the innermost object; gives it back if it was there.
    fn remember(&mut self, key: Cow<'a, str>) -> Result<(), Cow<'a, str>> {
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        if let Some(many) = &mut open.many {
            if many.contains(&key) {
                return Err(key);
            }
            many.insert(key);
            return Ok(());
        }
        let seen = &self.keys[open.first_key..];
        if seen.contains(&key) {
            return Err(key);
        }
        let is_full = seen.len() >= FEW;
        self.keys.push(key);
        if is_full {
            open.many = Some(self.keys.drain(open.first_key..).collect());
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(run) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return self.fail("the text ends within a string");
            };
            if let Some(bad) = rest[..run].iter().position(|&byte| byte < 0x20) {
                self.at += bad;
                return self.fail("a control character within a string");
            }
            self.at += run + 1;
            if rest[run] == b'"' {
                self.note(Kind::String, start);
                if let Some(entry) = self.tape.last_mut() {
                    entry.escaped = escaped;
                }
                return Ok(());
            }
            escaped = true;
            self.at += match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
                Some(b'u') if text::hex4(&self.bytes[self.at + 1..]).is_some() => 5,
                _ => return self.fail("an invalid escape within a string"),
            };
        }
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

    fn note(&mut self, kind: Kind, start: usize) {
        self.tape.push(Entry {
            start: short(start),
            end: short(self.at),
            next: short(self.tape.len() + 1),
            kind,
            escaped: false,
        });
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err((ScanErrorKind::Syntax(what), self.at))
    }
}
