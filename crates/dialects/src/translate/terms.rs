//! Fields by the names that the client has for them. Writers say what they could
//! not write in the canonical form's terms, which are `OpenAI`'s, and providers
//! in their own.

use domain::canon::{Dialect, Fault};

use super::places::Places;
use super::{Codec, words};
use crate::gemini::canon::fields::snake;
use crate::json::{Document, Node};

/// The names of a client.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Its dialect.
    pub codec: &'static Codec,
    /// What it sent.
    pub body: &'a Document,
    /// Whether the places of the canonical form are those of the body: not if
    /// what was read is the body with something else in it.
    pub is_whole: bool,
}

impl Terms<'_> {
    /// A field of the canonical form, in the client's terms. A place in the
    /// conversation is looked for, which costs some readings of the body.
    #[must_use]
    pub fn place(&self, field: &str) -> String {
        let Some((message, block, rest)) = talk(field) else {
            return self.name(field);
        };
        let found = Places::of(self.codec, self.body).filter(|_| self.is_whole);
        let found = found.and_then(|places| places.find(message, block));
        found.map_or_else(
            || self.name(field),
            |mut found| {
                // What stands within a part has another name there.
                if self.codec.dialect != Dialect::Gemini {
                    found.push_str(rest);
                }
                found
            },
        )
    }

    /// The same without a reading: a place in the conversation of a dialect
    /// that counts otherwise is only said to be in there.
    #[must_use]
    pub fn name(&self, field: &str) -> String {
        let dialect = self.codec.dialect;
        if let Some((_, _, rest)) = talk(field)
            && dialect != Dialect::OpenAi
        {
            let conversation = words::conversation(dialect);
            let is_member = rest.starts_with('.') && !rest.contains('[');
            return format!("{conversation}{}", if is_member { rest } else { "" });
        }
        if field == "messages" {
            return words::conversation(dialect).to_owned();
        }
        // Google's tools stand in lists within the list.
        if dialect == Dialect::Gemini && field.starts_with("tools[") {
            return "tools".to_owned();
        }
        let (head, rest) = field.split_at(field.find(['.', '[']).unwrap_or(field.len()));
        if is_there(self.body.root(), head) {
            return field.to_owned();
        }
        let (known, rest) = match words::of(dialect, field) {
            [] => (words::of(dialect, head), rest),
            known => (known, ""),
        };
        let said = known.iter().find(|path| is_there(self.body.root(), path));
        match said.or(known.first()) {
            None => field.to_owned(),
            Some(path) if rest.starts_with('[') || dialect == Dialect::Responses => {
                format!("{path}{}", rest.replacen(".json_schema", "", 1))
            }
            Some(path) => (*path).to_owned(),
        }
    }

    /// What a provider of another dialect says of a field of its own: in its
    /// sentence too, where it stands in quotes or before a colon.
    pub fn tell(&self, theirs: Dialect, fault: &mut Fault) {
        let Some(field) = fault.field.take() else {
            return;
        };
        let canonical = words::canonical(theirs, &field);
        let ours = canonical.map_or_else(|| field.clone(), |canonical| self.name(&canonical));
        if ours != field {
            for quote in ['\'', '"', '`'] {
                let (from, to) = (
                    format!("{quote}{field}{quote}"),
                    format!("{quote}{ours}{quote}"),
                );
                fault.message = fault.message.replace(&from, &to);
            }
            let begins = fault.message.strip_prefix(&field);
            if let Some(rest) = begins.filter(|rest| rest.starts_with(':')) {
                fault.message = format!("{ours}{rest}");
            }
        }
        fault.field = Some(ours);
    }
}

/// `messages[2].content[0].detail`: the message, the block and what is behind.
fn talk(field: &str) -> Option<(usize, Option<usize>, &str)> {
    let (message, rest) = numbered(field.strip_prefix("messages")?)?;
    let block = rest.strip_prefix(".content").and_then(numbered);
    Some(match block {
        Some((block, rest)) => (message, Some(block), rest),
        None => (message, None, rest),
    })
}

fn numbered(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((number.parse().ok()?, rest))
}

/// Whether there is something at this path, in Google's other spelling too.
fn is_there(root: Node<'_>, path: &str) -> bool {
    let mut node = Some(root);
    for key in path.split('.') {
        let inner = |node: Node<'_>| node.get(key).is_some() || node.get(&snake(key)).is_some();
        if !node.is_some_and(inner) {
            return false;
        }
        node = node.and_then(|node| node.get(key).or_else(|| node.get(&snake(key))));
    }
    node.is_some_and(|node| !node.is_null())
}
