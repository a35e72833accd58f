//! One HTTPS request at a time, and nothing that a token endpoint does not
//! need: no pool, no redirects, no proxy, no compression. Every answer is
//! bounded in size and time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::fault::{Fault, word};

/// An answer is some kilobytes; who sends more means no good.
const LARGEST_ANSWER: usize = 256 * 1024;
const LARGEST_HEAD: usize = 64 * 1024;
/// For a token endpoint on the internet.
const PATIENCE: Duration = Duration::from_secs(15);
/// For a server on this machine, which may well not be there.
const PATIENCE_NEARBY: Duration = Duration::from_secs(2);

/// The client that fetches tokens.
#[derive(Clone)]
pub struct Http {
    tls: TlsConnector,
}

/// A request to be made.
pub(crate) struct Ask {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    patience: Duration,
}

/// What came back with a status of success.
pub(crate) struct Answer {
    pub(crate) host: String,
    pub(crate) body: String,
}

impl Ask {
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: Vec::new(),
            body: String::new(),
            patience: PATIENCE,
        }
    }

    pub(crate) fn put(url: impl Into<String>) -> Self {
        Self {
            method: Method::PUT,
            ..Self::get(url)
        }
    }

    pub(crate) fn form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = form(fields);
        let ask = Self {
            method: Method::POST,
            body,
            ..Self::get(url)
        };
        ask.with("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) fn json(url: impl Into<String>, body: &Value) -> Self {
        let ask = Self {
            method: Method::POST,
            body: body.to_string(),
            ..Self::get(url)
        };
        ask.with("content-type", "application/json")
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A server on this machine or beside it.
    pub(crate) fn nearby(mut self) -> Self {
        self.patience = PATIENCE_NEARBY;
        self
    }
}

/// `a=1&b=2`, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            let (name, value) = (encoded(name), encoded(value));
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    sigv4::encoded(text, b"")
}

impl Http {
    /// A client that trusts what `tls` trusts.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls: TlsConnector::from(tls),
        }
    }

    /// Posts JSON with these headers beside its own; whatever is answered with a
    /// success.
    ///
    /// # Errors
    /// Nobody answered, or not with a success; the fault names the host alone.
    pub async fn post_json(
        &self,
        url: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Result<(), Fault> {
        let ask = Ask {
            method: Method::POST,
            body,
            ..Ask::get(url)
        };
        let ask = ask.with("content-type", "application/json");
        let with = |ask: Ask, (name, value): &(&str, String)| ask.with(name, value.as_str());
        self.ask(headers.iter().fold(ask, with)).await.map(|_| ())
    }

    /// Posts a text, and takes only a success.
    ///
    /// # Errors
    /// The server cannot be reached, is too far for plain HTTP, or would not.
    pub async fn post(&self, url: &str, text: String) -> Result<(), Fault> {
        let ask = Ask {
            method: Method::POST,
            body: text,
            ..Ask::get(url)
        };
        let ask = ask.with("content-type", "text/plain; charset=utf-8");
        self.ask(ask).await.map(drop)
    }

    /// Asks, and takes only a success.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Fault> {
        let (uri, host) = place(&ask.url)?;
        let patience = ask.patience;
        let asked = tokio::time::timeout(patience, self.exchange(ask, uri, &host)).await;
        let late = |_| wire(&host, format!("no answer within {patience:?}"));
        let (status, body) = asked.map_err(late)??;
        if !status.is_success() {
            return Err(Fault::Refused {
                host,
                status: status.as_u16(),
                code: code_of(&body),
            });
        }
        let body = String::from_utf8(body.to_vec())
            .map_err(|_| Fault::unreadable(&host, "the answer is no text"))?;
        Ok(Answer { host, body })
    }

    async fn exchange(&self, ask: Ask, uri: Uri, host: &str) -> Result<(StatusCode, Bytes), Fault> {
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| wire(host, format!("cannot connect: {}", error.kind())))?;
        let request = request(ask, &uri, host)?;
        if !is_tls {
            return send(stream, request, host).await;
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| wire(host, "no name that a certificate could have"))?;
        let stream = self
            .tls
            .connect(name, stream)
            .await
            .map_err(|error| wire(host, format!("no TLS: {error}")))?;
        send(stream, request, host).await
    }
}

