//! Credentials that are fetched, looked at before anybody is asked: a profile
//! that is not there is known now, and not with the first request.

use std::sync::{Arc, Mutex, PoisonError};

use config::{Config, ConfigError};
use credentials::{Outlook, Spec, Surroundings, outlook};
use domain::credential::Renewing;

use super::accounts::{Fetchers, Unfetched};

/// Notes what would be fetched, and where it is written.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<Vec<(String, Spec)>>);

impl Fetchers for Noted {
    fn renewed(&self, place: &str, spec: Spec) -> Arc<dyn Renewing> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((place.to_owned(), spec));
        Arc::new(Unfetched)
    }
}

impl Noted {
    /// Of which credentials nobody can say here whether there is one: a line
    /// each, with who would have to be asked.
    ///
    /// # Errors
    /// Credentials that cannot work.
    pub(crate) fn unknown(
        self,
        config: &Config,
        around: &Surroundings,
    ) -> Result<Vec<String>, ConfigError> {
        let all = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = config.source.report();
        let mut unknown = Vec::new();
        for (place, spec) in all {
            match outlook(&spec, around) {
                Ok(Outlook::Complete) => {}
                Ok(Outlook::Unknown(who)) => {
                    let message = format!("whether this works is not known before it runs: {who}");
                    unknown.push(config.source.problem(&place, message).to_string());
                }
                Err(hopeless) => {
                    let field = format!("{place}.{}", hopeless.field);
                    report.wrong(&field, hopeless.fault.to_string(), hopeless.help);
                }
            }
        }
        report.finish().map(|_| unknown)
    }
}

#[cfg(test)]
mod tests {
    use ::providers::Catalogue;
    use credentials::http::Http;
    use domain::model::HttpVersion;
    use domain::time::UnixMicros;
    use gateway::send::tls::ClientTls;

    use super::super::tests::env;
    use super::super::{Around, Secrets, snapshot_with};
    use super::*;

    fn told(text: &str, vars: &[(&'static str, &'static str)]) -> Result<Vec<String>, String> {
        let (config, _) = config::parse("f.yaml", text).expect("right as far as the file goes");
        let catalogue = Catalogue::builtin().expect("the catalogue");
        let install = identity::Install::from_bytes(&[7; 32]);
        let noted = Noted::default();
        let around = Around {
            env: &env,
            fetchers: &noted,
            secrets: Secrets::Resolved,
        };
        snapshot_with(
            &config,
            &catalogue,
            super::super::Stored::default(),
            &install,
            around,
        )
        .expect("builds");
        let tls = ClientTls::default().config(None, HttpVersion::Http1);
        let vars = vars.to_vec();
        let look = move |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let http = Http::new(tls.expect("roots"));
        let around = Surroundings::new(http, look, || UnixMicros(0));
        noted
            .unknown(&config, &around)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_work_is_named_where_it_is_written() {
        let text = "
providers:
  bedrock:
    api_key: {aws: {profile: nobody, region: eu-west-1}}
  vertex:
    base_url: https://h/v1
    api_keys:
      - google: {file: /no/such/file}
      - google: {json: '{\"type\": \"service_account\"}'}
  house:
    base_url: https://h/v1
    api_key: {command: [vault-of-nobody, get]}
  azure:
    base_url: https://h/v1
    api_key: {azure: {tenant: t, client_id: c, token_file: /no/such/token}}
";
        let told = told(text, &[("PATH", "/bin")]).expect_err("wrong");
        for part in [
            "f.yaml:4:30: providers.bedrock.api_key.aws.profile: the AWS profile `nobody` is in",
            "help: there is none: `aws configure` makes one",
            "f.yaml:8:24: providers.vertex.api_keys[0].google.file: /no/such/file: ",
            "help: check the path",
            "f.yaml:9:24: providers.vertex.api_keys[1].google.json: ",
            "`client_email` is missing or no text",
            "f.yaml:12:24: providers.house.api_key.command: `vault-of-nobody` is in no folder",
            "help: install it, or write its whole path",
            "f.yaml:15:60: providers.azure.api_key.azure.token_file: /no/such/token: ",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }

    #[test]
    fn what_only_the_machine_knows_is_said_to_be_unknown() {
        let text = "
providers:
  bedrock: {base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com'}
  house: {base_url: 'https://h/v1', api_key: {command: [sh, -c, echo]}}
  signed: {catalogue: bedrock, api_key: {aws: {access_key_id: env:SET_KEY, secret_access_key: env:SET_KEY, region: eu-west-1}}}
";
        let told = told(
            text,
            &[("PATH", "/bin:/usr/bin"), ("HOME", "/no/such/home")],
        );
        let told = told.expect("nothing is wrong");
        let [machine, command] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(machine.starts_with("f.yaml:3:"), "{machine}");
        assert!(machine.contains("metadata server is asked"), "{machine}");
        assert!(command.contains("the command is run"), "{command}");
    }
}
