//! A table and some fields above all tables, put into a TOML file as text
//! between marks of our own. What is outside the marks stays as it is; a field
//! that ours replaces becomes a comment.

use anyhow::bail;
use serde_json::Value;

const BEGIN: &str = "# >>> portcullis";
const END: &str = "# <<< portcullis";
/// Before a line that ours replaces.
const REPLACED: &str = "# portcullis replaced: ";

/// The text with these fields above all tables, and this table.
///
/// # Errors
/// Outside our marks the file says something about the table.
pub(super) fn merged(
    old: &str,
    top: &[(&'static str, String)],
    table: [&str; 2],
    fields: &[(&'static str, String)],
) -> anyhow::Result<String> {
    let theirs = replace(&without_ours(old)?, top, table)?;
    let head = block(&assignments(top));
    let header = format!("[{}.{}]\n", table[0], table[1]);
    let tail = block(&(header + &assignments(fields)));
    Ok(match theirs.trim_matches('\n') {
        "" => format!("{head}\n{tail}"),
        theirs => format!("{head}\n{theirs}\n\n{tail}"),
    })
}

fn block(text: &str) -> String {
    format!("{BEGIN}\n{text}{END}\n")
}

fn assignments(fields: &[(&'static str, String)]) -> String {
    let line = |(name, value): &(&str, String)| {
        // A string of JSON is one of TOML.
        format!("{name} = {}\n", Value::from(value.as_str()))
    };
    fields.iter().map(line).collect()
}

/// The text without our blocks, and with the lines that they replaced.
fn without_ours(old: &str) -> anyhow::Result<String> {
    let mut theirs = String::new();
    let mut is_ours = false;
    for line in old.lines() {
        match line.trim_end() {
            BEGIN if !is_ours => is_ours = true,
            END if is_ours => is_ours = false,
            BEGIN | END => bail!("the lines `{BEGIN}` and `{END}` do not go in pairs"),
            _ if is_ours => {}
            _ => {
                theirs.push_str(line.strip_prefix(REPLACED).unwrap_or(line));
                theirs.push('\n');
            }
        }
    }
    if is_ours {
        bail!("`{BEGIN}` is not followed by `{END}`");
    }
    Ok(theirs)
}

/// Makes comments of their fields that ours replace.
fn replace(
    theirs: &str,
    top: &[(&'static str, String)],
    table: [&str; 2],
) -> anyhow::Result<String> {
    let mut lines: Vec<String> = theirs.lines().map(str::to_owned).collect();
    let mut within = String::new();
    for statement in statements(theirs) {
        let text = statement.text.trim();
        if text.starts_with('[') {
            within = header(text);
            let same = format!("{}.{}", table[0], table[1]);
            if within == same || within.starts_with(&format!("{same}.")) {
                bail!("it has a table [{within}] that `portcullis connect` did not write");
            }
            continue;
        }
        let name = key(text);
        let first = name.split('.').next().unwrap_or_default();
        let says_table = within.is_empty() && first == table[0];
        if says_table || (within == table[0] && first == table[1]) {
            bail!(
                "`{name}` says already what [{}.{}] must",
                table[0],
                table[1]
            );
        }
        if within.is_empty() && top.iter().any(|(ours, _)| *ours == name) {
            if !statement.is_whole {
                bail!("`{name}` goes over several lines");
            }
            lines[statement.line] = format!("{REPLACED}{}", statement.text);
        }
    }
    Ok(lines.join("\n"))
}

/// `a.b` of `[ a . "b" ] # why`.
fn header(text: &str) -> String {
    let inside = text.trim_start_matches('[');
    let inside = inside.split(']').next().unwrap_or_default();
    bare(inside)
}

/// What stands before the `=`.
fn key(text: &str) -> String {
    bare(text.split('=').next().unwrap_or_default())
}

fn bare(name: &str) -> String {
    name.replace(['"', '\'', ' ', '\t'], "")
}

/// A line on which a header or an assignment begins.
struct Statement<'a> {
    line: usize,
    text: &'a str,
    /// It ends on this line.
    is_whole: bool,
}

/// Where headers and assignments begin; not the lines inside long strings and
/// lists, whatever they look like.
fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut open = Open::default();
    for (line, text) in text.lines().enumerate() {
        let begins = open.is_nothing();
        open.read(text);
        let bare = text.trim_start();
        if begins && !bare.is_empty() && !bare.starts_with('#') {
            let is_whole = open.is_nothing();
            found.push(Statement {
                line,
                text,
                is_whole,
            });
        }
    }
    found
}

/// What goes on in the next line.
#[derive(Default)]
struct Open {
    brackets: usize,
    string: Option<&'static str>,
}

impl Open {
    fn is_nothing(&self) -> bool {
        self.brackets == 0 && self.string.is_none()
    }

    fn read(&mut self, line: &str) {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            if let Some(quote) = self.string {
                if rest.starts_with(quote) {
                    self.string = None;
                    rest = &rest[quote.len()..];
                    continue;
                }
                let escapes = first == '\\' && quote.starts_with('"');
                let skipped = if escapes { 2 } else { 1 };
                rest = after(rest, skipped);
                continue;
            }
            let quotes = ["\"\"\"", "'''", "\"", "'"];
            if let Some(quote) = quotes.into_iter().find(|quote| rest.starts_with(quote)) {
                self.string = Some(quote);
                rest = &rest[quote.len()..];
                continue;
            }
            match first {
                '#' => break,
                '[' | '{' => self.brackets += 1,
                ']' | '}' => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
            rest = after(rest, 1);
        }
        // Short strings end with their line.
        self.string = self.string.filter(|quote| quote.len() == 3);
    }
}

fn after(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .map_or("", |(at, _)| &text[at..])
}
