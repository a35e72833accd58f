//! What is lost where a model takes no temperature or its like.

use domain::canon::Loss;

/// Whether a value says what goes without saying.
pub(crate) fn is_usual(field: &str, value: &str) -> bool {
    let usual = match field {
        "temperature" | "top_p" => 1.0,
        "presence_penalty" | "frequency_penalty" => 0.0,
        _ => return false,
    };
    value.parse() == Ok(usual)
}

/// What a client is told of a setting that is left out. It is a hint, whatever
/// the value: the question is the same without it, and agents send one to every
/// model.
pub(crate) fn loss(field: &str, value: &str, why: &str) -> Option<Loss> {
    (!is_usual(field, value)).then(|| Loss::hint(field, why))
}

#[cfg(test)]
mod tests {
    use domain::canon::Weight;

    use super::*;

    #[test]
    fn what_is_left_out_is_told_unless_it_goes_without_saying() {
        let weight = |field, value| loss(field, value, "").map(|loss| loss.weight);
        for usual in [
            ("temperature", "1"),
            ("top_p", "1.0"),
            ("presence_penalty", "0"),
            ("frequency_penalty", "0.0"),
        ] {
            assert_eq!(weight(usual.0, usual.1), None, "{usual:?}");
        }
        for (field, value) in [
            ("temperature", "0"),
            ("top_p", "0.5"),
            ("top_k", "1"),
            ("presence_penalty", "1"),
        ] {
            assert_eq!(weight(field, value), Some(Weight::Hint), "{field}");
        }
    }
}
