//! AWS' chain and its token service.

use credentials::Spec;
use credentials::spec::Aws;
use domain::credential::AwsKeys;
use domain::credential::Credential;
use domain::secret::Secret;

use crate::scene::{Folder, first};
use crate::server::{Asked, Server, reply};

const MACHINE_KEYS: &str = r#"{"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s1",
    "Token":"t1","Expiration":"2015-08-30T18:00:00Z"}"#;

fn sts(name: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><R><Credentials>\
         <AccessKeyId>ASIA{name}</AccessKeyId><SecretAccessKey>s+/{name}=</SecretAccessKey>\
         <SessionToken>t{name}</SessionToken><Expiration>2015-08-30T13:36:00Z</Expiration>\
         </Credentials></R></AssumeRoleResponse>"
    )
}

async fn keys(spec: Aws, env: &[(&str, &str)]) -> Result<(String, String, String), String> {
    match first(Spec::Aws(spec), env).await {
        Ok(Credential::Aws(keys)) => Ok((
            keys.access_key.reveal().to_owned(),
            keys.secret_key.reveal().to_owned(),
            keys.session_token
                .map_or(String::new(), |t| t.reveal().to_owned()),
        )),
        Ok(Credential::Key(_) | Credential::Token(_)) => panic!("a bearer"),
        Err(absent) => Err(absent.to_string()),
    }
}

fn three(a: &str, b: &str, c: &str) -> (String, String, String) {
    (a.to_owned(), b.to_owned(), c.to_owned())
}

#[tokio::test]
async fn fixed_keys_win_then_the_environment() {
    let env = [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "e")];
    let spec = Aws {
        keys: Some(AwsKeys {
            access_key: Secret::new("F"),
            secret_key: Secret::new("f"),
            session_token: None,
        }),
        ..Aws::default()
    };
    assert_eq!(keys(spec, &env).await, Ok(three("F", "f", "")));
    assert_eq!(keys(Aws::default(), &env).await, Ok(three("E", "e", "")));
    let half = keys(Aws::default(), &env[..1]).await.unwrap_err();
    assert!(half.contains("only one is set"), "{half}");
}

#[tokio::test]
async fn a_role_on_top_is_asked_for_with_a_signature() {
    let server = Server::start(|_| reply(200, &sts("R"))).await;
    let env = [
        ("AWS_ACCESS_KEY_ID", "E"),
        ("AWS_SECRET_ACCESS_KEY", "e"),
        ("AWS_SESSION_TOKEN", "et"),
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
    ];
    let spec = Aws {
        region: "eu-west-1".to_owned(),
        role_arn: Some("arn:aws:iam::1:role/r".to_owned()),
        external_id: Some("x".to_owned()),
        ..Aws::default()
    };
    assert_eq!(keys(spec, &env).await, Ok(three("ASIAR", "s+/R=", "tR")));
    let asked = &server.asked()[0];
    assert_eq!(
        asked.body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr\
         &RoleSessionName=portcullis&ExternalId=x"
    );
    let signature = asked.header("authorization").unwrap();
    let begin = "AWS4-HMAC-SHA256 Credential=E/20150830/eu-west-1/sts/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=";
    assert!(signature.starts_with(begin), "{signature}");
    assert_eq!(asked.header("x-amz-security-token"), Some("et"));
    assert_eq!(asked.header("host"), server.url.strip_prefix("http://"));
}

