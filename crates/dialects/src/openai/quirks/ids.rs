//! Ids of tool calls where a provider wants them in a form of its own.
//!
//! An id that does not fit becomes what its bytes say: the same one in a call,
//! in its result and in every later turn. Clients keep theirs, and nothing has
//! to be mapped back.

use std::collections::{HashMap, HashSet};

use domain::quirks::CallIds;

use super::changes::Changes;
use crate::json::Node;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rewrites the ids of all calls and of all results that do not fit.
pub(super) fn rewrite(root: Node<'_>, form: CallIds, changes: &mut Changes<'_>) {
    let messages = root.get("messages");
    let mut ids = Vec::new();
    for message in messages.iter().flat_map(|messages| messages.items()) {
        let calls = message.get("tool_calls");
        let calls = calls.iter().flat_map(|calls| calls.items());
        ids.extend(calls.filter_map(|call| call.get("id")));
        ids.extend(message.get("tool_call_id"));
    }
    let said = ids.into_iter().filter_map(|id| Some((id, id.str()?)));
    let (fit, others): (Vec<_>, Vec<_>) = said.partition(|(_, id)| fits(id, form));
    let mut taken: HashSet<String> = fit.into_iter().map(|(_, id)| id.into_owned()).collect();
    let mut made = HashMap::new();
    for (node, id) in others {
        let other = made.entry(id).or_insert_with_key(|id| {
            let mut round = 0;
            loop {
                let other = made_of(id, form, round);
                if taken.insert(other.clone()) {
                    return other;
                }
                round += 1;
            }
        });
        changes.text(node.span(), other);
    }
}

fn fits(id: &str, form: CallIds) -> bool {
    match form {
        CallIds::Exactly(length) => {
            id.len() == usize::from(length) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        CallIds::AtMost(length) => {
            let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            !id.is_empty() && id.len() <= usize::from(length) && id.bytes().all(is_fine)
        }
    }
}

/// An id that fits, made of another one (FNV-1a, mixed for each letter).
pub(super) fn made_of(id: &str, form: CallIds, round: u64) -> String {
    let length = match form {
        CallIds::Exactly(length) => length,
        CallIds::AtMost(length) => length.min(24),
    };
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    hash = hash.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut out = String::with_capacity(usize::from(length));
    for _ in 0..length {
        hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = hash ^ (hash >> 32);
        let at = usize::try_from(mixed % 62).unwrap_or_default();
        out.push(char::from(LETTERS.get(at).copied().unwrap_or(b'0')));
    }
    out
}
