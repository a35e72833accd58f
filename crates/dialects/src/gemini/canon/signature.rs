//! Signatures of thoughts, of Gemini and of others.
//!
//! Google's clients keep a part with its signature and send it back. So another
//! family's signature goes to them in an envelope, and is known again when it
//! comes back. Signatures are bytes in base64 here: so is the envelope.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use domain::canon::{Dialect, Signature, Thinking};

use super::SKIP_SIGNATURE;

/// What an envelope begins with, and what stands between its parts.
const MARK: &str = "portcullis#";
const BETWEEN: char = '#';
/// Stands for the id of a thought that its provider hid.
const REDACTED: &str = "@redacted";

/// A thought's signature as a client of Google's gets it.
pub(super) fn outward(thinking: &Thinking) -> Option<String> {
    let signature = thinking.signature.as_ref()?;
    if signature.family == Dialect::Gemini {
        return Some(signature.value.clone());
    }
    let id = match thinking.redacted {
        true => REDACTED,
        false => thinking.id.as_deref().unwrap_or_default(),
    };
    let family = signature.family.as_str();
    let value = &signature.value;
    let envelope = format!("{MARK}{family}{BETWEEN}{id}{BETWEEN}{value}");
    Some(URL_SAFE.encode(envelope))
}

/// Takes what a client or a provider gave as a signature; none of the value
/// that only switches Google's check off.
pub(super) fn signed(value: String) -> Option<Signature> {
    match opened(&value) {
        _ if value == SKIP_SIGNATURE => None,
        Some((signature, _)) => Some(signature),
        None => Some(Signature {
            family: Dialect::Gemini,
            value,
        }),
    }
}

/// Takes the signature of `thinking`.
pub(super) fn inward(thinking: &mut Thinking, value: String) {
    if let Some((signature, id)) = opened(&value) {
        thinking.redacted = id == REDACTED;
        thinking.id = (!id.is_empty() && !thinking.redacted).then_some(id);
        thinking.summary = signature.family == Dialect::Responses;
        thinking.signature = Some(signature);
    } else {
        thinking.signature = signed(value);
    }
}

/// What stands in an envelope, and the thought's id; none if it is none.
fn opened(value: &str) -> Option<(Signature, String)> {
    // Clients write the same bytes with either alphabet.
    let bytes = URL_SAFE.decode(value).or_else(|_| STANDARD.decode(value));
    let text = String::from_utf8(bytes.ok()?).ok()?;
    let mut parts = text.strip_prefix(MARK)?.splitn(3, BETWEEN);
    let (family, id, value) = (parts.next()?, parts.next()?, parts.next()?);
    let mut all = Dialect::ALL.into_iter();
    let family = all.find(|dialect| dialect.as_str() == family)?;
    let value = value.to_owned();
    Some((Signature { family, value }, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thought(family: Dialect, id: Option<&str>) -> Thinking {
        Thinking {
            text: "hm".into(),
            id: id.map(str::to_owned),
            summary: family != Dialect::Anthropic,
            signature: Some(Signature {
                family,
                value: "a+/#é=".into(),
            }),
            ..Thinking::default()
        }
    }

    #[test]
    fn anothers_signature_comes_back_as_it_was_in_either_alphabet() {
        let redacted = Thinking {
            redacted: true,
            text: String::new(),
            ..thought(Dialect::Anthropic, None)
        };
        let responses = thought(Dialect::Responses, Some("rs_1"));
        for signed in [thought(Dialect::Anthropic, None), responses, redacted] {
            let told = outward(&signed).expect("signed");
            let other = told.replace('-', "+").replace('_', "/");
            for told in [told, other] {
                let mut again = Thinking {
                    text: signed.text.clone(),
                    ..Thinking::default()
                };
                inward(&mut again, told);
                assert_eq!(again, signed);
            }
        }
    }

    #[test]
    fn googles_own_is_the_same_text_and_its_word_for_none_is_none() {
        let own = thought(Dialect::Gemini, None);
        assert_eq!(outward(&own).as_deref(), Some("a+/#é="));
        assert_eq!(signed(SKIP_SIGNATURE.to_owned()), None);
        let kept = signed("Zm9v".to_owned()).expect("one");
        assert_eq!((kept.family, &*kept.value), (Dialect::Gemini, "Zm9v"));
    }
}
