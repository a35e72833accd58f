//! The media of a request that a target must be sent as bytes.

use domain::canon::{Block, Media, MediaKind, Request, Source};

use super::Fetched;

/// Whether a medium that lies at a URL has to come as bytes.
pub(in super::super) type Wants = fn(&Media) -> bool;

/// A medium that has to be fetched.
#[derive(Clone, Debug)]
pub(in super::super) struct Wanted {
    pub(super) url: String,
    pub(super) kind: MediaKind,
    /// Where in the request it stands.
    pub(super) field: String,
}

/// The media of a request that lie at a URL and have to come as bytes.
pub(in super::super) fn wanted(request: &Request, wants: Wants) -> Vec<Wanted> {
    let mut all = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        collect(
            &message.content,
            &format!("messages[{at}]"),
            wants,
            &mut all,
        );
    }
    all
}

fn collect(blocks: &[Block], within: &str, wants: Wants, all: &mut Vec<Wanted>) {
    for (at, block) in blocks.iter().enumerate() {
        match block {
            Block::Media(media) => {
                if let Some(url) = url(media, wants) {
                    all.push(Wanted {
                        url: url.to_owned(),
                        kind: media.kind,
                        field: format!("{within}.content[{at}]"),
                    });
                }
            }
            Block::ToolResult(result) => {
                let within = format!("{within}.content[{at}]");
                collect(&result.content, &within, wants, all);
            }
            _ => {}
        }
    }
}

/// The URL of a medium that has to be fetched.
fn url(media: &Media, wants: Wants) -> Option<&str> {
    let Source::Url(url) = &media.source else {
        return None;
    };
    let begins = |scheme: &str| {
        let head = url.get(..scheme.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    let is_fetchable = begins("https://") || begins("http://");
    (is_fetchable && wants(media)).then_some(url)
}

/// Puts what was fetched in the place of its URLs.
pub(in super::super) fn inline(request: &mut Request, wants: Wants, fetched: &Fetched) {
    for message in &mut request.messages {
        put(&mut message.content, wants, fetched);
    }
}

fn put(blocks: &mut [Block], wants: Wants, fetched: &Fetched) {
    for block in blocks {
        match block {
            Block::Media(media) => {
                let medium = url(media, wants).and_then(|url| fetched.get(url, media.kind));
                if let Some(medium) = medium {
                    media.mime = Some(medium.mime.to_owned());
                    media.source = Source::Base64(medium.data.clone());
                }
            }
            Block::ToolResult(result) => put(&mut result.content, wants, fetched),
            _ => {}
        }
    }
}
