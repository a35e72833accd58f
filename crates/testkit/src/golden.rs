//! Goldens: what the code says, word for word, in files beside the tests. To
//! accept what it says now: `PORTCULLIS_BLESS=1 cargo test`.

use std::fs;
use std::path::{Path, PathBuf};

/// The files of a folder with this ending, by name.
///
/// # Panics
/// There is no such folder, or no such file.
#[must_use]
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no {ending}");
    files
}

/// Compares what is said with the golden.
///
/// # Panics
/// They differ.
pub fn same(golden: &Path, said: &str) {
    if let Some(difference) = difference(golden, said) {
        panic!("{difference}");
    }
}

/// Compares, for every YAML file of a folder, what is said of it with the `.txt`
/// beside it; `said` is given its name and its text.
///
/// # Panics
/// They differ: all that do are told.
pub fn broken_files(folder: &str, said: impl Fn(&str, &str) -> String) {
    let differences = files(folder, ".yaml").into_iter().filter_map(|path| {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a fixture");
        difference(
            &path.with_extension("txt"),
            &format!("{}\n", said(&name, &text)),
        )
    });
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Every golden of a folder of broken files begins with file, line and column,
/// and none has a secret in it.
///
/// # Panics
/// One does not.
pub fn names_its_places(folder: &str) {
    for path in files(folder, ".txt") {
        let text = fs::read_to_string(&path).expect("a golden");
        let first = text.lines().next().expect("a line");
        let mut parts = first.split(':');
        let file = parts.next().expect("a file");
        assert!(file.ends_with(".yaml"), "{first}");
        for number in [parts.next(), parts.next()] {
            let number = number.expect("a number");
            assert!(number.parse::<u64>().is_ok_and(|n| n > 0), "{first}");
        }
        assert!(!text.contains("very-secret"), "{text}");
    }
}

fn difference(golden: &Path, said: &str) -> Option<String> {
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        fs::write(golden, said).expect("writes");
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    let golden = golden.display();
    (said != expected).then(|| format!("{golden}\n--- expected\n{expected}--- said\n{said}"))
}
