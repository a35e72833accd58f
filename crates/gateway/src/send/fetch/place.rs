//! Where a URL leads, and where a redirect leads from there.

use std::fmt::Write as _;

use http::Uri;

use super::fault::Fault;

/// The longest URL that is read.
const LONGEST: usize = 8 << 10;

/// Where a medium lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) is_tls: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As a `host` header has it.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
}

impl Place {
    /// Where this URL leads.
    pub(super) fn of(url: &str) -> Result<Self, Fault> {
        if url.len() > LONGEST {
            return Err(Fault::Url);
        }
        let url = url.split('#').next().unwrap_or_default().trim();
        let uri: Uri = plain(url).parse().map_err(|_| Fault::Url)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Fault::Url),
        };
        let authority = uri.authority().ok_or(Fault::Url)?;
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_nobody = !authority.as_str().contains(['@', '%']);
        let has_port = authority.as_str().ends_with(']') || authority.as_str() == authority.host();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if has_port => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
            None => return Err(Fault::Url),
        };
        if host.is_empty() || !is_nobody || port == 0 {
            return Err(Fault::Url);
        }
        Ok(Self {
            is_tls,
            host: host.to_ascii_lowercase(),
            port,
            authority: authority.as_str().to_owned(),
            path: match uri.query() {
                // Without a path there is none before the query either.
                Some(query) => format!("{}?{query}", uri.path()),
                None => uri.path().to_owned(),
            },
        })
    }

    /// The port that its scheme has if nobody names one.
    pub(super) fn usual_port(&self) -> u16 {
        if self.is_tls { 443 } else { 80 }
    }

    /// Where a redirect to `location` leads. Nothing that began encrypted goes
    /// on in the clear.
    pub(super) fn next(&self, location: &str) -> Result<Self, Fault> {
        let location = location.trim();
        let scheme = if self.is_tls { "https" } else { "http" };
        let here = format!("{scheme}://{}", self.authority);
        let path = self.path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let begins = |letter: char| location.starts_with(letter);
        let url = if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if has_scheme(location) {
            location.to_owned()
        } else if begins('/') {
            format!("{here}{location}")
        } else if begins('?') {
            format!("{here}{path}{location}")
        } else {
            format!("{here}{folder}/{location}")
        };
        let next = Self::of(&url)?;
        match self.is_tls && !next.is_tls {
            true => Err(Fault::Astray),
            false => Ok(next),
        }
    }
}

/// Whether it begins with a scheme, and is no path.
fn has_scheme(location: &str) -> bool {
    let scheme = location.split([':', '/', '?']).next().unwrap_or_default();
    let is_word = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    is_word
        && location
            .get(scheme.len()..)
            .is_some_and(|rest| rest.starts_with(':'))
}

/// A URL in the letters that one may have: people paste spaces and umlauts.
fn plain(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                let _ = write!(out, "%{byte:02X}");
            }
            0x21..=0x7e => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of(url).expect(url)
    }

    #[test]
    fn a_url_leads_to_a_host_a_port_and_a_path() {
        let there = place("https://Example.com/a b.png?x=ü#part");
        assert_eq!((there.is_tls, there.port), (true, 443));
        assert_eq!(there.host, "example.com");
        assert_eq!(there.path, "/a%20b.png?x=%C3%BC");
        assert_eq!(place("https://example.com?x=1").path, "/?x=1");
        let there = place("http://[2606::1]:8080");
        assert_eq!((there.is_tls, there.port), (false, 8080));
        assert_eq!((there.host.as_str(), there.path.as_str()), ("2606::1", "/"));
    }

    #[test]
    fn nothing_but_http_without_a_user_is_a_url() {
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        for url in [
            "",
            "/a.png",
            "example.com/a.png",
            "ftp://example.com/a.png",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https:///a.png",
            "https://user@example.com/",
            "https://user:word@example.com/",
            "https://a\\@example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://[fe80::1%25eth0]/",
            &long,
        ] {
            assert_eq!(Place::of(url), Err(Fault::Url), "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_a_url_has_a_host_and_no_user(
            url in "(https?:)?//[a-z0-9.@:\\[\\]%\\\\ü-]{0,20}[/?#]?.{0,20}",
            location in ".{0,40}",
        ) {
            for there in [Place::of(&url), place("https://example.com/a?b").next(&location)] {
                let Ok(there) = there else { continue };
                proptest::prop_assert!(!there.host.is_empty() && there.port > 0);
                proptest::prop_assert!(!there.authority.contains(['@', '%', '/']));
                proptest::prop_assert!(there.path.starts_with('/') && there.path.is_ascii());
            }
        }
    }

    #[test]
    fn a_redirect_leads_on_from_where_it_was() {
        let from = place("https://example.com/a/b.png?x=1");
        for (location, to) in [
            ("https://other.example/c", "https://other.example/c"),
            ("//other.example/c", "https://other.example/c"),
            ("/c?y=2", "https://example.com/c?y=2"),
            ("c.png", "https://example.com/a/c.png"),
            ("?y=2", "https://example.com/a/b.png?y=2"),
        ] {
            assert_eq!(from.next(location), Ok(place(to)), "{location}");
        }
        assert_eq!(from.next("c:d"), Err(Fault::Url));
        assert_eq!(from.next("http://example.com/"), Err(Fault::Astray));
        assert!(
            place("http://example.com/")
                .next("https://example.com/")
                .is_ok()
        );
    }
}
