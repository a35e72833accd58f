//! Proofs of other families in a field that clients carry for us.
//!
//! A client of this dialect sends reasoning items back as they came, with
//! their `encrypted_content`. So the proof of any family may travel there; a
//! mark tells ours from the provider's own.

use domain::canon::{Dialect, Signature, Thinking};

/// `portcullis:1:anthropic:` or `portcullis:1:anthropic!:` for hidden thoughts.
const MARK: &str = "portcullis:1:";

/// What stands in `encrypted_content`.
pub(super) fn sealed(thinking: &Thinking) -> Option<String> {
    let signature = thinking.signature.as_ref()?;
    if signature.family == Dialect::Responses {
        return Some(signature.value.clone());
    }
    let hidden = if thinking.redacted { "!" } else { "" };
    let family = signature.family.as_str();
    Some(format!("{MARK}{family}{hidden}:{}", signature.value))
}

/// Whether we sealed it: it then says whose it is.
pub(in crate::responses) fn is_sealed(sealed: &str) -> bool {
    sealed.starts_with(MARK)
}

/// What stood in `encrypted_content`, and whether the thought is hidden.
pub(super) fn opened(sealed: &str) -> (Signature, bool) {
    let own = || Signature {
        family: Dialect::Responses,
        value: sealed.to_owned(),
    };
    let parts = sealed
        .strip_prefix(MARK)
        .and_then(|rest| rest.split_once(':'));
    let Some((family, value)) = parts else {
        return (own(), false);
    };
    let name = family.trim_end_matches('!');
    let known = Dialect::ALL.into_iter().find(|it| it.as_str() == name);
    let Some(family) = known else {
        return (own(), false);
    };
    let signature = Signature {
        family,
        value: value.to_owned(),
    };
    (
        signature,
        parts.is_some_and(|(family, _)| family.ends_with('!')),
    )
}
