//! Prices as people write them, read exactly.

use domain::money::Rate;

/// Dollars per million tokens, as decimal text, as a rate. Never by way of
/// floating point: `0.1` is 100,000,000 nano-dollars and nothing near it.
///
/// # Errors
/// A sentence if the text is no amount or finer than a nano-dollar.
pub fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("`{text}` is no price; write dollars per million tokens, like 2.50");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let part = part.trim_end_matches('0');
    if part.len() > 9 {
        return Err(format!(
            "`{text}` is finer than a nano-dollar per million tokens"
        ));
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let nanos: i64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(1_000_000_000)
        .and_then(|all| all.checked_add(nanos))
        .map(Rate)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_to_the_last_nano_dollar() {
        assert_eq!(rate("2.50"), Ok(Rate(2_500_000_000)));
        assert_eq!(rate("0.1"), Ok(Rate(100_000_000)));
        assert_eq!(rate("15"), Ok(Rate(15_000_000_000)));
        assert_eq!(rate("0.000000001"), Ok(Rate(1)));
        assert_eq!(rate("0"), Ok(Rate(0)));
        assert_eq!(rate("1.0000000000000"), Ok(Rate(1_000_000_000)));
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            ".5",
            "5.",
            "-1",
            "1e3",
            "1,5",
            "NaN",
            "0.0000000001",
            "99999999999999",
        ] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
