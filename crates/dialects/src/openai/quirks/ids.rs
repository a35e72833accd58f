//! Ids of tool calls where a provider wants them in a form of its own.
//!
//! An id that does not fit becomes what its bytes say: the same one in a call,
//! in its result and in every later turn. Clients keep theirs, and nothing has
//! to be mapped back.

use domain::edit::Edit;

use crate::json::{Node, write_string};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rewrites the ids of all calls and of all results that do not fit.
pub(super) fn rewrite(root: Node<'_>, length: u8, edits: &mut Vec<Edit>) {
    let messages = root.get("messages");
    for message in messages.iter().flat_map(|messages| messages.items()) {
        let calls = message.get("tool_calls");
        let calls = calls.iter().flat_map(|calls| calls.items());
        let ids = calls.filter_map(|call| call.get("id"));
        for id in ids.chain(message.get("tool_call_id")) {
            let said = id.str();
            if let Some(said) = said.filter(|said| !is_one(said, length)) {
                let mut with = Vec::with_capacity(usize::from(length) + 2);
                write_string(&mut with, &made_of(&said, length));
                edits.push(Edit {
                    span: id.span(),
                    with: with.into(),
                });
            }
        }
    }
}

fn is_one(id: &str, length: u8) -> bool {
    id.len() == usize::from(length) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An id that fits, made of another one (FNV-1a, mixed for each letter).
fn made_of(id: &str, length: u8) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut out = String::with_capacity(usize::from(length));
    for _ in 0..length {
        hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = hash ^ (hash >> 32);
        let at = usize::try_from(mixed % 62).unwrap_or_default();
        out.push(char::from(LETTERS.get(at).copied().unwrap_or(b'0')));
    }
    out
}
