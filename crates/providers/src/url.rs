//! Base URLs taken apart, and paths put together.

use domain::canon::Dialect;
use domain::counting::Counting;
use domain::model::{Provider, WireFormat};

/// The path of an operation at a provider: `/v1` and `/chat/completions` are
/// `/v1/chat/completions`.
#[must_use]
pub fn url_path(provider: &Provider, operation: &str) -> String {
    format!("{}{operation}", provider.base_path)
}

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As one document.
    Whole,
    /// As a stream of events.
    Streamed,
}

/// The path that a conversation with `model` has at a provider.
#[must_use]
pub fn path(provider: &Provider, model: &str, delivery: Delivery) -> String {
    let base = &provider.base_path;
    if let Some(paths) = &provider.paths {
        let path = match delivery {
            Delivery::Whole => &paths.whole,
            Delivery::Streamed => &paths.stream,
        };
        return filled(base, path, model);
    }
    match provider.format {
        WireFormat::Dialect(Dialect::Anthropic) => format!("{base}/messages"),
        WireFormat::Dialect(Dialect::Responses) => format!("{base}/responses"),
        WireFormat::Dialect(Dialect::Cohere | Dialect::Ollama) => {
            format!("{}/chat", native_base(provider.format, base))
        }
        WireFormat::Dialect(Dialect::Gemini) => {
            let model = model.strip_prefix("models/").unwrap_or(model);
            let path = match delivery {
                Delivery::Streamed => "/models/{model}:streamGenerateContent?alt=sse",
                Delivery::Whole => "/models/{model}:generateContent",
            };
            filled(base, path, model)
        }
        WireFormat::Dialect(Dialect::Converse) => {
            let path = match delivery {
                Delivery::Streamed => "/model/{model}/converse-stream",
                Delivery::Whole => "/model/{model}/converse",
            };
            filled(base, path, model)
        }
        WireFormat::Dialect(Dialect::OpenAi) | WireFormat::Demo => {
            format!("{base}/chat/completions")
        }
    }
}

/// Where Cohere's and Ollama's own dialects are, below a base URL that says
/// nothing of it, or names the place of the other dialect at Ollama's.
fn native_base(format: WireFormat, base: &str) -> &str {
    match (format, base) {
        (WireFormat::Dialect(Dialect::Cohere), "") => "/v2",
        (WireFormat::Dialect(Dialect::Ollama), "" | "/v1") => "/api",
        (_, base) => base,
    }
}

/// How many texts a request for embeddings holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One, in the form that knows only one.
    One,
    /// Any number.
    Many,
}

/// The path of embeddings by `model`, where the provider or its dialect has
/// one of its own.
#[must_use]
pub fn embeddings_path(provider: &Provider, model: &str, batch: Batch) -> Option<String> {
    let base = &provider.base_path;
    if let Some(door) = provider.embeddings.iter().find(|door| door.is_of(model)) {
        let model = model.strip_prefix("models/").unwrap_or(model);
        return Some(filled(base, &door.path, model));
    }
    let own = provider
        .paths
        .as_ref()
        .and_then(|paths| paths.embeddings.as_ref());
    match (own, provider.format, batch) {
        (Some(path), _, _) => Some(filled(base, path, model)),
        (None, WireFormat::Dialect(Dialect::Gemini), batch) => {
            let model = model.strip_prefix("models/").unwrap_or(model);
            let path = match batch {
                Batch::One => "/models/{model}:embedContent",
                Batch::Many => "/models/{model}:batchEmbedContents",
            };
            Some(filled(base, path, model))
        }
        (None, WireFormat::Dialect(Dialect::Cohere | Dialect::Ollama), _) => {
            Some(format!("{}/embed", native_base(provider.format, base)))
        }
        _ => None,
    }
}

/// The path at which a provider counts tokens for `model`.
#[must_use]
pub fn counting_path(provider: &Provider, counting: &Counting, model: &str) -> String {
    let model = model.strip_prefix("models/").unwrap_or(model);
    filled(&provider.base_path, &counting.path, model)
}

