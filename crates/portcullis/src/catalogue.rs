//! What is known of models: the catalogue that the binary carries, and over it
//! what `portcullis models refresh` or an operator has written into the data
//! folder.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use config::error::Problem;
use config::source::Spot;
use providers::{Catalogue, ModelsRead, WrongLine, read_models};

/// Its name in the data folder.
const NAME: &str = "models.jsonl";
/// Larger ones are something else: a model is a line.
const MOST_BYTES: u64 = 64 << 20;
/// How many wrong lines are told one by one.
const TOLD: usize = 10;

/// Where the data folder's models stand.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// All that is known, with what stands in this data folder; and what of that
/// cannot be used. It is left out, and everything else goes on.
///
/// # Errors
/// The built-in catalogue is broken.
pub(crate) fn load(folder: &Path) -> anyhow::Result<(Catalogue, Vec<String>)> {
    let mut catalogue = Catalogue::builtin().context("the built-in catalogue")?;
    let file = file(folder);
    let text = match text(&file) {
        Ok(text) => text,
        Err(error) => return Ok((catalogue, vec![set_aside(&error)])),
    };
    let ModelsRead { models, wrong } = read_models(&text, &|name| catalogue.has(name));
    if !models.is_empty() {
        catalogue.lay_over(models);
    }
    Ok((catalogue, told(&file, &wrong)))
}

/// The same for a process that runs: while something cannot be used, what it knew
/// `before` counts, so that no price of an operator's falls back to a built-in one.
///
/// # Errors
/// The built-in catalogue is broken.
pub(crate) fn load_over(
    folder: &Path,
    before: Option<Arc<Catalogue>>,
) -> anyhow::Result<(Arc<Catalogue>, Vec<String>)> {
    let (catalogue, told) = load(folder)?;
    let kept = before.filter(|_| !told.is_empty());
    Ok((kept.unwrap_or_else(|| Arc::new(catalogue)), told))
}

/// What is said of a file of which nothing is taken over.
fn set_aside(error: &anyhow::Error) -> String {
    format!("{error:#}; what is built in counts\n  help: mend the file, or take it away")
}

/// What is said of lines that are left out.
pub(crate) fn told(file: &Path, wrong: &[WrongLine]) -> Vec<String> {
    let name = file.display().to_string();
    let problem = |wrong: &WrongLine| {
        let (line, column) = (wrong.line, wrong.column);
        let problem = Problem {
            file: name.clone(),
            spot: Some(Spot { line, column }),
            path: String::new(),
            message: format!("the line is left out: {}", wrong.problem),
            help: Some(wrong.help.clone()).filter(|help| !help.is_empty()),
        };
        problem.to_string()
    };
    let mut all: Vec<String> = wrong.iter().take(TOLD).map(problem).collect();
    if wrong.len() > TOLD {
        all.push(format!(
            "{name}: {} more lines are left out",
            wrong.len() - TOLD
        ));
    }
    all
}

/// What stands in a file; nothing if it is not there. Lines of providers that
/// only a newer version knows are among it.
///
/// # Errors
/// It cannot be read.
pub(crate) fn models(file: &Path) -> anyhow::Result<ModelsRead> {
    Ok(read_models(&text(file)?, &|_| true))
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

    fn loaded(folder: &Folder) -> Catalogue {
        let (catalogue, told) = load(&folder.0).expect("the built-in one");
        assert_eq!(told, Vec::<String>::new());
        catalogue
    }

    #[test]
    fn what_the_data_folder_says_of_models_counts() {
        let folder = Folder::new();
        let plain = loaded(&folder);
        let known = plain.model("openai", "gpt-4o").expect("known");
        assert!(!known.is_operators());
        std::fs::write(file(&folder.0), MINE).expect("written");
        let catalogue = loaded(&folder);
        let known = catalogue.model("openai", "gpt-4o").expect("known");
        assert!(known.is_operators());
        assert_eq!(catalogue.models().len(), plain.models().len());
    }

    #[test]
    fn a_broken_line_is_named_and_left_out_and_the_others_count() {
        let folder = Folder::new();
        let broken = r#"{"provider":"openai","id":"x","imput":"1"}"#;
        std::fs::write(file(&folder.0), format!("{broken}\n{MINE}\n")).expect("written");
        let (catalogue, told) = load(&folder.0).expect("goes on");
        let [one] = told.as_slice() else {
            panic!("{told:?}");
        };
        let place = format!("{}:1:37: the line is left out: ", file(&folder.0).display());
        assert!(one.starts_with(&place), "{one}");
        assert!(one.contains("unknown field `imput`"), "{one}");
        assert!(one.ends_with("help: did you mean `input`?"), "{one}");
        let known = catalogue.model("openai", "gpt-4o").expect("known");
        assert!(known.is_operators());
    }

    #[test]
    fn a_file_that_is_no_text_is_set_aside() {
        let folder = Folder::new();
        std::fs::write(file(&folder.0), [0xff, 0xfe, b'\n']).expect("written");
        let (catalogue, told) = load(&folder.0).expect("goes on");
        assert!(catalogue.model("openai", "gpt-4o").is_some());
        let [one] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(
            one.contains("models.jsonl") && one.contains("what is built in counts"),
            "{one}"
        );
    }

    #[test]
    fn of_many_broken_lines_some_are_named_and_the_rest_counted() {
        let folder = Folder::new();
        std::fs::write(file(&folder.0), "{\n".repeat(30)).expect("written");
        let (_, told) = load(&folder.0).expect("goes on");
        assert_eq!(told.len(), TOLD + 1);
        assert!(
            told[TOLD].ends_with("models.jsonl: 20 more lines are left out"),
            "{told:?}"
        );
    }

    #[test]
    fn a_text_that_is_too_long_is_not_read() {
        assert_eq!(bounded(&b"abc"[..], 3).expect("short enough"), "abc");
        assert!(bounded(&b"abcd"[..], 3).is_err());
    }

    #[test]
    fn a_price_that_counted_counts_until_its_line_can_be_read_again() {
        let folder = Folder::new();
        std::fs::write(file(&folder.0), MINE).expect("written");
        let (first, _) = load_over(&folder.0, None).expect("valid");
        std::fs::write(file(&folder.0), &MINE[1..]).expect("written");
        let (second, told) = load_over(&folder.0, Some(Arc::clone(&first))).expect("goes on");
        let known = second.model("openai", "gpt-4o").expect("known");
        assert!(known.is_operators() && told.len() == 1, "{told:?}");
        std::fs::remove_file(file(&folder.0)).expect("removed");
        let (third, told) = load_over(&folder.0, Some(second)).expect("valid");
        let known = third.model("openai", "gpt-4o").expect("known");
        assert!(!known.is_operators() && told.is_empty());
    }
}
