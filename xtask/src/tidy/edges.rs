//! Who may know whom, among our own crates.

use super::metadata::Metadata;

/// A crate and those it may depend on. A crate without a row may know nobody.
pub(crate) const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("http1", &[]),
    ("dialects", &["domain"]),
    ("guards", &["domain"]),
    ("identity", &["domain"]),
    ("ledger", &["domain"]),
    ("journal", &["domain"]),
    ("audit", &["domain"]),
    ("providers", &["dialects", "domain"]),
    ("sigv4", &["domain"]),
    ("credentials", &["sigv4", "domain"]),
    ("config", &["providers", "guards", "domain"]),
    (
        "gateway",
        &[
            "dialects",
            "providers",
            "sigv4",
            "guards",
            "identity",
            "ledger",
            "journal",
            "http1",
            "domain",
        ],
    ),
    ("store", &["ledger", "journal", "domain"]),
    ("telemetry", &["ledger", "journal", "domain"]),
    (
        "control",
        &[
            "store",
            "identity",
            "ledger",
            "domain",
            "providers",
            "guards",
        ],
    ),
    (
        "portcullis",
        &[
            "audit",
            "domain",
            "dialects",
            "providers",
            "sigv4",
            "credentials",
            "config",
            "gateway",
            "guards",
            "identity",
            "ledger",
            "journal",
            "store",
            "control",
            "telemetry",
        ],
    ),
    (
        "testkit",
        &[
            "domain",
            "dialects",
            "providers",
            "sigv4",
            "credentials",
            "config",
            "gateway",
            "guards",
            "identity",
            "ledger",
            "journal",
            "store",
            "control",
            "telemetry",
        ],
    ),
    ("bench", &[]),
    ("xtask", &["domain"]),
];

/// Edges that the table does not allow. Only tests may know `testkit`; what
/// else a test depends on is its own affair.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let is_ours = |package: &str| metadata.members.iter().any(|member| member.name == package);
    let mut complaints = Vec::new();
    for member in &metadata.members {
        let from = short(&member.name);
        let allowed = MAY_KNOW
            .iter()
            .find(|(name, _)| *name == from)
            .map_or(&[][..], |(_, allowed)| *allowed);
        for dependency in member
            .dependencies
            .iter()
            .filter(|d| !d.is_dev && is_ours(&d.package))
        {
            let to = short(&dependency.package);
            if !allowed.contains(&to) {
                complaints.push(format!(
                    "{}/Cargo.toml:1: `{from}` may not depend on `{to}`; move the code to where it may",
                    member.folder
                ));
            }
        }
    }
    complaints
}

fn short(package: &str) -> &str {
    package.strip_prefix("portcullis-").unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{self, Dependency, Member};
    use super::*;

    fn workspace(from: &str, to: &str, kind: &str) -> Metadata {
        let member = |name: &str, dependencies| Member {
            name: format!("portcullis-{name}"),
            folder: String::new(),
            dependencies,
        };
        let edge = Dependency {
            package: format!("portcullis-{to}"),
            library: to.to_owned(),
            is_dev: kind == "dev",
        };
        Metadata {
            members: vec![member(from, vec![edge]), member(to, Vec::new())],
            licences: Vec::new(),
        }
    }

    #[test]
    fn every_crate_knows_only_whom_it_may() {
        let metadata = metadata::load().expect("cargo metadata");
        assert_eq!(check(&metadata), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_edge_is_named() {
        assert_eq!(check(&workspace("domain", "store", "normal")).len(), 1);
        assert_eq!(check(&workspace("gateway", "testkit", "normal")).len(), 1);
        assert_eq!(check(&workspace("newcomer", "domain", "normal")).len(), 1);
    }

    #[test]
    fn tests_may_know_the_testkit() {
        assert!(check(&workspace("gateway", "testkit", "dev")).is_empty());
    }
}
