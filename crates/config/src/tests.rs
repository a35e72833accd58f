//! Broken files and what is said of them, word for word. To accept what the
//! code says now: `PORTCULLIS_BLESS=1 cargo test -p portcullis-config`.

use std::fs;
use std::path::Path;

use testkit::golden;

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/broken");

fn error_of(name: &str, text: &str) -> String {
    let parsed = parse(name, text).and_then(|(config, _)| config.files());
    match parsed {
        Ok(()) => "nothing is wrong".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_broken_file_is_answered_as_written_beside_it() {
    golden::broken_files(FIXTURES, error_of);
}

#[test]
fn every_answer_names_file_line_column_and_field_and_what_to_write() {
    golden::names_its_places(FIXTURES);
}

#[test]
fn an_empty_file_is_the_default() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "providers:\naliases:\nmodels:\npolicies:\nkeys:\n",
    ] {
        let (config, warnings) = parse("f", text).expect("right");
        assert!(config.demo && config.listen == Listen::loopback(4000));
        assert!(warnings.is_empty());
    }
}

#[test]
fn the_annotated_default_is_right_and_changes_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/portcullis.yaml");
    let text = fs::read_to_string(path).expect("config/portcullis.yaml");
    let (config, warnings) = parse("portcullis.yaml", &text).expect("right");
    assert!(warnings.is_empty(), "{warnings:?}");
    let value = |config: &Config| serde_json::to_value(config).expect("serialises");
    assert_eq!(value(&config), value(&Config::default()));
}

#[test]
fn the_examples_in_the_annotated_default_are_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/portcullis.yaml");
    let text = fs::read_to_string(path).expect("config/portcullis.yaml");
    // Prose stands one space behind its `#`; examples stand at none, or at the
    // two and more of their own indentation.
    let prose = |line: &str| {
        line.strip_prefix("# ")
            .is_some_and(|rest| !rest.starts_with(' '))
            || line == "#"
    };
    let live: String = text
        .lines()
        .filter(|line| !prose(line))
        .map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line)))
        .collect();
    let (config, _) = parse("portcullis.yaml", &live).expect("right");
    // Its certificate is no file here.
    let error = config.files().expect_err("no certificate");
    let paths: Vec<&str> = error.problems.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["tls.certificate", "tls.key"], "{error}\n{live}");
}

#[test]
fn a_literal_secret_is_taken_with_a_warning_that_says_what_to_write() {
    let text = "providers:\n  local:\n    base_url: http://h/v1\n    api_key: sk-very-secret\n";
    let (_, warnings) = parse("f.yaml", text).expect("right");
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(
        warning.starts_with("f.yaml:4:14: providers.local.api_key: "),
        "{warning}"
    );
    assert!(
        warning.contains("`env:LOCAL_API_KEY`") && !warning.contains("very"),
        "{warning}"
    );
}

#[test]
fn a_number_or_a_flag_is_asked_for_in_words() {
    let said = error_of("f.yaml", "workers: many\n");
    assert!(
        said.contains("f.yaml:1:10: workers: expected a whole number"),
        "{said}"
    );
    let said = error_of("f.yaml", "demo: maybe\n");
    assert!(said.contains("demo: expected `true` or `false`"), "{said}");
}

#[test]
fn what_waits_for_a_restart_is_named_and_the_rest_is_not() {
    let old = Config::default();
    let (new, _) = parse(
        "new.yaml",
        "listen: 127.0.0.1:4100\nworkers: 2\ncache: {max_bytes: 1MiB, on_request: 1m}\nkeepalive: 15s\n",
    )
    .expect("right");
    assert_eq!(
        old.needs_restart(&new),
        ["listen", "workers", "cache.max_bytes"]
    );
    assert!(old.needs_restart(&old).is_empty());
}

#[test]
fn an_address_of_a_database_is_warned_of_where_it_says_a_password() {
    let warnings = |url: &str| {
        let (_, warnings) =
            parse("f.yaml", &format!("store: {{url: \"{url}\"}}\n")).expect("right");
        warnings
    };
    assert!(warnings("postgres://me@db.example:5432/gateway").is_empty());
    assert!(warnings("env:PORTCULLIS_DATABASE_URL").is_empty());
    let said = warnings("postgres://me:hunter2@db.example/gateway").concat();
    assert!(
        said.contains("store.url") && !said.contains("hunter2"),
        "{said}"
    );
}
