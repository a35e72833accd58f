//! Virtual keys: minted once, shown once, never stored.
//!
//! A key is 256 random bits, so a fast digest is enough to keep it: nobody
//! guesses it, and a slow hash on the way would only cap the throughput.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::KeyId;
use domain::secret::Secret;
use zeroize::Zeroizing;

use crate::random::random;

/// How every virtual key starts: SDKs expect `sk-`, secret scanners find it.
pub const KEY_PREFIX: &str = "sk-pc-";

/// No letters that are mistaken for digits; 32 of them, so that five random
/// bits choose one without a bias.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new virtual key. The key itself is shown to its owner and then forgotten.
#[derive(Clone, Debug)]
pub struct Minted {
    /// The public id, `key_…`: for logs, lists and revocation.
    pub id: KeyId,
    /// The key, `sk-pc-…`.
    pub key: Secret,
}

/// An id that nobody has yet, and that says nothing: `team_…`.
#[must_use]
pub fn mint_id(prefix: &str) -> String {
    let letters = random::<12>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}

/// Mints a key of 256 random bits, with an id that says nothing about it.
#[must_use]
pub fn mint() -> Minted {
    let bytes = Zeroizing::new(random::<32>());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    Minted {
        id: mint_id("key_").into(),
        key: Secret::new(format!("{KEY_PREFIX}{}", text.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_has_its_prefix_and_43_characters_of_base64url() {
        let minted = mint();
        let rest = minted
            .key
            .reveal()
            .strip_prefix(KEY_PREFIX)
            .expect("prefix");
        assert_eq!(rest.len(), 43);
        assert_eq!(URL_SAFE_NO_PAD.decode(rest).expect("base64url").len(), 32);
    }

    #[test]
    fn an_id_has_its_prefix_and_12_letters_and_no_part_of_the_key() {
        let minted = mint();
        let rest = minted.id.as_str().strip_prefix("key_").expect("prefix");
        assert_eq!(rest.len(), 12);
        assert!(rest.bytes().all(|b| ALPHABET.contains(&b)));
        assert!(!minted.key.reveal().contains(rest));
    }

    #[test]
    fn no_two_keys_are_the_same_and_none_prints() {
        let (one, two) = (mint(), mint());
        assert_ne!(one.key.reveal(), two.key.reveal());
        assert_ne!(one.id, two.id);
        assert!(!format!("{one:?}").contains(one.key.reveal()));
    }
}
