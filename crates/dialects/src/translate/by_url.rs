//! Which media that lie at a URL a dialect's providers want as bytes.

use domain::canon::{Media, MediaKind};

/// None: they fetch what they take.
pub(super) fn is_nothing(_: &Media) -> bool {
    false
}

/// Images.
pub(super) fn is_image(media: &Media) -> bool {
    media.kind == MediaKind::Image
}

/// Documents.
pub(super) fn is_document(media: &Media) -> bool {
    media.kind == MediaKind::Document
}

/// Images and documents: for providers of any dialect that fetch nothing.
#[must_use]
pub fn is_seen(media: &Media) -> bool {
    is_image(media) || is_document(media)
}

#[cfg(test)]
mod tests {
    use domain::canon::{Dialect, Media, MediaKind, Source};

    use crate::translate::upstream;

    #[test]
    fn each_dialect_says_which_media_it_wants_as_bytes() {
        use MediaKind::{Audio, Document, Image, Video};
        for (dialect, url, kinds) in [
            (Dialect::OpenAi, "https://a.example/b", &[Document][..]),
            (Dialect::Responses, "https://a.example/b", &[]),
            (Dialect::Anthropic, "https://a.example/b", &[]),
            (Dialect::Cohere, "https://a.example/b", &[]),
            (Dialect::Ollama, "https://a.example/b", &[Image]),
            (Dialect::Converse, "https://a.example/b", &[Image, Document]),
            (Dialect::Gemini, "https://a.example/b", &[Image, Document]),
            (Dialect::Gemini, "https://youtu.be/b", &[]),
            (
                Dialect::Gemini,
                "https://generativelanguage.googleapis.com/v1beta/files/b",
                &[],
            ),
        ] {
            let theirs = upstream(dialect).expect("a dialect of providers");
            for kind in [Image, Audio, Video, Document] {
                let media = Media {
                    kind,
                    source: Source::Url(url.to_owned()),
                    mime: None,
                    name: None,
                    context: None,
                    detail: None,
                    citations: false,
                    cache: None,
                };
                let is_wanted = (theirs.wants_bytes)(&media);
                assert_eq!(
                    is_wanted,
                    kinds.contains(&kind),
                    "{dialect:?} {kind:?} {url}"
                );
            }
        }
    }
}
