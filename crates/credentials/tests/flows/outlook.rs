//! What is said of a credential before anybody is asked.

use credentials::spec::{Aws, Azure, Google, GoogleFrom};
use credentials::{Outlook, Spec, outlook};
use domain::secret::Secret;

use crate::scene::{Folder, around};

const CONFIG: &str = "
[profile keys]
aws_access_key_id = AK
aws_secret_access_key = SK
[profile role]
role_arn = arn:aws:iam::123456789012:role/llm
source_profile = keys
[profile lost]
role_arn = arn:aws:iam::123456789012:role/llm
source_profile = nobody
[profile person]
sso_session = us
[profile helper]
credential_process = get-keys
[profile token]
role_arn = arn:aws:iam::123456789012:role/llm
web_identity_token_file = /no/such/token
";

fn of_profile(name: &str) -> Result<Outlook, String> {
    let folder = Folder::new(&format!("outlook-{name}"));
    let file = folder.file("config", CONFIG);
    let around = around(&[("AWS_CONFIG_FILE", file.as_str()), ("HOME", "/no/such")]);
    let spec = Spec::Aws(Aws {
        profile: Some(name.to_owned()),
        ..Aws::default()
    });
    outlook(&spec, &around).map_err(|hopeless| {
        assert_eq!(hopeless.field, "aws.profile");
        format!("{}; {}", hopeless.fault, hopeless.help)
    })
}

#[test]
fn a_profile_is_followed_as_far_as_it_leads_on_this_machine() {
    assert_eq!(of_profile("keys"), Ok(Outlook::Complete));
    assert_eq!(of_profile("role"), Ok(Outlook::Complete));
    assert!(matches!(of_profile("helper"), Ok(Outlook::Unknown(_))));
    for (name, why) in [
        ("kyes", "did you mean `keys`?"),
        ("lost", "`nobody` is in neither of the shared files"),
        ("person", "signs in by SSO"),
        ("token", "/no/such/token"),
    ] {
        let told = of_profile(name).unwrap_err();
        assert!(told.contains(why), "{name}: {told}");
    }
}

#[test]
fn half_of_what_a_chain_needs_is_told() {
    for (spec, vars, field) in [
        (
            Spec::Aws(Aws::default()),
            ("AWS_ACCESS_KEY_ID", "AK"),
            "aws",
        ),
        (Spec::Aws(Aws::default()), ("AWS_PROFILE", "nobody"), "aws"),
        (
            Spec::Google(Google::default()),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/no/such"),
            "google",
        ),
        (
            Spec::Azure(Azure::default()),
            ("AZURE_CLIENT_SECRET", "s"),
            "azure.tenant",
        ),
    ] {
        let hopeless = outlook(&spec, &around(&[vars])).unwrap_err();
        assert_eq!(hopeless.field, field, "{hopeless:?}");
        assert!(!hopeless.help.is_empty(), "{hopeless:?}");
    }
    let role = Aws {
        role_arn: Some("llm".to_owned()),
        ..Aws::default()
    };
    let hopeless = outlook(&Spec::Aws(role), &around(&[])).unwrap_err();
    assert_eq!(hopeless.field, "aws.role_arn");
}

#[test]
fn a_broken_key_of_an_account_is_told_without_showing_it() {
    for (json, why) in [
        ("{", "no JSON object"),
        (
            r#"{"type":"service_account","client_email":"a@b","private_key":"s3cret"}"#,
            "no RSA key",
        ),
        (r#"{"type":"impersonated_service_account"}"#, "is neither"),
    ] {
        let spec = Spec::Google(Google {
            from: GoogleFrom::Inline(Secret::new(json)),
            ..Google::default()
        });
        let hopeless = outlook(&spec, &around(&[])).unwrap_err();
        let told = hopeless.fault.to_string();
        assert!(told.contains(why) && !told.contains("s3cret"), "{told}");
    }
}
