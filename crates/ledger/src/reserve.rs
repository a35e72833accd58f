//! How much a request takes from a limit on tokens before anybody knows what
//! it will really use.

/// Tokens taken at admit: the prompt, and the longest answer that each of the
/// `n` choices may have.
///
/// `max_tokens` is what the client allows and `model_max` what the model can;
/// the smaller one counts. Where the client states nothing, `default_output`
/// stands in: reserving every model's maximum would let few requests fill a
/// limit that they hardly use. Settling corrects the difference.
#[must_use]
pub fn reserve(
    prompt_estimate: u64,
    n: u32,
    max_tokens: Option<u64>,
    model_max: Option<u64>,
    default_output: u64,
) -> u64 {
    let wanted = max_tokens.unwrap_or(default_output);
    let each = model_max.map_or(wanted, |max| wanted.min(max));
    let answers = each.saturating_mul(u64::from(n.max(1)));
    prompt_estimate.saturating_add(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_may_be_as_long_as_the_client_allows() {
        assert_eq!(reserve(10, 3, Some(100), None, 1024), 310);
    }

    #[test]
    fn no_answer_is_longer_than_the_model_can() {
        assert_eq!(reserve(10, 1, Some(1_000_000), Some(4096), 1024), 4106);
        assert_eq!(reserve(10, 1, None, Some(512), 1024), 522);
    }

    #[test]
    fn an_unstated_length_is_the_default() {
        assert_eq!(reserve(10, 2, None, None, 1024), 2058);
    }

    #[test]
    fn absurd_numbers_fill_the_limit_instead_of_wrapping() {
        assert_eq!(reserve(1, u32::MAX, Some(u64::MAX), None, 1), u64::MAX);
        assert_eq!(reserve(5, 0, Some(7), None, 1), 12);
    }
}
