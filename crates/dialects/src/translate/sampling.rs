//! What is lost where a model takes no temperature or its like.

use domain::canon::Loss;

/// A share of the words from which on a choice is as good as free. Gemini's own
/// clients send it with every request, as their models' default.
/// Source: <https://ai.google.dev/api/generate-content#generationconfig>.
const NEARLY_ALL: f64 = 0.95;

/// Whether a value says what goes without saying.
pub(crate) fn is_usual(field: &str, value: &str) -> bool {
    matches!(field, "temperature" | "top_p") && number(value) == Some(1.0)
}

/// The loss of `field`, if it is one. Many models have no `top_k` at all, and
/// who names one asks for no other answer.
pub(crate) fn loss(field: &str, value: &str, why: &str) -> Option<Loss> {
    if is_usual(field, value) {
        return None;
    }
    let is_nothing = match field {
        "top_k" => true,
        "top_p" => number(value).is_some_and(|share| share >= NEARLY_ALL),
        _ => false,
    };
    Some(match is_nothing {
        true => Loss::hint(field, why),
        false => Loss::meaning(field, why),
    })
}

fn number(value: &str) -> Option<f64> {
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::canon::Weight;

    use super::*;

    #[test]
    fn only_what_would_change_the_answer_weighs() {
        let weight = |field, value| loss(field, value, "").map(|loss| loss.weight);
        assert_eq!(weight("temperature", "1"), None);
        assert_eq!(weight("top_p", "1.0"), None);
        assert_eq!(weight("top_p", "0.95"), Some(Weight::Hint));
        assert_eq!(weight("top_k", "64"), Some(Weight::Hint));
        assert_eq!(weight("top_p", "0.5"), Some(Weight::Meaning));
        assert_eq!(weight("temperature", "0.95"), Some(Weight::Meaning));
    }
}
