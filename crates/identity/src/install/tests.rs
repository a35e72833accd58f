//! What the install secret promises.

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("portcullis-identity-{:016x}", u64::from_be_bytes(random()));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("folder");
        Self(path)
    }

    fn load(&self, env: &[(&str, &str)]) -> Result<Install, InstallError> {
        Install::load_or_create_with(&self.0, &|name| {
            env.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn secret(&self) -> PathBuf {
        self.0.join(SECRET_FILE)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_digest_is_the_hmac_of_the_keys_sha256() {
    // Computed with another implementation (Python's hmac and hashlib).
    let install = Install::from_bytes(&[7; 32]);
    assert_eq!(hex(&install.digest("sk-pc-test")), GOLDEN);
    let sha256 = digest::digest(&digest::SHA256, b"sk-pc-test");
    let moved_in = <[u8; 32]>::try_from(sha256.as_ref()).expect("32 bytes");
    assert_eq!(hex(&install.digest_of_sha256(moved_in)), GOLDEN);
}

const GOLDEN: &str = "75fb6de45fe6414c78658582264e1f96bcb0fc61b231139a9b4f857079452c6f";

#[test]
fn a_folder_keeps_its_secret_and_another_has_another() {
    let (here, there) = (Folder::new(), Folder::new());
    let first = here.load(&[]).expect("made").digest("k");
    assert_eq!(here.load(&[]).expect("found").digest("k"), first);
    assert_ne!(there.load(&[]).expect("made").digest("k"), first);
    assert_eq!(fs::read_dir(&here.0).expect("folder").count(), 1);
}

#[test]
fn the_files_content_in_the_variable_is_the_same_secret() {
    let (here, there) = (Folder::new(), Folder::new());
    let made = here.load(&[]).expect("made").digest("k");
    let text = fs::read_to_string(here.secret()).expect("text");
    let by_value = there.load(&[(SECRET_VARIABLE, &text)]).expect("value");
    assert_eq!(by_value.digest("k"), made);
    let path = here.secret().display().to_string();
    let by_file = there.load(&[(SECRET_FILE_VARIABLE, &path)]).expect("file");
    assert_eq!(by_file.digest("k"), made);
    assert!(!there.secret().exists());
}

#[test]
fn both_variables_are_one_too_many() {
    let env = [(SECRET_VARIABLE, "x"), (SECRET_FILE_VARIABLE, "y")];
    assert!(matches!(Folder::new().load(&env), Err(InstallError::Both)));
}

#[test]
fn a_named_file_that_is_missing_is_not_made() {
    let folder = Folder::new();
    let path = folder.0.join("nowhere").display().to_string();
    let error = folder
        .load(&[(SECRET_FILE_VARIABLE, &path)])
        .expect_err("missing");
    assert!(error.to_string().contains(&path));
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_short_secret_is_refused_and_never_shown() {
    let error = Folder::new()
        .load(&[(SECRET_VARIABLE, "   hunter2   ")])
        .expect_err("short")
        .to_string();
    assert!(
        error.contains("7 bytes") && error.contains(SECRET_VARIABLE),
        "{error}"
    );
    assert!(!error.contains("hunter2"));
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone_and_refused_when_it_is_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.load(&[]).expect("made");
    let path = folder.secret();
    let mode = fs::metadata(&path).expect("file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
    let error = folder.load(&[]).expect_err("open to the group").to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn many_that_start_at_once_agree_on_one_secret() {
    let folder = Folder::new();
    let digests: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| folder.load(&[]).expect("made or found").digest("k")))
            .collect();
        started
            .into_iter()
            .map(|t| t.join().expect("thread"))
            .collect()
    });
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

#[test]
fn an_install_never_prints_its_secret() {
    assert_eq!(
        format!("{:?}", Install::from_bytes(b"0123456789abcdef")),
        "Install(***)"
    );
}
