//! A text as it is read, and the bytes that say each part of it: however deep it
//! stands in JSON within strings of JSON, a part of it can be replaced where it lies.

use std::ops::Range;

use bytes::Bytes;
use domain::edit::{Edit, Span};

use super::reader::collect;
use super::room::Room;
use super::{Place, Text};
use crate::json::{Document, escape, write_escaped, write_string};

/// The deepest nesting of JSON within a string.
const DEPTH: usize = 128;

/// A decoded text with the way back to the bytes of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    runs: Vec<Run>,
    end: u32,
    /// In how many strings of JSON it stands, beside its own quotes.
    depth: usize,
    is_number: bool,
}

/// Letters that the bytes say one by one, or one that they say in an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Where it begins in the text.
    at: usize,
    /// Where it begins in the document.
    from: u32,
    is_escape: bool,
}

/// Which way a place within an escape is rounded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

/// A letter, and where in the document it is said.
struct Letter {
    letter: char,
    from: u32,
    to: u32,
}

impl Origin {
    /// Of a text of this document.
    #[must_use]
    pub fn of(doc: &Document, text: &Text) -> Self {
        let is_number = doc.bytes().get(text.span.end as usize) != Some(&b'"');
        let letters = letters(doc, text);
        Self::from_letters(letters, (text.span.end, 0, is_number))
    }

    fn from_letters(
        letters: impl Iterator<Item = Letter>,
        (end, depth, is_number): (u32, usize, bool),
    ) -> Self {
        let (mut text, mut runs) = (String::new(), Vec::<Run>::new());
        let mut expected = None;
        for Letter { letter, from, to } in letters {
            let is_escape = (to - from) as usize != letter.len_utf8();
            if is_escape || expected != Some(from) {
                runs.push(Run {
                    at: text.len(),
                    from,
                    is_escape,
                });
            }
            expected = (!is_escape).then_some(to);
            text.push(letter);
        }
        Self {
            text,
            runs,
            end,
            depth,
            is_number,
        }
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the document that say this part of it.
    #[must_use]
    pub fn span(&self, part: Range<usize>) -> Span {
        Span::new(
            self.raw(part.start, Side::Start),
            self.raw(part.end, Side::End),
        )
    }

    fn raw(&self, at: usize, side: Side) -> u32 {
        if at >= self.text.len() {
            return self.end;
        }
        let next = self.runs.partition_point(|run| run.at <= at);
        let Some(run) = next.checked_sub(1).and_then(|last| self.runs.get(last)) else {
            return self.end;
        };
        let behind = self.runs.get(next).map_or(self.end, |run| run.from);
        match (run.is_escape, at == run.at, side) {
            (true, true, _) | (true, false, Side::Start) => run.from,
            (true, false, Side::End) => behind,
            (false, ..) => run.from + u32::try_from(at - run.at).unwrap_or(u32::MAX),
        }
    }

    /// Puts other words in the place of a part of it. A number that is changed becomes
    /// a string, whole.
    #[must_use]
    pub fn edit(&self, part: Range<usize>, with: &str) -> Edit {
        let mut out = Vec::new();
        let span = match self.is_number {
            true => {
                let whole = [&self.text[..part.start], with, &self.text[part.end..]].concat();
                write_string(&mut out, &whole);
                self.span(0..self.text.len())
            }
            false => {
                write_escaped(&mut out, with);
                self.span(part)
            }
        };
        for _ in 0..self.depth {
            let inner = String::from_utf8(out).unwrap_or_default();
            out = Vec::new();
            write_escaped(&mut out, &inner);
        }
        Edit {
            span,
            with: Bytes::from(out),
        }
    }

    /// The texts in it, if it is JSON itself: strings, keys and numbers.
    #[must_use]
    pub fn within(&self) -> Vec<Self> {
        let is_open = self.text.trim_start().starts_with(['{', '[', '"']);
        let parsed = is_open.then(|| Document::parse(self.text.clone().into(), DEPTH));
        let Some(Ok(inner)) = parsed else {
            return Vec::new();
        };
        let texts = collect(inner.root(), Room::JSON, Place::Other);
        let texts = texts.iter().map(|text| {
            let letters = letters(&inner, text).map(|it| Letter {
                letter: it.letter,
                from: self.raw(it.from as usize, Side::Start),
                to: self.raw(it.to as usize, Side::End),
            });
            let is_number = inner.bytes().get(text.span.end as usize) != Some(&b'"');
            let end = self.raw(text.span.end as usize, Side::Start);
            Self::from_letters(letters, (end, self.depth + 1, is_number))
        });
        texts.collect()
    }
}

/// The letters of a text, each with its bytes.
fn letters<'a>(doc: &'a Document, text: &Text) -> impl Iterator<Item = Letter> + use<'a> {
    let raw = text.span.of(doc.bytes());
    let (start, escaped) = (text.span.start, text.escaped);
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
        let (letter, length) = match (escaped, rest) {
            (true, [b'\\', after @ ..]) => {
                let (letter, behind) = escape(after);
                (letter, rest.len() - behind.len())
            }
            // Documents are valid UTF-8, so one of these lengths is a letter.
            _ => (1..=4).find_map(|length| {
                let text = std::str::from_utf8(rest.get(..length)?).ok()?;
                Some((text.chars().next()?, length))
            })?,
        };
        let place = |at: usize| start + u32::try_from(at).unwrap_or(u32::MAX);
        let (from, to) = (place(at), place(at + length));
        at += length;
        Some(Letter { letter, from, to })
    })
}

