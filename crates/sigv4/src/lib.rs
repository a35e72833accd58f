//! AWS Signature Version 4 in headers, pure: the request and the time in, the
//! headers to add out.
//!
//! Left out on purpose: presigned URLs, chunked signing, S3's own rules.

use aws_lc_rs::{digest, hmac};
use domain::credential::AwsKeys;
use domain::secret::Secret;
use domain::time::UnixMicros;

/// What of a request is signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The `host` header, as it is sent.
    pub host: &'a str,
    /// The path *as it stands on the request line*. It is encoded once more
    /// for the signature, as every service but S3 does: a model
    /// `a:0` is sent as `a%3A0` and signed as `a%253A0`.
    pub path: &'a str,
    /// What follows `?` on the request line, without it.
    pub query: &'a str,
    /// Headers to sign beside `host` and the ones that signing adds. They must
    /// reach AWS unchanged.
    pub headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body in lower-case hex, see [`sha256_hex`].
    pub body_sha256: &'a str,
}

/// What the signature is valid for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// `us-east-1`, …
    pub region: &'a str,
    /// `bedrock`, `sts`, …
    pub service: &'a str,
    /// Now; AWS takes signatures for some minutes.
    pub time: UnixMicros,
}

/// The headers that make a request a signed one.
#[derive(Clone, Debug)]
pub struct Signed {
    /// `x-amz-date`.
    pub date: String,
    /// `x-amz-security-token`, for temporary keys.
    pub token: Option<Secret>,
    /// `authorization`.
    pub authorization: Secret,
}

impl Signed {
    /// Names and values to add to the request, the others replaced.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            Some(("x-amz-date", self.date.as_str())),
            self.token
                .as_ref()
                .map(|token| ("x-amz-security-token", token.reveal())),
            Some(("authorization", self.authorization.reveal())),
        ]
        .into_iter()
        .flatten()
    }
}

/// Signs a request.
#[must_use]
pub fn sign(request: &Request<'_>, scope: &Scope<'_>, keys: &AwsKeys) -> Signed {
    let date = stamp(scope.time);
    let day = date.get(..8).unwrap_or_default();
    let (headers, names) = canonical_headers(request, &date, keys);
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        request.method,
        canonical_path(request.path),
        canonical_query(request.query),
        request.body_sha256,
    );
    let within = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{within}\n{}",
        sha256_hex(canonical.as_bytes())
    );
    let first = format!("AWS4{}", keys.secret_key.reveal());
    let key = [day, scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{within}, SignedHeaders={names}, Signature={signature}",
        keys.access_key.reveal()
    );
    Signed {
        date,
        token: keys.session_token.clone(),
        authorization: Secret::new(authorization),
    }
}

/// The region that a host of AWS stands in: `us-east-1`.
#[must_use]
pub fn region_of(host: &str) -> Option<&str> {
    if !host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn") {
        return None;
    }
    host.split('.').find(|label| {
        let mut parts = label.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let is_number = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
        is_number && parts.count() >= 2
    })
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    sha256_hex_of([bytes])
}

/// The same, of bytes in pieces.
pub fn sha256_hex_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut whole = digest::Context::new(&digest::SHA256);
    for piece in pieces {
        whole.update(piece);
    }
    hex(whole.finish().as_ref())
}

/// `20150830T123600Z`.
fn stamp(time: UnixMicros) -> String {
    let timestamp = jiff::Timestamp::from_second(time.seconds()).unwrap_or_default();
    timestamp.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The block of headers, each with its line end, and their names.
fn canonical_headers(request: &Request<'_>, date: &str, keys: &AwsKeys) -> (String, String) {
    let mut all: Vec<(String, String)> = request
        .headers
        .iter()
        .chain(&[("host", request.host), ("x-amz-date", date)])
        .map(|(name, value)| (name.to_ascii_lowercase(), folded(value)))
        .collect();
    if let Some(token) = &keys.session_token {
        all.push(("x-amz-security-token".to_owned(), folded(token.reveal())));
    }
    // Stable: values of one name stay in the order in which they are sent.
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut block = String::new();
    let mut names = String::new();
    let mut last = "";
    for (name, value) in &all {
        if name == last {
            block.pop();
            block.push(',');
        } else {
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name);
            block.push_str(name);
            block.push(':');
        }
        block.push_str(value);
        block.push('\n');
        last = name;
    }
    (block, names)
}

/// A value without outer blanks, runs of blanks made one.
fn folded(value: &str) -> String {
    value
        .split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The path with dot segments resolved, encoded once more.
fn canonical_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = true;
    for segment in path.split('/') {
        is_folder = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut canonical = String::from("/");
    canonical.push_str(&encoded(&kept.join("/"), b"/"));
    if is_folder && !kept.is_empty() {
        canonical.push('/');
    }
    canonical
}

/// The parameters in order. They are encoded already; what a lenient client
/// left unencoded is made good.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(name, b"%"), encoded(value, b"%"))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Everything but RFC 3986's unreserved letters and `kept` as `%XX`.
#[must_use]
pub fn encoded(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_plain || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4).to_ascii_uppercase());
            out.push(digit(byte & 15).to_ascii_uppercase());
        }
    }
    out
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}
