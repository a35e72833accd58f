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

/// Longer than any number that means something.
const MOST_DIGITS: usize = 30;
/// What is lost of a number where it is rounded: less than a millionth.
const PRECISION: i128 = 1_000_000;

/// A number as JSON writes it, times ten to `shift`, in billionths. Others
/// keep their prices as floating point, so that some end in noise
/// (`3.0001999999999996e-07`): what is finer than a billionth is rounded,
/// half to even, if it makes no more than a millionth of the number.
///
/// # Errors
/// Half a sentence if it is no number, negative, too large or too fine.
pub(crate) fn billionths(text: &str, shift: i32) -> Result<i64, String> {
    let shown: String = text.chars().take(MOST_DIGITS).collect();
    let wrong = |why: &str| format!("`{}` is {why}", shown.escape_debug());
    if text.starts_with('"') {
        return Err(wrong("a text and no number"));
    }
    if text.starts_with('-') {
        return Err(wrong("negative"));
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("no number"));
    }
    let exponent: i32 = exponent.parse().map_err(|_| wrong("no number"))?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    if digits.len() > MOST_DIGITS {
        return Err(wrong("too long"));
    }
    let value: i128 = digits.parse().map_err(|_| wrong("no number"))?;
    let places = i32::try_from(part.len()).map_err(|_| wrong("too long"))?;
    let power = i64::from(exponent) + i64::from(shift) + 9 - i64::from(places);
    let power = i32::try_from(power).map_err(|_| wrong("out of all bounds"))?;
    if power >= 0 {
        let scale = 10_i128.checked_pow(power.unsigned_abs());
        let scaled = scale.and_then(|scale| value.checked_mul(scale));
        let whole = scaled.and_then(|scaled| i64::try_from(scaled).ok());
        return whole.ok_or_else(|| wrong("too large"));
    }
    let Some(scale) = 10_i128.checked_pow(power.unsigned_abs()) else {
        return Err(wrong("too small"));
    };
    let (quotient, rest) = (value / scale, value % scale);
    let half = scale / 2;
    let is_up = rest > half || (rest == half && quotient % 2 != 0);
    let lost = if is_up { scale - rest } else { rest };
    if lost > value / PRECISION {
        return Err(wrong("finer than a nano-dollar per million tokens"));
    }
    i64::try_from(quotient + i128::from(is_up)).map_err(|_| wrong("too large"))
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

    #[test]
    fn a_number_of_json_is_read_exactly() {
        for (text, shift, expected) in [
            ("2.5e-06", 6, 2_500_000_000),
            ("1e-7", 6, 100_000_000),
            ("0.0000025", 6, 2_500_000_000),
            ("1.25", 0, 1_250_000_000),
            ("3E2", 0, 300_000_000_000),
            ("0.0", 6, 0),
            ("0e99999", 6, 0),
            ("3.0001999999999996e-07", 6, 300_020_000),
            ("2.0345052083e-09", 6, 2_034_505),
        ] {
            assert_eq!(billionths(text, shift), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_no_price_is_refused() {
        for (text, why) in [
            ("-1e-06", "negative"),
            ("NaN", "no number"),
            ("Infinity", "no number"),
            ("null", "no number"),
            ("\"1e-7\"", "a text"),
            ("1.5e-16", "finer"),
            ("1e-99999", "finer"),
            ("1e99999999999", "no number"),
            ("1e30", "too large"),
            ("1e2147483647", "out of all bounds"),
            ("0.1111111111111111111111111111111111111", "too long"),
        ] {
            let error = billionths(text, 6).expect_err(text);
            assert!(
                error.contains(why) || error.contains("too small"),
                "{error}"
            );
        }
    }
}
