//! Signatures against AWS' own vectors, and the path of Bedrock's models.

#![allow(clippy::unwrap_used)]

mod vectors;

use domain::credential::AwsKeys;
use domain::secret::Secret;
use domain::time::UnixMicros;
use sigv4::{Request, Scope, sha256_hex, sign};

use vectors::VECTORS;

/// 2015-08-30T12:36:00Z, the moment of AWS' test suite.
const NOW: UnixMicros = UnixMicros(1_440_938_160_000_000);

fn keys(token: Option<&str>) -> AwsKeys {
    AwsKeys {
        access_key: Secret::new("AKIDEXAMPLE"),
        secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.map(Secret::new),
    }
}

fn scope(service: &str) -> Scope<'_> {
    Scope {
        region: "us-east-1",
        service,
        time: NOW,
    }
}

#[test]
fn the_published_vectors_come_out() {
    assert_eq!(VECTORS.len(), 30);
    for &(name, method, path, query, headers, body, token, signature) in VECTORS {
        let request = Request {
            method,
            host: "example.amazonaws.com",
            path,
            query,
            headers,
            body_sha256: &sha256_hex(body.as_bytes()),
        };
        let signed = sign(&request, &scope("service"), &keys(token));
        let end = format!("Signature={signature}");
        let authorization = signed.authorization.reveal();
        assert!(authorization.ends_with(&end), "{name}: {authorization}");
        let begin =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        assert!(authorization.starts_with(begin), "{name}: {authorization}");
        assert_eq!(signed.headers().count(), 2 + usize::from(token.is_some()));
    }
}

/// The expected values were computed apart from this code, from the canonical
/// requests with `%253A` and `%3A`.
#[test]
fn a_models_colon_is_signed_as_it_is_sent_and_encoded_once_more() {
    let sent = |path: &str| {
        let request = Request {
            method: "POST",
            host: "bedrock-runtime.us-east-1.amazonaws.com",
            path,
            query: "",
            headers: &[("Content-Type", "application/json")],
            body_sha256: &sha256_hex(b"{}"),
        };
        let signed = sign(&request, &scope("bedrock"), &keys(None));
        signed
            .authorization
            .reveal()
            .rsplit_once('=')
            .unwrap()
            .1
            .to_owned()
    };
    let encoded = sent("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse");
    let plain = sent("/model/anthropic.claude-3-haiku-20240307-v1:0/converse");
    assert_eq!(
        encoded,
        "1e3e5ff96e9eaa6f374cc3e88308f4dd8c58e317eb37fe847a49419ac9af2387"
    );
    assert_eq!(
        plain,
        "fe705b146787ce1516ebbb3b050e3c6f905f425809269808af1b6d205dc28c80"
    );
}

#[test]
fn nothing_of_a_signed_request_prints() {
    let request = Request {
        method: "GET",
        host: "h",
        path: "/",
        query: "",
        headers: &[],
        body_sha256: "",
    };
    let signed = sign(&request, &scope("s"), &keys(Some("tok-en")));
    let shown = format!("{signed:?} {:?}", keys(Some("tok-en")));
    assert!(!shown.contains("tok-en") && !shown.contains("wJalr") && !shown.contains("Signature"));
}
