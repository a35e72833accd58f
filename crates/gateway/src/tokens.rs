//! Tokens by the vocabularies that makers have published. It costs more than
//! the rest of a request: it is done where a cheaper bound does not fit a
//! budget, and where a provider says nothing of its own count.
//!
//! A vocabulary is read when it is first asked for, beside the loops: until
//! then it takes no memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dialects::json::Document;
use dialects::openai::{self, View};
use domain::traits::{Framing, Traits, Vocabulary};
use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

use crate::aside;

/// Texts of up to so many bytes are cut on the loop: it takes less than half a
/// millisecond.
const SMALL: usize = 16 << 10;
/// More than this is not cut: it would take a core for the better part of a
/// second.
const LARGEST: usize = 16 << 20;
/// Longer texts are cut in parts of about so many bytes, so that the time that
/// a byte takes does not grow with its text; each cut makes a token more at most.
const PART: usize = 8 << 10;

/// Which vocabularies were read.
static READ: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// A vocabulary that the gateway has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    O200k,
    Cl100k,
}

impl Known {
    /// The one of models with these traits.
    pub(crate) fn of(traits: &Traits) -> Option<Self> {
        match traits.vocabulary {
            Vocabulary::O200k => Some(Self::O200k),
            Vocabulary::Cl100k => Some(Self::Cl100k),
            Vocabulary::Unknown => None,
        }
    }

    fn is_read(self) -> bool {
        READ[self as usize].load(Ordering::Acquire)
    }

    fn coder(self) -> &'static CoreBPE {
        let coder = match self {
            Self::O200k => o200k_base_singleton(),
            Self::Cl100k => cl100k_base_singleton(),
        };
        READ[self as usize].store(true, Ordering::Release);
        coder
    }

    /// The tokens of a text, at once.
    fn count(self, text: &str) -> u64 {
        let coder = self.coder();
        let (mut sum, mut rest) = (0, text);
        while !rest.is_empty() {
            let (part, more) = rest.split_at(cut(rest));
            sum += coder.encode_ordinary(part).len() as u64;
            rest = more;
        }
        sum
    }

    /// The tokens of a text; `None` where it is too long to say.
    pub(crate) async fn of_text(self, text: String) -> Option<u64> {
        let bytes = text.len();
        self.work(bytes, move || self.count(&text)).await
    }

    /// The tokens of a prompt's texts, and those that it brings ready-made:
    /// without what the provider puts around it, and without media.
    pub(crate) async fn of_prompt(self, document: &Arc<Document>, view: &View) -> Option<u64> {
        let bytes = document.bytes().len();
        if bytes <= SMALL && self.is_read() {
            return Some(self.of_texts(document, view));
        }
        let (document, view) = (Arc::clone(document), view.clone());
        let work = move || self.of_texts(&document, &view);
        self.work(bytes, work).await
    }

    fn of_texts(self, document: &Document, view: &View) -> u64 {
        let texts = openai::prompt_texts(document, view);
        let cut: u64 = texts.iter().map(|text| self.count(text)).sum();
        cut + openai::ready_tokens(document)
    }

    async fn work(self, bytes: usize, work: impl FnOnce() -> u64 + Send + 'static) -> Option<u64> {
        match bytes {
            0..=SMALL if self.is_read() => Some(work()),
            0..=LARGEST => aside::run(work).await.ok(),
            _ => None,
        }
    }
}

/// Where the first part of a text ends: behind a space, if there is one near.
fn cut(text: &str) -> usize {
    if text.len() <= PART {
        return text.len();
    }
    let end = text.floor_char_boundary(PART);
    let space = text[end / 2..end].rfind(' ');
    space.map_or(end, |at| end / 2 + at)
}

/// The gateway's own count of a prompt by its model's vocabulary, with what
/// stands around it, and a lump sum for media; `None` where it is unknown.
pub(crate) async fn prompt(traits: &Traits, document: &Arc<Document>, view: &View) -> Option<u64> {
    let texts = Known::of(traits)?.of_prompt(document, view).await?;
    let framing = Framing::of(traits.framing, view.messages, view.tools);
    Some(texts + framing + openai::estimate_media(view))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::Operation;

    fn read(json: &str) -> (Arc<Document>, View) {
        let document = Document::parse(json.to_owned().into(), 128).expect("JSON");
        let view = openai::view(Operation::Chat, &document).expect("a view");
        (Arc::new(document), view)
    }

    #[test]
    fn texts_have_the_tokens_that_their_maker_says() {
        for (vocabulary, text, tokens) in [
            (Known::O200k, "", 0),
            (Known::O200k, "hello world", 2),
            (Known::O200k, "tiktoken is great!", 6),
            (Known::Cl100k, "tiktoken is great!", 6),
            (Known::Cl100k, "antidisestablishmentarianism", 6),
            (Known::O200k, "お誕生日おめでとう", 8),
            (Known::Cl100k, "お誕生日おめでとう", 9),
        ] {
            assert_eq!(vocabulary.count(text), tokens, "{vocabulary:?}: {text}");
        }
    }

    #[test]
    fn long_texts_are_cut_in_parts_and_lose_nothing() {
        let text = "One sentence stands behind another, and says no more. ".repeat(2_000);
        let each = Known::O200k.count("One sentence stands behind another, and says no more. ");
        let all = Known::O200k.count(&text);
        assert!(
            all >= (each - 1) * 2_000 && all <= each * 2_000 + 20,
            "{all}"
        );
    }

    #[test]
    fn hostile_texts_take_no_longer_than_others() {
        for text in [
            "a".repeat(1 << 20),
            " ".repeat(1 << 20),
            "\n ".repeat(1 << 19),
        ] {
            let started = std::time::Instant::now();
            assert!(Known::Cl100k.count(&text) > 0);
            assert!(started.elapsed().as_secs() < 20, "{}", &text[..2]);
        }
    }

    #[tokio::test]
    async fn a_prompt_counts_texts_tools_and_frames_and_no_ids() {
        let traits = Traits {
            vocabulary: Vocabulary::O200k,
            framing: Framing {
                prompt: 3,
                message: 4,
                tools: 32,
            },
            ..Traits::default()
        };
        let (document, view) =
            read(r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello world"}]}"#);
        assert_eq!(prompt(&traits, &document, &view).await, Some(2 + 3 + 4));
        let (document, view) = read(
            r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello world"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}"#,
        );
        let with_tools = prompt(&traits, &document, &view).await.expect("a count");
        assert!(with_tools > 2 + 3 + 4 + 32, "{with_tools}");
        let unknown = prompt(&Traits::default(), &document, &view).await;
        assert_eq!(unknown, None);
    }
}
