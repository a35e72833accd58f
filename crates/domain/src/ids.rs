//! Identifiers. Public ones carry a prefix, so that a log line or a support
//! mail says what it names.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Reads a text into its place at once. By way of a `Box<str>`, as serde does
/// it, each is copied twice: the carrier reads a dozen a request.
struct Text;

impl Visitor<'_> for Text {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Arc<str>, E> {
        Ok(text.into())
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether both are the same piece of memory: a quick yes, and a
            /// no that says nothing.
            #[must_use]
            pub fn is_same(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0)
            }

            /// The identifier as a shared string, without copying it.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self("".into())
            }
        }

        // Hash and order are those of the text.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A virtual key's public id, `key_…`. Never the key itself.
    KeyId
);
text_id!(
    /// A tenant's id; `default` where nobody made tenants.
    TenantId
);
text_id!(
    /// A tenant's, team's, app's or user's id: `team_…`, or the path of one that
    /// the file declares.
    PartyId
);
text_id!(
    /// A provider's name as configuration or catalogue spells it.
    ProviderName
);
text_id!(
    /// A deployment's id: `provider/upstream-model`, or as configured.
    DeploymentId
);
text_id!(
    /// A model name that clients may ask for.
    ModelName
);

/// Names one request for ever: unique over restarts, restored folders and
/// cores, because `generation` is random for every start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TicketId {
    /// Random per start of the process.
    pub generation: u64,
    /// The core (event loop) that opened the ticket.
    pub core: u16,
    /// Counts up from 1 within (generation, core).
    pub sequence: u64,
}

impl TicketId {
    /// The id as 16 bytes, big endian: 8 of the generation, 2 of the core,
    /// 6 of the sequence. Sorts like the id within one generation.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.generation.to_be_bytes());
        out[8..10].copy_from_slice(&self.core.to_be_bytes());
        out[10..].copy_from_slice(&self.sequence.to_be_bytes()[2..]);
        out
    }

    /// `req_` and 32 hexadecimal digits: the request id that clients see.
    #[must_use]
    pub fn text(self) -> [u8; 36] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = *b"req_00000000000000000000000000000000";
        for (pair, byte) in out[4..].chunks_exact_mut(2).zip(self.to_bytes()) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        out
    }

    /// The reverse of [`TicketId::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let all = u128::from_be_bytes(bytes);
        Self {
            generation: (all >> 64) as u64,
            core: ((all >> 48) & 0xffff) as u16,
            sequence: (all & 0xffff_ffff_ffff) as u64,
        }
    }
}

impl fmt::Display for TicketId {
    /// As [`TicketId::text`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_id_survives_its_bytes_and_prints_with_its_prefix() {
        let id = TicketId {
            generation: 0xdead_beef,
            core: 3,
            sequence: 77,
        };
        assert_eq!(TicketId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.to_string(), "req_00000000deadbeef000300000000004d");
    }
}
