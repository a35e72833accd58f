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

/// Images and documents.
pub(super) fn is_seen(media: &Media) -> bool {
    is_image(media) || is_document(media)
}
