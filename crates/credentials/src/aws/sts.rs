//! The token service: a role for keys, or for a token of another issuer.

use std::path::PathBuf;

use domain::secret::Secret;

use super::Found;
use crate::fault::Fault;
use crate::http::{Ask, between, form};
use crate::json;
use crate::spec::Aws;
use crate::surroundings::{self, Surroundings};
use domain::credential::AwsKeys;
use sigv4::{Request, Scope, sha256_hex};

const VERSION: &str = "2011-06-15";
const SESSION: &str = "portcullis";

/// The token service of a region.
pub(super) struct Sts<'a> {
    region: String,
    around: &'a Surroundings,
}

/// A role to take on.
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) seconds: Option<String>,
}

/// A role to take on with another issuer's token.
pub(super) struct WebIdentity {
    pub(super) token_file: PathBuf,
    pub(super) role_arn: String,
    pub(super) session_name: Option<String>,
}

impl WebIdentity {
    /// What EKS puts into the environment of a pod.
    pub(super) fn of_environment(around: &Surroundings) -> Result<Option<Self>, Fault> {
        let Some(file) = around.env("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return Ok(None);
        };
        let role_arn = around.env("AWS_ROLE_ARN").ok_or_else(|| {
            Fault::Setup("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN".to_owned())
        })?;
        Ok(Some(Self {
            token_file: file.into(),
            role_arn,
            session_name: around.env("AWS_ROLE_SESSION_NAME"),
        }))
    }
}

impl<'a> Sts<'a> {
    pub(super) fn of(spec: &Aws, around: &'a Surroundings) -> Self {
        let region = Some(spec.region.clone())
            .filter(|region| !region.is_empty())
            .or_else(|| around.env("AWS_REGION"))
            .or_else(|| around.env("AWS_DEFAULT_REGION"))
            .unwrap_or_else(|| "us-east-1".to_owned());
        Self { region, around }
    }

    fn endpoint(&self) -> String {
        let own = self.around.env("AWS_ENDPOINT_URL_STS");
        let given = own.or_else(|| self.around.env("AWS_ENDPOINT_URL"));
        let given = given.map(|url| url.trim_end_matches('/').to_owned());
        given.unwrap_or_else(|| {
            let end = match self.region.starts_with("cn-") {
                true => ".cn",
                false => "",
            };
            format!("https://sts.{}.amazonaws.com{end}", self.region)
        })
    }

    pub(super) async fn assume_role(&self, role: &Role, keys: &AwsKeys) -> Result<Found, Fault> {
        let session = role.session_name.as_deref().unwrap_or(SESSION);
        let mut fields = vec![
            ("Action", "AssumeRole"),
            ("Version", VERSION),
            ("RoleArn", role.arn.as_str()),
            ("RoleSessionName", session),
        ];
        if let Some(id) = &role.external_id {
            fields.push(("ExternalId", id));
        }
        if let Some(seconds) = &role.seconds {
            fields.push(("DurationSeconds", seconds));
        }
        let url = self.endpoint();
        let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let (host, below) = authority.split_once('/').unwrap_or((authority, ""));
        let path = format!("/{below}");
        let hash = sha256_hex(form(&fields).as_bytes());
        let request = Request {
            method: "POST",
            host,
            path: &path,
            query: "",
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body_sha256: &hash,
        };
        let scope = Scope {
            region: &self.region,
            service: "sts",
            time: self.around.now(),
        };
        let signed = sigv4::sign(&request, &scope, keys);
        let ask = signed
            .headers()
            .fold(Ask::form(&url, &fields), |ask, (name, value)| {
                ask.with(name, value)
            });
        self.given(ask).await
    }

    pub(super) async fn assume_role_with_web_identity(
        &self,
        identity: &WebIdentity,
    ) -> Result<Found, Fault> {
        let token = surroundings::read(&identity.token_file)?;
        let session = identity.session_name.as_deref().unwrap_or(SESSION);
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", VERSION),
            ("RoleArn", identity.role_arn.as_str()),
            ("RoleSessionName", session),
            ("WebIdentityToken", token.trim()),
        ];
        self.given(Ask::form(self.endpoint(), &fields)).await
    }

    /// The keys of an answer. Its XML is flat here, and none of the values
    /// needs escaping.
    async fn given(&self, ask: Ask) -> Result<Found, Fault> {
        let answer = self.around.http.ask(ask).await?;
        let element = |name: &str| {
            let inner = between(&answer.body, &format!("<{name}>"), &format!("</{name}>"));
            inner
                .map(str::trim)
                .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()))
                .ok_or_else(|| Fault::unreadable(&answer.host, format!("no `{name}` in it")))
        };
        let expires = json::moment(element("Expiration")?)
            .ok_or_else(|| Fault::unreadable(&answer.host, "`Expiration` is no time"))?;
        Ok(Found {
            keys: AwsKeys {
                access_key: Secret::new(element("AccessKeyId")?),
                secret_key: Secret::new(element("SecretAccessKey")?),
                session_token: Some(Secret::new(element("SessionToken")?)),
            },
            expires: Some(expires),
            look_again: None,
        })
    }
}