#[tokio::test]
async fn a_profile_stands_on_another_and_on_a_helper() {
    let folder = Folder::new("profiles");
    let config = folder.file(
        "config",
        "[default]\nregion = x\n\
         [profile top]\nrole_arn = arn:top\nsource_profile = middle\n\
         [profile middle]\nrole_arn = arn:middle\nsource_profile = low\nexternal_id = m\n\
         [profile helped]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"H\",\
         \"SecretAccessKey\":\"h\"}'\n\
         [profile person]\nsso_session = s\n\
         [profile round]\nrole_arn = a\nsource_profile = about\n\
         [profile about]\nrole_arn = a\nsource_profile = round\n",
    );
    let secrets = folder.file(
        "credentials",
        "[low]\naws_access_key_id = L\naws_secret_access_key = l\n",
    );
    let by_role = |asked: &Asked| match asked.body.contains("arn%3Atop") {
        true => reply(200, &sts("T")),
        false => reply(200, &sts("M")),
    };
    let server = Server::start(by_role).await;
    let env = |profile| {
        [
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", secrets.as_str()),
            ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
            ("AWS_PROFILE", profile),
        ]
    };
    assert_eq!(
        keys(Aws::default(), &env("low")).await,
        Ok(three("L", "l", ""))
    );
    assert_eq!(
        keys(Aws::default(), &env("top")).await,
        Ok(three("ASIAT", "s+/T=", "tT"))
    );
    let asked = server.asked();
    assert!(asked[0].body.contains("arn%3Amiddle") && asked[0].body.contains("ExternalId=m"));
    assert!(
        asked[1]
            .header("authorization")
            .unwrap()
            .contains("=ASIAM/")
    );
    assert_eq!(
        keys(Aws::default(), &env("helped")).await,
        Ok(three("H", "h", ""))
    );
    for (profile, why) in [("person", "SSO"), ("round", "circle"), ("none", "neither")] {
        let said = keys(Aws::default(), &env(profile)).await.unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn a_pod_of_eks_shows_its_token() {
    let folder = Folder::new("eks");
    let file = folder.file("token", "jwt.of.pod\n");
    let server = Server::start(|_| reply(200, &sts("W"))).await;
    let env = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()),
        ("AWS_ROLE_ARN", "arn:w"),
        ("AWS_ROLE_SESSION_NAME", "pod"),
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
    ];
    assert_eq!(
        keys(Aws::default(), &env).await,
        Ok(three("ASIAW", "s+/W=", "tW"))
    );
    let asked = &server.asked()[0];
    assert_eq!(
        asked.body,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aw\
         &RoleSessionName=pod&WebIdentityToken=jwt.of.pod"
    );
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_container_asks_the_server_beside_it() {
    let folder = Folder::new("container");
    let file = folder.file("token", "pod-token\n");
    let server = Server::start(|_| reply(200, MACHINE_KEYS)).await;
    let url = format!("{}/v1/credentials", server.url);
    let env = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "older"),
    ];
    assert_eq!(
        keys(Aws::default(), &env).await,
        Ok(three("ASIA1", "s1", "t1"))
    );
    let asked = &server.asked()[0];
    assert_eq!(asked.target, "/v1/credentials");
    assert_eq!(asked.header("authorization"), Some("pod-token"));
}

#[tokio::test]
async fn a_containers_server_far_away_is_not_asked() {
    let env = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://example.com/keys",
        ),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t"),
    ];
    let said = keys(Aws::default(), &env).await.unwrap_err();
    assert!(said.contains("only https"), "{said}");
}

#[tokio::test]
async fn a_machine_is_asked_with_a_token() {
    let server = Server::start(
        |asked| match (asked.method.as_str(), asked.target.as_str()) {
            ("PUT", "/latest/api/token") => reply(200, "imds-token"),
            ("GET", "/latest/meta-data/iam/security-credentials/") => reply(200, "my-role\n"),
            ("GET", "/latest/meta-data/iam/security-credentials/my-role") => {
                reply(200, MACHINE_KEYS)
            }
            _ => reply(404, ""),
        },
    )
    .await;
    let mut env = vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url.as_str())];
    assert_eq!(
        keys(Aws::default(), &env).await,
        Ok(three("ASIA1", "s1", "t1"))
    );
    let asked = server.asked();
    assert!(
        asked[0]
            .header("x-aws-ec2-metadata-token-ttl-seconds")
            .is_some()
    );
    assert_eq!(
        asked[2].header("x-aws-ec2-metadata-token"),
        Some("imds-token")
    );
    env.push(("AWS_EC2_METADATA_DISABLED", "true"));
    let said = keys(Aws::default(), &env).await.unwrap_err();
    assert!(said.contains("forbids"), "{said}");
}

#[tokio::test]
async fn a_refusal_of_the_token_service_is_told_by_its_code() {
    let no = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>e is not</Message>";
    let server = Server::start(move |_| reply(403, no)).await;
    let env = [
        ("AWS_ACCESS_KEY_ID", "E"),
        ("AWS_SECRET_ACCESS_KEY", "e"),
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
    ];
    let spec = Aws {
        role_arn: Some("arn:r".to_owned()),
        ..Aws::default()
    };
    let said = keys(spec, &env).await.unwrap_err();
    assert!(said.ends_with("answered 403 (AccessDenied)"), "{said}");
}

#[tokio::test]
async fn keys_that_have_ended_are_none() {
    let old = MACHINE_KEYS.replace("2015-08-30T18", "2015-08-30T10");
    let server = Server::start(move |_| reply(200, &old)).await;
    let env = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url.as_str())];
    let said = keys(Aws::default(), &env).await.unwrap_err();
    assert!(said.contains("ended already"), "{said}");
}

#[tokio::test]
async fn where_nothing_is_set_up_what_was_tried_is_told() {
    // Nobody listens on the port of a listener that is gone.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let env = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let said = keys(Aws::default(), &env).await.unwrap_err();
    assert!(
        said.contains("nothing found in the environment, the shared files"),
        "{said}"
    );
}
