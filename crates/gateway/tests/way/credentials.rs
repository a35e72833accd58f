//! Credentials that are fetched and renewed: tokens, and signatures for AWS.

use std::sync::Arc;

use domain::credential::{Absent, AwsKeys, Credential, Key, KeySource, Renewing};
use domain::model::{Auth, PassThrough, Paths, Shape};
use domain::secret::Secret;
use domain::time::UnixMicros;
use testkit::fake::Seen;
use testkit::openai::chat_request;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{Ask, KEY, Stage, play};

fn ask(model: &str) -> Ask {
    Ask::chat(chat_request(model, "x"))
}

#[derive(Debug)]
struct Latest(Option<Credential>);

impl Renewing for Latest {
    fn current(&self) -> Result<Credential, Absent> {
        let latest = self.0.clone();
        latest.ok_or_else(|| Absent("the metadata server is away".to_owned()))
    }
}

fn fetched(latest: Option<Credential>) -> Key {
    Key {
        id: "renewed".into(),
        source: KeySource::Renewed(Arc::new(Latest(latest))),
    }
}

fn renewed(token: Option<&'static str>) -> Key {
    fetched(token.map(|token| Credential::Key(Secret::new(token))))
}

#[test]
fn a_token_goes_where_tokens_go_whatever_header_keys_have() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = Scene::new()
            .provider(&fake)
            .with(|provider| {
                provider.auth = Auth::Header("api-key".into());
                let token = Credential::Token(Secret::new("t-2"));
                provider.keys = vec![fetched(Some(token))];
            })
            .key(KEY, Limits::default())
            .model("m");
        assert_eq!(Stage::open(scene).ask(ask("m")).await.status, 200);
        let request = fake.last_request();
        assert_eq!(request.header("authorization"), "Bearer t-2");
        assert!(!request.headers.contains_key("api-key"));
    });
}

/// AWS' side of the signature: all of the request as it came.
fn is_signed_for(request: &Seen, keys: &AwsKeys) -> bool {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let date = request.header("x-amz-date");
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).expect("a date");
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).expect("a date");
    let time = UnixMicros(time.timestamp().as_microsecond());
    let signed = sigv4::sign(
        &sigv4::Request {
            method: request.method.as_str(),
            host: request.header("host"),
            path,
            query,
            headers: &[],
            body_sha256: &sigv4::sha256_hex(&request.body),
        },
        &sigv4::Scope {
            region: "eu-west-1",
            service: "bedrock",
            time,
        },
        keys,
    );
    signed.authorization.reveal() == request.header("authorization")
}

#[test]
fn a_renewed_token_goes_into_the_header_and_its_absence_asks_the_next_key() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = Scene::new()
            .provider(&fake)
            .with(|provider| provider.keys = vec![renewed(Some("t-1"))])
            .key(KEY, Limits::default())
            .model("m");
        assert_eq!(Stage::open(scene).ask(ask("m")).await.status, 200);
        assert_eq!(fake.last_request().header("authorization"), "Bearer t-1");
        let scene = Scene::new()
            .provider(&fake)
            .with(|provider| {
                provider.keys = vec![renewed(None), Key::fixed("b", Secret::new("b"))];
            })
            .key(KEY, Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        for _ in 0..10 {
            assert_eq!(stage.ask(ask("m")).await.status, 200);
            assert_eq!(fake.last_request().header("authorization"), "Bearer b");
        }
    });
}

fn pair() -> AwsKeys {
    AwsKeys {
        access_key: Secret::new("AKID"),
        secret_key: Secret::new("s3cret"),
        session_token: Some(Secret::new("session")),
    }
}

fn signing(fake: &FakeProvider) -> Scene {
    Scene::new()
        .provider(fake)
        .with(|provider| {
            provider.auth = Auth::SigV4 {
                region: "eu-west-1".into(),
                service: "bedrock".into(),
            };
            provider.paths = Some(Paths {
                whole: "/model/{model}/invoke?a=b".into(),
                stream: "/model/{model}/stream".into(),
                embeddings: None,
            });
            provider.shape = Shape {
                omit: vec!["model".into()],
                set: Vec::new(),
                ..Shape::default()
            };
            provider.keys = vec![fetched(Some(Credential::Aws(pair())))];
        })
        .key(KEY, Limits::default())
        .model("us.claude:0")
}

