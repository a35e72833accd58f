//! The one credential of a request's head.
//!
//! The key is later looked up by its keyed digest, never compared with a
//! stored key, so the time of the look-up tells nothing about any key. Two
//! credentials of one request are compared in constant time all the same:
//! one of them may be somebody else's.

use subtle::ConstantTimeEq as _;

/// Headers that carry a key alone, in lower case. `Authorization` is the other
/// place.
pub const KEY_HEADERS: &[&str] = &["x-api-key", "api-key", "x-goog-api-key"];

/// Longer values are no key of anybody's: not worth a digest.
const LONGEST: usize = 1024;

/// Why a head has no usable credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// None was sent.
    #[error("no API key was sent; send it as `Authorization: Bearer <key>`")]
    Missing,
    /// Two that differ were sent.
    #[error("two different API keys were sent; send one")]
    Two,
    /// One is not readable as a key.
    #[error("the API key cannot be read; send it as `Authorization: Bearer <key>`")]
    Malformed,
}

/// The key that a head presents. `authorization` are the values of that header
/// (`Bearer <key>`, the scheme in any case), `api_keys` those of
/// [`KEY_HEADERS`]. The same key in several places counts once.
///
/// # Errors
/// [`CredentialError`] if there is none, one that cannot be read, or two that
/// differ.
pub fn present<'a>(
    authorization: impl Iterator<Item = &'a [u8]>,
    api_keys: impl Iterator<Item = &'a [u8]>,
) -> Result<&'a str, CredentialError> {
    let all = authorization.map(bearer).chain(api_keys.map(token));
    let mut found: Option<&'a str> = None;
    for key in all {
        let key = key?;
        match found {
            Some(first) if !bool::from(first.as_bytes().ct_eq(key.as_bytes())) => {
                return Err(CredentialError::Two);
            }
            _ => found = Some(key),
        }
    }
    found.ok_or(CredentialError::Missing)
}

fn bearer(value: &[u8]) -> Result<&str, CredentialError> {
    let value = value.trim_ascii();
    let (scheme, rest) = value
        .iter()
        .position(|byte| *byte == b' ')
        .map(|at| value.split_at(at))
        .ok_or(CredentialError::Malformed)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(CredentialError::Malformed);
    }
    token(rest)
}

fn token(value: &[u8]) -> Result<&str, CredentialError> {
    let value = value.trim_ascii();
    let readable = !value.is_empty()
        && value.len() <= LONGEST
        && value.iter().all(|byte| byte.is_ascii_graphic());
    if !readable {
        return Err(CredentialError::Malformed);
    }
    std::str::from_utf8(value).map_err(|_| CredentialError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented<'a>(
        authorization: &[&'a str],
        api_keys: &[&'a str],
    ) -> Result<&'a str, CredentialError> {
        present(
            authorization.iter().map(|v| v.as_bytes()),
            api_keys.iter().map(|v| v.as_bytes()),
        )
    }

    #[test]
    fn a_bearer_token_or_a_key_header_is_a_credential() {
        assert_eq!(presented(&["Bearer sk-1"], &[]), Ok("sk-1"));
        assert_eq!(presented(&["bEARER   sk-1 "], &[]), Ok("sk-1"));
        assert_eq!(presented(&[], &["sk-1"]), Ok("sk-1"));
    }

    #[test]
    fn the_same_key_twice_is_one_credential() {
        assert_eq!(presented(&["Bearer sk-1"], &["sk-1", "sk-1"]), Ok("sk-1"));
    }

    #[test]
    fn two_different_keys_are_refused() {
        let two = Err(CredentialError::Two);
        assert_eq!(presented(&["Bearer sk-1"], &["sk-2"]), two);
        assert_eq!(presented(&["Bearer sk-1", "Bearer sk-12"], &[]), two);
        assert_eq!(presented(&[], &["sk-1", "sk-2"]), two);
    }

    #[test]
    fn no_header_is_no_credential() {
        assert_eq!(presented(&[], &[]), Err(CredentialError::Missing));
    }

    #[test]
    fn what_is_no_key_is_malformed() {
        let long = "k".repeat(LONGEST + 1);
        for value in [
            "Basic dTpw",
            "Bearer",
            "Bearer ",
            "sk-1",
            "Bearer a b",
            "Bearer ü",
        ] {
            assert_eq!(
                presented(&[value], &[]),
                Err(CredentialError::Malformed),
                "{value}"
            );
        }
        for value in ["", "a b", &long] {
            assert_eq!(presented(&[], &[value]), Err(CredentialError::Malformed));
        }
    }
}
