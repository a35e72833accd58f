//! Values with a unit: `5s`, `32MiB`, `0.15` (dollars), points in time and
//! addresses. Each has one spelling in the file and one type behind it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use domain::as_text;
use domain::money::Rate;
pub use domain::time::Moment;

/// A length of time: `250ms`, `5s`, `10m`, `1h30m`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);
as_text!(Span);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let fix = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
                format!("write `{text}s` for seconds")
            } else {
                "write it like `250ms`, `5s`, `10m` or `1h30m`".to_owned()
            };
            format!("`{text}` is no length of time; {fix}")
        };
        let mut millis: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, after) = rest.split_at(digits);
            let letters = after
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, next) = after.split_at(letters);
            let (_, scale) = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(wrong)?;
            millis = number
                .parse::<u64>()
                .ok()
                .and_then(|n| n.checked_mul(*scale))
                .and_then(|n| n.checked_add(millis))
                .ok_or_else(wrong)?;
            rest = next;
        }
        if text.is_empty() {
            return Err(wrong());
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in UNITS {
            if millis >= scale {
                write!(f, "{}{unit}", millis / scale)?;
                millis %= scale;
            }
        }
        Ok(())
    }
}

/// A number of bytes: `512`, `64KiB`, `32MiB`, `1GiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);
as_text!(Size);

const SIZES: [(&str, usize); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim_start());
        let scale = match unit {
            "" => Some(1),
            unit => SIZES.iter().find(|(u, _)| *u == unit).map(|(_, s)| *s),
        };
        number
            .parse::<usize>()
            .ok()
            .zip(scale)
            .and_then(|(n, scale)| n.checked_mul(scale))
            .map(Self)
            .ok_or_else(|| {
                format!("`{text}` is no number of bytes; write it like `512KiB`, `32MiB` or `1GiB`")
            })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, scale) in &SIZES[..3] {
            if self.0 >= *scale && self.0.is_multiple_of(*scale) {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}", self.0)
    }
}

/// Dollars, read digit by digit: a binary fraction would not be exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usd {
    /// In billionths.
    pub nanos: i64,
}
as_text!(Usd);

impl Usd {
    /// As a price per million tokens.
    pub fn per_million(self) -> Rate {
        Rate(self.nanos)
    }

    /// Reads a decimal, with an exponent if need be, times ten to `shift`.
    pub fn shifted(text: &str, shift: i32) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no amount in US dollars; write it like `0.15`, with nine decimals at most"
            )
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().map_err(|_| wrong())?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: String = format!("{whole}{part}");
        let fraction = i32::try_from(part.len()).map_err(|_| wrong())?;
        if whole.is_empty() || digits.len() > 30 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let value: i128 = digits.parse().map_err(|_| wrong())?;
        let power = exponent
            .checked_add(shift)
            .and_then(|p| p.checked_sub(fraction))
            .and_then(|p| p.checked_add(9))
            .filter(|p| (-30..=30).contains(p))
            .ok_or_else(wrong)?;
        let scale = 10_i128.pow(power.unsigned_abs());
        let nanos = if power >= 0 {
            value.checked_mul(scale)
        } else {
            (value % scale == 0).then_some(value / scale)
        };
        let nanos = nanos
            .and_then(|n| i64::try_from(n).ok())
            .ok_or_else(wrong)?;
        Ok(Self { nanos })
    }
}

impl FromStr for Usd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::shifted(text, 0)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        domain::money::NanoUsd(self.nanos).fmt(f)
    }
}

/// An address to listen on: `127.0.0.1:4000`, `[::1]:4000`, `localhost:4000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);
as_text!(Listen);

impl Listen {
    /// Loopback, until told otherwise.
    pub fn loopback(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(port) = text.strip_prefix("localhost:")
            && let Ok(port) = port.parse()
        {
            return Ok(Self::loopback(port));
        }
        text.parse().map(Self).map_err(|_| {
            let port = text.trim_start_matches([':', '*']);
            let fix = if port.parse::<u16>().is_ok() {
                format!("write `127.0.0.1:{port}` for this machine only, `0.0.0.0:{port}` for all")
            } else {
                "write it like `127.0.0.1:4000` or `[::]:4000`".to_owned()
            };
            format!("`{text}` is no address to listen on; {fix}")
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_and_print_the_same() {
        for text in ["250ms", "5s", "1m30s", "1h", "30d"] {
            assert_eq!(text.parse::<Span>().expect(text).to_string(), text);
        }
        assert!("5".parse::<Span>().expect_err("no unit").contains("`5s`"));
        assert!("".parse::<Span>().is_err());
        assert!("5x".parse::<Span>().is_err());
        assert!("99999999999999999999d".parse::<Span>().is_err());
    }

    #[test]
    fn sizes_read_and_print_the_same() {
        for text in ["32MiB", "1GiB", "512"] {
            assert_eq!(text.parse::<Size>().expect(text).to_string(), text);
        }
        assert_eq!("10MB".parse::<Size>(), Ok(Size(10_000_000)));
        assert!("32 megs".parse::<Size>().is_err());
    }

    #[test]
    fn dollars_are_exact() {
        assert_eq!("0.15".parse::<Usd>().map(|u| u.nanos), Ok(150_000_000));
        assert_eq!("10".parse::<Usd>().map(|u| u.nanos), Ok(10_000_000_000));
        assert_eq!(Usd::shifted("1.5e-07", 6).map(|u| u.nanos), Ok(150_000_000));
        assert_eq!(
            Usd::shifted("0.00000015", 6).map(|u| u.nanos),
            Ok(150_000_000)
        );
        for bad in ["", "-1", "1.2.3", ".5", "1e99", "0.0000000001", "abc"] {
            assert!(bad.parse::<Usd>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_port_alone_is_answered_with_what_to_write() {
        let told = ":4000".parse::<Listen>().expect_err("no host");
        assert!(told.contains("0.0.0.0:4000"), "{told}");
        assert_eq!("localhost:80".parse(), Ok(Listen::loopback(80)));
    }
}