#[cfg(test)]
mod tests {
    use domain::edit::Edits;
    use proptest::prelude::*;

    use super::*;

    /// A text as a string of JSON says it, with some letters in escapes.
    fn said(text: &str, how: &[u8]) -> String {
        let mut out = String::from("\"");
        for (letter, how) in text.chars().zip(how.iter().cycle()) {
            let mut units = [0; 2];
            match (how % 3, letter) {
                (0, _) | (_, '"' | '\\' | '\0'..='\u{1f}') => {
                    for unit in letter.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => out.push(letter),
            }
        }
        out + "\""
    }

    fn origins(doc: &Document) -> Vec<Origin> {
        let texts = collect(doc.root(), Room::JSON, Place::Other);
        texts.iter().map(|text| Origin::of(doc, text)).collect()
    }

    /// The texts that stand at this depth, under the first at each.
    fn at_depth(body: &str, depth: usize) -> Vec<Origin> {
        let doc = Document::parse(body.to_owned().into(), 64).expect("JSON");
        (0..depth).fold(origins(&doc), |all, _| {
            all.iter().flat_map(Origin::within).collect()
        })
    }

    proptest! {
        #[test]
        fn a_part_is_replaced_where_it_lies_however_deep_and_nothing_else_changes(
            text in "[a-z\"\\\\é😀\n]{1,8}",
            how in proptest::collection::vec(any::<u8>(), 1..7),
            depth in 0_usize..4,
            with in "[a-z\"\\\\é\n]{0,5}",
            cuts: (prop::sample::Index, prop::sample::Index),
        ) {
            let body = (0..depth).fold(format!("[{}, 1e400]", said(&text, &how)), |inner, _| {
                format!("[{}, 1e400]", said(&inner, &how))
            });
            let at = |index: prop::sample::Index| {
                let bounds: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
                bounds[index.index(bounds.len())]
            };
            let (one, other) = (at(cuts.0), at(cuts.1));
            let part = one.min(other)..one.max(other);
            let all = at_depth(&body, depth);
            let found = all.iter().find(|it| it.text() == text).expect("it is there");
            let mut edits = Edits::new();
            edits.add(found.edit(part.clone(), &with)).expect("one");
            let edited = edits.apply(&Bytes::from(body.clone())).concat();
            let edited = String::from_utf8(edited).expect("text");
            let wanted = [&text[..part.start], &with, &text[part.end..]].concat();
            let now: Vec<String> = at_depth(&edited, depth).iter().map(|it| it.text().to_owned()).collect();
            let before: Vec<String> = all.iter()
                .map(|it| if it.text() == text { wanted.clone() } else { it.text().to_owned() })
                .collect();
            prop_assert_eq!(now, before, "{} in {}", edited, body);
        }
    }

    #[test]
    fn a_number_that_is_changed_is_a_string_at_any_depth() {
        let body = r#"{"a":"{\"iban\": 4711}","b":815}"#;
        let doc = Document::parse(body.into(), 64).expect("JSON");
        let all = origins(&doc);
        let inner: Vec<Origin> = all.iter().flat_map(Origin::within).collect();
        let number = |all: &[Origin], said: &str| {
            all.iter()
                .find(|it| it.text() == said)
                .expect("there")
                .clone()
        };
        let edits = Edits::fitting([
            number(&inner, "4711").edit(0..4, "<N>"),
            number(&all, "815").edit(1..3, "x"),
        ]);
        let edited = edits.apply(doc.bytes()).concat();
        assert_eq!(
            String::from_utf8(edited).expect("text"),
            r#"{"a":"{\"iban\": \"<N>\"}","b":"8x"}"#
        );
    }

    #[test]
    fn what_is_no_json_has_nothing_within() {
        for text in ["\"plain\"", r#""{\"cut\": ""#, "\"12\""] {
            let doc = Document::parse(text.to_owned().into(), 64).expect("JSON");
            assert!(origins(&doc)[0].within().is_empty(), "{text}");
        }
    }
}
