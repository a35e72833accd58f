//! What may be fetched: images and PDF, by what their host says and by what
//! their bytes begin with.

use domain::canon::MediaKind;

use super::fault::Fault;

/// The types of a kind, and their names together.
fn known(kind: MediaKind) -> (&'static [&'static str], &'static str) {
    match kind {
        MediaKind::Document => (&["application/pdf"], "`application/pdf`"),
        _ => (
            &["image/png", "image/jpeg", "image/webp", "image/gif"],
            "`image/png`, `image/jpeg`, `image/webp` and `image/gif`",
        ),
    }
}

/// The type that a host names, if a medium of this kind may have it.
pub(super) fn announced(kind: MediaKind, content_type: &[u8]) -> Result<&'static str, Fault> {
    let (types, names) = known(kind);
    let said = content_type.split(|byte| *byte == b';').next();
    let said = said.unwrap_or_default().trim_ascii();
    let said: &[u8] = match said.eq_ignore_ascii_case(b"image/jpg") {
        true => b"image/jpeg",
        false => said,
    };
    let found = types
        .iter()
        .find(|known| said.eq_ignore_ascii_case(known.as_bytes()));
    found.copied().ok_or(Fault::Type(names))
}

/// A type of this kind, and what its bytes begin with.
pub(super) fn beginning(kind: MediaKind) -> (&'static str, &'static [u8]) {
    match kind {
        MediaKind::Document => ("application/pdf", b"%PDF-"),
        _ => ("image/png", b"\x89PNG\r\n\x1a\n"),
    }
}

/// Whether bytes begin as their type does.
pub(super) fn agrees(mime: &str, bytes: &[u8]) -> bool {
    match mime {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        "application/pdf" => bytes.starts_with(b"%PDF-"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_without_its_parameters_and_its_case() {
        let image = |said: &str| announced(MediaKind::Image, said.as_bytes());
        assert_eq!(image("image/png"), Ok("image/png"));
        assert_eq!(image("Image/JPG; q=1"), Ok("image/jpeg"));
        for other in ["", "image/svg+xml", "text/html", "application/pdf"] {
            assert!(matches!(image(other), Err(Fault::Type(_))), "{other}");
        }
        let document = announced(MediaKind::Document, b"application/pdf");
        assert_eq!(document, Ok("application/pdf"));
        assert!(announced(MediaKind::Document, b"image/png").is_err());
    }

    #[test]
    fn bytes_of_another_type_do_not_agree() {
        let webp = b"RIFF\x01\x02\x03\x04WEBPVP8 ";
        assert!(agrees("image/webp", webp));
        assert!(agrees("application/pdf", b"%PDF-1.7"));
        assert!(!agrees("image/webp", b"RIFF\x01\x02\x03\x04WAVE"));
        assert!(!agrees("image/png", webp));
        assert!(!agrees("image/png", b""));
        assert!(!agrees("image/jpeg", b"<html>"));
    }
}
