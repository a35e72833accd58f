//! A request signed for AWS: the last thing that is done to it, since the
//! signature covers path and body.

use bytes::Bytes;
use domain::credential::AwsKeys;
use domain::model::Auth;
use domain::refusal::Refusal;
use http1::Fields;
use sigv4::{Request, Scope};

use crate::aside;
use crate::plane;

/// What is signed of a request beside its body.
pub(super) struct Unsigned<'a> {
    /// Where signatures are for.
    pub(super) auth: &'a Auth,
    /// `GET`, `POST`, …
    pub(super) method: &'a str,
    /// As the `host` header says it.
    pub(super) host: &'a str,
    /// As the request line has it.
    pub(super) path: &'a str,
    /// What follows `?` there.
    pub(super) query: &'a str,
}

/// Adds the headers of a signature. `false` where no signature is known to
/// this provider.
///
/// # Errors
/// The gateway's own failure.
pub(super) async fn sign(
    own: &mut Fields,
    parts: &[Bytes],
    unsigned: &Unsigned<'_>,
    keys: &AwsKeys,
) -> Result<bool, Refusal> {
    let Auth::SigV4 { region, service } = unsigned.auth else {
        return Ok(false);
    };
    let digest = digest(parts).await?;
    let request = Request {
        method: unsigned.method,
        host: unsigned.host,
        path: unsigned.path,
        query: unsigned.query,
        headers: &[],
        body_sha256: &digest,
    };
    let scope = Scope {
        region,
        service,
        time: plane::now(),
    };
    let signed = sigv4::sign(&request, &scope, keys);
    for (name, value) in signed.headers() {
        own.add(name, value.as_bytes());
    }
    Ok(true)
}

/// The body's digest; of a large one beside the loops.
async fn digest(parts: &[Bytes]) -> Result<String, Refusal> {
    let whole = |parts: &[Bytes]| sigv4::sha256_hex_of(parts.iter().map(|part| &part[..]));
    let length: usize = parts.iter().map(Bytes::len).sum();
    if aside::is_large(length) {
        let parts = parts.to_vec();
        return aside::run(move || whole(&parts)).await;
    }
    Ok(whole(parts))
}
