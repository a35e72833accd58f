//! Files that only building finds broken, and what is said of them, word for
//! word. To accept what the code says now: `PORTCULLIS_BLESS=1 cargo test -p
//! portcullis`.

use std::fs;

use ::providers::Catalogue;

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
    match super::snapshot_with(&config, &catalogue, &[], &install, around) {
        Ok(_) => "nothing is wrong".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_broken_file_is_answered_as_written_beside_it() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(FIXTURES).expect("fixtures") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|ext| ext != "yaml") {
            continue;
        }
        count += 1;
        let name = path.file_name().expect("name").to_string_lossy();
        let text = fs::read_to_string(&path).expect("fixture");
        let said = format!("{}\n", error_of(&name, &text));
        let golden = path.with_extension("txt");
        if bless {
            fs::write(&golden, &said).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{name}\n--- expected\n{expected}--- said\n{said}"));
        }
    }
    assert!(count >= 5, "only {count} fixtures");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_answer_names_file_line_column_and_field_and_what_to_write() {
    for entry in fs::read_dir(FIXTURES).expect("fixtures") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|ext| ext != "txt") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("golden");
        let first = text.lines().next().expect("a line");
        let mut parts = first.split(':');
        let file = parts.next().expect("file");
        assert!(file.ends_with(".yaml"), "{first}");
        for number in [parts.next(), parts.next()] {
            let number = number.expect("a number");
            assert!(number.parse::<u64>().is_ok_and(|n| n > 0), "{first}");
        }
        assert!(!text.contains("very-secret"), "{text}");
    }
}
