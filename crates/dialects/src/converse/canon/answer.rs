//! A provider's whole answer.

use domain::canon::{Answer, Choice};

use super::blocks;
use super::ending::Ending;
use super::fields::object;
use crate::json::{Document, Kind};
use crate::translate::Names;

/// Reads an answer; none if it is none of Converse. It says neither an id nor
/// the model.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let message = object(object(root, "output")?, "message")?;
    let content = message
        .get("content")
        .filter(|it| it.kind() == Kind::Array)?;
    let mut ending = Ending::default();
    ending.take(root);
    let mut read = Vec::new();
    for node in content.items().filter(|it| it.kind() == Kind::Object) {
        read.extend(blocks::read(node, names, &mut ending));
    }
    Some(Answer {
        choices: vec![Choice {
            content: read,
            stop: ending.stop(),
            logprobs: None,
        }],
        usage: ending.usage,
        rest: ending.rest(),
        ..Answer::default()
    })
}
