//! Networks of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}
crate::as_text!(Network);

impl Network {
    /// The network of a source, by which strangers are counted: 24 bits of an
    /// IPv4 address, 48 of an IPv6 one.
    #[must_use]
    pub fn of_source(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(it) => Self {
                address: Ipv4Addr::from_bits(it.to_bits() & !0xff).into(),
                length: 24,
            },
            IpAddr::V6(it) => Self {
                address: Ipv6Addr::from_bits(it.to_bits() >> 80 << 80).into(),
                length: 48,
            },
        }
    }

    /// Whether the address is in it. An IPv4 address that came in an IPv6
    /// socket is the IPv4 address that it is.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let (ours, theirs) = (bits(self.address), bits(address.to_canonical()));
        let (Some(ours), Some(theirs)) = (ours.of(&theirs), theirs.of(&ours)) else {
            return false;
        };
        let rest = theirs.width() - u32::from(self.length);
        // A shift by the whole width is none that Rust allows.
        (ours.number() ^ theirs.number())
            .checked_shr(rest)
            .unwrap_or(0)
            == 0
    }
}

/// An address as a number, and how wide it is.
#[derive(Clone, Copy)]
enum Bits {
    V4(u32),
    V6(u128),
}

impl Bits {
    fn number(self) -> u128 {
        match self {
            Self::V4(bits) => u128::from(bits),
            Self::V6(bits) => bits,
        }
    }

    fn width(self) -> u32 {
        match self {
            Self::V4(_) => 32,
            Self::V6(_) => 128,
        }
    }

    /// Itself, if the other is of the same family.
    fn of(self, other: &Self) -> Option<Self> {
        (self.width() == other.width()).then_some(self)
    }
}

fn bits(address: IpAddr) -> Bits {
    match address {
        IpAddr::V4(it) => Bits::V4(it.to_bits()),
        IpAddr::V6(it) => Bits::V6(it.to_bits()),
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no network; write one like `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`"
            )
        };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = bits(address).width();
        let length = match length {
            Some(length) => length.parse().map_err(|_| wrong())?,
            None => width,
        };
        if length > width {
            return Err(wrong());
        }
        let host = bits(address).number() & mask(width - length);
        if host != 0 {
            return Err(format!(
                "`{text}` has bits behind its length of {length}; write the network's first address"
            ));
        }
        Ok(Self {
            address,
            length: length as u8,
        })
    }
}

/// So many ones at the low end.
fn mask(bits: u32) -> u128 {
    1_u128.checked_shl(bits).map_or(u128::MAX, |it| it - 1)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::from(self.length) == bits(self.address).width() {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_networks_that_share_its_first_bits() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().expect(network);
            network.holds(address.parse().expect(address))
        };
        for (network, address) in [
            ("10.0.0.0/8", "10.255.0.1"),
            ("192.0.2.7", "192.0.2.7"),
            ("0.0.0.0/0", "203.0.113.9"),
            ("2001:db8::/32", "2001:db8:ffff::1"),
            ("::/0", "::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3"),
        ] {
            assert!(holds(network, address), "{address} in {network}");
        }
        for (network, address) in [
            ("10.0.0.0/8", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "2001:db8::1"),
            ("2001:db8::/32", "2001:db9::1"),
        ] {
            assert!(!holds(network, address), "{address} in {network}");
        }
    }

    #[test]
    fn a_source_is_counted_by_its_network() {
        let of = |text: &str| Network::of_source(text.parse().expect(text)).to_string();
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2::7"), "2001:db8:1::/48");
    }

    #[test]
    fn networks_read_and_print_the_same_and_bits_behind_the_length_are_a_mistake() {
        for text in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] {
            assert_eq!(text.parse::<Network>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0/8",
            "::1/x",
            "example.com",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