fn request(ask: Ask, uri: &Uri, host: &str) -> Result<Request<Full<Bytes>>, Fault> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |a| a.as_str());
    let mut builder = Request::builder()
        .method(ask.method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "portcullis")
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close");
    for (name, value) in ask.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Full::from(ask.body))
        .map_err(|_| wire(host, "a value that cannot stand in a header"))
}

async fn send<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    host: &str,
) -> Result<(StatusCode, Bytes), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let broken = |_| wire(host, "the connection broke or spoke no HTTP");
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|_| wire(host, "the answer broke off or is too long"))?;
        Ok((status, body.to_bytes()))
    };
    // The connection only drives; how it ends, the exchange learns.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = exchange => answer,
        () = driven => Err(wire(host, "the connection broke")),
    }
}

/// The URL and its host. Secrets travel in the clear only where they do not
/// leave the machine or its link: that is where clouds keep these servers.
fn place(url: &str) -> Result<(Uri, String), Fault> {
    let unusable = |why: &str| Fault::Setup(format!("the address {why}"));
    let uri: Uri = url.parse().map_err(|_| unusable("is no URL"))?;
    let host = uri.host().ok_or_else(|| unusable("has no host"))?;
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let has_user = uri.authority().is_some_and(|a| a.as_str().contains('@'));
    if has_user {
        return Err(unusable("holds a user"));
    }
    match uri.scheme_str() {
        Some("https") => Ok((uri, host)),
        Some("http") if is_nearby(&host) => Ok((uri, host)),
        _ => Err(wire(&host, "only https is spoken with a server that far")),
    }
}

fn is_nearby(host: &str) -> bool {
    if matches!(host, "localhost" | "metadata.google.internal") {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        // AWS keeps its servers at fd00:ec2::/32.
        Ok(IpAddr::V6(ip)) => {
            let [first, second, ..] = ip.segments();
            ip.is_loopback() || ip.is_unicast_link_local() || (first, second) == (0xfd00, 0x0ec2)
        }
        Err(_) => false,
    }
}

/// The word for an error, where OAuth, AWS or Google put theirs.
fn code_of(body: &[u8]) -> Option<String> {
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        let places = ["/error", "/error/status", "/error/code", "/code"];
        let code = places
            .iter()
            .find_map(|place| json.pointer(place)?.as_str())
            .and_then(word)?;
        // Azure's number says more than OAuth's word.
        let number = json.pointer("/error_codes/0").and_then(Value::as_u64);
        return Some(number.map_or(code.clone(), |number| format!("{code} {number}")));
    }
    let text = std::str::from_utf8(body).ok()?;
    word(between(text, "<Code>", "</Code>")?)
}

/// The text between two marks.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner)
}

fn wire(host: &str, what: impl Into<String>) -> Fault {
    Fault::Wire {
        host: host.to_owned(),
        what: what.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_in_the_clear_only_to_the_machine_itself() {
        for near in [
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal/",
        ] {
            assert!(place(near).is_ok(), "{near}");
        }
        for far in [
            "http://sts.amazonaws.com/",
            "http://10.0.0.1/",
            "http://127.0.0.1.evil.example/",
            "http://[fd00:ec3::1]/",
            "ftp://localhost/",
            "/relative",
            "https://user@host/",
        ] {
            assert!(place(far).is_err(), "{far}");
        }
    }

    #[test]
    fn fields_of_a_form_are_encoded() {
        assert_eq!(
            form(&[("a b", "1&2"), ("c", "+/=")]),
            "a%20b=1%262&c=%2B%2F%3D"
        );
    }
}
