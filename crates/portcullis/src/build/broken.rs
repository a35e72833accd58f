//! Files that only building finds broken, and what is said of them, word for
//! word. To accept what the code says now: `PORTCULLIS_BLESS=1 cargo test -p
//! portcullis`.

use ::providers::Catalogue;
use testkit::golden;

use super::tests::{CATALOGUE, env};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/broken");

fn error_of(name: &str, text: &str) -> String {
    let (config, _) = config::parse(name, text).expect("right as far as the file goes");
    let catalogue = Catalogue::parse(CATALOGUE).expect("the catalogue");
    let install = identity::Install::from_bytes(&[7; 32]);
    let around = super::Around {
        env: &env,
        fetchers: &super::Unfetched,
        secrets: super::Secrets::Resolved,
    };
    match super::snapshot_with(
        &config,
        &catalogue,
        super::Stored::default(),
        &install,
        around,
    ) {
        Ok(_) => "nothing is wrong".to_owned(),
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
