//! Ids: of answers, of their items, of calls.

/// The longest that a call's id may be.
const LONGEST: usize = 64;

/// What the ids of reasoning items begin with that we made: no provider knows
/// them.
const OUR_REASONING: &str = "rs_pc_";

/// What an id of ours says of the answer, at most.
const CORE: usize = 40;

/// The answer's id, as the client gets it: the provider's, if it is one of
/// this dialect. Clients go on from it, so no other provider's will do: it may
/// come more than once.
pub(super) fn answer(given: &str, fallback: &str) -> String {
    let id = match given.starts_with("resp_") {
        true => given,
        false => fallback,
    };
    match id.starts_with("resp_") {
        true => id.to_owned(),
        false => format!("resp_{id}"),
    }
}

/// The id of an answer's item: the same whenever the same answer is written.
pub(in crate::responses) fn item(prefix: &str, answer: &str, number: usize) -> String {
    let is_word = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    let core = answer.strip_prefix("resp_").unwrap_or(answer);
    let core: String = core.chars().filter(is_word).take(CORE).collect();
    format!("{prefix}_{core}_{number}")
}

/// The letters that tell one of the gateway's answers from all others.
const OWN: usize = 32;

/// The answer that an item is of, where the item's id is one that [`item`]
/// made for an answer of the gateway's.
pub(in crate::responses) fn answer_of(item: &str) -> Option<String> {
    let (rest, number) = item.rsplit_once('_')?;
    let (_, core) = rest.rsplit_once('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let is_own = core.len() == OWN && core.bytes().all(is_hex);
    (is_number && is_own).then(|| format!("resp_{core}"))
}

/// The id of a reasoning item that has none.
pub(super) fn reasoning(answer: &str, number: usize) -> String {
    item("rs_pc", answer, number)
}

/// Whether the id is one that [`reasoning`] made.
pub(super) fn is_ours(reasoning: &str) -> bool {
    reasoning.starts_with(OUR_REASONING)
}

/// A call's id as the provider takes it; `round` tells calls apart that came
/// with the same id.
pub(super) fn call(id: &str, round: usize) -> String {
    if round == 0 && !id.is_empty() && id.len() <= LONGEST {
        return id.to_owned();
    }
    format!("call_{:016x}{round:x}", print(id))
}

/// Who the user is, within the length that the provider takes.
pub(super) fn user(name: &str) -> String {
    match name.chars().count() <= LONGEST {
        true => name.to_owned(),
        false => format!("user_{:016x}", print(name)),
    }
}

/// FNV-1a, 64 bits.
fn print(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
