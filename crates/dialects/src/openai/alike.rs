//! Chunks that are alike: nearly every chunk of a stream is the one before it
//! but for the one text it brings (and the padding that some servers put into
//! each, so that its length tells nothing). What was learnt of that one then
//! holds of this one too, and only the text is read.

use domain::edit::Span;

use super::delta::Field;
use crate::json::string_at;

/// Longer chunks are not remembered: each stream would keep as much.
const LONGEST: usize = 4096;

/// A chunk that brought one text in a field with a name, and no usage, no
/// finish, no error. All that the content of such a text decides is whether
/// it is empty.
#[derive(Clone, Debug)]
pub(super) struct Alike {
    data: Vec<u8>,
    learnt: Learnt,
}

/// What was learnt of a chunk, by places in its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learnt {
    /// The choice and the field that the text belongs to.
    pub(super) choice: u32,
    pub(super) field: Field,
    /// The text, inside its quotes, and whether it holds escapes.
    pub(super) text: Span,
    pub(super) escaped: bool,
    /// The padding behind it, inside its quotes.
    pub(super) padding: Option<Span>,
    /// What is to be cut out before the chunk goes on.
    pub(super) cut: Option<Span>,
    /// Whether it brings something beside the text.
    pub(super) brings: bool,
}

impl Alike {
    /// Remembers a chunk; `None` if it is too long, or not of that form.
    pub(super) fn remember(old: Option<Self>, data: &[u8], learnt: Learnt) -> Option<Self> {
        let is_behind = |padding: Span| padding.start > learnt.text.end;
        let is_apart = |cut: Span| cut.end <= learnt.text.start || cut.start >= learnt.text.end;
        if data.len() > LONGEST
            || !learnt.padding.is_none_or(is_behind)
            || !learnt.cut.is_none_or(is_apart)
        {
            return None;
        }
        let mut kept = old.map_or_else(Vec::new, |old| old.data);
        kept.clear();
        kept.extend_from_slice(data);
        Some(Self { data: kept, learnt })
    }

    /// What is true of this chunk, if it is like the remembered one.
    pub(super) fn learn(&self, data: &[u8]) -> Option<Learnt> {
        let old = &self.data[..];
        let Learnt { text, padding, .. } = self.learnt;
        let (start, stop) = (text.start as usize, text.end as usize);
        if !data.starts_with(&old[..start]) {
            return None;
        }
        let new = string_at(data, start - 1)?;
        let between = &old[stop..padding.map_or(old.len(), |padding| padding.start as usize)];
        if !data[new.end..].starts_with(between) {
            return None;
        }
        let mut end = new.end + between.len();
        let new_padding = match padding {
            None => None,
            Some(padding) => {
                let new = string_at(data, end - 1).filter(|new| new.is_ascii)?;
                let rest = &old[padding.end as usize..];
                let from = short(end);
                end = new.end + rest.len();
                if data.get(new.end..) != Some(rest) {
                    return None;
                }
                Some(Span::new(from, short(new.end)))
            }
        };
        if end != data.len() {
            return None;
        }
        // Each place moves with what lies before it.
        let moved = |at: u32| match (padding, new_padding) {
            _ if at <= text.start => at,
            (Some(old), Some(new)) if at >= old.end => at - old.end + new.end,
            _ => at - text.end + short(new.end),
        };
        Some(Learnt {
            text: Span::new(text.start, short(new.end)),
            escaped: new.is_escaped,
            padding: new_padding,
            cut: self
                .learnt
                .cut
                .map(|cut| Span::new(moved(cut.start), moved(cut.end))),
            ..self.learnt
        })
    }
}

/// A chunk's places fit: one whose start is as remembered is not much longer.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Facts, Tap};
    use crate::Operation;
    use crate::sse::Framer;

    /// Chunks with a place for a text (T) and for padding (P).
    const FORMS: &[&str] = &[
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"T"},"finish_reason":null}]}"#,
        r#"{"id":"1","choices":[{"index":0,"delta":{"content":"T"}}],"usage":null,"obfuscation":"P"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T"}}],"obfuscation":"P","usage":null}"#,
        r#"{"usage":null,"obfuscation":"P","choices":[{"delta":{"reasoning":"T"}}]} "#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"T"}}]}}],"\u0075sage":null}"#,
        r#"{"choices":[{"text":"T","index":2}],"obfuscation":1}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T"}},{"index":1,"delta":{"content":"P"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":[{"image_url":{"url":"T"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T"}}],"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T"}}],"error":"P"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"a","role":"T"}}]}"#,
        r#"{"model":"T","choices":[]}"#,
    ];

    const TEXTS: &[&str] = &[
        "a",
        "",
        " word",
        "\\n",
        "\\u00e9 \\ud800",
        "é門",
        "\"",
        "\\x",
        "\\",
        "data:,",
        "\u{1}",
        "a text that is longer than some words of the machine, é",
        "x\",\"content\":\"y",
        "x\",\"refusal\":\"y",
    ];

    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let text = || prop::sample::select(TEXTS);
        let byte = prop::option::weighted(0.1, (any::<prop::sample::Index>(), any::<u8>()));
        let variant = (text(), text(), byte);
        let same = (
            prop::sample::select(FORMS),
            prop::collection::vec(variant, 1..5),
        );
        prop::collection::vec(same, 1..5).prop_map(|parts| {
            let mut stream = Vec::new();
            for (form, variants) in parts {
                for (text, padding, byte) in variants {
                    let chunk = form.replace('T', text).replace('P', padding);
                    let mut chunk = chunk.into_bytes();
                    if let Some((at, byte)) = byte {
                        let at = at.index(chunk.len());
                        chunk[at] = byte;
                    }
                    stream.extend([b"data: ", &chunk[..], b"\n\n"].concat());
                }
            }
            stream
        })
    }

    fn told(stream: &[u8], wants_usage: [bool; 1], learns: [bool; 1]) -> (Vec<Facts>, String) {
        let mut tap = Tap::new(Operation::Chat, 1, wants_usage[0]);
        let mut frames = Vec::new();
        let stream = bytes::Bytes::copy_from_slice(stream);
        Framer::new(1 << 20)
            .push(stream, &mut frames)
            .expect("short");
        let mut facts = Vec::new();
        for frame in &frames {
            if !learns[0] {
                tap.alike = None;
            }
            facts.push(tap.read(frame));
        }
        tap.alike = None;
        (facts, format!("{tap:?}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_chunk_like_the_one_before_says_what_it_says_alone(
            stream in frames(), wants_usage: [bool; 1],
        ) {
            let quick = told(&stream, wants_usage, [true]);
            prop_assert_eq!(quick, told(&stream, wants_usage, [false]));
        }
    }

    #[test]
    fn a_chunk_that_is_only_nearly_alike_is_read_anew() {
        let form = FORMS[1].replace('P', "x");
        let mut tap = Tap::new(Operation::Chat, 1, true);
        let mut read = |chunk: &str| {
            let mut frames = Vec::new();
            let chunk = format!("data: {chunk}\n\n").into();
            Framer::new(1 << 20)
                .push(chunk, &mut frames)
                .expect("short");
            tap.read(&frames[0]);
            tap.alike.as_ref().map(|alike| alike.data.clone())
        };
        let first = read(&form.replace('T', "one"));
        assert!(first.is_some());
        assert_eq!(read(&form.replace('T', "another\\n")), first);
        assert_ne!(read(&form.replace("\"1\"", "\"2\"")), first);
    }
}
