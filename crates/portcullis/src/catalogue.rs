//! What is known of models: the catalogue that the binary carries, and over it
//! what `portcullis models refresh` or an operator has written into the data
//! folder.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use providers::{Catalogue, CatalogueModel, read_models};

/// Its name in the data folder.
const NAME: &str = "models.jsonl";
/// Larger ones are something else: a model is a line.
const MOST_BYTES: u64 = 64 << 20;

/// Where the data folder's models stand.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// All that is known, with what stands in this data folder.
///
/// # Errors
/// The folder's file cannot be read, or something in it is wrong.
pub(crate) fn load(folder: &Path) -> anyhow::Result<Catalogue> {
    let mut catalogue = Catalogue::builtin().context("the built-in catalogue")?;
    let models = models(&file(folder))?;
    if !models.is_empty() {
        catalogue.lay_over(models);
    }
    Ok(catalogue)
}

/// The models of a file; none if it is not there.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub(crate) fn models(file: &Path) -> anyhow::Result<Vec<CatalogueModel>> {
    read_models(&text(file)?).with_context(|| format!("{}", file.display()))
}

/// The comments on top of a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn comments(file: &Path) -> anyhow::Result<String> {
    let text = text(file)?;
    let on_top = text.lines().take_while(|line| line.starts_with('#'));
    Ok(on_top.flat_map(|line| [line, "\n"]).collect())
}

fn text(file: &Path) -> anyhow::Result<String> {
    let from = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        opened => opened.with_context(|| format!("cannot open {}", file.display()))?,
    };
    bounded(from, MOST_BYTES).with_context(|| format!("cannot read {}", file.display()))
}

/// A text of at most so many bytes.
///
/// # Errors
/// It is longer, is no UTF-8, or cannot be read.
pub(crate) fn bounded(from: impl std::io::Read, most: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    from.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        bail!("it is longer than {} MB", most >> 20);
    }
    Ok(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A folder of its own, gone at the end.
    pub(crate) struct Folder(pub(crate) PathBuf);

    impl Folder {
        pub(crate) fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let name = format!("portcullis-models-{process}-{next}");
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).expect("makes");
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const MINE: &str = r#"{"provider":"openai","id":"gpt-4o","input":"1","output":"2","source":"operator","as_of":"2020-01-01"}"#;

    #[test]
    fn what_the_data_folder_says_of_models_counts() {
        let folder = Folder::new();
        let plain = load(&folder.0).expect("nothing there");
        let known = plain.model("openai", "gpt-4o").expect("known");
        assert!(!known.is_operators());
        std::fs::write(file(&folder.0), MINE).expect("written");
        let catalogue = load(&folder.0).expect("valid");
        let known = catalogue.model("openai", "gpt-4o").expect("known");
        assert!(known.is_operators());
        assert_eq!(catalogue.models().len(), plain.models().len());
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let folder = Folder::new();
        let broken = format!("{MINE}\n{{\"provider\":\"openai\",\"id\":\"x\",\"prize\":\"1\"}}\n");
        std::fs::write(file(&folder.0), broken).expect("written");
        let error = format!("{:#}", load(&folder.0).expect_err("broken"));
        for part in ["models.jsonl", "line 2", "prize"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_not_read() {
        assert_eq!(bounded(&b"abc"[..], 3).expect("short enough"), "abc");
        assert!(bounded(&b"abcd"[..], 3).is_err());
    }
}