#[test]
fn a_request_for_aws_is_signed_as_it_leaves_large_or_small() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(signing(&fake));
        for size in [1, 600 << 10] {
            let body = chat_request("us.claude:0", &"x".repeat(size));
            assert_eq!(stage.ask(Ask::chat(body)).await.status, 200);
            let request = fake.last_request();
            assert!(request.path.ends_with("/model/us.claude%3A0/invoke?a=b"));
            assert_eq!(request.header("x-amz-security-token"), "session");
            assert!(is_signed_for(&request, &pair()), "{size}");
            let mut other = request.clone();
            other.body = b"{}".as_slice().into();
            assert!(!is_signed_for(&other, &pair()), "the body is signed");
        }
    });
}

#[test]
fn keys_of_aws_at_a_provider_that_knows_none_are_no_credential() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = signing(&fake).with(|provider| provider.auth = Auth::Bearer);
        let answer = Stage::open(scene.key(KEY, Limits::default()).model("m"))
            .ask(ask("m"))
            .await;
        assert_eq!(answer.status, 502);
        assert_eq!(fake.count(), 0, "nothing was sent");
    });
}

#[test]
fn what_passes_through_takes_tokens_and_no_signatures_nobody_knows() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let of = |credential: Option<Credential>| {
            let scene = crate::passing::open(&fake);
            scene.with(|provider| provider.keys = vec![fetched(credential)])
        };
        let post = || crate::passing::ask("POST", "/files", "x");
        let token = Credential::Token(Secret::new("t-2"));
        assert_eq!(Stage::open(of(Some(token))).ask(post()).await.status, 200);
        assert_eq!(fake.last_request().header("authorization"), "Bearer t-2");
        for none in [None, Some(Credential::Aws(pair()))] {
            let stage = Stage::open(of(none));
            let answer = stage.ask(post()).await;
            assert_eq!(answer.refusal(502), "upstream_authentication");
            let record = stage.settled(1).await.remove(0);
            assert_eq!(record.passed.map(|passed| passed.bytes_in), Some(0));
        }
        assert_eq!(fake.count(), 1);
    });
}

/// What passes through to AWS.
fn passing(fake: &FakeProvider) -> Scene {
    signing(fake).with(|provider| provider.pass_through = PassThrough::All)
}

#[test]
fn what_passes_through_to_aws_is_signed_with_its_body() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let stage = Stage::open(passing(&fake));
        for (method, path, size) in [
            ("GET", "/guardrails?maxResults=5&a=b%20c", 0),
            ("POST", "/model/us.claude%3A0/converse", 1),
            ("PUT", "/guardrails/g", 3 << 20),
        ] {
            let body = vec![b'x'; size];
            let answer = stage.ask(crate::passing::ask(method, path, body)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let request = fake.last_request();
            assert_eq!(
                (request.method.as_str(), request.body.len()),
                (method, size)
            );
            assert!(request.path.ends_with(path), "{}", request.path);
            assert_eq!(request.header("x-amz-security-token"), "session");
            assert!(is_signed_for(&request, &pair()), "{method}");
            let mut other = request.clone();
            other.body = b"{}".as_slice().into();
            assert!(!is_signed_for(&other, &pair()), "the body is signed");
        }
        let bytes: Vec<_> = stage.settled(3).await.iter().map(|it| it.passed).collect();
        let bytes: Vec<_> = bytes.iter().flatten().map(|it| it.bytes_in).collect();
        assert_eq!(bytes, [0, 1, 3 << 20]);
    });
}

#[test]
fn a_body_that_is_too_large_to_be_signed_is_refused() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(passing(&fake).adjust(|snapshot| snapshot.bounds.body = 1000));
        // Nobody says beforehand how long it is.
        let mut stream = tokio::net::TcpStream::connect(stage.address)
            .await
            .expect("connect");
        let head = "POST /providers/fake/files HTTP/1.1\r\nhost: g\r\n\
                    authorization: Bearer sk-test\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("7d0\r\n{}\r\n", "x".repeat(2000));
        stream
            .write_all(format!("{head}{chunk}").as_bytes())
            .await
            .expect("sent");
        let mut said = vec![0; 1000];
        let length = stream.read(&mut said).await.expect("an answer");
        let said = String::from_utf8_lossy(&said[..length]);
        assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
        assert_eq!(fake.count(), 0);
    });
}
