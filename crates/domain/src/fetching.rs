//! What of a request's media is fetched for targets that take bytes alone.

use std::time::Duration;

/// How images and documents are fetched that a request names by URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetching {
    /// Whether they are.
    pub is_on: bool,
    /// The most bytes that all media of a request may have together.
    pub max_bytes: usize,
    /// How long all of them together may take.
    pub timeout: Duration,
    /// From where alone they may come; from everywhere public if empty.
    pub hosts: Vec<Host>,
}

impl Default for Fetching {
    fn default() -> Self {
        Self {
            is_on: true,
            max_bytes: 20 << 20,
            timeout: Duration::from_secs(10),
            hosts: Vec::new(),
        }
    }
}

impl Fetching {
    /// Whether media may come from this host and port, which is the usual one
    /// of its scheme or not.
    #[must_use]
    pub fn allows(&self, host: &str, (port, usual): (u16, u16)) -> bool {
        if self.hosts.is_empty() {
            return port == usual;
        }
        let host = host.trim_end_matches('.');
        self.hosts
            .iter()
            .any(|one| one.is(host) && one.port.unwrap_or(usual) == port)
    }
}

/// A host that media may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
    /// Whether it stands for all names below it instead.
    is_wild: bool,
}

impl Host {
    /// Reads `cdn.example.com`, `*.example.com` or `cdn.example.com:8443`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (name, port) = match text.rsplit_once(':') {
            // An address of IPv6 has colons of its own.
            Some((name, _)) if name.contains(':') && !name.ends_with(']') => (text.as_str(), None),
            Some((name, port)) => (name, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (text.as_str(), None),
        };
        let (name, is_wild) = match name.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let name = name.trim_start_matches('[').trim_end_matches([']', '.']);
        let is_sound = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
        (!name.is_empty() && name.chars().all(is_sound)).then(|| Self {
            name: name.to_owned(),
            port,
            is_wild,
        })
    }

    fn is(&self, host: &str) -> bool {
        if !self.is_wild {
            return host.eq_ignore_ascii_case(&self.name);
        }
        let at = host.len().saturating_sub(self.name.len());
        host.get(at..)
            .is_some_and(|end| end.eq_ignore_ascii_case(&self.name))
            && host.get(..at).is_some_and(|head| head.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(hosts: &[&str]) -> Fetching {
        let read = |host: &&str| Host::parse(host).expect("a host");
        Fetching {
            hosts: hosts.iter().map(read).collect(),
            ..Fetching::default()
        }
    }

    #[test]
    fn without_a_list_every_host_is_fetched_from_at_its_usual_port() {
        let all = Fetching::default();
        assert!(all.allows("example.com", (443, 443)));
        assert!(!all.allows("example.com", (8443, 443)));
    }

    #[test]
    fn a_list_names_hosts_their_ports_and_those_below_them() {
        let some = only(&[
            "cdn.example.com",
            "*.example.org",
            "a.example:8443",
            "[2606::1]:81",
        ]);
        for (host, port) in [
            ("cdn.example.com", 443),
            ("CDN.Example.com.", 443),
            ("x.example.org", 443),
            ("a.example", 8443),
            ("2606::1", 81),
        ] {
            assert!(some.allows(host, (port, 443)), "{host}:{port}");
        }
        for (host, port) in [
            ("example.com", 443),
            ("cdn.example.com", 8443),
            ("example.org", 443),
            ("evilexample.org", 443),
            ("a.example", 443),
            ("cdn.example.com.evil.example", 443),
        ] {
            assert!(!some.allows(host, (port, 443)), "{host}:{port}");
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in ["", "*.", "https://example.com", "a:0", "a:b", "a/b", "a b"] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