/// Where a provider that speaks Responses keeps the answer of this id, which
/// `model` gave.
#[must_use]
pub fn kept_path(provider: &Provider, model: &str, id: &str) -> String {
    let path = path(provider, model, Delivery::Whole);
    let id = segment(id);
    match path.split_once('?') {
        Some((path, query)) => format!("{path}/{id}?{query}"),
        None => format!("{path}/{id}"),
    }
}

fn filled(base: &str, path: &str, model: &str) -> String {
    format!("{base}{}", path.replace("{model}", &segment(model)))
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Takes a base URL apart into whether it is TLS, host (IPv6 in brackets),
/// port, and path without a trailing slash.
///
/// # Errors
/// A sentence that says what is wrong with it. Credentials in a URL are
/// refused: they would stand in every list of providers.
pub fn parse_base_url(text: &str) -> Result<(bool, String, u16, String), String> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| format!("`{text}` has no scheme; write `https://{text}`"))?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        other => {
            return Err(format!(
                "`{other}` is no scheme of an upstream; `https` or `http` is"
            ));
        }
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("a base URL holds no user or password; use `api_key`".into());
    }
    if path.contains(['?', '#']) {
        return Err("a base URL holds no `?` and no `#`".into());
    }
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte);
    if !text.bytes().all(allowed) {
        return Err("a base URL holds no spaces or characters outside ASCII".into());
    }
    let (host, port) = host_and_port(authority)?;
    let port = match port {
        Some(port) => port
            .parse::<u16>()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("`{port}` is no port"))?,
        None if tls => 443,
        None => 80,
    };
    let path = path.trim_end_matches('/').to_owned();
    Ok((tls, host.to_ascii_lowercase(), port, path))
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    let (host, port) = if authority.starts_with('[') {
        let end = authority.find(']').ok_or("the address lacks its `]`")?;
        let (host, rest) = authority.split_at(end + 1);
        host[1..end]
            .parse::<std::net::Ipv6Addr>()
            .map_err(|_| format!("`{host}` is no IPv6 address"))?;
        match rest {
            "" => (host, None),
            _ => (
                host,
                Some(rest.strip_prefix(':').ok_or("a port starts with `:`")?),
            ),
        }
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if host.is_empty() {
        return Err("the base URL names no host".into());
    }
    if !host.starts_with('[') && !host.bytes().all(plain) {
        return Err(format!("`{host}` is no host name"));
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_taken_apart() {
        let parts = |tls, host: &str, port, path: &str| Ok((tls, host.into(), port, path.into()));
        for (text, expected) in [
            (
                "https://api.openai.com/v1",
                parts(true, "api.openai.com", 443, "/v1"),
            ),
            (
                "http://127.0.0.1:11434/v1/",
                parts(false, "127.0.0.1", 11434, "/v1"),
            ),
            (
                "HTTPS://API.example.org",
                parts(true, "api.example.org", 443, ""),
            ),
            ("http://[::1]:8080/a/b", parts(false, "[::1]", 8080, "/a/b")),
            ("http://vllm_1/", parts(false, "vllm_1", 80, "")),
        ] {
            assert_eq!(parse_base_url(text), expected, "{text}");
        }
    }

    #[test]
    fn a_server_of_its_own_dialect_is_found_below_any_base_url() {
        let of = |dialect, base| native_base(WireFormat::Dialect(dialect), base);
        assert_eq!(of(Dialect::Cohere, ""), "/v2");
        assert_eq!(of(Dialect::Cohere, "/proxy/v2"), "/proxy/v2");
        assert_eq!(of(Dialect::Ollama, ""), "/api");
        assert_eq!(of(Dialect::Ollama, "/v1"), "/api");
        assert_eq!(of(Dialect::Ollama, "/proxy/v1"), "/proxy/v1");
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_a_sentence() {
        for (text, part) in [
            ("api.openai.com/v1", "https://api.openai.com/v1"),
            ("ftp://x/", "ftp"),
            ("https://user:pw@x/", "api_key"),
            ("https://x/v1?k=1", "`?`"),
            ("https:///v1", "no host"),
            ("https://x:0/", "port"),
            ("https://x:port/", "port"),
            ("https://[::1/", "]"),
            ("https://${HOST}/v1", "characters"),
            ("https://a b/", "spaces"),
        ] {
            let error = parse_base_url(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
